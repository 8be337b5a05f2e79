"""What Amazon writes into a seller's queue.

Source: amzn/selling-partner-api-models `OrderChangeNotification.json`, read 2026-11-22.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from crossdock_sandbox import clock
from crossdock_sandbox.amazon.store import Seller, Store


class NoticeGiven(BaseModel):
    """`body` replaces the whole notice; `copies` are told under one id, as Amazon may do."""

    model_config = ConfigDict(extra="forbid", strict=True)

    order_id: str | None = None
    copies: int = Field(default=1, ge=1, le=100)
    notification_id: str | None = None
    notification_type: str = "ORDER_CHANGE"
    seller_id: str | None = None
    application_id: str | None = None
    body: str | None = None


def body_of(given: NoticeGiven, seller: Seller, store: Store) -> str:
    """What is written into the queue: of an order as it is now."""
    if given.body is not None:
        return given.body
    order_id = given.order_id or ""
    return json.dumps(_notice(given, seller, order_id, store.order(seller.seller_id, order_id) or {}))


def _notice(given: NoticeGiven, seller: Seller, order_id: str, order: Mapping[str, Any]) -> dict[str, Any]:
    """In the notices' PascalCase and with their words of before: MFN and AFN, Unshipped, ..."""
    now, fulfillment = clock.rfc3339(clock.now()), order.get("fulfillment", {})
    by_amazon = fulfillment.get("fulfilledBy") == "AMAZON"
    status = str(fulfillment.get("fulfillmentStatus", "PENDING")).title().replace("_", "")
    change = {
        "NotificationLevel": "OrderLevel",
        "SellerId": given.seller_id or seller.seller_id,
        "AmazonOrderId": order_id,
        "OrderChangeType": "OrderStatusChange",
        "OrderChangeTrigger": {
            "TimeOfOrderChange": order.get("lastUpdatedTime", now),
            "ChangeReason": "OrderStatusChange",
        },
        "Summary": {
            "MarketplaceId": order.get("salesChannel", {}).get("marketplaceId"),
            "OrderStatus": status,
            "PurchaseDate": order.get("createdTime"),
            "FulfillmentType": "AFN" if by_amazon else "MFN",
            "OrderType": "StandardOrder",
            "OrderItems": [
                {"OrderItemId": one["orderItemId"], "Quantity": one["quantityOrdered"]}
                for one in order.get("orderItems", [])
            ],
        },
    }
    return {
        "NotificationVersion": "1.0",
        "NotificationType": given.notification_type,
        "PayloadVersion": "1.0",
        "EventTime": now,
        "Payload": {"OrderChangeNotification": change},
        "NotificationMetadata": {
            "ApplicationId": given.application_id or seller.application_id,
            "SubscriptionId": "7d78cc50-95c8-4641-add7-10af4b1fedc9",
            "PublishTime": now,
            "NotificationId": given.notification_id or str(uuid4()),
        },
    }

"""The shops' side: what the control API takes, and notices as TikTok sends them."""

import json
import time
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from crossdock_sandbox.tiktok_shop.signing import sign_notice
from crossdock_sandbox.tiktok_shop.store import CANCELLED, Shop, Store
from crossdock_sandbox.webhooks import Delivery, Signature

STATUS_CHANGE = 1

Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Digits = Annotated[str, StringConstraints(pattern=r"^\d{1,30}$")]


class ShopGiven(BaseModel):
    """`POST /_sandbox/shops`: a shop that authorises our app, and the first pair of tokens."""

    model_config = ConfigDict(extra="forbid")

    shop: Digits
    app_key: Text
    app_secret: Text
    shop_cipher: Text
    access_token: Text
    refresh_token: Text
    webhook_url: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=2000)]
    access_token_s: int = Field(default=7 * 86_400, ge=1)
    labels_wait: bool = False
    cancels_wait: bool = False

    def shop_row(self) -> Shop:
        return Shop(**self.model_dump(exclude={"access_token", "refresh_token"}))


class DeliveryGiven(BaseModel):
    """`POST /_sandbox/shops/{shop}/deliveries`: one notice, as it is or spoiled on purpose."""

    model_config = ConfigDict(extra="forbid")

    type: int = STATUS_CHANGE
    order_id: Digits | None = None
    data: dict[str, Any] | None = None  # instead of what the type says of the order
    notification_id: Digits | None = None
    written_at: int | None = Field(default=None, ge=0)
    copies: int = Field(default=1, ge=1, le=100)  # all with the same id
    signature: Signature = Signature.GOOD
    body: str | None = Field(default=None, max_length=1_000_000)  # sent as it is, instead of a notice
    not_before: datetime | None = None


class OrderUnknown(LookupError):
    """The shop has no such order, and no data was given instead."""


def deliveries_of(shop: Shop, store: Store, given: DeliveryGiven) -> list[Delivery]:
    """The copies to send, of the order as it is now. Raises OrderUnknown."""
    notification_id = given.notification_id or store.next_id()
    body = _body(shop, store, given, notification_id)
    headers = {"Content-Type": "application/json"}
    if given.signature is not Signature.MISSING:
        secret = shop.app_secret if given.signature is Signature.GOOD else f"not-{shop.app_secret}"
        headers["Authorization"] = sign_notice(shop.app_key, secret, body)
    delivery = Delivery(
        sender=shop.shop,
        topic=str(given.type),
        reference=given.order_id,
        webhook_id=notification_id,
        url=shop.webhook_url,
        headers=headers,
        body=body,
        not_before=given.not_before.timestamp() if given.not_before else 0.0,
    )
    return [delivery] * given.copies


def _body(shop: Shop, store: Store, given: DeliveryGiven, notification_id: str) -> bytes:
    if given.body is not None:
        return given.body.encode()
    notice = {
        "type": given.type,
        "tts_notification_id": notification_id,
        "shop_id": shop.shop,
        "timestamp": int(time.time()) if given.written_at is None else given.written_at,
        "data": _data(shop, store, given) if given.data is None else given.data,
    }
    return json.dumps(notice, ensure_ascii=False, separators=(",", ":")).encode()


def _data(shop: Shop, store: Store, given: DeliveryGiven) -> dict[str, Any]:
    order = store.order(shop.shop, given.order_id) if given.order_id else None
    if order is None:
        raise OrderUnknown(f"shop {shop.shop} has no order {given.order_id}")
    if given.type != STATUS_CHANGE:
        return {"order_id": order["id"], "update_time": int(time.time())}
    return {
        "is_on_hold_order": order["status"] == "ON_HOLD",
        "order_id": order["id"],
        # Notices have a word of their own for this.
        "order_status": "CANCEL" if order["status"] == CANCELLED else order["status"],
        "update_time": order["update_time"],
    }

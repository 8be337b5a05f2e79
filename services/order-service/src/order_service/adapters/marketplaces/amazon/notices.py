"""Is this notice of this seller's orders, and meant for our application?

Amazon signs none of its notices: that one comes from Amazon is proven by the queue's access policy, which
lets nobody else write into it. A notice is never acted on; the order that it names is fetched.

Source: developer-docs.amazon.com "Set up notifications (Amazon SQS)" and amzn/selling-partner-api-models
`OrderChangeNotification.json`, read 2026-11-22.
"""

import hmac
from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from order_service.adapters.marketplaces.amazon import codes, wire
from order_service.domain.errors import NotAnOrder
from order_service.use_cases.marketplace import Delivery, NotAuthentic, Pointer
from order_service.use_cases.ports import Account

#: The account's option that holds the id of our application with Amazon.
APPLICATION: Final = "application_id"


def verify(account: Account, _: Mapping[str, str], body: bytes) -> Delivery:
    """The envelope of a notice from the account's queue. Raises NotAuthentic, and says no more."""
    try:
        notice = wire.OrderChangeNotice.model_validate_json(body)
    except ValidationError:
        raise NotAuthentic from None
    said, metadata = notice.payload.order_change_notification, notice.notification_metadata
    meant = (
        account.active
        and notice.notification_type == codes.ORDER_CHANGE
        and _same(said.seller_id, account.shop_ref)
        and _same(metadata.application_id, account.options.get(APPLICATION, ""))
    )
    if not meant:
        raise NotAuthentic
    return Delivery(metadata.notification_id, codes.ORDER_CHANGE, {})


def read_notice(body: bytes) -> Pointer | None:
    """The order that the notice names; None when Amazon's own warehouse sends it. Raises NotAnOrder.

    No time of change: what the notice says of the order is not compared with what we know, it is asked.
    """
    try:
        notice = wire.OrderChangeNotice.model_validate_json(body)
    except ValidationError as error:
        raise NotAnOrder(*fields_in(error)) from None
    said = notice.payload.order_change_notification
    return None if said.summary.fulfillment_type == codes.BY_AMAZON else Pointer(said.amazon_order_id)


def fields_in(error: ValidationError) -> list[str]:
    """What is wrong, by field and never by value."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return [f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found[:5]]


def _same(given: str, known: str) -> bool:
    return bool(known) and hmac.compare_digest(given.encode(), known.encode())

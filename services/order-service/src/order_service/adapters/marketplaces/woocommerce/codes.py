"""WooCommerce's words and ours.

Source: the fact sheet's status values, and woocommerce/woocommerce `class-wc-webhook.php` (topics, statuses
that are never sent), read 2026-11-22.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: Topics whose body is the whole order, or (`deleted`) the order's id and nothing else.
DELETED: Final = "order.deleted"
ORDER_TOPICS: Final = frozenset({"order.created", "order.updated", "order.restored", DELETED})
#: Not orders yet: a buyer is at the checkout, or a person is typing one in.
DRAFTS: Final = frozenset({"checkout-draft", "auto-draft", "draft", "new"})
PENDING: Final = "pending"
#: The shop awaits a payment that it cannot see by itself, or keeps back what was paid.
ON_HOLD: Final = "on-hold"
PROCESSING: Final = "processing"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
REFUNDED: Final = "refunded"
#: The status that we set where an order is called off by us.
CANCEL: Final = "cancelled"
#: Called off. Who puts an order into the trash does not want it sent.
CANCELLED: Final = frozenset({CANCEL, "trash"})
#: What may stand in `status` without a plug-in; anything else is parked.
STATUSES: Final = CANCELLED | {PENDING, ON_HOLD, PROCESSING, COMPLETED, FAILED, REFUNDED}
#: WooCommerce says by this code, with status 500, that the payment gateway gives nothing back.
NOT_REFUNDED: Final = "woocommerce_rest_cannot_create_order_refund"
#: Orders that take no tracking number any more.
OVER: Final = CANCELLED | {FAILED, REFUNDED}
#: Our carrier codes as a buyer reads them, where capitals are not enough.
COMPANIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "dhl_ecommerce": "DHL eCommerce",
        "dhl_express": "DHL Express",
        "dpd": "DPD",
        "dpd_uk": "DPD UK",
        "fedex": "FedEx",
        "four_px": "4PX",
        "ups": "UPS",
        "usps": "USPS",
        "yunexpress": "YunExpress",
    }
)

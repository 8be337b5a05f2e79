"""eBay's words and ours.

Source: the marketplace fact sheet's table of the order; developer.ebay.com, Fulfillment API "getOrder",
Trading API "ShippingCarrierCodeType" and Post-Order API "CancelReasonEnum", read 2026-11-22.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from order_service.domain.canonical import FulfilmentStatus, PaymentStatus

#: Topics of notices. eBay tells sellers of no other change of an order: that is polled for.
ORDER_CONFIRMATION: Final = "ORDER_CONFIRMATION"
ACCOUNT_DELETION: Final = "MARKETPLACE_ACCOUNT_DELETION"
#: What the Fulfillment API gives: our own word, since eBay sends no notice with a whole order.
FETCHED: Final = "getOrder"

PAID: Final = "PAID"
PAYMENT: Final[Mapping[str, PaymentStatus]] = MappingProxyType(
    {
        PAID: PaymentStatus.PAID,
        "PENDING": PaymentStatus.PENDING,
        "FAILED": PaymentStatus.VOIDED,
        "PARTIALLY_REFUNDED": PaymentStatus.PARTIALLY_REFUNDED,
        "FULLY_REFUNDED": PaymentStatus.REFUNDED,
    }
)
NOT_STARTED: Final = "NOT_STARTED"
FULFILMENT: Final[Mapping[str, FulfilmentStatus]] = MappingProxyType(
    {
        NOT_STARTED: FulfilmentStatus.UNFULFILLED,
        "IN_PROGRESS": FulfilmentStatus.PARTIAL,
        "FULFILLED": FulfilmentStatus.FULFILLED,
    }
)
CANCELLED: Final = "CANCELED"
CANCEL_UNDER_WAY: Final = "IN_PROGRESS"
#: eBay keeps and pays over a tax collected so; by any other method the seller has to.
KEPT_BY_EBAY: Final = "NET"
#: The one reason of a seller's own that was read. Never that the buyer wished it: eBay judges sellers by it.
CANCEL_REASON: Final = "OUT_OF_STOCK_OR_CANNOT_FULFILL"
#: Our carrier codes to eBay's; YunExpress is in no list that was read.
CARRIERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "four_px": "FourPX",
        "yanwen": "YANWEN",
        "china_post": "ChinaPost",
        "dhl_express": "DHLEXPRESS",
        "dhl_ecommerce": "DHLGlobalMail",
        "fedex": "FedEx",
        "royal_mail": "RoyalMail",
        "ups": "UPS",
        "usps": "USPS",
    }
)

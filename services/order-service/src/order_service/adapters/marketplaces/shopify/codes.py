"""Shopify's status words and ours.

Source: shopify.dev, REST Admin API "Order" (financial_status, fulfillment_status), webhook topics and
GraphQL "FulfillmentTrackingInfo" (company names, case-sensitive), read 2026-11-21.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from order_service.domain.canonical import FulfilmentStatus, PaymentStatus

PAYMENT: Final[Mapping[str, PaymentStatus]] = MappingProxyType(
    {
        "pending": PaymentStatus.PENDING,
        "authorized": PaymentStatus.AUTHORIZED,
        "partially_paid": PaymentStatus.PENDING,
        "paid": PaymentStatus.PAID,
        "partially_refunded": PaymentStatus.PARTIALLY_REFUNDED,
        "refunded": PaymentStatus.REFUNDED,
        "voided": PaymentStatus.VOIDED,
        "expired": PaymentStatus.VOIDED,
    }
)
FULFILMENT: Final[Mapping[str | None, FulfilmentStatus]] = MappingProxyType(
    {
        None: FulfilmentStatus.UNFULFILLED,
        "restocked": FulfilmentStatus.UNFULFILLED,
        "partial": FulfilmentStatus.PARTIAL,
        "fulfilled": FulfilmentStatus.FULFILLED,
    }
)
#: Topics whose body is the whole order. `orders/edited` is a delta that an `orders/updated` follows.
ORDER_TOPICS: Final = frozenset(
    {
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/cancelled",
        "orders/fulfilled",
        "orders/partially_fulfilled",
    }
)
#: Our carrier codes to the names for which Shopify builds tracking links; others go by their own name and a
#: URL.
COMPANIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "anjun": "Anjun Logistics",
        "australia_post": "Australia Post",
        "canada_post": "Canada Post",
        "china_post": "China Post",
        "chukou1": "Chukou1",
        "correios": "Correios",
        "deutsche_post": "Deutsche Post",
        "dhl_ecommerce": "DHL eCommerce",
        "dhl_express": "DHL Express",
        "dpd": "DPD",
        "dpd_uk": "DPD UK",
        "evri": "Evri",
        "fedex": "FedEx",
        "four_px": "4PX",
        "royal_mail": "Royal Mail",
        "ups": "UPS",
        "usps": "USPS",
        "yunexpress": "YunExpress",
    }
)
#: Fulfilment orders that units can still be taken from.
SHIPPABLE: Final = frozenset({"OPEN", "IN_PROGRESS"})
#: Fulfilments that did not come to anything.
FAILED: Final = frozenset({"CANCELLED", "ERROR", "FAILURE"})

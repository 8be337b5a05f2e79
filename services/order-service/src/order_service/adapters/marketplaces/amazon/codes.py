"""Amazon's words and ours.

Source: amzn/selling-partner-api-models `orders_2026-01-01.json` (FulfillmentStatus and what each means) and
`OrderChangeNotification.json`; the carrier names of the order fulfilment feed's schema; all read 2026-11-22.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from order_service.domain.canonical import FulfilmentStatus

#: The topic of a notice, and that under which an order is kept that we asked for.
ORDER_CHANGE: Final = "ORDER_CHANGE"
ORDER: Final = "order"

AMAZON: Final = "AMAZON"
MERCHANT: Final = "MERCHANT"
#: A notice's word for what Amazon's own warehouses send.
BY_AMAZON: Final = "AFN"

#: Neither paid nor addressed yet, and without prices: not orders to us.
PENDING: Final = frozenset({"PENDING_AVAILABILITY", "PENDING"})
CANCELLED: Final = "CANCELLED"
#: Amazon does not let it be sent.
UNFULFILLABLE: Final = "UNFULFILLABLE"
#: What may be sent or was sent. Anything else is held.
FULFILMENT: Final[Mapping[str, FulfilmentStatus]] = MappingProxyType(
    {
        "UNSHIPPED": FulfilmentStatus.UNFULFILLED,
        "PARTIALLY_SHIPPED": FulfilmentStatus.PARTIAL,
        "SHIPPED": FulfilmentStatus.FULFILLED,
    }
)
#: What a search asks for: all that is an order to us.
SEARCHED: Final = (*FULFILMENT, CANCELLED, UNFULFILLABLE)
#: The parts of an order that `read` and the write-back look at.
INCLUDED: Final = (
    "BUYER",
    "RECIPIENT",
    "PROCEEDS",
    "CANCELLATION",
    "FULFILLMENT",
    "PACKAGES",
    "TAX",
    "PAYMENT",
)

ITEM: Final = "ITEM"
SHIPPING: Final = "SHIPPING"
TAX: Final = "TAX"
DISCOUNT: Final = "DISCOUNT"
#: Breakdowns that are neither goods, postage, tax nor discount.
OTHER_CHARGES: Final = ("GIFT_WRAP", "COD_FEE", "DELIVERY_TIP", "OTHER")
#: Amazon owes this tax and keeps it.
FACILITATOR: Final = "MARKETPLACE_FACILITATOR"
REPLACEMENTS: Final = frozenset({"REPLACEMENT_ORIGINAL_ID", "EXCHANGE_ORIGINAL_ID"})

#: Our carrier codes to Amazon's. The names of the feed's schema; that the call takes the same is unconfirmed.
CARRIERS: Final[Mapping[str, str]] = MappingProxyType(
    {"dhl_express": "DHL", "fedex": "FedEx", "royal_mail": "Royal Mail", "ups": "UPS", "usps": "USPS"}
)
OTHER_CARRIER: Final = "Other"
#: Our carrier codes as a buyer reads them, where capitals are not enough.
COMPANIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "four_px": "4PX",
        "dhl_express": "DHL Express",
        "dhl_ecommerce": "DHL eCommerce",
        "fedex": "FedEx",
        "ups": "UPS",
        "usps": "USPS",
        "yunexpress": "YunExpress",
    }
)

#: Marketplaces' currencies, for cancelled orders that say no amount (developer-docs.amazon.com "Marketplace
#: IDs" has the ids).
CURRENCIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ATVPDKIKX0DER": "USD",
        "A2EUQ1WTGCTBG2": "CAD",
        "A1AM78C64UM0Y8": "MXN",
        "A2Q3Y263D00KWC": "BRL",
        "A1F83G8C2ARO7P": "GBP",
        "A1PA6795UKMFR9": "EUR",
        "A13V1IB3VIYZZH": "EUR",
        "APJ6JRA9NG5V4": "EUR",
        "A1RKKUPIHCS9HS": "EUR",
        "A1805IZSGTT6HS": "EUR",
        "AMEN7PMS3EDWL": "EUR",
        "A28R8C7NBKEWEA": "EUR",
        "A2NODRKZP88ZB9": "SEK",
        "A1C3SOZRARQ6R3": "PLN",
        "A33AVAJ2PDY3EV": "TRY",
        "A17E79C6D8DWNP": "SAR",
        "A2VIGQ35RCS4UG": "AED",
        "ARBP9OOSHTCHU": "EGP",
        "AE08WJ6YKNBMC": "ZAR",
        "A21TJRUUN4KGV": "INR",
        "A1VC38T7YXB528": "JPY",
        "A39IBJ37TRP1C6": "AUD",
        "A19VAU5U5O7RUS": "SGD",
    }
)

#: Hosts of the Selling Partner API.
HOSTS: Final[Mapping[str, str]] = MappingProxyType(
    {region: f"https://sellingpartnerapi-{region}.amazon.com" for region in ("na", "eu", "fe")}
)

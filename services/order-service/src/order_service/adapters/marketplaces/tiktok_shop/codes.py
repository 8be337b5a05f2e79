"""TikTok Shop's words and ours.

Source: the fact sheet's tables of notices and order statuses (partner.tiktokshop.com, Partner API 202309),
and for error codes public guides that quote the Partner Center's page "Common errors", read 2026-11-22.
README.md tells what of it is unconfirmed.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from order_service.domain.canonical import FulfilmentStatus

#: The topic of what the order calls answer, which no notice has.
ORDER: Final = "order"
#: The type of a notice about a change of status. What others mean is told by the keys of their data.
STATUS_CHANGE: Final = 1

UNPAID: Final = "UNPAID"
ON_HOLD: Final = "ON_HOLD"
AWAITING_SHIPMENT: Final = "AWAITING_SHIPMENT"
PARTIALLY_SHIPPING: Final = "PARTIALLY_SHIPPING"
AWAITING_COLLECTION: Final = "AWAITING_COLLECTION"
#: Notices say CANCEL where orders and their units say CANCELLED.
CANCELLED: Final = frozenset({"CANCELLED", "CANCEL"})
#: On their way; `AWAITING_COLLECTION` depends on who ships.
FULFILMENT: Final[Mapping[str, FulfilmentStatus]] = MappingProxyType(
    {
        PARTIALLY_SHIPPING: FulfilmentStatus.PARTIAL,
        "IN_TRANSIT": FulfilmentStatus.FULFILLED,
        "DELIVERED": FulfilmentStatus.DELIVERED,
        "COMPLETED": FulfilmentStatus.DELIVERED,
    }
)
#: The money is there, and the order may be sent or was.
READY: Final = frozenset({AWAITING_SHIPMENT, AWAITING_COLLECTION, *FULFILMENT})
STATUSES: Final = READY | CANCELLED | {UNPAID, ON_HOLD}
#: Units of a package that were handed to the platform's or the seller's carrier.
SENT: Final = frozenset({AWAITING_COLLECTION, "IN_TRANSIT", "DELIVERED", "COMPLETED"})

BY_SELLER: Final = "FULFILLMENT_BY_SELLER"
BY_TIKTOK: Final = "FULFILLMENT_BY_TIKTOK"
#: Who issues labels and tracking numbers.
SHIPPED_BY_TIKTOK: Final = "TIKTOK"
#: A package whose shipment nobody has arranged.
TO_FULFILL: Final = "TO_FULFILL"

#: Codes of answers. 36009004 stands for several bad credentials; its message names which.
TOKEN_EXPIRED: Final = frozenset({105002})
BAD_CREDENTIALS: Final = 36009004
TOO_MANY_CALLS: Final = frozenset({36009002})
INTERNAL: Final = frozenset({36009003, 10006402})
ALREADY_SHIPPED: Final = 21011006

#: Names under which the logistics API lists a carrier, where capitals are not enough: letters and digits.
PROVIDERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "four_px": ("4px", "fourpx"),
        "dhl_express": ("dhlexpress", "dhl"),
        "dhl_ecommerce": ("dhlecommerce", "dhl"),
        "royal_mail": ("royalmail",),
        "yunexpress": ("yunexpress", "yuntu"),
    }
)


def plain(name: str) -> str:
    """A carrier's name without what people write differently."""
    return re.sub(r"[\W_]+", "", name.casefold())


def provider_names(carrier: str) -> tuple[str, ...]:
    """The names of our carrier there, the best first."""
    return PROVIDERS.get(carrier, (plain(carrier),))

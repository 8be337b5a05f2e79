"""An order and its parcels as far as messages need them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from notify_service.domain.goods import Line


@dataclass(frozen=True, slots=True)
class Amount:
    """1999, EUR, exponent 2 is 19.99 EUR."""

    amount_minor: int
    currency: str
    exponent: int


@dataclass(frozen=True, slots=True)
class Buyer:
    """Whom to tell. Personal data: never in logs, errors or events."""

    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    locale: str | None = None
    may_write: bool = True


NOBODY = Buyer()


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """As the newest snapshot said; `version` 0 before the first.

    `ever_open`: some snapshot that we have seen was open. `holds` are the newest snapshot's.
    """

    order_id: UUID
    merchant_id: str
    version: int = 0
    state: str = "unknown"
    ever_open: bool = False
    holds: frozenset[str] = frozenset()
    account: str = ""
    order_number: str = ""
    placed_at: datetime | None = None
    total: Amount | None = None
    lines: tuple[Line, ...] = ()
    buyer: Buyer = NOBODY
    personal_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """One box. `contents`: units by line id."""

    parcel_id: UUID
    merchant_id: str
    order_id: UUID
    carrier: str
    service: str
    tracking_number: str
    tracking_url: str | None
    contents: Mapping[UUID, int]
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None


def more_to_come(order: KnownOrder, shipped: Sequence[Parcel]) -> bool:
    """Units are still wanted that none of these parcels holds."""
    left = {line.line_id: line.units for line in order.lines}
    for parcel in shipped:
        for line_id, units in parcel.contents.items():
            left[line_id] = left.get(line_id, 0) - units
    return any(units > 0 for units in left.values())

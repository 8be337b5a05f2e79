"""What can be done to an order of the demo, and what can be waited for. Data: the driver does it."""

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Deliver:
    """The shop changes its order (`change`) and sends a webhook about it. `raw` replaces the order's body."""

    topic: str
    change: str | None = None  # paid, cancelled, address
    copies: int = 1
    signature: str = "good"
    raw: str | None = None
    as_before: bool = False  # the body from before the latest change: a webhook that was overtaken


@dataclass(frozen=True, slots=True)
class Buy:
    """Somebody buys at another marketplace, which tells of it in its own way."""


@dataclass(frozen=True, slots=True)
class Change:
    """The buyer at another marketplace pays or cancels."""

    change: str  # paid, cancelled


@dataclass(frozen=True, slots=True)
class Until:
    """Wait until the order shows all of this, each in its place or further on."""

    status: str | None = None
    hold: str | None = None
    labelled: int | None = None  # parcels that have a label, or had one
    relabelled: bool = False  # the new address is in, and every parcel has a label of it
    shipped_units: int | None = None  # of lines, as the marketplace counts them
    confirmed: int | None = None  # fulfilments in the marketplace's own books
    mailed: int | None = None  # mails in the buyer's mailbox
    asked_carrier: bool = False  # the carrier's own books hold a call about it
    repair: bool = False

    def __str__(self) -> str:
        asked = ((one.name, getattr(self, one.name)) for one in fields(self))
        return ", ".join(f"{name} {value}" for name, value in asked if value not in (None, False))


@dataclass(frozen=True, slots=True)
class Receive:
    """Goods arrive: units by bare SKU name."""

    units: dict[str, int] = field(hash=False)
    note: str = "receipt"


@dataclass(frozen=True, slots=True)
class MapSku:
    """A person says what a marketplace's SKU is."""

    name: str
    components: dict[str, int] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Person:
    """A person's command to order-service: hold, release, cancellation, or a corrected address."""

    command: str
    body: dict[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class HandOver:
    """The warehouse says that every labelled shipment of the order has left."""


@dataclass(frozen=True, slots=True)
class CarrierSlow:
    """From now on the carrier answers late about this order."""

    delay_s: float


Step = Deliver | Buy | Change | Until | Receive | MapSku | Person | HandOver | CarrierSlow

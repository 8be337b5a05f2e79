"""What follows from a decision: what is said to others, asked of carriers, and shown to people."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Wish(StrEnum):
    """What shipping was asked for."""

    CANCEL = "cancel"
    CHANGE = "change"
    WITHDRAW = "withdraw"


class Void(StrEnum):
    """What becomes of the labels behind a cancelled allocation; the later one is the worse."""

    NONE = "none"
    PENDING = "pending"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Labelled:
    shipment_id: UUID
    label_id: UUID


@dataclass(frozen=True, slots=True)
class LabelRequested:
    shipment_id: UUID
    label_id: UUID


@dataclass(frozen=True, slots=True)
class Shipped:
    shipment_id: UUID
    label_id: UUID


@dataclass(frozen=True, slots=True)
class Rejected:
    shipment_id: UUID
    carrier: str | None
    code: str
    field: str | None


@dataclass(frozen=True, slots=True)
class Cancelled:
    wish: Wish
    shipment_ids: tuple[UUID, ...]
    allocation_ids: tuple[UUID, ...]
    pending: tuple[UUID, ...]
    void: Void


@dataclass(frozen=True, slots=True)
class Refused:
    wish: Wish
    shipment_ids: tuple[UUID, ...]
    allocation_ids: tuple[UUID, ...]
    pending: tuple[UUID, ...]
    code: str


@dataclass(frozen=True, slots=True)
class AskBuy:
    shipment_id: UUID
    label_id: UUID


@dataclass(frozen=True, slots=True)
class AskVoid:
    shipment_id: UUID
    label_id: UUID


@dataclass(frozen=True, slots=True)
class AskVoidState:
    """`check` counts up; each is a call of its own, later than the one before."""

    shipment_id: UUID
    label_id: UUID
    check: int


@dataclass(frozen=True, slots=True)
class Tracked:
    """The carrier scanned the parcel; `scan_id` names the scan, `status` is what it says of the parcel."""

    shipment_id: UUID
    label_id: UUID
    scan_id: UUID
    status: str
    raw_code: str
    at: datetime
    city: str | None
    country: str | None


@dataclass(frozen=True, slots=True)
class Troubled:
    """Something on the way needs a person or is late, as of this scan."""

    scan: Tracked


@dataclass(frozen=True, slots=True)
class Delivered:
    shipment_id: UUID
    label_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Returned:
    shipment_id: UUID
    label_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Noted:
    """A line of the timeline; `detail` holds codes and ids, nothing personal."""

    shipment_id: UUID | None
    what: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Raised:
    """Something a person has to see; one open row per (order, code, subject)."""

    code: str
    subject: str
    shipment_id: UUID | None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Cleared:
    code: str
    subject: str


Effect = (
    Labelled
    | LabelRequested
    | Shipped
    | Rejected
    | Cancelled
    | Refused
    | AskBuy
    | AskVoid
    | AskVoidState
    | Tracked
    | Troubled
    | Delivered
    | Returned
    | Noted
    | Raised
    | Cleared
)

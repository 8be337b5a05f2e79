"""What carriers say about a parcel on its way, in one vocabulary. The carrier's own code is always kept."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

MAX_CODE: Final = 64
MAX_TEXT: Final = 500
MAX_PLACE: Final = 255


class Status(StrEnum):
    CREATED = "created"  # the data or the label is known, the carrier has no parcel yet
    ACCEPTED = "accepted"  # the first physical scan
    IN_TRANSIT = "in_transit"  # also after customs have released it
    IN_CUSTOMS = "in_customs"
    CUSTOMS_HOLD = "customs_hold"  # customs need something, or keep it
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERY_FAILED = "delivery_failed"  # an attempt; the carrier still has it
    DELIVERED = "delivered"
    DELAYED = "delayed"  # late, moving, nobody has to do anything
    EXCEPTION = "exception"  # somebody has to act or decide
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"
    DESTROYED = "destroyed"
    CANCELLED = "cancelled"  # before the carrier had it
    EXPIRED = "expired"  # nobody reports any more
    UNKNOWN = "unknown"  # no meaning is known for the code; never guessed


class Kind(StrEnum):
    STATUS = "status"
    INFO = "info"  # never changes the status
    REVERSAL = "reversal"  # takes an earlier scan back


class Reason(StrEnum):
    """Why, beside the status."""

    RECIPIENT_UNAVAILABLE = "recipient_unavailable"
    RECIPIENT_REFUSED = "recipient_refused"
    RECIPIENT_MOVED = "recipient_moved"
    BUSINESS_CLOSED = "business_closed"
    ADDRESS_INCORRECT = "address_incorrect"
    ACCESS_RESTRICTED = "access_restricted"
    RECEPTACLE_FULL = "receptacle_full"
    RECIPIENT_REQUESTED_RESCHEDULE = "recipient_requested_reschedule"
    RECIPIENT_REQUESTED_HOLD = "recipient_requested_hold"
    ID_CHECK_FAILED = "id_check_failed"
    PAYMENT_REQUIRED = "payment_required"
    UNCLAIMED = "unclaimed"
    DUTIES_UNPAID = "duties_unpaid"
    CUSTOMS_DOCUMENTS = "customs_documents"
    CUSTOMS_INSPECTION = "customs_inspection"
    CUSTOMS_PROHIBITED = "customs_prohibited"
    CUSTOMS_SEIZED = "customs_seized"
    CUSTOMS_DELAY = "customs_delay"
    BROKER_CLEARANCE = "broker_clearance"
    SECURITY_INSPECTION = "security_inspection"
    DANGEROUS_GOODS = "dangerous_goods"
    DAMAGED = "damaged"
    MISSING_CONTENTS = "missing_contents"
    MISSORT = "missort"
    CARRIER_DELAY = "carrier_delay"
    MECHANICAL = "mechanical"
    CAPACITY = "capacity"
    WEATHER = "weather"
    NATURAL_DISASTER = "natural_disaster"
    STRIKE = "strike"
    PUBLIC_HOLIDAY = "public_holiday"
    LABEL_PROBLEM = "label_problem"
    DATA_PROBLEM = "data_problem"
    OVERSIZE = "oversize"
    LOST_INVESTIGATION = "lost_investigation"
    INTERCEPTED = "intercepted"
    PICKUP_FAILED = "pickup_failed"
    PARTIAL_DELIVERY = "partial_delivery"
    ABANDONED = "abandoned"
    OTHER = "other"


class Milestone(StrEnum):
    """Passed once; the first time counts."""

    LABEL_CREATED = "label_created"
    PICKUP_SCHEDULED = "pickup_scheduled"
    ACCEPTED_ORIGIN = "accepted_origin"
    ARRIVED_FACILITY = "arrived_facility"
    DEPARTED_FACILITY = "departed_facility"
    EXPORT_CUSTOMS_IN = "export_customs_in"
    EXPORT_CUSTOMS_OUT = "export_customs_out"
    HANDED_TO_LINEHAUL = "handed_to_linehaul"
    DEPARTED_ORIGIN_COUNTRY = "departed_origin_country"
    ARRIVED_TRANSIT_COUNTRY = "arrived_transit_country"
    ARRIVED_DESTINATION_COUNTRY = "arrived_destination_country"
    IMPORT_CUSTOMS_IN = "import_customs_in"
    IMPORT_CUSTOMS_OUT = "import_customs_out"
    HANDED_TO_LAST_MILE = "handed_to_last_mile"
    ARRIVED_DELIVERY_FACILITY = "arrived_delivery_facility"
    ATTEMPT = "attempt"
    AT_PICKUP_POINT = "at_pickup_point"
    DELIVERED = "delivered"
    RETURN_STARTED = "return_started"
    RETURNED = "returned"


class Stretch(StrEnum):
    """The part of the way a scan belongs to, where the carrier tells."""

    FIRST_MILE = "first_mile"
    LINE_HAUL = "line_haul"
    LAST_MILE = "last_mile"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one code of a carrier means. `status` is there exactly for the kind `status`.

    `sure` False: the sources differ, or the code is read by its family; somebody should look at it once.
    `undoes`: of a reversal, the raw codes it takes back; none: the newest status before it.
    """

    kind: Kind
    status: Status | None = None
    reason: Reason | None = None
    milestone: Milestone | None = None
    sure: bool = True
    undoes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.status is not None) is not (self.kind is Kind.STATUS):
            raise ValueError("a status belongs to the kind status, and to no other")
        if self.undoes and self.kind is not Kind.REVERSAL:
            raise ValueError("only a reversal undoes something")


def means(
    status: Status, reason: Reason | None = None, milestone: Milestone | None = None, *, sure: bool = True
) -> Meaning:
    return Meaning(Kind.STATUS, status, reason, milestone, sure)


def undoes(*raw_codes: str, sure: bool = True) -> Meaning:
    return Meaning(Kind.REVERSAL, sure=sure, undoes=raw_codes)


INFO: Final = Meaning(Kind.INFO)
#: Of a code that is in no table. It is logged and counted where scans are taken in.
UNKNOWN: Final = Meaning(Kind.STATUS, Status.UNKNOWN, sure=False)

#: A carrier's codes: what is matched (its field's name) -> code -> meaning.
Codes = Mapping[str, Mapping[str, Meaning]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One tracking event as a carrier's folder gives it.

    `occurred_at` is aware and in UTC; None where the carrier gives no offset, never a guess. `local_time` is
    the time as said, `utc_offset` its offset as said. `country`: ISO 3166-1 alpha-2. `piece`: the carrier's
    number of one box of several, None when the scan is about all of them. `raw_text` may name a person (who
    signed): it is kept apart and erased, and goes into no event and no log.
    """

    tracking_number: str
    raw_code: str
    meaning: Meaning
    local_time: str
    utc_offset: str | None = None
    occurred_at: datetime | None = None
    raw_text: str = ""
    city: str | None = None
    country: str | None = None
    piece: str | None = None
    stretch: Stretch | None = None

    def __post_init__(self) -> None:
        if self.occurred_at is not None and self.occurred_at.utcoffset() is None:
            raise ValueError("occurred_at needs an offset from UTC")
        bounds = {"raw_code": MAX_CODE, "raw_text": MAX_TEXT, "local_time": MAX_CODE, "city": MAX_PLACE}
        for name, most in bounds.items():
            said = getattr(self, name)
            # A NUL, which JSON can carry, is in no text that a database keeps.
            object.__setattr__(self, name, said and said.replace("\0", "")[:most])


def identity_of(scan: Scan) -> bytes:
    """What makes two tellings one scan: number, piece, code, time and place as said, and the text's words."""
    parts = (
        scan.tracking_number,
        scan.piece or "",
        scan.raw_code,
        scan.local_time,
        scan.city or "",
        scan.country or "",
        " ".join(scan.raw_text.split()).casefold(),
    )
    return hashlib.sha256("\x1f".join(parts).encode()).digest()


def oldest_first(scans: Sequence[Scan]) -> tuple[Scan, ...]:
    """Turned around where the carrier tells the newest first: the times as said decide, in ISO 8601."""
    newest_first = len(scans) > 1 and scans[0].local_time > scans[-1].local_time
    return tuple(reversed(scans)) if newest_first else tuple(scans)


def country_or_none(text: str | None) -> str | None:
    """An ISO 3166-1 alpha-2 code as it is; anything else is no country that we know."""
    known = text is not None and len(text) == 2 and text.isascii() and text.isalpha() and text.isupper()
    return text if known else None


def plain_name(carrier: str) -> str:
    """`DHLExpress`, `dhl_express` and `DHL Express` are one."""
    return "".join(one for one in carrier.casefold() if one.isalnum())

"""A label: from the wish to have one to the end of taking it back."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from shipping_service.domain.refusal import Refusal, Remedy


class LabelState(StrEnum):
    ASKED = "asked"  # wanted; at most created at the carrier, which costs nothing
    PAYING = "paying"  # the call that costs money may have been made
    UNKNOWN = "unknown"
    BOUGHT = "bought"
    REJECTED = "rejected"
    DROPPED = "dropped"  # never bought
    VOID_PENDING = "void_pending"
    VOID_SUBMITTED = "void_submitted"  # the carrier answers later
    VOIDED = "voided"
    ABANDONED = "abandoned"  # paid and not given back: a reconciliation task


#: A parcel has at most one label in these states; a unique index holds it.
LIVE: Final = frozenset({LabelState.ASKED, LabelState.PAYING, LabelState.UNKNOWN, LabelState.BOUGHT})

#: The carrier's name on labels that the marketplace issues; nobody but the marketplace takes them back.
MARKETPLACE: Final = "marketplace"


@dataclass(slots=True)
class Label:
    """One attempt to have a label. `number` counts 1, 2, 3 per shipment and is part of our reference.

    `plan_revision`, `label_revision` and `order_version` tell what it was asked for; the leg's may be higher
    by the time the label is there.
    """

    label_id: UUID
    parcel_id: UUID
    number: int
    carrier: str
    service: str
    plan_revision: int
    label_revision: int
    order_version: int
    weight_g: int
    asked_at: datetime
    state: LabelState = LabelState.ASKED
    carrier_ref: str | None = None
    carried_by: str | None = None
    carried_as: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    cost_minor: int | None = None
    cost_currency: str | None = None
    cost_exponent: int | None = None
    tracker_ref: str | None = None
    document_id: UUID | None = None
    bought_at: datetime | None = None
    booked_at: datetime | None = None  # when the carrier first said that it is making the label
    lost_at: datetime | None = None  # when an answer about paying got lost
    refusal_code: str | None = None  # the carrier's, of the last time it said no or could not be reached
    refusal_field: str | None = None
    remedy: Remedy | None = None
    put_off_at: datetime | None = None  # since when the carrier has been saying "later"
    void_checks: int = 0
    void_code: str | None = None
    voided_at: datetime | None = None

    def refused(self, refusal: Refusal) -> None:
        self.refusal_code, self.refusal_field, self.remedy = refusal.code, refusal.field, refusal.remedy

    @property
    def live(self) -> bool:
        return self.state in LIVE


@dataclass(frozen=True, slots=True)
class Paid:
    """What is kept of a bought label besides its documents."""

    carrier_ref: str
    carried_by: str
    carried_as: str
    tracking_number: str
    tracking_url: str | None
    document_id: UUID
    cost_minor: int | None = None
    cost_currency: str | None = None
    cost_exponent: int | None = None
    tracker_ref: str | None = field(default=None)

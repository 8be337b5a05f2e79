"""What the API takes and gives. None of it is personal data; the label documents are."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, model_validator

from shipping_service.domain.consignment import Box
from shipping_service.domain.dispatch import Dispatch, Leg
from shipping_service.domain.label import Label
from shipping_service.domain.leaving import refusal
from shipping_service.domain.leg_table import LegState
from shipping_service.domain.next_steps import next_step, owner
from shipping_service.domain.refusal import Remedy
from shipping_service.domain.rules import Tried

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Code = Annotated[str, Field(min_length=1, max_length=64)]
Service = Annotated[str, Field(min_length=1, max_length=128)]
Grams = Annotated[int, Field(ge=1, le=1_000_000)]
Millimetres = Annotated[int, Field(ge=1, le=10_000)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]
StoredState = Literal[
    "planned",
    "buying",
    "outcome_unknown",
    "labelled",
    "handed_over",
    "cancelling",
    "cancelled",
    "needs_repair",
    "closed",
]


class Given(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ShipmentShort(BaseModel):
    """A line of the list. `exceptions`: how many wait for a person."""

    shipment_id: UUID
    order_id: UUID
    order_number: str | None
    order_state: str | None
    warehouse: str
    state: StoredState
    carrier: str | None
    service: str | None
    tracking_number: str | None
    parcel_status: str | None = Field(description="Where the parcel is, as its carrier tells.")
    trouble_code: str | None
    exceptions: int
    planned_at: datetime
    handed_over_at: datetime | None


class ItemShown(BaseModel):
    allocation_id: UUID
    line_id: UUID
    sku: str
    units: int
    state: str
    weight_g: int | None
    hs_code: str | None
    origin_country: str | None
    unit_value: Decimal | None
    currency: str | None


class TriedShown(BaseModel):
    """One rule that was tried. `because`: matched, the condition that did not hold, or `service_refused` and
    `carrier_unavailable`, which its label explains.
    """

    rule_id: UUID
    name: str
    because: str

    @classmethod
    def of(cls, tried: Tried) -> Self:
        return cls(rule_id=tried.rule_id, name=tried.name, because=tried.because)


class LabelShown(BaseModel):
    """One attempt to have a label; `state` tells of the void as well. `refusal_code`, `refusal_field` and
    `remedy` say why there is none (yet); `put_off_at`: since when the carrier has been saying "later";
    `booked_at`: since when it has been making the label.
    """

    label_id: UUID
    parcel_id: UUID
    number: int
    state: str
    carrier: str
    service: str
    carried_by: str | None
    carried_as: str | None
    label_revision: int
    order_version: int
    weight_g: int
    carrier_ref: str | None
    tracking_number: str | None
    tracking_url: str | None
    cost_minor: int | None
    cost_currency: str | None
    cost_exponent: int | None
    document_id: UUID | None
    asked_at: datetime
    bought_at: datetime | None
    refusal_code: str | None
    refusal_field: str | None
    remedy: Remedy | None
    put_off_at: datetime | None
    booked_at: datetime | None
    void_code: str | None
    voided_at: datetime | None

    @classmethod
    def of(cls, label: Label) -> Self:
        return cls(**{name: getattr(label, name) for name in cls.model_fields})


class DocumentShown(BaseModel):
    """Download it below `documents/`. `erased`: its time is over."""

    document_id: UUID
    label_id: UUID
    kind: str
    media_type: str
    sha256: str
    size_bytes: int
    created_at: datetime
    erased: bool


class OnwardShown(BaseModel):
    """Another number that the parcel goes on under; its scans count for the parcel like those of its own.
    `tracker` null: nobody tells of it.
    """

    tracking_number: str
    carried_by: str | None
    tracker: str | None
    last_error: str | None
    not_subscribed: str | None
    told_at: datetime
    next_poll_at: datetime | None


class ParcelShown(BaseModel):
    """A label's parcel under way. `since`: of the scan it stands on; `heard_at`: of the newest of all.
    `next_poll_at` null: it is not asked about any more. `last_error`, `not_subscribed`: the tracker's codes
    for not answering, and for not pushing news.
    """

    parcel_id: UUID
    label_id: UUID
    tracker: str
    tracking_number: str
    carried_by: str | None
    status: str
    reason: str | None
    since: datetime | None
    heard_at: datetime | None
    last_error: str | None
    not_subscribed: str | None
    next_poll_at: datetime | None
    onward: list[OnwardShown]


class ScanShown(BaseModel):
    """One tracking event. `at`: in UTC, as far as it can be told; `local_time`: as the carrier said it.
    `kind`: status, info (changes nothing) or reversal (takes an earlier one back). `sure` false: what the
    code means is not certain.
    """

    scan_id: UUID
    label_id: UUID
    tracking_number: str
    piece: str | None
    raw_code: str
    kind: str
    status: str | None
    reason: str | None
    milestone: str | None
    sure: bool
    at: datetime
    local_time: str
    utc_offset: str | None
    city: str | None
    country: str | None
    stretch: str | None
    taken_at: datetime


class ExceptionShown(BaseModel):
    """`owner`: whose it is to take the next step."""

    exception_id: UUID
    order_id: UUID
    shipment_id: UUID | None
    code: str
    subject: str
    detail: str | None
    remedy: Remedy | None = Field(description="What mends a rejection.")
    field: str | None = Field(description="What a rejection is about, in our words.")
    raised_at: datetime
    owner: str
    next_step: str

    @classmethod
    def of(cls, row: Any) -> Self:
        remedy = None if row["remedy"] is None else Remedy(row["remedy"])
        return cls(**row, owner=owner(row["code"]), next_step=next_step(row["code"], row["detail"], remedy))


class RefusalShown(BaseModel):
    """Why a carrier refused a label or put it off. `words` are its own and may name a person: handle them so.

    `words_erased`: their time is over.
    """

    label_id: UUID
    carrier: str
    service: str
    code: str
    field: str | None
    remedy: Remedy
    next_step: str
    words: str | None
    words_erased: bool

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(**row, next_step=next_step("shipment_rejected", row["code"], Remedy(row["remedy"])))


class ShipmentShown(BaseModel):
    """Everything about one shipment. `hand_over_blocked`: why it must not leave now; null when it may."""

    shipment_id: UUID
    order_id: UUID
    order_number: str | None
    order_state: str | None
    order_version: int
    label_revision: int
    warehouse: str
    hands_over_itself: bool
    state: StoredState
    carrier: str | None
    service: str | None
    rule_id: UUID | None
    rules_tried: list[TriedShown]
    trouble_code: str | None
    trouble_field: str | None
    trouble_remedy: Remedy | None
    hand_over_blocked: str | None
    planned_at: datetime
    handed_over_at: datetime | None
    items: list[ItemShown]
    labels: list[LabelShown]
    parcels: list[ParcelShown]
    documents: list[DocumentShown]
    exceptions: list[ExceptionShown]

    @classmethod
    def of(cls, dispatch: Dispatch, leg: Leg, parcels: Any, documents: Any, exceptions: Any) -> Self:
        known = dispatch.snapshot
        return cls(
            shipment_id=leg.shipment_id,
            order_id=dispatch.order_id,
            order_number=None if known is None else known.order_number,
            order_state=None if known is None else str(known.state),
            order_version=leg.order_version,
            label_revision=leg.label_revision,
            warehouse=leg.origin.warehouse,
            hands_over_itself=leg.origin.hands_over_itself,
            state=_stored(leg.state),
            carrier=leg.carrier,
            service=leg.service,
            rule_id=leg.rule_id,
            rules_tried=[TriedShown.of(one) for one in leg.tried],
            trouble_code=leg.trouble_code,
            trouble_field=leg.trouble_field,
            trouble_remedy=leg.trouble_remedy,
            hand_over_blocked=refusal(dispatch, leg),
            planned_at=leg.planned_at,
            handed_over_at=leg.handed_over_at,
            items=[_item(leg, index) for index in range(len(leg.items))],
            labels=[LabelShown.of(one) for one in leg.labels],
            parcels=[ParcelShown(**one) for one in parcels],
            documents=[DocumentShown(**one) for one in documents],
            exceptions=[ExceptionShown.of(one) for one in exceptions],
        )


def _stored(state: LegState) -> Any:
    return str(state)


def _item(leg: Leg, index: int) -> ItemShown:
    item = leg.items[index]
    facts = item.packed.facts
    return ItemShown(
        allocation_id=item.allocation_id,
        line_id=item.line_id,
        sku=item.packed.sku,
        units=item.packed.units,
        state=str(item.state),
        weight_g=facts.weight_g,
        hs_code=facts.hs_code,
        origin_country=facts.origin_country,
        unit_value=item.packed.unit_value,
        currency=item.packed.currency,
    )


class TimelineLine(BaseModel):
    n: int
    shipment_id: UUID | None
    at: datetime
    what: str
    detail: str | None
    actor_kind: str
    actor_name: str
    reason: str | None
    cause_event_id: UUID | None
    correlation_id: UUID | None


class HandOverGiven(Given):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"shipment_ids": ["01934f5e-7b1c-7000-8000-000000000031"]}]}
    )

    shipment_ids: tuple[UUID, ...] = Field(min_length=1, max_length=200)


class HandedOverShown(BaseModel):
    """`refused`: why it must not leave, null when it has left (now or before)."""

    shipment_id: UUID
    refused: str | None


class HandOverResult(BaseModel):
    results: list[HandedOverShown]


class BoxGiven(Given):
    """The parcel as measured, outside."""

    weight_g: Grams
    length_mm: Millimetres | None = None
    width_mm: Millimetres | None = None
    height_mm: Millimetres | None = None

    def to_box(self) -> Box:
        return Box(self.weight_g, self.length_mm, self.width_mm, self.height_mm)


class SkuRepairGiven(Given):
    """Facts of one unit, for this shipment alone; correct the SKU itself in inventory-service."""

    weight_g: Grams | None = None
    hs_code: str | None = Field(default=None, pattern=r"^\d{6,10}$")
    origin_country: Country | None = None
    customs_description: str | None = Field(default=None, min_length=1, max_length=255)


class RepairGiven(Given):
    """All optional: an empty repair only tries again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "skus": {"STAND-SLV": {"weight_g": 320, "hs_code": "761699", "origin_country": "CN"}},
                    "reason": "weighed",
                }
            ]
        }
    )

    carrier: Code | None = None
    service: Service | None = None
    box: BoxGiven | None = None
    skus: dict[str, SkuRepairGiven] = Field(default_factory=dict, max_length=100)
    reason: Reason | None = None


class LabelGiven(Given):
    """A label that was bought, as the carrier's portal shows it. `content`: the file in base64."""

    carrier_ref: Code
    carrier: Code
    service: Service
    tracking_number: str = Field(min_length=1, max_length=128)
    tracking_url: str | None = Field(default=None, max_length=2000, pattern=r"^https://")
    media_type: Literal["application/pdf", "image/png", "application/zpl"]
    content: Base64Bytes = Field(min_length=8, max_length=700_000)


class OutcomeGiven(Given):
    """`bought` needs the carrier's id to ask by, or the label itself where the carrier cannot be asked."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"outcome": "not_bought", "reason": "not in the carrier's portal"}]}
    )

    outcome: Literal["bought", "not_bought"]
    carrier_ref: Code | None = None
    label: LabelGiven | None = None
    reason: Reason

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        told = [one for one in (self.carrier_ref, self.label) if one is not None]
        if len(told) != (1 if self.outcome == "bought" else 0):
            raise ValueError("bought needs either carrier_ref or label, not_bought needs neither")
        return self


class ResolutionGiven(Given):
    model_config = ConfigDict(json_schema_extra={"examples": [{"resolution": "the buyer has the parcel"}]})

    resolution: Reason


class CarrierShown(BaseModel):
    """A connected carrier account, without its secrets."""

    code: str
    can_find: bool = Field(description="A label can be looked up after an unknown outcome.")
    can_void: bool
    void_is_async: bool
    jobs_waiting: int
    needs_person: int

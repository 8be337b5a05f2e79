"""What the API takes and gives. Personal data only where a single order is shown to who may read orders."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from order_service.domain.canonical import Address
from order_service.domain.fold import progress
from order_service.domain.holds import HoldReason
from order_service.domain.order import Order, Policy
from order_service.use_cases.ports import Tokens

NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
Name = Annotated[str, Field(pattern=NAME)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Short = Annotated[str, Field(min_length=1, max_length=255)]


class Given(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Why(Given):
    """Every change a person makes has a reason."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the buyer wrote to us"}]})

    reason: str = Field(min_length=1, max_length=500)


class Resolution(Given):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"resolution": "refunded what could not be sent"}]}
    )

    resolution: str = Field(min_length=1, max_length=500, description="what was done")


class Release(Why):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"hold": "manual", "reason": "the buyer confirmed it"}]}
    )

    hold: HoldReason


class ConsigneeGiven(Given):
    name: str | None = Field(default=None, max_length=255)
    company: str | None = Field(default=None, max_length=255)
    lines: tuple[Short, ...] = Field(max_length=5)
    district: str | None = Field(default=None, max_length=255)
    city: str | None = Field(default=None, max_length=255)
    province: str | None = Field(default=None, max_length=255)
    postal_code: str | None = Field(default=None, max_length=32)
    country: Country
    phone: str | None = Field(default=None, max_length=64)

    def address(self) -> Address:
        return Address(**{name: value or None for name, value in self if name != "lines"}, lines=self.lines)


class AddressChange(Why):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reason": "the buyer wrote to us",
                    "consignee": {
                        "name": "Dana Sample",
                        "lines": ["1 New Road"],
                        "city": "Austin",
                        "province": "TX",
                        "postal_code": "78704",
                        "country": "US",
                    },
                }
            ]
        }
    )

    consignee: ConsigneeGiven


class ComponentGiven(Given):
    sku: str = Field(min_length=1, max_length=128)
    units: int = Field(ge=1, le=10_000)


class MapEntry(Given):
    """What one unit of the marketplace's SKU is made of: one of ours, or a kit."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"components": [{"sku": "STAND-SLV", "units": 2}, {"sku": "CABLE-2M", "units": 1}]}]
        }
    )

    components: tuple[ComponentGiven, ...] = Field(min_length=1, max_length=50)


class MapEntryShown(BaseModel):
    external_sku: str
    components: tuple[ComponentGiven, ...]
    updated_at: datetime


class OrderShort(BaseModel):
    order_id: UUID
    account: str
    platform: str
    external_id: str
    order_number: str
    placed_at: datetime
    status: str
    version: int
    hold_reasons: list[str]
    progress: list[str]
    updated_at: datetime


class HoldShown(BaseModel):
    reason: HoldReason
    since: datetime
    detail: str | None


class LineShown(BaseModel):
    line_id: UUID
    external_line_ids: tuple[str, ...]
    external_sku: str | None
    sku: str | None
    title: str
    units_ordered: int
    units_cancelled: int = Field(description="by the marketplace")
    units_given_up: int = Field(description="by a cancel of ours")
    units: int = Field(description="still wanted")
    total_minor: int
    unit_value: str
    kit_sku: str | None
    units_per_kit: int | None


class LegShown(BaseModel):
    allocation_id: UUID
    line_id: UUID
    sku: str
    units: int
    warehouse: str
    state: str


class ParcelShown(BaseModel):
    parcel_id: UUID
    warehouse: str
    carrier: str
    service: str
    tracking_number: str
    tracking_url: str | None
    label_revision: int
    state: str
    last_scan: str | None


class OrderShown(BaseModel):
    """One order with everything known of it."""

    order_id: UUID
    account: str
    platform: str
    shop_ref: str
    external_id: str
    order_number: str
    placed_at: datetime
    status: str
    version: int
    label_revision: int
    progress: list[str]
    holds: list[HoldShown]
    payment: str
    policy: Policy
    ship_by: datetime | None
    reserve_until: datetime | None
    currency: str
    grand_total_minor: int
    cancel_reason: str | None = Field(description="of the cancel that is under way")
    lines: list[LineShown]
    legs: list[LegShown]
    parcels: list[ParcelShown]
    consignee: dict[str, Any] | None = Field(description="personal data")
    buyer: dict[str, Any] = Field(description="personal data")

    @classmethod
    def of(cls, order: Order) -> "OrderShown":
        identity, process, people = order.identity, order.process, order.people
        shown = progress(order.status, order.version, order.label_revision, order.lines, process)
        return cls(
            order_id=identity.order_id,
            account=identity.account,
            platform=identity.platform,
            shop_ref=identity.shop_ref,
            external_id=identity.external_id,
            order_number=identity.order_number,
            placed_at=identity.placed_at,
            status=order.status.value,
            version=order.version,
            label_revision=order.label_revision,
            progress=list(shown),
            holds=[
                HoldShown(reason=one.reason, since=one.since, detail=one.detail)
                for one in process.holds.values()
            ],
            payment=order.content.payment.value,
            policy=order.terms.policy,
            ship_by=order.terms.ship_by,
            reserve_until=process.reserve_until,
            currency=order.content.currency,
            grand_total_minor=order.content.totals.grand_total,
            cancel_reason=process.wish.reason if process.wish else None,
            lines=[LineShown(**asdict(one), units=one.units) for one in order.lines],
            legs=[LegShown(**asdict(one)) for one in process.legs.values()],
            parcels=[ParcelShown.model_validate(asdict(one)) for one in process.parcels.values()],
            consignee=asdict(people.consignee) if people.consignee else None,
            buyer=asdict(people.buyer),
        )


class TimelineEntry(BaseModel):
    n: int
    at: datetime
    what: str
    detail: str | None
    actor_kind: str
    actor_name: str
    reason: str | None
    version: int
    cause_event_id: UUID | None
    correlation_id: UUID | None


class MessageShort(BaseModel):
    message_id: UUID
    account: str
    platform: str
    topic: str
    dedupe_key: str
    received_at: datetime
    state: str
    error: str | None
    order_id: UUID | None
    bytes: int | None = Field(description="size of the body; null once it was erased")


class MessageShown(BaseModel):
    message_id: UUID
    account: str
    platform: str
    topic: str
    state: str
    error: str | None
    order_id: UUID | None
    headers: dict[str, str]
    body: str = Field(description="as it came, or [personal]: see the scope orders:write")


class ObligationShown(BaseModel):
    obligation_id: UUID
    order_id: UUID
    kind: str
    subject: str
    platform: str
    account: str
    state: str
    deadline_at: datetime
    details: dict[str, Any]
    confirmed_ref: str | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime


class ExceptionShown(BaseModel):
    exception_id: UUID
    order_id: UUID
    code: str
    subject: str
    detail: str | None
    owner: str
    next_step: str
    raised_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None


class BackfillGiven(Why):
    """A span of time in which orders changed on the marketplace; `until` is now when it is left out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "its webhooks were off", "since": "2026-11-21T00:00:00Z"}]}
    )

    since: AwareDatetime
    until: AwareDatetime | None = None


class BackfillShown(BaseModel):
    poll_id: UUID
    since: datetime
    until: datetime


class PollShown(BaseModel):
    """What the marketplace is asked again and again, or, as a backfill, for one span."""

    poll_id: UUID
    way: Literal["changes", "backfill", "queue"]
    read_until: datetime = Field(description="what changed before was read")
    ends_at: datetime | None = Field(description="of a backfill: where it is complete")
    found: int = Field(description="orders, or notices, that were listed")
    next_at: datetime | None = Field(description="when it goes on; null: it is complete")
    failures: int = Field(description="in a row")
    last_error: str | None


class TokensGiven(Given):
    """What the platform gave when the seller authorised us; later pairs are bought with `refresh_token`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "access_token": "the token that calls are made with",
                    "expires_at": "2026-11-22T16:00:00Z",
                    "refresh_token": "what buys the next one",
                }
            ]
        }
    )

    access_token: SecretStr
    expires_at: AwareDatetime
    refresh_token: SecretStr | None = None
    refresh_expires_at: AwareDatetime | None = None

    def tokens(self) -> Tokens:
        refresh_token = self.refresh_token
        return Tokens(
            access_token=self.access_token.get_secret_value(),
            expires_at=self.expires_at,
            refresh_token=None if refresh_token is None else refresh_token.get_secret_value(),
            refresh_expires_at=self.refresh_expires_at,
        )


class BacklogShown(BaseModel):
    """What waits because the platform takes only so many calls."""

    operation: str
    jobs: int
    seconds_left: float


class AccountStatus(BaseModel):
    """What the ways in of an account have come to, and what waits."""

    paused: str | None
    refused_because: str | None = Field(description="not null: the account has to be authorised anew")
    tokens_expire_at: datetime | None
    backlog: list[BacklogShown]
    polls: list[PollShown] = Field(description="the newest first")

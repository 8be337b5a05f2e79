"""What the API takes and gives. No personal data: inventory-service has none."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from crossdock_contracts.envelope import Country
from crossdock_contracts.inventory import Battery, HandOver
from inventory_service.domain.catalogue import Sku, Warehouse
from inventory_service.domain.level import SELLABLE
from inventory_service.use_cases.import_csv import LARGEST_NUMBER


def _iana(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is not an IANA time zone")
    return name


Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
SkuText = Annotated[str, Field(min_length=1, max_length=128)]
Short = Annotated[str, Field(min_length=1, max_length=255)]
Condition = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,31}$")]
Millimetres = Annotated[int, Field(ge=1, le=100_000)]
Units = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]


class Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WarehouseGiven(Given):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Shenzhen 1",
                    "address_lines": ["88 Example Road"],
                    "city": "Shenzhen",
                    "province": "Guangdong",
                    "postal_code": "518000",
                    "country": "CN",
                    "phone": "+8675512345678",
                    "time_zone": "Asia/Shanghai",
                    "cut_off": "16:00",
                    "hand_over": "automatic",
                }
            ]
        }
    )

    name: Short
    company: Short | None = None
    address_lines: tuple[Short, ...] = Field(min_length=1, max_length=5)
    city: Short
    province: Short | None = None
    postal_code: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    country: Country
    phone: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    email: Annotated[str, Field(min_length=3, max_length=320)] | None = None
    time_zone: Annotated[str, AfterValidator(_iana)] = Field(description="IANA name")
    cut_off: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="local time HH:MM")
    hand_over: HandOver
    priority: int = Field(default=100, ge=0, le=10_000, description="lower is preferred")
    serves: frozenset[Country] | None = Field(default=None, description="countries; null: every country")
    active: bool = True

    def warehouse(self, code: str) -> Warehouse:
        return Warehouse(code=code, **{**dict(self), "hand_over": self.hand_over.value})


class WarehouseShown(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    code: str
    name: str
    company: str | None
    address_lines: tuple[str, ...]
    city: str
    province: str | None
    postal_code: str | None
    country: str
    phone: str | None
    email: str | None
    time_zone: str
    cut_off: str
    hand_over: HandOver
    priority: int
    serves: frozenset[str] | None
    active: bool


class Warehouses(BaseModel):
    """All of them, most preferred first: there are few."""

    items: list[WarehouseShown]


class SkuGiven(Given):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Phone stand",
                    "weight_g": 320,
                    "hs_code": "761699",
                    "origin_country": "CN",
                    "customs_description": "Aluminium phone stand",
                }
            ]
        }
    )

    title: str = Field(min_length=1, max_length=1000)
    weight_g: int | None = Field(default=None, ge=1, le=10_000_000)
    length_mm: Millimetres | None = None
    width_mm: Millimetres | None = None
    height_mm: Millimetres | None = None
    hs_code: str | None = Field(default=None, pattern=r"^\d{6,10}$")
    origin_country: Country | None = None
    customs_description: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    battery: Battery = Battery.NONE
    active: bool = True

    def as_sku(self, name: str) -> Sku:
        return Sku(sku=name, **{**dict(self), "battery": self.battery.value})


class SkuShown(SkuGiven):
    model_config = ConfigDict(from_attributes=True, extra="ignore", json_schema_extra={})

    sku: str


class LevelShown(BaseModel):
    sku: str
    warehouse: str
    lot: str
    condition: str
    on_hand: int
    reserved: int
    short: int = Field(description="promised units that are not there")
    available_to_promise: int = Field(description="on hand minus reserved; below zero while short")

    @classmethod
    def of(cls, row: Any) -> Self:
        """From a row of `stock_level`."""
        return cls(
            sku=row.sku,
            warehouse=row.warehouse,
            lot=row.lot,
            condition=row.condition,
            on_hand=row.on_hand,
            reserved=row.reserved,
            short=row.short,
            available_to_promise=row.on_hand - row.reserved,
        )


class MovementShown(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    movement_id: UUID
    at: datetime
    kind: str
    sku: str
    warehouse: str
    lot: str
    condition: str
    units: int = Field(description="what `on_hand` grew by")
    reference: str | None
    allocation_id: UUID | None
    actor_kind: str
    actor_name: str
    reason: str | None
    cause_event_id: UUID | None


class ReceiptLineGiven(Given):
    sku: SkuText
    units: Units
    condition: Condition = SELLABLE


class ReceiptGiven(Given):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "warehouse": "SZX1",
                    "reference": "DN-2026-0042",
                    "lines": [{"sku": "STAND-SLV", "units": 100}],
                }
            ]
        }
    )

    warehouse: Code
    reference: str = Field(min_length=1, max_length=128, description="the delivery note; booked once per SKU")
    lines: tuple[ReceiptLineGiven, ...] = Field(min_length=1, max_length=1000)
    reason: str | None = Field(default=None, max_length=500)


class Levels(BaseModel):
    """The touched levels as they stand."""

    items: list[LevelShown]


class AdjustmentGiven(Given):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"warehouse": "SZX1", "sku": "STAND-SLV", "counted": 97, "reason": "yearly count"}]
        }
    )

    warehouse: Code
    sku: SkuText
    condition: Condition = SELLABLE
    counted: int | None = Field(default=None, ge=0, le=LARGEST_NUMBER, description="units there now")
    change: int | None = Field(
        default=None, ge=-LARGEST_NUMBER, le=LARGEST_NUMBER, description="more or fewer"
    )
    reason: str = Field(min_length=1, max_length=500)
    dry_run: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.counted is None) == (self.change is None):
            raise ValueError("give either counted or change")
        return self


class AdjustedShown(BaseModel):
    level: LevelShown
    change: int
    freed: int = Field(description="units taken back from promises nobody was told of")
    asked_back: int = Field(description="units asked back from shipping; short until it answers")
    dry_run: bool


class LineShown(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    line_id: UUID
    sku: str | None
    units: int
    waiting: int


class AllocationShown(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    allocation_id: UUID
    line_id: UUID
    sku: str
    warehouse: str
    units: int
    consumed: int
    state: str
    refused: bool
    created_at: datetime
    ended_at: datetime | None


class OrderShown(BaseModel):
    """What inventory knows of an order. `answered_version` below `seen_version`: held, or being cancelled."""

    model_config = ConfigDict(from_attributes=True)

    order_id: UUID
    state: str
    policy: str
    country: str | None
    placed_at: datetime | None
    ship_by: datetime | None
    reserve_until: datetime | None
    seen_version: int
    answered_version: int
    allocation_version: int
    lines: list[LineShown]
    allocations: list[AllocationShown]


class WaitingShown(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    order_id: UUID
    line_id: UUID
    sku: str
    waiting: int
    ship_by: datetime | None
    placed_at: datetime


class ExceptionShown(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    exception_id: UUID
    kind: str
    order_id: UUID | None
    sku: str | None
    warehouse: str | None
    text: str
    next_step: str
    state: str
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None


class Resolution(Given):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"resolution": "counted the shelf and booked the difference"}]}
    )

    resolution: str = Field(min_length=1, max_length=500, description="what was done")


class LineErrorShown(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    line: int
    column: str | None
    message: str


class ReportShown(BaseModel):
    """`errors` holds the first 200. With any error nothing is written."""

    model_config = ConfigDict(from_attributes=True)

    lines: int
    written: int
    errors: list[LineErrorShown]
    dry_run: bool


class DriftShown(BaseModel):
    sku: str
    warehouse: str
    lot: str
    condition: str
    on_hand: int
    ledger: int = Field(description="sum of the movements")
    reserved: int
    allocated: int = Field(description="outstanding units of live allocations")
    short: int


class Drifts(BaseModel):
    """Empty when every level agrees with the rows it is derived from."""

    items: list[DriftShown]

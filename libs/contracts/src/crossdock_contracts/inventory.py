"""What inventory-service tells: allocation sets of orders, levels of stock, facts of SKUs."""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from crossdock_contracts.envelope import Country, Event, OrderKeyed, Record, Sku, Timestamp
from crossdock_contracts.orders import FulfilmentPolicy

SOURCE = "/crossdock/inventory"


class HandOver(StrEnum):
    AUTOMATIC = "automatic"  # a label counts as handed over as soon as it is bought
    MANUAL = "manual"  # the warehouse says when


class Battery(StrEnum):
    NONE = "none"
    CONTAINED = "contained"  # built in (UN 3481 PI 967 and the like)
    PACKED_WITH = "packed_with"
    LOOSE = "loose"


class Place(Record):
    """A business address of the seller: not personal data."""

    name: str = Field(max_length=255)
    company: str | None = Field(default=None, max_length=255)
    lines: tuple[str, ...]
    city: str = Field(max_length=255)
    province: str | None = Field(default=None, max_length=255)
    postal_code: str | None = Field(default=None, max_length=32)
    country: Country
    phone: str | None = Field(default=None, max_length=64)
    email: str | None = Field(default=None, max_length=320)


class WarehouseFacts(Record):
    """The warehouse as used for this order. `cut_off` is local time: later hand-overs leave the next day."""

    warehouse: str = Field(min_length=1, max_length=64)
    address: Place
    time_zone: str = Field(max_length=64, description="IANA name")
    cut_off: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    hand_over: HandOver


class SkuFacts(Record):
    """What weighing, packing and customs need of one unit. Null means nobody has said it yet."""

    sku: Sku
    title: str = Field(max_length=1000)
    weight_g: int | None = Field(default=None, ge=1)
    length_mm: int | None = Field(default=None, ge=1)
    width_mm: int | None = Field(default=None, ge=1)
    height_mm: int | None = Field(default=None, ge=1)
    hs_code: str | None = Field(default=None, pattern=r"^\d{6,10}$")
    origin_country: Country | None = None
    customs_description: str | None = Field(default=None, max_length=255)
    battery: Battery = Battery.NONE


class Allocation(Record):
    """The firm choice of a warehouse for units of one line. The id never changes and is never used again."""

    allocation_id: UUID
    line_id: UUID
    sku: Sku
    units: int = Field(ge=1)
    warehouse: str = Field(min_length=1, max_length=64)


class UnfilledReason(StrEnum):
    NO_STOCK = "no_stock"
    UNKNOWN_SKU = "unknown_sku"
    NO_WAREHOUSE = "no_warehouse"  # none serves the destination
    WITHDRAWING = "withdrawing"  # units of an older allocation have to come back first


class Unfilled(Record):
    line_id: UUID
    sku: Sku | None
    units: int = Field(ge=1)
    reason: UnfilledReason
    waiting: bool = Field(description="true: arriving stock fills it without being asked")


class StockAnswer(OrderKeyed):
    """Each order version that is not held is answered exactly once; later sets repeat the newest version."""

    SOURCE: ClassVar[str] = SOURCE

    order_version: int = Field(ge=1, description="the order version this answers")


class StockReservedV1(StockAnswer):
    """The whole allocation set of an order, complete or not; a reader keeps the one with the highest version.

    From here on the units end in two ways only: `parcel.shipped` consumes them, `shipment.cancelled` frees
    them. `withdrawn_allocation_ids` asks shipping to cancel legs that this set no longer wants.
    """

    TYPE: ClassVar[str] = "crossdock.stock.reserved.v1"
    TOPIC: ClassVar[str] = "stock.reserved"

    allocation_version: int = Field(ge=1)
    policy: FulfilmentPolicy
    complete: bool
    allocations: tuple[Allocation, ...]
    withdrawn_allocation_ids: tuple[UUID, ...] = ()
    unfilled: tuple[Unfilled, ...]
    warehouses: tuple[WarehouseFacts, ...]
    skus: tuple[SkuFacts, ...]


class StockRejectedV1(StockAnswer):
    """Nothing is promised to this order version."""

    TYPE: ClassVar[str] = "crossdock.stock.rejected.v1"
    TOPIC: ClassVar[str] = "stock.rejected"

    unfilled: tuple[Unfilled, ...]


class ReleaseCause(StrEnum):
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # unpaid for too long
    NOTHING_HELD = "nothing_held"  # there was nothing to release, said all the same


class StockReleasedV1(StockAnswer):
    """Units of this order are available to promise again, or there were none to release."""

    TYPE: ClassVar[str] = "crossdock.stock.released.v1"
    TOPIC: ClassVar[str] = "stock.released"

    released_because: ReleaseCause
    released_allocation_ids: tuple[UUID, ...]
    still_allocated: tuple[Allocation, ...] = ()


class StockLevelChangedV1(Event):
    """A level as it stands. `aggregate_version` counts per (merchant, SKU)."""

    TYPE: ClassVar[str] = "crossdock.stock.level_changed.v1"
    TOPIC: ClassVar[str] = "stock.level_changed"
    SOURCE: ClassVar[str] = SOURCE

    sku: Sku
    warehouse: str = Field(min_length=1, max_length=64)
    lot: str = Field(default="-", max_length=64)
    condition: str = Field(default="sellable", max_length=32)
    on_hand: int = Field(ge=0)
    reserved: int = Field(ge=0)
    short: int = Field(ge=0)
    available_to_promise: int
    as_of: Timestamp

    @property
    def key(self) -> str:
        return self.sku


class SkuChangedV1(Event):
    """The newest facts of a SKU. `aggregate_version` counts per (merchant, SKU), shared with its levels."""

    TYPE: ClassVar[str] = "crossdock.sku.changed.v1"
    TOPIC: ClassVar[str] = "sku.changed"
    SOURCE: ClassVar[str] = SOURCE

    facts: SkuFacts
    active: bool

    @property
    def key(self) -> str:
        return self.facts.sku

"""The orders, levels and catalogue that one transaction has locked and read, and what it changes of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from inventory_service.domain.allocation import Allocation
from inventory_service.domain.because import Because
from inventory_service.domain.catalogue import Sku, Warehouse
from inventory_service.domain.level import NO_LOT, SELLABLE, Level, LevelKey
from inventory_service.domain.order import Order

#: (merchant, sku)
SkuKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Movement:
    """One row of the ledger: what a level's `on_hand` grew by (negative: shrank)."""

    key: LevelKey
    kind: str  # receipt, adjustment, shipped, return
    units: int
    because: Because
    reference: str | None = None
    allocation_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surprise:
    """Something a person has to look at. No personal data. (kind, reference) is opened once."""

    kind: str
    reference: str
    merchant_id: str
    text: str
    next_step: str
    order_id: UUID | None = None
    sku: str | None = None
    warehouse: str | None = None
    cause_event_id: UUID | None = None


@dataclass(slots=True)
class Book:
    """Everything here is locked: orders by their rows, levels by the row of their SKU.

    `freed` are the SKUs of which units came to ATP and somebody else may be waiting; `touched` are the levels
    that were written.
    """

    warehouses: dict[str, Sequence[Warehouse]] = field(
        default_factory=dict
    )  # by merchant, most preferred first
    skus: dict[SkuKey, Sku] = field(default_factory=dict)
    levels: dict[LevelKey, Level] = field(default_factory=dict)
    orders: dict[UUID, Order] = field(default_factory=dict)
    new_allocations: list[Allocation] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    surprises: list[Surprise] = field(default_factory=list)
    freed: set[SkuKey] = field(default_factory=set)
    touched: set[LevelKey] = field(default_factory=set)
    _serving: dict[tuple[str, str | None], Sequence[str]] = field(default_factory=dict)

    def serving(self, merchant_id: str, country: str | None) -> Sequence[str]:
        """Codes of the warehouses that may fill an order to `country`, most preferred first."""
        known = self._serving.get((merchant_id, country))
        if known is None:
            known = [one.code for one in self.warehouses.get(merchant_id, ()) if one.can_serve(country)]
            self._serving[merchant_id, country] = known
        return known

    def is_sold(self, merchant_id: str, sku: str) -> bool:
        known = self.skus.get((merchant_id, sku))
        return known is not None and known.active

    def available(self, merchant_id: str, warehouse: str, sku: str) -> int:
        """Units that may be promised; none of a SKU that is not sold (any more)."""
        level = self.levels.get(LevelKey(merchant_id, sku, warehouse, NO_LOT, SELLABLE))
        return level.available if level is not None and self.is_sold(merchant_id, sku) else 0

    def level(self, key: LevelKey) -> Level:
        """The level, empty when nothing was ever there."""
        found = self.levels.get(key)
        if found is None:
            found = self.levels[key] = Level(key, new=True)
        return found

    def allocate(self, order: Order, allocation: Allocation) -> None:
        """Promise the units and hand them to the order. Raises NotEnough."""
        self.level(allocation.key).promise(allocation.units)
        order.allocations.append(allocation)
        self.new_allocations.append(allocation)

    def free(self, key: LevelKey, units: int) -> None:
        self.level(key).free(units)
        self.freed.add((key.merchant_id, key.sku))

    def move(self, movement: Movement) -> None:
        """Book a movement: the ledger and the level change together."""
        self.level(movement.key).book(movement.units)
        self.movements.append(movement)

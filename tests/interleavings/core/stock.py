"""inventory-service's tables in memory: the ports of its use cases, with the database's own checks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from crossdock_contracts.envelope import Cause
from inventory_service.domain.allocation import KEPT, Allocation, AllocationState
from inventory_service.domain.because import Because
from inventory_service.domain.book import Book, Movement, SkuKey
from inventory_service.domain.catalogue import Sku, Warehouse
from inventory_service.domain.drift import Drift
from inventory_service.domain.level import NO_LOT, SELLABLE, Level, LevelKey
from inventory_service.domain.order import WANTING, Line, Order, OrderState
from inventory_service.use_cases.publish_levels import publish_levels
from inventory_service.use_cases.settle_arrivals import Arrivals, settle_arrivals

from .memory import NewId, Rows, Table, Transaction

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(kw_only=True)
class StockRows(Rows):
    orders: Table[UUID, Order] = field(default_factory=Table)  # with lines and allocations
    levels: Table[LevelKey, Level] = field(default_factory=Table)
    movements: list[Movement] = field(default_factory=list)
    streams: dict[SkuKey, int] = field(default_factory=dict)
    skus: dict[SkuKey, Sku] = field(default_factory=dict)
    warehouses: dict[tuple[str, str], Warehouse] = field(default_factory=dict)
    exceptions: dict[tuple[str, str, str], UUID | None] = field(default_factory=dict)  # -> the order's id

    def warehouses_of(self, merchant_id: str) -> list[Warehouse]:
        found = [one for (merchant, _), one in self.warehouses.items() if merchant == merchant_id]
        return sorted(found, key=lambda one: (one.priority, one.code))


class Books:
    """See `inventory_service.use_cases.ports.Books`."""

    def __init__(self, rows: StockRows, book: Book) -> None:
        self._rows = rows
        self._book = book

    async def lock_orders(self, merchants: Mapping[UUID, str]) -> None:
        for order_id, merchant_id in merchants.items():
            self._book.orders[order_id] = self._rows.orders.get(order_id) or Order(order_id, merchant_id)

    async def lock_skus(self, keys: Collection[SkuKey]) -> None:
        for key in keys:
            self._rows.streams.setdefault(key, 0)
        for level in self._rows.levels.values():
            if (level.key.merchant_id, level.key.sku) in keys:
                self._book.levels[level.key] = level
        self._read_facts(keys)

    async def lock_waiting(self, keys: Collection[SkuKey], limit: int) -> Sequence[tuple[Order, Line]]:
        found = [
            (order, line)
            for order in self._rows.orders.values()
            if order.state in WANTING
            for line in order.lines.values()
            if line.waiting and line.sku is not None and (order.merchant_id, line.sku) in keys
            if self._can_be_filled(order, line.sku)
        ]
        found.sort(
            key=lambda one: (
                one[0].ship_by or NEVER,
                one[0].placed_at or NEVER,
                one[0].order_id,
                one[1].position,
            )
        )
        self._read_missing({order.order_id for order, _ in found[:limit]})
        orders = self._book.orders
        return [
            (orders[order.order_id], orders[order.order_id].lines[line.line_id])
            for order, line in found[:limit]
        ]

    def _can_be_filled(self, order: Order, sku: str) -> bool:
        serving = {
            one.code for one in self._rows.warehouses_of(order.merchant_id) if one.can_serve(order.country)
        }
        return any(
            level.on_hand > level.reserved
            for level in self._rows.levels.values()
            if level.key.merchant_id == order.merchant_id and level.key.sku == sku
            if level.key.warehouse in serving and (level.key.lot, level.key.condition) == (NO_LOT, SELLABLE)
        )

    async def lock_promised(self, key: LevelKey, limit: int) -> Sequence[tuple[Order, Allocation]]:
        found = [
            (order, one)
            for order in self._rows.orders.values()
            if order.state in WANTING
            for one in order.allocations
            if one.key == key and one.state in KEPT and not one.refused
        ]
        found.reverse()  # the newest first
        found.sort(key=lambda pair: pair[0].ship_by or NEVER, reverse=True)
        found.sort(key=lambda pair: pair[1].state is AllocationState.PUBLISHED)
        self._read_missing({order.order_id for order, _ in found[:limit]})
        known = {one.allocation_id: one for order in self._book.orders.values() for one in order.allocations}
        return [(self._book.orders[order.order_id], known[one.allocation_id]) for order, one in found[:limit]]

    async def asked_back(self, key: LevelKey) -> int:
        stopping = {OrderState.CANCELLING, OrderState.CANCELLED}
        return sum(
            one.outstanding
            for order in self._rows.orders.values()
            for one in order.allocations
            if one.key == key and not one.refused
            if one.state is AllocationState.WITHDRAWING
            or (one.state is AllocationState.PUBLISHED and order.state in stopping)
        )

    async def waited_for(self, merchant_id: str, warehouse: str, limit: int) -> Sequence[SkuKey]:
        waiting = {
            line.sku for order in self._rows.orders.values() for line in order.lines.values() if line.waiting
        }
        return [
            (level.key.merchant_id, level.key.sku)
            for level in self._rows.levels.values()
            if level.key.warehouse == warehouse and level.on_hand > level.reserved
            if level.key.sku in waiting and level.key.condition == SELLABLE
        ][:limit]

    async def booked_before(self, kind: str, references: Collection[str]) -> set[tuple[str, UUID]]:
        return {
            (one.reference, one.allocation_id)
            for one in self._rows.movements
            if one.kind == kind and one.reference in references
            if one.reference is not None and one.allocation_id is not None
        }

    async def received_before(
        self, merchant_id: str, references: Collection[str]
    ) -> set[tuple[str, LevelKey]]:
        return {
            (one.reference, one.key)
            for one in self._rows.movements
            if one.kind == "receipt" and one.reference in references and one.reference is not None
        }

    async def next_versions(self, events: Mapping[SkuKey, int]) -> Mapping[SkuKey, int]:
        first = {key: self._rows.streams[key] + 1 for key in events}
        for key, count in events.items():
            self._rows.streams[key] += count
        return first

    async def save(self) -> None:
        book = self._book
        for order in book.orders.values():
            for one in order.allocations:
                if one.state is not one.stored_state:
                    self._rows.timeline.append(
                        f"{one.units} {one.key.sku} at {one.key.warehouse}: {one.state}"
                    )
                one.stored_state, one.changed = one.state, False
            order.changed = False
            order.changed_lines.clear()
            self._rows.orders.put(order.order_id, order)
        book.new_allocations.clear()
        for level in book.levels.values():
            if level.changed:
                assert min(level.on_hand, level.reserved, level.short) >= 0, f"the database refuses {level}"
                assert level.reserved <= level.on_hand + level.short, f"the database refuses {level}"
                level.written()
                book.touched.add(level.key)
                self._rows.levels.put(level.key, level)
        self._rows.movements += book.movements
        self._rows.timeline += [
            f"{one.units:+} {one.key.sku} at {one.key.warehouse}: {one.kind}" for one in book.movements
        ]
        book.movements.clear()
        for surprise in book.surprises:
            key = (surprise.merchant_id, surprise.kind, surprise.reference)
            self._rows.exceptions[key] = surprise.order_id
            self._rows.timeline.append(f"exception {surprise.kind}: {surprise.text}")
        book.surprises.clear()

    def _read_missing(self, ids: Collection[UUID]) -> None:
        for order_id in ids:
            found = self._rows.orders.get(order_id)
            if order_id not in self._book.orders and found is not None:
                self._book.orders[order_id] = found
                named = {one.key.sku for one in found.allocations}
                named |= {line.sku for line in found.lines.values() if line.sku}
                self._read_facts({(found.merchant_id, sku) for sku in named})

    def _read_facts(self, keys: Collection[SkuKey]) -> None:
        for key in keys:
            if key in self._rows.skus:
                self._book.skus[key] = self._rows.skus[key]
            if key[0] not in self._book.warehouses:
                self._book.warehouses[key[0]] = self._rows.warehouses_of(key[0])


class Catalogue:
    def __init__(self, rows: StockRows) -> None:
        self._rows = rows

    async def put_warehouse(self, merchant_id: str, warehouse: Warehouse, because: Because) -> None:
        self._rows.warehouses[merchant_id, warehouse.code] = warehouse

    async def put_skus(self, merchant_id: str, skus: Sequence[Sku], because: Because) -> None:
        self._rows.skus |= {(merchant_id, one.sku): one for one in skus}

    async def warehouses(self, merchant_id: str) -> Sequence[Warehouse]:
        return self._rows.warehouses_of(merchant_id)

    async def skus(self, merchant_id: str, skus: Collection[str]) -> Mapping[str, Sku]:
        return {
            one: self._rows.skus[merchant_id, one] for one in skus if (merchant_id, one) in self._rows.skus
        }


class Exceptions:
    async def resolve(self, merchant_id: str, exception_id: UUID, *, by: str, resolution: str) -> bool:
        return False


class Drifts:
    async def differences(self, merchant_id: str, limit: int) -> Sequence[Drift]:
        return []


class StockTransaction(Transaction[StockRows]):
    """What arrived is settled, and levels are published, by the last steps before the commit."""

    def __init__(self, rows: StockRows, now: datetime, cause: Cause, ids: NewId) -> None:
        super().__init__(rows, now, cause, ids)
        self.arrivals = Arrivals()
        self.book = Book()
        self.books = Books(rows, self.book)
        self.catalogue = Catalogue(rows)
        self.exceptions = Exceptions()
        self.drifts = Drifts()

    async def flush(self) -> None:
        if self.arrivals:
            await settle_arrivals(self.arrivals, tx=self)
        await publish_levels(tx=self)
        await super().flush()

"""Locking and reading a transaction's book, in few statements however many orders and SKUs there are."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from inventory_service.domain.allocation import Allocation, AllocationState
from inventory_service.domain.book import Book, SkuKey
from inventory_service.domain.level import Level, LevelKey
from inventory_service.domain.order import Line, Order, OrderState, Policy
from inventory_service.persistence import catalogue
from inventory_service.persistence.arrays import INTS, TEXTS, UUIDS, statement
from inventory_service.persistence.saving import UNSAVED, save_book

# An upsert whose update never happens: it makes the missing rows and locks the others, in the order given.
_LOCK_ORDERS = statement(
    """
    insert into stock_order (order_id, merchant_id)
    select order_id, merchant_id from unnest(:ids, :merchants) as v (order_id, merchant_id) order by order_id
    on conflict (order_id) do update set seen_version = excluded.seen_version where false
    returning order_id
    """,
    ids=UUIDS,
    merchants=TEXTS,
)

_LOCK_SKUS = statement(
    """
    insert into sku_stream (merchant_id, sku)
    select merchant_id, sku from unnest(:merchants, :skus) as v (merchant_id, sku) order by merchant_id, sku
    on conflict (merchant_id, sku) do update set version = excluded.version where false
    """,
    merchants=TEXTS,
    skus=TEXTS,
)

_ORDERS = statement(
    """
    select order_id, merchant_id, seen_version, state, policy, country, placed_at, ship_by, reserve_until,
           expired, answered_version, cancel_version, aggregate_version, allocation_version
    from stock_order where order_id = any(:ids)
    """,
    ids=UUIDS,
)

_LINES = statement(
    """
    select order_id, line_id, position, sku, units, waiting from order_line where order_id = any(:ids)
    order by order_id, position
    """,
    ids=UUIDS,
)

_ALLOCATIONS = statement(
    """
    select allocation_id, order_id, line_id, merchant_id, sku, warehouse, units, consumed, state, refused
    from allocation where order_id = any(:ids) order by created_at, allocation_id
    """,
    ids=UUIDS,
)

_LEVELS = statement(
    """
    select l.merchant_id, l.sku, l.warehouse, l.lot, l.condition, l.on_hand, l.reserved, l.short
    from unnest(:merchants, :skus) as v (merchant_id, sku) join stock_level l using (merchant_id, sku)
    """,
    merchants=TEXTS,
    skus=TEXTS,
)

# Only lines that some warehouse can really fill, so that those nobody can serve do not stand in the way.
_LOCK_WAITING = statement(
    """
    select l.order_id, l.line_id
    from unnest(:merchants, :skus) as v (merchant_id, sku)
    join order_line l using (merchant_id, sku)
    join stock_order o on o.order_id = l.order_id
    where l.waiting > 0 and o.state in ('open', 'held') and exists (
        select from stock_level s
        join warehouse w on w.merchant_id = s.merchant_id and w.code = s.warehouse
        where s.merchant_id = l.merchant_id and s.sku = l.sku and s.lot = '-' and s.condition = 'sellable'
          and s.on_hand > s.reserved
          and w.active and (w.serves is null or o.country is null or o.country = any(w.serves))
    )
    order by l.ship_by nulls last, l.placed_at, l.order_id, l.position
    limit :limit
    for no key update of o, l skip locked
    """,
    merchants=TEXTS,
    skus=TEXTS,
)

_LOCK_PROMISED = statement(
    """
    select a.order_id, a.allocation_id
    from allocation a join stock_order o on o.order_id = a.order_id
    where a.merchant_id = :merchant_id and a.sku = :sku and a.warehouse = :warehouse
      and a.state in ('reserved', 'published') and not a.refused and o.state in ('open', 'held')
    order by a.state = 'published', o.ship_by desc nulls first, a.created_at desc, a.allocation_id desc
    limit :limit
    for no key update of o, a skip locked
    """
)

_ASKED_BACK = statement(
    """
    select coalesce(sum(a.units - a.consumed), 0)
    from allocation a join stock_order o on o.order_id = a.order_id
    where a.merchant_id = :merchant_id and a.sku = :sku and a.warehouse = :warehouse and not a.refused
      and (a.state = 'withdrawing' or (a.state = 'published' and o.state in ('cancelling', 'cancelled')))
    """
)

_WAITED_FOR = statement(
    """
    select merchant_id, sku from stock_level s
    where merchant_id = :merchant_id and warehouse = :warehouse and lot = '-' and condition = 'sellable'
      and on_hand > reserved and exists (
          select from order_line l where l.merchant_id = s.merchant_id and l.sku = s.sku and l.waiting > 0)
    order by sku limit :limit
    """
)

_BOOKED = statement(
    """
    select reference, allocation_id from stock_movement
    where kind = :kind and kind in ('shipped', 'return') and reference = any(:references)
    """,
    references=TEXTS,
)

_RECEIVED = statement(
    """
    select reference, merchant_id, sku, warehouse, lot, condition from stock_movement
    where kind = 'receipt' and merchant_id = :merchant_id and reference = any(:references)
    """,
    references=TEXTS,
)

_NEXT_VERSIONS = statement(
    """
    update sku_stream s
    set version = greatest(s.version, (select version_floor from restore_epoch)) + v.events
    from unnest(:merchants, :skus, :events) as v (merchant_id, sku, events)
    where s.merchant_id = v.merchant_id and s.sku = v.sku
    returning s.merchant_id, s.sku, s.version - v.events + 1
    """,
    merchants=TEXTS,
    skus=TEXTS,
    events=INTS,
)


class Books:
    """See `use_cases.ports.Books`."""

    def __init__(self, connection: AsyncConnection, book: Book) -> None:
        self._connection = connection
        self._book = book

    async def lock_orders(self, merchants: Mapping[UUID, str]) -> None:
        ids = list(merchants)
        values = {"ids": ids, "merchants": list(merchants.values())}
        new = set((await self._connection.execute(_LOCK_ORDERS, values)).scalars())
        for order_id in new:
            self._book.orders[order_id] = Order(order_id, merchants[order_id])
        await self._read_orders([one for one in ids if one not in new])

    async def lock_skus(self, keys: Collection[SkuKey]) -> None:
        if not keys:
            return
        values = _pairs(keys)
        await self._connection.execute(_LOCK_SKUS, values)
        for row in await self._connection.execute(_LEVELS, values):
            stored = (row.on_hand, row.reserved, row.short)
            key = LevelKey(row.merchant_id, row.sku, row.warehouse, row.lot, row.condition)
            self._book.levels[key] = Level(key, *stored, stored=stored)
        await self._read_facts(keys)

    async def lock_waiting(self, keys: Collection[SkuKey], limit: int) -> Sequence[tuple[Order, Line]]:
        values = {**_pairs(keys), "limit": limit}
        found = [tuple(row) for row in await self._connection.execute(_LOCK_WAITING, values)]
        await self._read_missing({order_id for order_id, _ in found})
        orders = self._book.orders
        return [(orders[order_id], orders[order_id].lines[line_id]) for order_id, line_id in found]

    async def lock_promised(self, key: LevelKey, limit: int) -> Sequence[tuple[Order, Allocation]]:
        values = {"merchant_id": key.merchant_id, "sku": key.sku, "warehouse": key.warehouse, "limit": limit}
        found = [tuple(row) for row in await self._connection.execute(_LOCK_PROMISED, values)]
        await self._read_missing({order_id for order_id, _ in found})
        known = {one.allocation_id: one for order in self._book.orders.values() for one in order.allocations}
        return [(self._book.orders[order_id], known[allocation_id]) for order_id, allocation_id in found]

    async def asked_back(self, key: LevelKey) -> int:
        values = {"merchant_id": key.merchant_id, "sku": key.sku, "warehouse": key.warehouse}
        return int((await self._connection.execute(_ASKED_BACK, values)).scalar_one())

    async def waited_for(self, merchant_id: str, warehouse: str, limit: int) -> Sequence[SkuKey]:
        values = {"merchant_id": merchant_id, "warehouse": warehouse, "limit": limit}
        return [(row.merchant_id, row.sku) for row in await self._connection.execute(_WAITED_FOR, values)]

    async def booked_before(self, kind: str, references: Collection[str]) -> set[tuple[str, UUID]]:
        rows = await self._connection.execute(_BOOKED, {"kind": kind, "references": list(references)})
        return {(row.reference, row.allocation_id) for row in rows}

    async def received_before(
        self, merchant_id: str, references: Collection[str]
    ) -> set[tuple[str, LevelKey]]:
        values = {"merchant_id": merchant_id, "references": list(references)}
        rows = await self._connection.execute(_RECEIVED, values)
        return {(row[0], LevelKey(*row[1:])) for row in rows}

    async def next_versions(self, events: Mapping[SkuKey, int]) -> Mapping[SkuKey, int]:
        values = {**_pairs(events), "events": list(events.values())}
        rows = await self._connection.execute(_NEXT_VERSIONS, values)
        return {(merchant_id, sku): first for merchant_id, sku, first in rows}

    async def save(self) -> None:
        await save_book(self._connection, self._book)

    async def _read_missing(self, ids: Collection[UUID]) -> None:
        """Read orders that are locked and not in the book yet, with the facts a set of theirs needs."""
        missing = [one for one in ids if one not in self._book.orders]
        await self._read_orders(missing)
        skus = {
            key
            for order_id in missing
            for key in _skus_of(self._book.orders[order_id])
            if key not in self._book.skus
        }
        if skus:
            await self._read_facts(skus)

    async def _read_orders(self, ids: Sequence[UUID]) -> None:
        if not ids:
            return
        values = {"ids": list(ids)}
        orders: dict[UUID, Order] = {}
        for row in await self._connection.execute(_ORDERS, values):
            orders[row.order_id] = Order(
                order_id=row.order_id,
                merchant_id=row.merchant_id,
                seen_version=row.seen_version,
                state=OrderState(row.state),
                policy=Policy(row.policy),
                country=row.country,
                placed_at=row.placed_at,
                ship_by=row.ship_by,
                reserve_until=row.reserve_until,
                expired=row.expired,
                answered_version=row.answered_version,
                cancel_version=row.cancel_version,
                aggregate_version=row.aggregate_version,
                allocation_version=row.allocation_version,
            )
        for row in await self._connection.execute(_LINES, values):
            line = Line(row.line_id, row.position, row.sku, row.units, row.waiting)
            orders[row.order_id].lines[row.line_id] = line
        for row in await self._connection.execute(_ALLOCATIONS, values):
            state = AllocationState(row.state)
            allocation = Allocation(
                allocation_id=row.allocation_id,
                order_id=row.order_id,
                line_id=row.line_id,
                key=LevelKey(row.merchant_id, row.sku, row.warehouse),
                units=row.units,
                state=state,
                because=UNSAVED,
                consumed=row.consumed,
                refused=row.refused,
                stored_state=state,
            )
            orders[row.order_id].allocations.append(allocation)
        self._book.orders.update(orders)

    async def _read_facts(self, keys: Collection[SkuKey]) -> None:
        for merchant_id in {merchant_id for merchant_id, _ in keys}:
            skus = [sku for merchant, sku in keys if merchant == merchant_id]
            known = await catalogue.read_skus(self._connection, merchant_id, skus)
            self._book.skus.update(((merchant_id, name), one) for name, one in known.items())
            if merchant_id not in self._book.warehouses:
                found = await catalogue.read_warehouses(self._connection, merchant_id)
                self._book.warehouses[merchant_id] = found


def _skus_of(order: Order) -> set[SkuKey]:
    named = {one.key.sku for one in order.allocations} | {
        line.sku for line in order.lines.values() if line.sku
    }
    return {(order.merchant_id, sku) for sku in named}


def _pairs(keys: Collection[SkuKey]) -> dict[str, list[str]]:
    return {"merchants": [one for one, _ in keys], "skus": [one for _, one in keys]}

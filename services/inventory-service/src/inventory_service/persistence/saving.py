"""Writing back what a transaction changed in its book: one statement a table, none without a change."""

from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.ids import new_id
from inventory_service.domain.allocation import Allocation
from inventory_service.domain.because import Because
from inventory_service.domain.book import Book
from inventory_service.domain.errors import IllegalMove
from inventory_service.domain.level import Level
from inventory_service.persistence.arrays import BOOLS, INTS, TEXTS, TIMES, UUIDS, VERSIONS, RowsStatement

#: Stands on allocations as they are read: their reasons are in the history.
UNSAVED = Because("service", "inventory-service")

_UPDATE_ORDERS = RowsStatement(
    """
    update stock_order o set seen_version = v.seen_version, state = v.state, policy = v.policy,
           country = v.country, placed_at = v.placed_at, ship_by = v.ship_by, reserve_until = v.reserve_until,
           expired = v.expired, answered_version = v.answered_version, cancel_version = v.cancel_version,
           aggregate_version = v.aggregate_version, allocation_version = v.allocation_version
    from unnest(:ids, :seen_versions, :states, :policies, :countries, :placed_ats, :ship_bys, :reserve_untils,
                :expireds, :answered_versions, :cancel_versions, :aggregate_versions, :allocation_versions)
        as v (order_id, seen_version, state, policy, country, placed_at, ship_by, reserve_until, expired,
              answered_version, cancel_version, aggregate_version, allocation_version)
    where o.order_id = v.order_id
    """,
    ids=UUIDS,
    seen_versions=VERSIONS,
    states=TEXTS,
    policies=TEXTS,
    countries=TEXTS,
    placed_ats=TIMES,
    ship_bys=TIMES,
    reserve_untils=TIMES,
    expireds=BOOLS,
    answered_versions=VERSIONS,
    cancel_versions=VERSIONS,
    aggregate_versions=VERSIONS,
    allocation_versions=VERSIONS,
)

_PUT_LINES = RowsStatement(
    """
    insert into order_line (order_id, line_id, merchant_id, position, sku, units, waiting, ship_by, placed_at)
    select * from unnest(:order_ids, :line_ids, :merchants, :positions, :skus, :units, :waitings, :ship_bys,
                         :placed_ats)
    on conflict (order_id, line_id) do update set position = excluded.position, sku = excluded.sku,
        units = excluded.units, waiting = excluded.waiting, ship_by = excluded.ship_by,
        placed_at = excluded.placed_at
    """,
    order_ids=UUIDS,
    line_ids=UUIDS,
    merchants=TEXTS,
    positions=INTS,
    skus=TEXTS,
    units=INTS,
    waitings=INTS,
    ship_bys=TIMES,
    placed_ats=TIMES,
)

_ADD_ALLOCATIONS = RowsStatement(
    """
    insert into allocation (allocation_id, order_id, line_id, merchant_id, sku, warehouse, units, consumed,
                            state, ended_at)
    select id, order_id, line_id, merchant_id, sku, warehouse, units, consumed, state,
           case when ended then crossdock_clock() end
    from unnest(:ids, :order_ids, :line_ids, :merchants, :skus, :warehouses, :units, :consumeds, :states,
                :endeds)
        as v (id, order_id, line_id, merchant_id, sku, warehouse, units, consumed, state, ended)
    """,
    ids=UUIDS,
    order_ids=UUIDS,
    line_ids=UUIDS,
    merchants=TEXTS,
    skus=TEXTS,
    warehouses=TEXTS,
    units=INTS,
    consumeds=INTS,
    states=TEXTS,
    endeds=BOOLS,
)

# The state it was read in guards the row: an allocation that has ended does not end again.
_MOVE_ALLOCATIONS = RowsStatement(
    """
    update allocation a set state = v.state, consumed = v.consumed, refused = v.refused,
           ended_at = case when v.ended then crossdock_clock() end
    from unnest(:ids, :froms, :states, :consumeds, :refuseds, :endeds)
        as v (id, from_state, state, consumed, refused, ended)
    where a.allocation_id = v.id and a.state = v.from_state and a.ended_at is null
    """,
    ids=UUIDS,
    froms=TEXTS,
    states=TEXTS,
    consumeds=INTS,
    refuseds=BOOLS,
    endeds=BOOLS,
)

_ADD_HISTORY = RowsStatement(
    """
    insert into allocation_history (allocation_id, state, consumed, actor_kind, actor_name, reason,
                                    cause_event_id)
    select * from unnest(:ids, :states, :consumeds, :actor_kinds, :actor_names, :reasons, :causes)
    """,
    ids=UUIDS,
    states=TEXTS,
    consumeds=INTS,
    actor_kinds=TEXTS,
    actor_names=TEXTS,
    reasons=TEXTS,
    causes=UUIDS,
)

_ADD_LEVELS = RowsStatement(
    """
    insert into stock_level (merchant_id, sku, warehouse, lot, condition, on_hand, reserved, short)
    select * from unnest(:merchants, :skus, :warehouses, :lots, :conditions, :on_hands, :reserveds, :shorts)
    """,
    merchants=TEXTS,
    skus=TEXTS,
    warehouses=TEXTS,
    lots=TEXTS,
    conditions=TEXTS,
    on_hands=INTS,
    reserveds=INTS,
    shorts=INTS,
)
# Differences, so that even somebody who forgot the lock could not lose an update of another.
_CHANGE_LEVELS = RowsStatement(
    """
    update stock_level l set on_hand = l.on_hand + v.on_hand, reserved = l.reserved + v.reserved,
           short = l.short + v.short
    from unnest(:merchants, :skus, :warehouses, :lots, :conditions, :on_hands, :reserveds, :shorts)
        as v (merchant_id, sku, warehouse, lot, condition, on_hand, reserved, short)
    where (l.merchant_id, l.sku, l.warehouse, l.lot, l.condition)
        = (v.merchant_id, v.sku, v.warehouse, v.lot, v.condition)
    """,
    merchants=TEXTS,
    skus=TEXTS,
    warehouses=TEXTS,
    lots=TEXTS,
    conditions=TEXTS,
    on_hands=INTS,
    reserveds=INTS,
    shorts=INTS,
)

_ADD_MOVEMENTS = RowsStatement(
    """
    insert into stock_movement (movement_id, merchant_id, sku, warehouse, lot, condition, kind, units,
                                reference, allocation_id, actor_kind, actor_name, reason, cause_event_id)
    select * from unnest(:ids, :merchants, :skus, :warehouses, :lots, :conditions, :kinds, :units, :refs,
                         :allocations, :actor_kinds, :actor_names, :reasons, :causes)
    """,
    ids=UUIDS,
    merchants=TEXTS,
    skus=TEXTS,
    warehouses=TEXTS,
    lots=TEXTS,
    conditions=TEXTS,
    kinds=TEXTS,
    units=INTS,
    refs=TEXTS,
    allocations=UUIDS,
    actor_kinds=TEXTS,
    actor_names=TEXTS,
    reasons=TEXTS,
    causes=UUIDS,
)

_OPEN_EXCEPTIONS = RowsStatement(
    """
    insert into stock_exception (exception_id, merchant_id, kind, reference, order_id, sku, warehouse, text,
                                 next_step, cause_event_id)
    select * from unnest(:ids, :merchants, :kinds, :refs, :orders, :skus, :warehouses, :texts, :next_steps,
                         :causes)
    on conflict (merchant_id, kind, reference) where state = 'open' do update set text = excluded.text
    """,
    ids=UUIDS,
    merchants=TEXTS,
    kinds=TEXTS,
    refs=TEXTS,
    orders=UUIDS,
    skus=TEXTS,
    warehouses=TEXTS,
    texts=TEXTS,
    next_steps=TEXTS,
    causes=UUIDS,
)


async def save_book(connection: AsyncConnection, book: Book) -> None:
    await _save_orders(connection, book)
    await _save_allocations(connection, book)
    await _save_levels(connection, book)
    await _save_movements(connection, book)
    await _save_surprises(connection, book)


async def _save_orders(connection: AsyncConnection, book: Book) -> None:
    changed = [one for one in book.orders.values() if one.changed]
    if changed:
        rows = [
            (
                one.order_id,
                one.seen_version,
                one.state,
                one.policy,
                one.country,
                one.placed_at,
                one.ship_by,
                one.reserve_until,
                one.expired,
                one.answered_version,
                one.cancel_version,
                one.aggregate_version,
                one.allocation_version,
            )
            for one in changed
        ]
        await _UPDATE_ORDERS.run(connection, rows)
    lines = [
        (
            order.order_id,
            line.line_id,
            order.merchant_id,
            line.position,
            line.sku,
            line.units,
            line.waiting,
            order.ship_by,
            order.placed_at,
        )
        for order in book.orders.values()
        if order.changed_lines
        for line in order.lines.values()
        if line.line_id in order.changed_lines
    ]
    if lines:
        await _PUT_LINES.run(connection, lines)
    for order in book.orders.values():
        order.changed = False
        order.changed_lines.clear()


async def _save_allocations(connection: AsyncConnection, book: Book) -> None:
    new = book.new_allocations
    if new:
        added = [
            (
                one.allocation_id,
                one.order_id,
                one.line_id,
                one.key.merchant_id,
                one.key.sku,
                one.key.warehouse,
                one.units,
                one.consumed,
                one.state,
                not one.live,
            )
            for one in new
        ]
        await _ADD_ALLOCATIONS.run(connection, added)
    moved = [
        one
        for order in book.orders.values()
        for one in order.allocations
        if one.changed and one.stored_state is not None
    ]
    if moved:
        rows = [
            (one.allocation_id, one.stored_state, one.state, one.consumed, one.refused, not one.live)
            for one in moved
        ]
        found = await _MOVE_ALLOCATIONS.run(connection, rows)
        if found != len(moved):
            raise IllegalMove(f"{len(moved) - found} of {len(moved)} allocations had ended meanwhile")
    if new or moved:
        history = [_history(one) for one in (*new, *moved)]
        await _ADD_HISTORY.run(connection, history)
    for one in (*new, *moved):
        one.stored_state = one.state
        one.changed = False
    new.clear()


def _history(one: Allocation) -> tuple[object, ...]:
    why = one.because
    return (
        one.allocation_id,
        one.state,
        one.consumed,
        why.actor_kind,
        why.actor_name,
        why.reason,
        why.cause_event_id,
    )


async def _save_levels(connection: AsyncConnection, book: Book) -> None:
    changed = [one for one in book.levels.values() if one.changed]
    for is_new, sql in ((True, _ADD_LEVELS), (False, _CHANGE_LEVELS)):
        some = [one for one in changed if one.new is is_new]
        if some:
            await sql.run(connection, map(_difference, some))
    for one in changed:
        one.written()
        book.touched.add(one.key)


def _difference(one: Level) -> tuple[object, ...]:
    on_hand, reserved, short = one.stored
    return (*one.key, one.on_hand - on_hand, one.reserved - reserved, one.short - short)


async def _save_movements(connection: AsyncConnection, book: Book) -> None:
    if book.movements:
        rows = [
            (
                new_id(),
                *one.key,
                one.kind,
                one.units,
                one.reference,
                one.allocation_id,
                one.because.actor_kind,
                one.because.actor_name,
                one.because.reason,
                one.because.cause_event_id,
            )
            for one in book.movements
        ]
        await _ADD_MOVEMENTS.run(connection, rows)
        book.movements.clear()


async def _save_surprises(connection: AsyncConnection, book: Book) -> None:
    # The newest of a kind and reference; one statement may touch a row only once.
    surprises = {(one.merchant_id, one.kind, one.reference): one for one in book.surprises}
    if surprises:
        rows = [
            (
                new_id(),
                one.merchant_id,
                one.kind,
                one.reference,
                one.order_id,
                one.sku,
                one.warehouse,
                one.text,
                one.next_step,
                one.cause_event_id,
            )
            for one in surprises.values()
        ]
        await _OPEN_EXCEPTIONS.run(connection, rows)
        book.surprises.clear()

"""Everything that arrived in one batch, settled at once: lock, book the facts, decide, answer."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from crossdock_contracts.envelope import Cause
from crossdock_contracts.inventory import ReleaseCause
from crossdock_contracts.orders import OrderCancelledV1, OrderSnapshot
from crossdock_contracts.shipping import (
    ParcelReturnedV1,
    ParcelShippedV1,
    Request,
    ShipmentCancelledV1,
    ShipmentRefusedV1,
)
from inventory_service.domain import facts
from inventory_service.domain.because import Because
from inventory_service.domain.book import SkuKey
from inventory_service.domain.level import LevelKey
from inventory_service.domain.order import WANTING, Line, Order, OrderState, Policy, Snapshot
from inventory_service.domain.promising import free_unpublished, source
from inventory_service.use_cases.answer_order import (
    answer_open,
    answer_stopped,
    publish_release,
    publish_set,
)
from inventory_service.use_cases.ports import Transaction
from inventory_service.use_cases.said import OURSELVES
from inventory_service.use_cases.wake_waiting import wake_waiting

EXPIRY_TIMER = "reservation_expiry"

ShippingFact = ShipmentCancelledV1 | ShipmentRefusedV1 | ParcelShippedV1 | ParcelReturnedV1


@dataclass(slots=True)
class Arrivals:
    """The events of one transaction, in the order in which they were handed over."""

    facts: list[ShippingFact] = field(default_factory=list)
    snapshots: list[OrderSnapshot] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.facts or self.snapshots)


async def settle_arrivals(arrivals: Arrivals, *, tx: Transaction) -> None:
    """Book what shipping said, then answer the newest version of each order.

    All locks are taken before anything is decided: orders by id, then SKUs by name. That is why the handlers
    only collect: one lock per handler would be taken in the order in which the batch happens to be sorted.
    """
    newest = _newest(arrivals.snapshots)
    await tx.books.lock_orders({one.order_id: one.merchant_id for one in (*arrivals.facts, *newest.values())})
    await tx.books.lock_skus(_skus_of(arrivals.facts, newest.values(), tx))
    if arrivals.facts:
        await _book_facts(arrivals.facts, tx=tx)
    if newest:
        await _answer_snapshots(newest.values(), tx=tx)


def _newest(events: Iterable[OrderSnapshot]) -> dict[UUID, OrderSnapshot]:
    """The highest version of each order; its answer covers the ones below it."""
    newest: dict[UUID, OrderSnapshot] = {}
    for event in events:
        known = newest.get(event.order_id)
        if known is None or event.aggregate_version > known.aggregate_version:
            newest[event.order_id] = event
    return newest


def _skus_of(
    arrived: Sequence[ShippingFact], snapshots: Iterable[OrderSnapshot], tx: Transaction
) -> set[SkuKey]:
    keys: set[SkuKey] = set()
    for order in tx.book.orders.values():
        merchant_id = order.merchant_id
        keys |= {(merchant_id, one.key.sku) for one in order.allocations if one.live or one.consumed}
        keys |= {(merchant_id, line.sku) for line in order.lines.values() if line.sku is not None}
    for event in snapshots:
        keys |= {(event.merchant_id, line.sku) for line in event.lines if line.sku is not None}
    for fact in arrived:
        if isinstance(fact, ParcelShippedV1 | ParcelReturnedV1):
            keys |= {(fact.merchant_id, content.sku) for content in fact.contents}
    return keys


async def _book_facts(arrived: Sequence[ShippingFact], *, tx: Transaction) -> None:
    book = tx.book
    shipped = {str(one.parcel_id) for one in arrived if isinstance(one, ParcelShippedV1)}
    returned = {str(one.parcel_id) for one in arrived if isinstance(one, ParcelReturnedV1)}
    done = {
        "shipped": await tx.books.booked_before("shipped", shipped) if shipped else set(),
        "return": await tx.books.booked_before("return", returned) if returned else set(),
    }
    answered: dict[UUID, tuple[Because, Cause]] = {}
    unsettled: dict[UUID, tuple[Because, Cause]] = {}
    because = OURSELVES
    cause = tx.cause
    for event in arrived:
        order = book.orders[event.order_id]
        cause = event.cause
        because = _because(cause)
        answered[order.order_id] = (because, cause)
        if _book_fact(event, order, done, because, tx):
            unsettled[order.order_id] = (because, cause)
    facts.report_short(book, because)

    for order_id, (why, caused_by) in unsettled.items():
        order = book.orders[order_id]
        if order.state in WANTING:
            source(order, book, why)
        if order.state is OrderState.OPEN:
            await publish_set(order, because=why, cause=caused_by, tx=tx)
    for order_id, (why, caused_by) in answered.items():
        order = book.orders[order_id]
        if order.cancel_version is not None:
            await answer_stopped(order, because=why, cause=caused_by, tx=tx)
    await tx.books.save()
    await wake_waiting(because=because, cause=cause, tx=tx)


def _book_fact(
    event: ShippingFact,
    order: Order,
    done: dict[str, set[tuple[str, UUID]]],
    because: Because,
    tx: Transaction,
) -> bool:
    """Book one event. True when what the order wants has to be sourced again."""
    match event:
        case ShipmentCancelledV1():
            ended = facts.give_back(order, event.allocation_ids, tx.book, because)
            if event.request is Request.CANCEL and event.order_version > order.seen_version:
                order.stop_waiting()  # the cancel itself is still on its way here
                return False
            return bool(ended)
        case ShipmentRefusedV1():
            refused = facts.refuse(order, event.allocation_ids, because)
            facts.report_refusals(order, refused, tx.book, because)
            return bool(refused)
        case ParcelShippedV1():
            ended_withdrawal = False
            for (allocation_id, sku), units in _new_contents(event, done["shipped"]).items():
                ended_withdrawal |= facts.ship(
                    order,
                    tx.book,
                    because,
                    parcel_id=event.parcel_id,
                    allocation_id=allocation_id,
                    fallback=LevelKey(event.merchant_id, sku, event.warehouse),
                    units=units,
                )
            return ended_withdrawal
        case ParcelReturnedV1():
            for (allocation_id, sku), units in _new_contents(event, done["return"]).items():
                facts.take_back_in(
                    order,
                    tx.book,
                    because,
                    parcel_id=event.parcel_id,
                    allocation_id=allocation_id,
                    key=LevelKey(event.merchant_id, sku, event.warehouse),
                    units=units,
                )
            return False


def _new_contents(
    event: ParcelShippedV1 | ParcelReturnedV1, done: set[tuple[str, UUID]]
) -> dict[tuple[UUID, str], int]:
    """Units per (allocation, SKU) that this parcel has not been booked with yet; notes them as booked."""
    contents: dict[tuple[UUID, str], int] = defaultdict(int)
    for one in event.contents:
        if (str(event.parcel_id), one.allocation_id) not in done:
            contents[one.allocation_id, one.sku] += one.units
    done |= {(str(event.parcel_id), allocation_id) for allocation_id, _ in contents}
    return contents


async def _answer_snapshots(events: Iterable[OrderSnapshot], *, tx: Transaction) -> None:
    because = OURSELVES
    cause = tx.cause
    for event in events:
        order = tx.book.orders[event.order_id]
        had_deadline = order.reserve_until is not None
        if not order.see(_snapshot(event)):
            continue
        cause = event.cause
        because = _because(cause)
        await _answer(order, because=because, cause=cause, tx=tx)
        await _keep_deadline(order, had_deadline, cause=cause, tx=tx)
    await tx.books.save()
    await wake_waiting(because=because, cause=cause, tx=tx)


async def _answer(order: Order, *, because: Because, cause: Cause, tx: Transaction) -> None:
    match order.state:
        case OrderState.OPEN:
            source(order, tx.book, because)
            await answer_open(order, because=because, cause=cause, tx=tx)
        case OrderState.HELD:
            source(order, tx.book, because)
        case OrderState.CANCELLING:
            order.stop_waiting()
            free_unpublished(order, tx.book, because)
            await answer_stopped(order, because=because, cause=cause, tx=tx)
        case OrderState.CANCELLED if any(not one.refused for one in order.live):
            # Shipping's answers are on another topic and may come after the end of the cancel they led to.
            order.stop_waiting()
            free_unpublished(order, tx.book, because)
            await answer_stopped(order, because=because, cause=cause, tx=tx)
        case _:
            order.stop_waiting()
            freed = free_unpublished(order, tx.book, because)
            order.answered_version = order.seen_version
            await publish_release(
                order,
                ReleaseCause.CANCELLED if freed else ReleaseCause.NOTHING_HELD,
                tuple(one.allocation_id for one in freed),
                because=because,
                cause=cause,
                tx=tx,
            )


async def _keep_deadline(order: Order, had_deadline: bool, *, cause: Cause, tx: Transaction) -> None:
    if order.reserve_until is not None:
        await tx.timers.set(
            EXPIRY_TIMER,
            str(order.order_id),
            merchant_id=order.merchant_id,
            due_at=order.reserve_until,
            caused_by=cause,
        )
    elif had_deadline:
        await tx.timers.clear(EXPIRY_TIMER, str(order.order_id))


def _because(cause: Cause) -> Because:
    return Because(OURSELVES.actor_kind, OURSELVES.actor_name, None, cause.event_id)


def _snapshot(event: OrderSnapshot) -> Snapshot:
    cancelled = isinstance(event, OrderCancelledV1)
    return Snapshot(
        order_id=event.order_id,
        merchant_id=event.merchant_id,
        version=event.aggregate_version,
        state=OrderState.CANCELLING if cancelled else OrderState(event.fulfilment.state),
        policy=Policy(event.fulfilment.policy),
        country=event.destination.country if event.destination else None,
        placed_at=event.placed_at,
        ship_by=event.fulfilment.ship_by,
        reserve_until=event.fulfilment.reserve_until,
        lines=tuple(
            Line(line.line_id, position, line.sku, line.units) for position, line in enumerate(event.lines)
        ),
    )

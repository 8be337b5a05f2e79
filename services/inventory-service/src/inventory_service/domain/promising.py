"""Promising stock to orders, taking promises back, and what is left open: pure decisions over a `Book`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from inventory_service.domain.allocation import KEPT, Allocation, AllocationState
from inventory_service.domain.because import Because
from inventory_service.domain.book import Book
from inventory_service.domain.ids import derived_id
from inventory_service.domain.level import LevelKey
from inventory_service.domain.order import WANTING, Line, Order, OrderState, Policy
from inventory_service.domain.sourcing import Need, Pick, plan


class GapReason(StrEnum):
    NO_STOCK = "no_stock"
    UNKNOWN_SKU = "unknown_sku"
    NO_WAREHOUSE = "no_warehouse"
    WITHDRAWING = "withdrawing"


@dataclass(frozen=True, slots=True)
class Gap:
    """Units of a line that nothing fills. `waiting`: they are filled later without being asked for again."""

    line_id: UUID
    sku: str | None
    units: int
    reason: GapReason
    waiting: bool


def source(order: Order, book: Book, because: Because) -> None:
    """Make what an order has fit what it wants: let go of what does not fit, promise what is missing.

    Unpublished units go back at once. Published ones are asked back from shipping, but not while the order is
    held: the version that opens it says what is wanted. The policy never takes back what was published: a
    parcel may be half packed.
    """
    if order.state not in WANTING or order.expired:
        return
    if order.allocations:
        _let_go(order, book, because)
    open_units = order.open_units()
    needs = [
        Need(line.line_id, line.sku, missing)
        for line in order.wanted_lines()
        if line.sku is not None and (missing := open_units[line.line_id].missing) > 0
    ]
    picks = _plan(order, needs, book)
    complete = sum(pick.units for pick in picks) == sum(map(sum, open_units.values()))
    if order.policy is Policy.ALL_OR_NOTHING and not complete:
        picks = []
        if not order.was_told and not any(one.consumed for one in order.allocations):
            free_unpublished(order, book, because)
    _take(order, picks, book, because)
    order.refresh_waiting()


def fill(order: Order, line: Line, book: Book, because: Because) -> bool:
    """Give arriving units to a line that waits for them. False when nothing could be promised."""
    if order.state not in WANTING or line.waiting == 0 or line.sku is None:
        return False
    picks = _plan(order, [Need(line.line_id, line.sku, line.waiting)], book)
    _take(order, picks, book, because)
    order.refresh_waiting()
    return bool(picks)


def free_unpublished(
    order: Order, book: Book, because: Because, *, end: AllocationState = AllocationState.RELEASED
) -> list[Allocation]:
    """Give back every unit nobody was told of."""
    freed = [one for one in order.allocations if one.state is AllocationState.RESERVED]
    for one in freed:
        _free(one, book, because, end)
    return freed


def take_back(
    units: int, victims: Iterable[tuple[Order, Allocation]], book: Book, because: Because
) -> list[Order]:
    """Take at least `units` back from promises (as far as they go), `victims` in the order of who goes first.

    Unpublished units come back at once; published ones are asked back from shipping and stay `short` until it
    answers. Returns the orders whose published set is smaller now.
    """
    lacking = units
    touched: dict[UUID, Order] = {}
    for order, allocation in victims:
        if lacking <= 0:
            break
        lacking -= allocation.outstanding
        if allocation.state is AllocationState.RESERVED:
            _free(allocation, book, because, AllocationState.RELEASED)
        else:
            allocation.move_to(AllocationState.WITHDRAWING, because)
            touched[order.order_id] = order
        order.refresh_waiting()
    return list(touched.values())


def gaps(order: Order, book: Book) -> list[Gap]:
    """What is wanted and not filled, with the reason, as things stand."""
    found: list[Gap] = []
    open_units = order.open_units()
    for line in order.wanted_lines():
        missing, blocked = open_units[line.line_id]
        if missing:
            waiting = order.policy is Policy.BACKORDER and line.sku is not None
            found.append(Gap(line.line_id, line.sku, missing, _reason(order, line, book), waiting))
        if blocked:
            found.append(Gap(line.line_id, line.sku, blocked, GapReason.WITHDRAWING, True))
    return found


def lacking(order: Order, found: Sequence[Gap], book: Book) -> Sequence[Gap]:
    """The gaps that kept an all-or-nothing order from being filled: those for which there is not enough."""
    serving = book.serving(order.merchant_id, order.country)
    wanted: dict[str | None, int] = {}
    for one in found:
        wanted[one.sku] = wanted.get(one.sku, 0) + one.units
    enough = {
        sku
        for sku, units in wanted.items()
        if sku is not None and sum(book.available(order.merchant_id, one, sku) for one in serving) >= units
    }
    return [one for one in found if one.sku not in enough]


def _reason(order: Order, line: Line, book: Book) -> GapReason:
    if line.sku is None or (order.merchant_id, line.sku) not in book.skus:
        return GapReason.UNKNOWN_SKU
    if not book.serving(order.merchant_id, order.country):
        return GapReason.NO_WAREHOUSE
    return GapReason.NO_STOCK


def _let_go(order: Order, book: Book, because: Because) -> None:
    room = {line_id: line.units for line_id, line in order.lines.items()}
    for one in order.allocations:
        if one.line_id in room:
            room[one.line_id] -= one.consumed
    # A warehouse that was deactivated still sends what it has promised.
    reaching = {one.code for one in book.warehouses.get(order.merchant_id, ()) if one.reaches(order.country)}
    may_withdraw = order.state is OrderState.OPEN
    # What cannot be stopped counts first, then what was published, then the rest; the oldest first, as the
    # order has them.
    kept = sorted(
        (one for one in order.allocations if one.state in KEPT),
        key=lambda one: (not one.refused, one.state is AllocationState.RESERVED),
    )
    for one in kept:
        line = order.lines.get(one.line_id)
        fits = (
            line is not None
            and line.sku == one.key.sku
            and one.key.warehouse in reaching
            and one.outstanding <= room[one.line_id]
        )
        published = one.state is AllocationState.PUBLISHED
        if fits or one.refused or (published and not may_withdraw):
            if line is not None:
                room[one.line_id] -= one.outstanding
        elif published:
            one.move_to(AllocationState.WITHDRAWING, because)
        else:
            _free(one, book, because, AllocationState.RELEASED)


def _plan(order: Order, needs: Sequence[Need], book: Book) -> list[Pick]:
    if not needs:
        return []

    def available(warehouse: str, sku: str) -> int:
        return book.available(order.merchant_id, warehouse, sku)

    return plan(needs, available, book.serving(order.merchant_id, order.country))


def _take(order: Order, picks: Sequence[Pick], book: Book, because: Because) -> None:
    for pick in picks:
        key = LevelKey(order.merchant_id, pick.sku, pick.warehouse)
        before = sum(one.line_id == pick.line_id and one.key == key for one in order.allocations)
        allocation = Allocation(
            # The same for the same choice, so that one made again after a restore is no second promise.
            allocation_id=derived_id(order.order_id, pick.line_id, *key, before),
            order_id=order.order_id,
            line_id=pick.line_id,
            key=key,
            units=pick.units,
            state=AllocationState.RESERVED,
            because=because,
        )
        book.allocate(order, allocation)


def _free(one: Allocation, book: Book, because: Because, end: AllocationState) -> None:
    units = one.outstanding
    one.move_to(end, because)
    book.free(one.key, units)

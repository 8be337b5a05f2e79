"""What is promised never exceeds what is there, whatever orders want."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_service.domain.allocation import LIVE, MOVES, Allocation, AllocationState
from inventory_service.domain.because import Because
from inventory_service.domain.book import Book
from inventory_service.domain.catalogue import Sku
from inventory_service.domain.errors import IllegalMove, NotEnough
from inventory_service.domain.facts import give_back, ship
from inventory_service.domain.level import Level, LevelKey
from inventory_service.domain.order import Line, Order, OrderState, Policy
from inventory_service.domain.promising import GapReason, free_unpublished, gaps, source
from inventory_service.domain.sourcing import Need, plan

from ..stage import a_warehouse

WHY = Because("person", "anna")
SKUS = ("a", "b", "c")
HOUSES = ("W1", "W2", "W3")


def a_book(stock: dict[tuple[str, str], int]) -> Book:
    book = Book(warehouses={"m": [a_warehouse(code, priority=n) for n, code in enumerate(HOUSES)]})
    book.skus = {("m", sku): Sku(sku=sku, title=sku) for sku in SKUS}
    for (warehouse, sku), units in stock.items():
        key = LevelKey("m", sku, warehouse)
        book.levels[key] = Level(key, on_hand=units)
    return book


def an_order(lines: Sequence[tuple[str, int]], policy: Policy = Policy.SPLIT, number: int = 1) -> Order:
    order = Order(UUID(int=number), "m", seen_version=1, state=OrderState.OPEN, policy=policy, country="DE")
    for n, (sku, units) in enumerate(lines):
        line_id = UUID(int=number * 1000 + n)
        order.lines[line_id] = Line(line_id, n, sku, units)
    return order


stocks = st.dictionaries(
    st.tuples(st.sampled_from(HOUSES), st.sampled_from(SKUS)), st.integers(0, 8), max_size=9
)
wants = st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 6)), min_size=1, max_size=4)


def assert_conserved(book: Book, orders: Sequence[Order]) -> None:
    for level in book.levels.values():
        held = sum(one.outstanding for order in orders for one in order.allocations if one.key == level.key)
        assert level.reserved == held
        assert level.on_hand >= 0
        assert level.reserved <= level.on_hand + level.short


@given(stocks, st.lists(st.tuples(wants, st.sampled_from(Policy)), min_size=1, max_size=6))
def test_orders_get_no_more_than_they_want_and_no_more_than_there_is(
    stock: dict[tuple[str, str], int], wanted: list[tuple[list[tuple[str, int]], Policy]]
) -> None:
    book = a_book(stock)
    orders = [an_order(lines, policy, n + 1) for n, (lines, policy) in enumerate(wanted)]

    for order in orders:
        source(order, book, WHY)

    assert_conserved(book, orders)
    assert all(level.short == 0 for level in book.levels.values())
    for order in orders:
        for line in order.lines.values():
            got = sum(one.units for one in order.allocations if one.line_id == line.line_id)
            missing = sum(gap.units for gap in gaps(order, book) if gap.line_id == line.line_id)
            assert got + missing == line.units
        if order.policy is Policy.ALL_OR_NOTHING:
            assert not gaps(order, book) or not order.allocations


@given(stocks, wants, wants, st.lists(st.integers(0, 3), max_size=6))
def test_units_are_conserved_over_change_parcel_and_cancel(
    stock: dict[tuple[str, str], int],
    first: list[tuple[str, int]],
    then: list[tuple[str, int]],
    verbs: list[int],
) -> None:
    book = a_book(stock)
    order = an_order(first)
    source(order, book, WHY)
    for one in order.allocations:
        one.move_to(AllocationState.PUBLISHED, WHY)
    order.lines = an_order(then).lines
    source(order, book, WHY)

    for verb, one in zip(verbs, list(order.allocations), strict=False):
        if verb == 0:
            free_unpublished(order, book, WHY)
        elif verb == 1:
            give_back(order, [one.allocation_id], book, WHY)
        elif verb == 2:
            parcel = uuid4()
            ship(
                order,
                book,
                WHY,
                parcel_id=parcel,
                allocation_id=one.allocation_id,
                fallback=one.key,
                units=1,
            )
        else:
            source(order, book, WHY)

        assert_conserved(book, [order])
    booked = dict.fromkeys(book.levels, 0)
    for movement in book.movements:
        booked[movement.key] += movement.units
    for key, level in book.levels.items():
        assert level.on_hand == stock.get((key.warehouse, key.sku), 0) + booked[key]


@given(stocks, wants)
def test_one_warehouse_that_has_everything_is_preferred(
    stock: dict[tuple[str, str], int], wanted: list[tuple[str, int]]
) -> None:
    needs = [Need(UUID(int=n), sku, units) for n, (sku, units) in enumerate(wanted)]
    total = {sku: sum(need.units for need in needs if need.sku == sku) for sku in SKUS}
    whole = [one for one in HOUSES if all(stock.get((one, sku), 0) >= total[sku] for sku in SKUS)]

    picks = plan(needs, lambda warehouse, sku: stock.get((warehouse, sku), 0), HOUSES)

    if whole:
        assert {pick.warehouse for pick in picks} == {whole[0]}
        assert len(picks) == len(needs)


def test_the_fewest_warehouses_are_used_even_when_the_preferred_one_has_most() -> None:
    stock = {("W1", "a"): 1, ("W1", "b"): 1, ("W2", "a"): 1, ("W2", "c"): 1, ("W3", "b"): 1}
    needs = [Need(UUID(int=n), sku, 1) for n, sku in enumerate(SKUS)]

    picks = plan(needs, lambda warehouse, sku: stock.get((warehouse, sku), 0), HOUSES)

    assert {pick.warehouse for pick in picks} == {"W1", "W2"}


def test_a_line_is_split_only_where_no_warehouse_has_all_of_it() -> None:
    stock = {("W1", "a"): 2, ("W2", "a"): 3}

    whole = plan([Need(UUID(int=1), "a", 3)], lambda one, sku: stock.get((one, sku), 0), HOUSES)
    split = plan([Need(UUID(int=1), "a", 4)], lambda one, sku: stock.get((one, sku), 0), HOUSES)

    assert [(pick.warehouse, pick.units) for pick in whole] == [("W2", 3)]
    assert [(pick.warehouse, pick.units) for pick in split] == [("W1", 2), ("W2", 2)]


def test_a_sku_that_is_not_sold_any_more_is_not_promised() -> None:
    book = a_book({("W1", "a"): 5})
    book.skus["m", "a"] = Sku(sku="a", title="a", active=False)
    order = an_order([("a", 1)])

    source(order, book, WHY)

    assert [gap.reason for gap in gaps(order, book)] == [GapReason.NO_STOCK]


def test_where_nobody_serves_the_country_that_is_the_reason() -> None:
    book = a_book({("W1", "a"): 5})
    book.warehouses["m"] = [a_warehouse("W1", serves=frozenset({"FR"}))]
    order = an_order([("a", 1)])

    source(order, book, WHY)

    assert [gap.reason for gap in gaps(order, book)] == [GapReason.NO_WAREHOUSE]


def test_a_level_refuses_to_promise_more_than_it_has() -> None:
    level = Level(LevelKey("m", "a", "W1"), on_hand=2, reserved=1)

    with pytest.raises(NotEnough):
        level.promise(2)

    assert (level.reserved, level.short) == (1, 0)


@pytest.mark.parametrize("start", AllocationState)
@pytest.mark.parametrize("target", AllocationState)
def test_an_allocation_moves_as_the_table_says_and_ends_once(
    start: AllocationState, target: AllocationState
) -> None:
    one = Allocation(UUID(int=1), UUID(int=2), UUID(int=3), LevelKey("m", "a", "W1"), 1, start, WHY)

    if target in MOVES[start]:
        one.move_to(target, WHY)
        assert one.state is target
    else:
        with pytest.raises(IllegalMove):
            one.move_to(target, WHY)
    assert start in LIVE or MOVES[start] == set()

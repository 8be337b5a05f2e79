"""What others say of an order, in every order in which it can arrive."""

from collections.abc import Callable
from itertools import permutations

import pytest

from order_service.domain.errors import IllegalMove
from order_service.domain.fold import progress
from order_service.domain.holds import Findings, HoldReason
from order_service.domain.leg import LegEvent, LegState
from order_service.domain.news import stock_rejected, stock_released
from order_service.domain.order import Order, Saying
from order_service.domain.order_table import OrderStatus
from order_service.domain.process import Unfilled

from .an_order import NOON, an_id, an_order, answered, parcel, reserved

Word = Callable[[Order], object]


def play(order: Order, *words: Word) -> list[Saying]:
    """Each word in a transaction of its own; what was published."""
    said = []
    for word in words:
        word(order)
        saying = order.conclude()
        if saying is not None:
            said.append(saying)
    return said


def released(version: int = 2, answers: int = 2, *legs: str) -> Word:
    return lambda order: stock_released(
        order, version=version, answers=answers, released=[an_id(name) for name in legs], still=[]
    )


def codes(order: Order) -> set[str]:
    return {one.code for one in order.surprises}


CANCEL_ANSWERS: list[Word] = [
    lambda order: reserved(order, ("a", 0, 1), ("b", 0, 1), version=1, answers=1),
    lambda order: answered(order, "a", pending=("b",), version=1, answers=2),
    lambda order: answered(order, "b", version=2, answers=2),
    released(2, 2, "a", "b"),
]


@pytest.mark.parametrize("order_of_arrival", list(permutations(range(4))))
def test_a_cancel_that_nobody_refuses_ends_cancelled_whoever_speaks_first(
    order_of_arrival: tuple[int, ...],
) -> None:
    order = an_order(2)
    play(order, lambda one: one.ask_cancel("buyer"))

    waiting: list[int] = []
    for index in order_of_arrival:
        left = CANCEL_ANSWERS[index](order)
        if left:
            waiting.append(index)
        for early in list(waiting):
            if not CANCEL_ANSWERS[early](order):
                waiting.remove(early)
        order.conclude()

    assert order.status is OrderStatus.CANCELLED
    assert order.version == 3
    assert {leg.state for leg in order.process.legs.values()} <= {LegState.CANCELLED}
    assert not codes(order)


def test_shippings_answer_alone_does_not_end_a_cancel() -> None:
    order = an_order(2)
    play(order, lambda one: one.ask_cancel("buyer"), lambda one: answered(one, version=1, answers=2))

    assert order.status is OrderStatus.CANCELLING


def test_inventorys_answer_alone_does_not_end_a_cancel() -> None:
    order = an_order(2)
    play(order, lambda one: one.ask_cancel("buyer"), released(2, 2))

    assert order.status is OrderStatus.CANCELLING


def test_a_cancel_waits_for_the_legs_that_shipping_has_still_to_answer_for() -> None:
    order = an_order(2)
    play(order, lambda one: reserved(one, ("a", 0, 1), ("b", 0, 1)), lambda one: one.ask_cancel("buyer"))

    play(order, lambda one: answered(one, "a", pending=("b",), answers=2), released(2, 2, "a"))

    assert order.status is OrderStatus.CANCELLING


def test_shippings_newest_answer_counts_when_an_older_one_comes_late() -> None:
    order = an_order(2)
    play(order, lambda one: reserved(one, ("a", 0, 1), ("b", 0, 1)), lambda one: one.ask_cancel("buyer"))

    play(
        order,
        lambda one: answered(one, "b", version=2, answers=2),
        lambda one: answered(one, "a", pending=("b",), version=1, answers=2),
        released(2, 2, "a", "b"),
    )

    assert order.status is OrderStatus.CANCELLED


def test_an_answer_to_an_older_version_does_not_end_a_cancel() -> None:
    order = an_order(2)
    play(
        order,
        lambda one: one.ask_cancel("buyer"),
        lambda one: answered(one, version=1, answers=1),
        released(2, 1),
    )

    assert order.status is OrderStatus.CANCELLING


REFUSAL: list[Word] = [
    lambda order: parcel(order, LegEvent.SHIPPED, "p", ("a", 0, 2), version=1),
    lambda order: answered(order, "a", refused=True, version=2, answers=2),
]


@pytest.mark.parametrize("order_of_arrival", list(permutations(range(2))))
def test_a_cancel_that_comes_after_the_hand_over_closes_the_order_with_an_exception(
    order_of_arrival: tuple[int, ...],
) -> None:
    order = an_order(2)
    play(order, lambda one: reserved(one, ("a", 0, 2)), lambda one: one.ask_cancel("buyer"))

    play(order, *(REFUSAL[index] for index in order_of_arrival))

    assert order.status is OrderStatus.CLOSED
    assert order.lines[0].units == 2
    assert codes(order) == {"cancel_refused"}


def test_a_cancel_that_is_refused_in_part_keeps_what_left_and_gives_up_the_rest() -> None:
    order = an_order(1, 2)
    play(
        order,
        lambda one: reserved(one, ("a", 0, 1), ("b", 1, 2)),
        lambda one: parcel(one, LegEvent.SHIPPED, "p", ("a", 0, 1)),
        lambda one: one.ask_cancel("buyer"),
        lambda one: answered(one, "b", pending=("a",), version=2, answers=2),
        lambda one: answered(one, "a", refused=True, version=3, answers=2),
    )

    assert order.status is OrderStatus.CLOSED
    assert [line.units for line in order.lines] == [1, 0]
    assert order.label_revision == 1


def test_units_that_leave_after_the_cancel_was_settled_are_an_exception_and_a_fact() -> None:
    order = an_order(2)
    play(order, lambda one: one.ask_cancel("buyer"), *CANCEL_ANSWERS)

    play(order, lambda one: parcel(one, LegEvent.SHIPPED, "p", ("a", 0, 1), version=9))

    assert order.status is OrderStatus.CANCELLED
    assert order.process.legs[an_id("a")].state is LegState.HANDED_OVER
    assert codes(order) == {"shipped_after_cancel"}


def test_stock_that_is_promised_to_a_cancelled_order_makes_the_cancel_be_said_again() -> None:
    order = an_order(2)
    play(order, lambda one: one.ask_cancel("buyer"), lambda one: answered(one, answers=2), released())

    said = play(order, lambda one: reserved(one, ("z", 0, 2), version=9))

    assert said == [Saying.CANCELLED]
    assert codes(order) == {"reserved_after_cancel"}


def test_a_repeated_cancel_says_nothing_new() -> None:
    order = an_order(2)

    said = play(order, lambda one: one.ask_cancel("buyer"), lambda one: one.ask_cancel("again"))

    assert said == [Saying.CANCELLED]


HAPPY: list[Word] = [
    lambda order: reserved(order, ("a", 0, 2)),
    lambda order: parcel(order, LegEvent.LABELLED, "p", ("a", 0, 2), version=1),
    lambda order: parcel(order, LegEvent.SHIPPED, "p", ("a", 0, 2), version=2),
    lambda order: parcel(order, LegEvent.TRACKED, "p", ("a", 0, 2), version=3),
    lambda order: parcel(order, LegEvent.DELIVERED, "p", ("a", 0, 2), version=4),
]


@pytest.mark.parametrize("order_of_arrival", list(permutations(range(5))))
def test_the_happy_path_ends_delivered_in_every_order_of_arrival(order_of_arrival: tuple[int, ...]) -> None:
    order = an_order(2)

    said = play(order, *(HAPPY[index] for index in order_of_arrival))

    assert order.status is OrderStatus.CLOSED
    assert said == [Saying.CHANGED]
    assert {leg.state for leg in order.process.legs.values()} == {LegState.DELIVERED}
    assert not codes(order)


@pytest.mark.parametrize("repeated", range(5))
def test_a_word_that_is_said_twice_changes_nothing_the_second_time(repeated: int) -> None:
    once, twice = an_order(2), an_order(2)

    said_once = play(once, *HAPPY)
    said_twice = play(twice, *HAPPY[: repeated + 1], *HAPPY[repeated:])

    assert (twice.status, twice.version, said_twice) == (once.status, once.version, said_once)
    assert not codes(twice)


def test_an_older_allocation_set_does_not_replace_a_newer_one() -> None:
    order = an_order(2)

    play(
        order,
        lambda one: reserved(one, ("b", 0, 2), version=2, withdrawn=("a",)),
        lambda one: reserved(one, ("a", 0, 2), version=1),
    )

    assert order.process.stock.version == 2
    assert order.process.legs[an_id("a")].state is LegState.CANCELLING
    assert order.process.legs[an_id("b")].state is LegState.PLANNED


def test_a_backorder_is_shown_and_filled_by_a_later_set_without_a_hold() -> None:
    order = an_order(2)
    lacking = (Unfilled(order.lines[0].line_id, 1, "no_stock", True),)
    play(order, lambda one: reserved(one, ("a", 0, 1), unfilled=lacking))
    shown = progress(order.status, order.version, order.label_revision, order.lines, order.process)

    play(order, lambda one: reserved(one, ("a", 0, 1), ("b", 0, 1), version=2))

    assert order.status is OrderStatus.OPEN
    assert "backordered" in shown
    assert not order.process.stock.unfilled


def test_the_first_of_two_parcels_does_not_close_the_order() -> None:
    order = an_order(2)

    play(
        order,
        lambda one: reserved(one, ("a", 0, 1), ("b", 0, 1)),
        lambda one: parcel(one, LegEvent.SHIPPED, "p", ("a", 0, 1)),
    )

    shown = progress(order.status, order.version, order.label_revision, order.lines, order.process)
    assert order.status is OrderStatus.OPEN
    assert "partially_shipped" in shown


def test_one_parcel_delivered_and_one_lost_are_both_told() -> None:
    order = an_order(2)
    play(
        order,
        lambda one: reserved(one, ("a", 0, 1), ("b", 0, 1)),
        lambda one: parcel(one, LegEvent.SHIPPED, "p", ("a", 0, 1), version=1),
        lambda one: parcel(one, LegEvent.SHIPPED, "q", ("b", 0, 1), version=2),
        lambda one: parcel(one, LegEvent.DELIVERED, "p", ("a", 0, 1), version=3),
        lambda one: parcel(one, LegEvent.LOST, "q", ("b", 0, 1), version=4),
    )

    shown = progress(order.status, order.version, order.label_revision, order.lines, order.process)
    assert {"partially_delivered", "lost", "shipped"} <= set(shown)
    assert codes(order) == {"parcel_lost"}


def test_a_lost_parcel_that_is_found_again_is_delivered() -> None:
    order = an_order(2)
    play(
        order,
        lambda one: parcel(one, LegEvent.LOST, "p", ("a", 0, 2), version=1),
        lambda one: parcel(one, LegEvent.DELIVERED, "p", ("a", 0, 2), version=2),
    )

    assert order.process.legs[an_id("a")].state is LegState.DELIVERED
    assert ("parcel_lost", str(an_id("p"))) in order.settled


def test_a_delivery_after_a_return_is_an_exception_and_not_a_move() -> None:
    order = an_order(2)
    play(
        order,
        lambda one: parcel(one, LegEvent.RETURNED, "p", ("a", 0, 2), version=1),
        lambda one: parcel(one, LegEvent.DELIVERED, "p", ("a", 0, 2), version=2),
    )

    assert order.process.legs[an_id("a")].state is LegState.RETURNED
    assert "delivered_after_return" in codes(order)


def test_an_address_change_after_the_label_shows_pending_until_the_new_label() -> None:
    order = an_order(2)
    play(
        order,
        lambda one: reserved(one, ("a", 0, 2)),
        lambda one: parcel(one, LegEvent.LABELLED, "p", ("a", 0, 2)),
    )
    new = order.people.consignee
    assert new is not None
    play(order, lambda one: one.correct_address(type(new)(name="Z", lines=("Z",), city="Z", country="US")))
    pending = progress(order.status, order.version, order.label_revision, order.lines, order.process)

    play(order, lambda one: parcel(one, LegEvent.LABELLED, "p", ("a", 0, 2), version=2, revision=2))

    done = progress(order.status, order.version, order.label_revision, order.lines, order.process)
    assert order.label_revision == 2
    assert "change_pending" in pending
    assert "change_pending" not in done


def test_a_change_that_comes_too_late_is_a_visible_exception() -> None:
    order = an_order(2)
    play(
        order,
        lambda one: parcel(one, LegEvent.SHIPPED, "p", ("a", 0, 2)),
        lambda one: answered(one, "a", refused=True, request="change", version=2),
    )

    assert "change_refused" in codes(order)


def test_a_rejection_of_an_older_version_does_not_hold_the_newer_one() -> None:
    order = an_order(2)
    play(order, lambda one: one.retry())

    play(order, lambda one: stock_rejected(one, version=1, answers=1, unfilled=(), now=NOON))

    assert order.status is OrderStatus.OPEN


def test_what_changes_while_cancelling_is_told_with_the_end_of_the_cancel() -> None:
    order = an_order(1, 1)
    play(order, lambda one: reserved(one, ("a", 0, 1), ("b", 1, 1)), lambda one: one.ask_cancel("buyer"))

    def hold_while_cancelling(one: Order) -> None:
        one.take_findings(Findings({HoldReason.UNPAID: "refunded"}, set()), NOON)

    silent = play(order, hold_while_cancelling)
    said = play(
        order,
        lambda one: answered(one, "a", pending=("b",), version=1, answers=2),
        lambda one: answered(one, "b", refused=True, version=2, answers=2),
    )

    assert (silent, said) == ([], [Saying.CHANGED])
    assert order.status is OrderStatus.HELD


def test_a_closed_order_cannot_be_cancelled() -> None:
    order = an_order(2)
    play(order, *HAPPY)

    with pytest.raises(IllegalMove):
        order.ask_cancel("buyer")

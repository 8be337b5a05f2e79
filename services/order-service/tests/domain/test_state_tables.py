"""Both state tables are complete, and hold what must hold whatever a single cell says."""

from itertools import product

import pytest

from order_service.domain.exceptions import GUIDES
from order_service.domain.leg import GONE, LEG_TABLE, LegEvent, LegState
from order_service.domain.order_table import COMMANDS, MOVES, ORDER_TABLE, OrderEvent, OrderStatus
from order_service.domain.reactions import Reaction

LEG_PAIRS = list(product(LegState, LegEvent))
ORDER_PAIRS = list(product(OrderEvent, OrderStatus))


def test_every_pair_of_leg_state_and_event_is_classified() -> None:
    classified = {(state, event) for state, row in LEG_TABLE.items() for event in row}

    assert classified == set(LEG_PAIRS)


def test_every_pair_of_order_state_and_event_is_classified() -> None:
    classified = {(event, state) for event, row in ORDER_TABLE.items() for state in row}

    assert classified == set(ORDER_PAIRS)


@pytest.mark.parametrize(("state", "event"), LEG_PAIRS)
def test_a_legs_move_is_consistent(state: LegState, event: LegEvent) -> None:
    move = LEG_TABLE[state][event]

    assert move.to is not LegState.ABSENT
    if move.reaction in {Reaction.IGNORE, Reaction.DEFER}:
        assert move.to is None
    if move.reaction in {Reaction.EXCEPTION, Reaction.COMPENSATE}:
        assert move.code in GUIDES
    if move.reaction is Reaction.DEFER:
        assert state is LegState.ABSENT


@pytest.mark.parametrize(("state", "event"), [pair for pair in LEG_PAIRS if pair[0] in GONE])
def test_what_has_left_the_warehouse_never_comes_back_by_itself(state: LegState, event: LegEvent) -> None:
    move = LEG_TABLE[state][event]

    assert move.to is None or move.to in GONE


@pytest.mark.parametrize("event", list(LegEvent))
def test_a_cancelled_leg_moves_only_when_it_was_shipped_after_all(event: LegEvent) -> None:
    move = LEG_TABLE[LegState.CANCELLED][event]

    assert move.to is None or (move.reaction is Reaction.COMPENSATE and move.to in GONE)


@pytest.mark.parametrize("state", list(LegState))
def test_a_hand_over_is_a_fact_in_every_state(state: LegState) -> None:
    move = LEG_TABLE[state][LegEvent.SHIPPED]

    assert move.reaction is not Reaction.IGNORE or state in GONE
    assert state in GONE or move.to is LegState.HANDED_OVER


@pytest.mark.parametrize(("event", "state"), ORDER_PAIRS)
def test_an_orders_move_is_consistent(event: OrderEvent, state: OrderStatus) -> None:
    move = ORDER_TABLE[event][state]

    if event in COMMANDS:
        assert move.reaction in {Reaction.APPLY, Reaction.IGNORE, Reaction.EXCEPTION}
    elif move.reaction in {Reaction.EXCEPTION, Reaction.COMPENSATE}:
        assert move.code in GUIDES


def test_nothing_leaves_a_terminal_state_and_every_state_is_listed() -> None:
    assert set(MOVES) == set(OrderStatus)
    assert not MOVES[OrderStatus.CANCELLED]
    assert not MOVES[OrderStatus.CLOSED]


def test_every_exception_a_person_sees_says_whose_it_is_and_what_to_do() -> None:
    assert all(guide.owner and guide.next_step for guide in GUIDES.values())

"""Both state tables are complete, and hold what must hold whatever a single cell says."""

from itertools import product

import pytest

from order_service.domain.exceptions import GUIDES
from order_service.domain.leg import GONE, LEG_TABLE, LegEvent, LegState
from order_service.domain.order_table import COMMANDS, MOVES, ORDER_TABLE, OrderEvent, OrderStatus
from order_service.domain.reactions import Reaction

LEG_PAIRS = list(product(LegState, LegEvent))
ORDER_PAIRS = list(product(OrderEvent, OrderStatus))

#: Both tables once more, by reaction, as a person would say them: a change of one cell has to be made twice.
#: a apply, i ignore, d defer, c compensate, x exception.
LEGS_SAID: dict[LegState, str] = {
    # events in the order of LegEvent: reserved, withdrawn, released, cancel_asked, labelled, shipped,
    # tracked, delivered, trouble, lost, returned, rejected, cancelled, refused, change_refused.
    LegState.ABSENT: "aiii aaaa xxx dddd",
    LegState.PLANNED: "iaaa aaaa xxx xaax",
    LegState.LABELLED: "iaaa aaaa xxx xaix",
    LegState.NEEDS_REPAIR: "iaaa aaaa xxx xaax",
    LegState.CANCELLING: "iiai iaaa xxx iaai",
    LegState.CANCELLED: "iiii icic xxc iixi",
    LegState.HANDED_OVER: "iixi iaaa xxx xxix",
    LegState.DELIVERED: "iixi iaai xxx xxix",
    LegState.RETURNED: "iixi iaax ixi xxix",
    LegState.LOST: "iixi iaaa iix xxix",
}
ORDERS_SAID: dict[OrderEvent, str] = {
    # states in the order of OrderStatus: open, held, cancelling, cancelled, closed.
    OrderEvent.STOCK_RESERVED: "aaacx",
    OrderEvent.STOCK_REJECTED: "aaaii",
    OrderEvent.STOCK_RELEASED: "aaaaa",
    OrderEvent.PARCEL_NEWS: "aaaaa",
    OrderEvent.PARCEL_SHIPPED: "axaca",
    OrderEvent.SHIPMENT_REJECTED: "aaaix",
    OrderEvent.SHIPMENT_CANCELLED: "aaaaa",
    OrderEvent.SHIPMENT_REFUSED: "aaaaa",
    OrderEvent.LABEL_REQUESTED: "aaiix",
    OrderEvent.SKU_NEWS: "iaaii",
    OrderEvent.CONTENT_CHANGED: "aaaix",
    OrderEvent.MARKETPLACE_CANCELLED: "aaiix",
    OrderEvent.UNPAID_EXPIRED: "iaiii",
    OrderEvent.HOLD: "aaxxx",
    OrderEvent.RELEASE: "aaxxx",
    OrderEvent.CANCEL: "aaiix",
    OrderEvent.CHANGE_ADDRESS: "aaxxx",
    OrderEvent.RETRY: "aaxxx",
}
LETTERS = {
    "a": Reaction.APPLY,
    "i": Reaction.IGNORE,
    "d": Reaction.DEFER,
    "c": Reaction.COMPENSATE,
    "x": Reaction.EXCEPTION,
}


@pytest.mark.parametrize(("state", "event"), LEG_PAIRS)
def test_a_leg_reacts_to_every_event_as_it_is_said(state: LegState, event: LegEvent) -> None:
    letter = LEGS_SAID[state].replace(" ", "")[list(LegEvent).index(event)]

    assert LEG_TABLE[state][event].reaction is LETTERS[letter]


@pytest.mark.parametrize(("event", "state"), ORDER_PAIRS)
def test_an_order_reacts_to_every_event_as_it_is_said(event: OrderEvent, state: OrderStatus) -> None:
    letter = ORDERS_SAID[event][list(OrderStatus).index(state)]

    assert ORDER_TABLE[event][state].reaction is LETTERS[letter]


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

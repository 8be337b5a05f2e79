"""Every pair of state and event has one reaction, and the rules behind them hold in all of the table."""

import itertools

import pytest

from shipping_service.domain.leg_table import ASKED, GONE, LEG_TABLE, LegEvent, LegState, Move, Reaction

S, E, R = LegState, LegEvent, Reaction
PAIRS = list(itertools.product(LegState, LegEvent))

#: The table once more, by reaction, as a person would say it: a change of one cell has to be made twice.
SAID: dict[LegState, str] = {
    # events in the order of LegEvent: allocated, allocated_early, ready, unfit, changed, shrunk, withdrawn,
    # cancel_asked, bought, not_bought, outcome_lost, carrier_rejected, repaired, hand_over, order_closed,
    # stock_released, scanned, journey_ended. a apply, i ignore, d defer, c compensate, x exception.
    S.ABSENT: "adii iiaa xiii xxii ii",
    S.PLANNED: "iiax aaaa ciii axxc ii",
    S.BUYING: "iiii aaaa aaxx xxxc ii",
    S.OUTCOME_UNKNOWN: "iiii aaaa aaix xxxc ii",
    S.LABELLED: "iiii cccc ciii xaxc xx",
    S.HANDED_OVER: "iiii xxxx ciii xiax ia",
    S.CANCELLING: "iiii iiia caxa xxxi ii",
    S.CANCELLED: "iiii iiii ciii xxii xx",
    S.NEEDS_REPAIR: "iiii aaaa ciii axxc ii",
    S.CLOSED: "iiii xxxx ciii xiix ii",
}
LETTERS = {"a": R.APPLY, "i": R.IGNORE, "d": R.DEFER, "c": R.COMPENSATE, "x": R.EXCEPTION}


def test_the_table_names_every_state_and_every_event() -> None:
    assert set(LEG_TABLE) == set(LegState)
    assert all(set(row) == set(LegEvent) for row in LEG_TABLE.values())


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_every_pair_reacts_as_it_is_said(state: LegState, event: LegEvent) -> None:
    letter = SAID[state].replace(" ", "")[list(LegEvent).index(event)]

    assert LEG_TABLE[state][event].reaction is LETTERS[letter]


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_what_is_ignored_moves_nothing_and_every_exception_has_a_name(
    state: LegState, event: LegEvent
) -> None:
    move = LEG_TABLE[state][event]

    assert move.reaction is not R.IGNORE or move == Move(R.IGNORE)
    assert move.reaction is not R.EXCEPTION or move.code


@pytest.mark.parametrize("state", sorted({S.HANDED_OVER, S.CLOSED, S.CANCELLED}))
def test_a_leg_that_is_over_comes_back_by_no_event(state: LegState) -> None:
    targets = {move.target for move in LEG_TABLE[state].values()} - {None}

    assert targets <= {S.CLOSED}


def test_only_a_labelled_leg_is_handed_over() -> None:
    leaving = {
        (state, event)
        for state, row in LEG_TABLE.items()
        for event, move in row.items()
        if move.target is S.HANDED_OVER
    }

    assert leaving == {(S.LABELLED, E.HAND_OVER)}


@pytest.mark.parametrize("state", sorted(ASKED - {S.CANCELLING}))
def test_no_cancel_ends_while_a_label_may_be_bought(state: LegState) -> None:
    for event in (E.CANCEL_ASKED, E.WITHDRAWN):
        assert LEG_TABLE[state][event].target is S.CANCELLING


@pytest.mark.parametrize("state", sorted(GONE))
def test_what_has_left_refuses_every_wish(state: LegState) -> None:
    for event in (E.CANCEL_ASKED, E.WITHDRAWN, E.SHRUNK, E.CHANGED):
        assert LEG_TABLE[state][event].reaction is R.EXCEPTION

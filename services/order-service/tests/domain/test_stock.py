"""The number that a marketplace is told: a table of cases, and what holds whatever the dials."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_service.domain.lines import Component
from order_service.domain.stock import Dials, Parts, offer

ONE = (Component("A", 1),)
KIT = (Component("A", 2), Component("B", 1))


def parts(*components: Component, **levels: dict[str, int]) -> Parts:
    return Parts(components or ONE, True, levels)


@pytest.mark.parametrize(
    ("there", "dials", "units"),
    [
        (parts(A={"W1": 7, "W2": 5}), Dials(), 12),
        (parts(A={"W1": 7, "W2": 5}), Dials(frozenset({"W1"})), 7),
        (parts(A={"W1": 7}), Dials(frozenset({"W9"})), 0),
        (parts(A={"W1": 7, "W2": -3}), Dials(), 4),
        (parts(A={"W1": -3}), Dials(), 0),
        (parts(A={"W1": 7}), Dials(stop_at=7), 0),
        (parts(A={"W1": 8}), Dials(stop_at=7), 8),
        (parts(A={"W1": 7}), Dials(buffer=2), 5),
        (parts(A={"W1": 1}), Dials(buffer=2), 0),
        (parts(A={"W1": 7}), Dials(percent=50), 3),
        (parts(A={"W1": 7}), Dials(percent=0), 0),
        (parts(A={"W1": 7}), Dials(most=3), 3),
        (parts(A={"W1": 7}), Dials(buffer=1, percent=50, most=2), 2),
        (parts(*KIT, A={"W1": 7}, B={"W1": 9}), Dials(), 3),
        (parts(*KIT, A={"W1": 7}, B={"W1": 2}), Dials(), 2),
        (parts(*KIT, A={"W1": 7}, B={"W1": -1}), Dials(), 0),
        (parts(Component("A", 1), Component("A", 2), A={"W1": 7}), Dials(), 2),
        (parts(*KIT, A={"W1": 7}), Dials(), None),
        (parts(), Dials(), None),
        (Parts(ONE, False, {"A": {"W1": 7}}), Dials(), 0),
        (None, Dials(), None),
    ],
)
def test_the_number_told_is_what_can_be_made_of_what_there_is_after_the_dials(
    there: Parts | None, dials: Dials, units: int | None
) -> None:
    assert offer(there, dials).units == units


def test_a_preview_says_how_it_came_to_its_number() -> None:
    found = offer(parts(A={"W1": 11}), Dials(stop_at=2, buffer=1, percent=50, most=3))

    assert found.why == ("11 available", "10 after a buffer of 1", "5 at 50 percent", "at most 3")


UNITS = st.integers(-50, 500)
DIALS = st.builds(
    Dials,
    warehouses=st.none() | st.frozensets(st.sampled_from(["W1", "W2", "W3"]), min_size=1),
    stop_at=st.integers(0, 20),
    buffer=st.integers(0, 20),
    percent=st.integers(0, 100),
    most=st.none() | st.integers(0, 50),
)
LEVELS = st.dictionaries(st.sampled_from(["W1", "W2", "W3"]), UNITS, min_size=1)


@given(LEVELS, LEVELS, DIALS)
def test_never_less_than_nothing_and_never_more_than_there_is(
    a: dict[str, int], b: dict[str, int], dials: Dials
) -> None:
    found = offer(parts(*KIT, A=a, B=b), dials).units

    counted = [units for name, units in a.items() if dials.warehouses is None or name in dials.warehouses]
    assert found is not None
    assert 0 <= found * 2 <= max(sum(counted), 0)


@given(LEVELS, DIALS, st.integers(0, 100))
def test_no_dial_offers_more_when_it_is_turned_down(levels: dict[str, int], dials: Dials, less: int) -> None:
    loose = offer(parts(A=levels), dials).units
    tighter = [
        replace(dials, stop_at=dials.stop_at + less),
        replace(dials, buffer=dials.buffer + less),
        replace(dials, percent=max(dials.percent - less, 0)),
        replace(dials, most=less if dials.most is None else min(less, dials.most)),
    ]

    assert loose is not None
    for one in tighter:
        units = offer(parts(A=levels), one).units
        assert units is not None
        assert units <= loose

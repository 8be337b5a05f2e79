"""When a rate counts as back, from series that are made up: ten orders per second, looked at each quarter."""

from collections.abc import Callable

import pytest

from .recovery import WINDOW_S, back_after, count_at

KILLED_AT_S = 10.0


def series(come: Callable[[float], float]) -> list[tuple[float, float]]:
    return [(look / 4, come(look / 4)) for look in range(200)]


def test_between_two_looks_orders_come_evenly() -> None:
    assert count_at([(0, 0), (2, 20), (4, 30)], 3) == 25
    assert count_at([(1, 10)], 0.5) == 5
    assert count_at([(1, 10)], 9) == 10


def test_a_rate_that_never_fell_is_back_at_once() -> None:
    assert back_after(series(lambda at: 10 * at), KILLED_AT_S, 10) == 0


def test_a_rate_is_back_when_a_whole_window_is_full_again() -> None:
    stood_s = 5.0
    found = back_after(
        series(lambda at: 10 * min(at, KILLED_AT_S) + 10 * max(at - KILLED_AT_S - stood_s, 0)),
        KILLED_AT_S,
        10,
    )

    # Nine tenths of a window are enough.
    assert found == pytest.approx(stood_s + WINDOW_S, abs=0.4)


def test_what_was_left_behind_may_come_faster_than_before() -> None:
    found = back_after(series(lambda at: 10 * at if at < KILLED_AT_S or at > 15 else 100), KILLED_AT_S, 10)

    assert found == pytest.approx(5.25, abs=0.26)


def test_what_does_not_come_any_more_is_not_back() -> None:
    assert back_after(series(lambda at: 10 * min(at, KILLED_AT_S)), KILLED_AT_S, 10) is None

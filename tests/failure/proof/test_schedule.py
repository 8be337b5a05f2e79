"""The seed alone decides what happens."""

from itertools import islice

from .coverage import rows
from .faults import KINDS
from .schedule import schedule, waves_of_first_round
from .stories import Kind as StoryKind
from .stories import make_story

FIRST_ROUND = waves_of_first_round(KINDS)


def test_the_same_seed_gives_the_same_schedule() -> None:
    once = list(islice(schedule(7, KINDS), 3 * FIRST_ROUND))
    again = list(islice(schedule(7, KINDS), 3 * FIRST_ROUND))

    assert once == again
    assert [one.chance.random() for one in once[0].injections] == [
        one.chance.random() for one in again[0].injections
    ]


def test_another_seed_gives_another_schedule() -> None:
    assert list(islice(schedule(1, KINDS), FIRST_ROUND)) != list(islice(schedule(2, KINDS), FIRST_ROUND))


def test_the_first_round_has_every_kind_once() -> None:
    waves = islice(schedule(3, KINDS), FIRST_ROUND)

    names = [one.kind for wave in waves for one in wave.injections]

    assert sorted(names) == sorted(one.name for one in KINDS)


def test_the_important_kinds_come_first() -> None:
    tiers = {one.name: (one.light, one.tier) for one in KINDS}

    names = [one.kind for wave in islice(schedule(5, KINDS), FIRST_ROUND) for one in wave.injections]

    for beside in (False, True):
        order = [tiers[name][1] for name in names if tiers[name][0] is beside]
        assert order == sorted(order)


def test_no_wave_has_two_faults_that_want_the_system_for_themselves() -> None:
    light = {one.name for one in KINDS if one.light}

    for wave in islice(schedule(11, KINDS), 5 * FIRST_ROUND):
        heavy = [one for one in wave.injections if one.kind not in light]
        assert len(heavy) <= 1
        assert 1 <= len(wave.injections) <= 2


def test_every_row_of_the_list_is_injected_or_says_why_not() -> None:
    listed = rows(KINDS)

    assert {code for kind in KINDS for code in kind.rows} <= {row.code for row in listed}
    assert [row.code for row in listed if bool(row.by) == bool(row.instead)] == []
    assert [row.code for row in listed][:44] == [f"F{n}" for n in range(1, 45)]


def test_the_same_seed_and_number_give_the_same_order() -> None:
    assert [make_story(7, n, shops=3) for n in range(50)] == [make_story(7, n, shops=3) for n in range(50)]


def test_every_kind_of_order_comes_within_a_few_hundred() -> None:
    assert {make_story(1, n, shops=3).kind for n in range(400)} == set(StoryKind)


def test_every_tenth_order_comes_twice() -> None:
    assert [make_story(1, n, shops=3).copies for n in (9, 10, 20)] == [1, 2, 2]

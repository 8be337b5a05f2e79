"""The expectations follow from the input, and the input from the seed."""

from collections import Counter

import pytest

from crossdock_cli.demo.cases import ABSENT, CANCELLED, CLOSED, units_of
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.scenario import make_scenario
from crossdock_cli.demo.steps import Deliver
from crossdock_cli.demo.world import GOODS, KITS, PLACES, WAREHOUSES, components_of


def test_the_same_seed_places_the_same_orders_and_another_one_others() -> None:
    assert make_scenario(50, 7) == make_scenario(50, 7)
    assert make_scenario(50, 7) != make_scenario(50, 8)


def test_an_order_that_closes_has_shipped_all_it_wanted_and_any_other_nothing() -> None:
    for case in make_scenario(200, 1).cases:
        shipped = +Counter(case.expected.shipped)
        assert shipped == (case.wanted if case.expected.status == CLOSED else Counter())


def test_everybody_who_gets_a_parcel_is_told_once_per_parcel() -> None:
    for case in make_scenario(200, 1).cases:
        assert case.expected.mails.get("shipped", 0) == case.expected.parcels
        confirmed = case.expected.status == CLOSED or bool(case.expected.mails.get("cancelled"))
        assert case.expected.mails.get("order_confirmed", 0) == confirmed


def test_there_is_enough_of_everything_but_of_what_is_rare_on_purpose() -> None:
    scenario = make_scenario(300, 1)
    wanted: Counter[str] = Counter()
    for case in scenario.cases:
        wanted.update(case.wanted)

    lacking = {sku for sku, units in wanted.items() if scenario.stock[sku] < units}

    assert lacking == {"RARE"}
    assert scenario.received["RARE"] == wanted["RARE"]


def test_every_kind_of_trouble_is_among_even_the_fewest_orders() -> None:
    cases = make_scenario(1, 1).cases

    assert len(cases) == 16
    assert {case.expected.status for case in cases} == {CLOSED, CANCELLED, ABSENT}
    assert all(not case.is_ordinary for case in cases)


def test_marketplaces_take_turns_and_each_has_its_own_trouble() -> None:
    platforms = ("shopify", "ebay", "shopee")
    cases = make_scenario(200, 1, platforms, silent=["shopee"], issuing=["shopee"]).cases
    ordinary = Counter(case.platform for case in cases if case.is_ordinary)
    special = [case.title for case in cases if not case.is_ordinary and case.platform != "shopify"]

    assert max(ordinary.values()) - min(ordinary.values()) <= 1
    assert special == [
        "ebay: unpaid, paid later",
        "ebay: cancelled after the label",
        "shopee: unpaid, paid later",
        "shopee: cancelled instead of paid",
    ]
    assert len({case.number for case in cases}) == len(cases)


def test_a_marketplace_that_makes_the_labels_ships_from_one_place_and_a_silent_one_is_mailed_nothing() -> (
    None
):
    cases = make_scenario(300, 1, ("shopify", "shopee"), silent=["shopee"], issuing=["shopee"]).cases
    theirs = [case for case in cases if case.platform == "shopee"]

    assert theirs
    assert all(case.expected.parcels <= 1 and not case.expected.mails for case in theirs)
    assert any(len(case.lines) > 1 for case in theirs)


def test_every_tenth_ordinary_order_is_delivered_twice() -> None:
    cases = [case for case in make_scenario(300, 1).cases if case.is_ordinary]
    twice = [case for case in cases if any(isinstance(s, Deliver) and s.copies == 2 for s in case.steps)]

    assert len(cases) == 284
    assert [case.number for case in twice] == [case.number for case in cases if case.number % 10 == 0]


@pytest.mark.parametrize("country", ["CN", "DE", "BR"])
@pytest.mark.parametrize("currency", ["EUR", "USD", "BRL", "JPY"])
def test_buyers_live_and_pay_in_many_places(country: str, currency: str) -> None:
    places = [PLACES[case.place] for case in make_scenario(300, 1).cases]

    assert country in {place.country for place in places}
    assert currency in {place.currency for place in places}


def test_kits_are_taken_apart_and_all_goods_lie_in_a_warehouse_there_is() -> None:
    sold = [case.lines for case in make_scenario(300, 1).cases]

    assert units_of([line for lines in sold for line in lines if line.name in KITS])
    assert {one.warehouse for one in GOODS.values()} == set(WAREHOUSES)
    assert all(sku in GOODS for lines in sold for line in lines for sku in components_of(line.name))


def test_no_two_runs_and_no_two_orders_share_a_name() -> None:
    one, other = Run("00001", 20, 1), Run("00002", 20, 1)
    cases = one.scenario.cases
    ids = [run.order_id(case) for run in (one, other) for case in cases]
    lines = [run.line_id(case, n) for run in (one, other) for case in cases for n in range(len(case.lines))]

    assert len(set(ids)) == len(ids)
    assert len(set(lines)) == len(lines)
    assert one.sku("MUG") != other.sku("MUG")
    assert one.key("webhook", 1) == Run("00001", 20, 1).key("webhook", 1) != other.key("webhook", 1)
    assert one.bare(one.sku("MUG")) == "MUG"

from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest

from shipping_service.domain.consignment import Box
from shipping_service.domain.customs import (
    Missing,
    Packed,
    SkuFacts,
    box_of,
    crosses_border,
    customs_items,
    missing,
    value_of,
)

MUG = SkuFacts("Mug", 320, 120, 90, 90, "691110", "CN", "Porcelain mug")


def some(
    units: int = 1,
    facts: SkuFacts = MUG,
    value: str | None = "12.50",
    sku: str = "mug",
    currency: str = "EUR",
) -> Packed:
    return Packed(uuid4(), sku, units, facts, None if value is None else Decimal(value), currency)


@pytest.mark.parametrize(
    ("origin", "destination", "declared"),
    [
        ("DE", "DE", False),
        ("DE", "FR", False),
        ("DE", "CH", True),
        ("DE", "GB", True),
        ("CN", "DE", True),
        ("US", "US", False),
    ],
)
def test_customs_hears_of_what_leaves_its_territory(origin: str, destination: str, declared: bool) -> None:
    assert crosses_border(origin, destination) is declared


def test_a_single_unit_has_a_size_and_several_have_a_weight_alone() -> None:
    assert box_of([some()], None) == Box(320, 120, 90, 90)
    assert box_of([some(2), some(1, replace(MUG, weight_g=81), sku="cap")], None) == Box(721)


def test_what_a_person_weighed_counts_instead_of_the_skus() -> None:
    assert box_of([some(3)], Box(900, 10, 20, 30)) == Box(900, 10, 20, 30)


def test_one_missing_weight_leaves_no_weight() -> None:
    assert box_of([some(), some(1, replace(MUG, weight_g=None))], None) is None


@pytest.mark.parametrize(
    ("lacking", "code"),
    [
        (replace(MUG, weight_g=None), "missing_weight"),
        (replace(MUG, hs_code=None), "missing_hs_code"),
        (replace(MUG, origin_country=None), "missing_origin"),
    ],
)
def test_across_a_border_each_missing_fact_has_its_code_and_its_sku(lacking: SkuFacts, code: str) -> None:
    found = missing([some(), some(1, lacking, sku="bare")], customs=True, repaired=None)

    assert found is not None
    assert (found.code, found.field is not None and "bare" in found.field) == (code, True)


def test_across_a_border_a_line_without_a_value_is_missing() -> None:
    assert missing([some(value=None)], customs=True, repaired=None) == Missing(
        "missing_value", "items.mug.unit_value"
    )


def test_at_home_only_the_weight_is_asked_for_and_a_measured_parcel_is_enough() -> None:
    bare = some(1, SkuFacts("Bare"))

    assert missing([bare], customs=False, repaired=None) == Missing("missing_weight", "items.mug.weight_g")
    assert missing([bare], customs=False, repaired=Box(100)) is None


def test_two_allocations_of_one_sku_and_value_are_one_customs_item() -> None:
    (item,) = customs_items([some(2), some(3)], Box(1600))

    assert (item.units, item.unit_weight_g, item.unit_value) == (5, 320, Decimal("12.5000"))
    assert (item.description, item.hs_code, item.origin_country) == ("Porcelain mug", "691110", "CN")


def test_a_sku_sold_at_two_prices_is_two_customs_items() -> None:
    items = customs_items([some(1, value="10"), some(1, value="8")], Box(640))

    assert [one.unit_value for one in items] == [Decimal("10.0000"), Decimal("8.0000")]


def test_a_value_with_many_digits_is_rounded_up() -> None:
    (item,) = customs_items([some(3, value="3.33333333")], Box(960))

    assert item.unit_value == Decimal("3.3334")


def test_the_title_stands_in_for_a_missing_description() -> None:
    (item,) = customs_items([some(1, replace(MUG, customs_description=None))], Box(320))

    assert item.description == "Mug"


def test_the_items_weigh_no_more_than_the_parcel_a_person_weighed() -> None:
    items = customs_items([some(3), some(1, replace(MUG, weight_g=1), sku="pin")], Box(500))

    assert sum(one.units * one.unit_weight_g for one in items) <= 500
    assert all(one.unit_weight_g >= 1 for one in items)


def test_values_in_two_currencies_have_no_sum() -> None:
    assert value_of([some(2), some(1)]) == (Decimal("37.50"), "EUR")
    assert value_of([some(), some(currency="USD")]) is None
    assert value_of([some(), some(value=None)]) is None

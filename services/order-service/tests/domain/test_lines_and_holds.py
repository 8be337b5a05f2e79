from datetime import UTC, datetime
from uuid import UUID

import pytest

from order_service.domain.addresses import missing_parts
from order_service.domain.canonical import Address, CanonicalLine, PaymentStatus
from order_service.domain.holds import HoldReason, look
from order_service.domain.leg import LegEvent
from order_service.domain.lines import Catalog, Component, Line, Mapped, SkuFacts, expand
from order_service.domain.money import shares, to_minor, unit_value
from order_service.domain.write_back import owed_units

from .an_order import an_id, an_order, parcel

ADDRESS = Address(name="A", lines=("1 Road",), city="Austin", postal_code="78704", country="US")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def sold(
    line_id: str, sku: str | None, quantity: int = 1, cancelled: int = 0, price: int = 1000
) -> CanonicalLine:
    return CanonicalLine(line_id, (line_id,), sku, "thing", quantity, cancelled, price, 0, 0)


def facts(sku: str, *, customs: bool = True, active: bool = True) -> SkuFacts:
    said = "x" if customs else None
    return SkuFacts(sku, active, said, said, said)


def catalog(*known: str, **mapped: tuple[Component, ...]) -> Catalog:
    return Catalog(
        {name: Mapped(parts) for name, parts in mapped.items()}, {name: facts(name) for name in known}
    )


def lines_of(given: Catalog, *what: CanonicalLine, before: tuple[Line, ...] = ()) -> tuple[Line, ...]:
    return expand(what, given, currency="USD", before=before, order_id=UUID(int=1))


def test_a_sku_of_ours_needs_no_entry_in_the_map() -> None:
    (line,) = lines_of(catalog("A"), sold("1", "A"))

    assert (line.sku, line.kit_sku) == ("A", None)


def test_a_map_entry_whose_components_inventory_does_not_know_leaves_the_line_unknown() -> None:
    (line,) = lines_of(catalog(X=(Component("A", 1),)), sold("1", "X"))

    assert line.sku is None


def test_the_same_sku_twice_stays_two_lines() -> None:
    lines = lines_of(catalog("A"), sold("1", "A"), sold("2", "A"))

    assert [line.external_line_ids for line in lines] == [("1",), ("2",)]


def test_a_kit_becomes_its_components_and_its_total_is_shared_exactly() -> None:
    kit = (Component("A", 2), Component("B", 1))
    lines = lines_of(catalog("A", "B", KIT=kit), sold("1", "KIT", quantity=3, cancelled=1, price=1000))

    assert [(line.sku, line.units_ordered, line.units) for line in lines] == [("A", 6, 4), ("B", 3, 2)]
    assert [line.total_minor for line in lines] == [2000, 1000]
    assert {line.kit_sku for line in lines} == {"KIT"}


def test_a_line_that_was_resolved_keeps_its_skus_when_the_map_changes() -> None:
    before = lines_of(catalog("A", X=(Component("A", 1),)), sold("1", "X"))

    after = lines_of(catalog("A", "B", X=(Component("B", 1),)), sold("1", "X", quantity=5), before=before)

    assert [(line.sku, line.units_ordered, line.line_id) for line in after] == [("A", 5, before[0].line_id)]


def test_what_is_never_sent_is_no_line() -> None:
    card = CanonicalLine("1", ("1",), "GIFT", "card", 1, 0, 1000, 0, 0, ships=False)

    assert lines_of(catalog("GIFT"), card) == ()


@pytest.mark.parametrize(
    ("address", "missing"),
    [
        (None, ("address",)),
        (ADDRESS, ()),
        (Address(company="B", lines=("1",), city="C", postal_code="1", country="DE"), ()),
        (Address(lines=("1",), city="C", postal_code="1", country="DE"), ("name",)),
        (Address(name="A", city="C", postal_code="1", country="DE"), ("street",)),
        (Address(name="A", lines=("1",), postal_code="1", country="DE"), ("city",)),
        (Address(name="A", lines=("1",), city="C", country="DE"), ("postal_code",)),
        (Address(name="A", lines=("1",), city="C", country="HK"), ()),
        (Address(name="A", lines=("1",), postal_code="100", country="JP"), ()),
        (Address(name="A", lines=("1",), city="C", postal_code="1"), ("country",)),
    ],
)
def test_an_address_lacks_what_its_country_needs(address: Address | None, missing: tuple[str, ...]) -> None:
    assert missing_parts(address) == missing


def holds(**changes: object) -> set[HoldReason]:
    given: dict[str, object] = {
        "payment": PaymentStatus.PAID,
        "platform_hold": None,
        "test": False,
        "address": ADDRESS,
        "lines": lines_of(catalog("A"), sold("1", "A")),
        "catalog": catalog("A"),
        "domestic_countries": {"US"},
    }
    return set(look(**{**given, **changes}).holds)  # type: ignore[arg-type]  # a test's shorthand


def test_a_good_order_is_not_held() -> None:
    assert holds() == set()


@pytest.mark.parametrize("payment", [PaymentStatus.PENDING, PaymentStatus.AUTHORIZED, PaymentStatus.VOIDED])
def test_an_order_whose_money_is_not_there_is_held(payment: PaymentStatus) -> None:
    assert holds(payment=payment) == {HoldReason.UNPAID}


def test_what_the_marketplace_keeps_back_is_held_whoever_has_paid() -> None:
    assert holds(platform_hold="fraud_review") == {HoldReason.PLATFORM}
    assert holds(platform_hold="fraud_review", payment=PaymentStatus.PENDING) == {
        HoldReason.PLATFORM,
        HoldReason.UNPAID,
    }


def test_goods_without_customs_data_are_held_only_across_a_border() -> None:
    bare = Catalog({}, {"A": facts("A", customs=False)})

    assert holds(catalog=bare) == set()
    assert holds(catalog=bare, domestic_countries={"CN"}) == {HoldReason.CUSTOMS_DATA}


def test_an_unknown_sku_waits_for_itself_and_for_what_it_is_mapped_to() -> None:
    given = catalog(X=(Component("A", 1),))
    found = look(
        payment=PaymentStatus.PAID,
        platform_hold=None,
        test=False,
        address=ADDRESS,
        lines=lines_of(given, sold("1", "X")),
        catalog=given,
        domestic_countries={"US"},
    )

    assert found.waiting_skus == {"X", "A"}


def test_half_a_kit_is_told_to_the_marketplace_with_the_parcel_that_completes_it() -> None:
    order = an_order(2, 1)
    first, second = order.lines
    both = {"external_line_ids": ("x0",), "kit_sku": "KIT"}
    order.lines = (_with(first, units_per_kit=2, **both), _with(second, units_per_kit=1, **both))

    parcel(order, LegEvent.SHIPPED, "p", ("a", 0, 2))
    half = owed_units(order, an_id("p"))
    parcel(order, LegEvent.SHIPPED, "q", ("b", 1, 1), version=2)

    assert half == {}
    assert owed_units(order, an_id("q")) == {"x0": 1}
    assert owed_units(order, an_id("q")) == {}


def _with(line: Line, **changes: object) -> Line:
    return Line(**{**{name: getattr(line, name) for name in Line.__dataclass_fields__}, **changes})


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("19.99", "EUR", 1999),
        ("1999", "JPY", 1999),
        ("1.2345", "BHD", 1235),
        ("-0.005", "USD", -1),
        ("7", "USD", 700),
    ],
)
def test_amounts_become_minor_units_half_up(amount: str, currency: str, minor: int) -> None:
    assert to_minor(amount, currency) == minor


@pytest.mark.parametrize("amount", ["", "abc", "NaN", "Infinity", "1e400", "12,50"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="not a decimal amount"):
        to_minor(amount, "USD")


@pytest.mark.parametrize(
    ("total", "units", "value"), [(1998, 2, "9.99"), (1000, 3, "3.333333"), (0, 0, "0.00")]
)
def test_the_value_of_a_unit_keeps_what_division_leaves(total: int, units: int, value: str) -> None:
    assert unit_value(total, units, "USD") == value


def test_shares_add_up() -> None:
    assert shares(1000, (1, 1, 1)) == (334, 333, 333)

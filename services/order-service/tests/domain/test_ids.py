"""What is imported again after a restore is known again."""

from datetime import UTC, datetime
from uuid import UUID

from order_service.domain.ids import derived_id, order_id_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_an_order_of_a_shop_has_one_id_whenever_it_is_imported() -> None:
    assert order_id_of("shopify", "lumo", "1001", NOON) == order_id_of("shopify", "lumo", "1001", NOON)


def test_orders_of_other_shops_or_with_other_numbers_have_others() -> None:
    named = [("shopify", "lumo", "1001"), ("shopify", "lumo", "1002"), ("shopify", "luna", "1001")]

    assert len({order_id_of(*one, NOON) for one in named}) == len(named)


def test_ids_are_of_version_7_and_begin_with_the_time_of_what_they_belong_to() -> None:
    order_id = order_id_of("shopify", "lumo", "1001", NOON)
    line_id = derived_id(order_id, "5001", 0)

    assert (order_id.version, line_id.version) == (7, 7)
    assert order_id.int >> 80 == line_id.int >> 80 == int(NOON.timestamp() * 1000)


def test_names_are_not_run_together() -> None:
    parent = UUID(int=0)

    assert derived_id(parent, "a", "bc") != derived_id(parent, "ab", "c")

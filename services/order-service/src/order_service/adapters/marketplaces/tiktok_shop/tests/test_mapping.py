"""TikTok Shop's orders and notices, case by case."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from order_service.adapters.marketplaces.tiktok_shop import wire
from order_service.adapters.marketplaces.tiktok_shop.mapping import (
    packages_of,
    read_message,
    told_package,
    units_to_send,
)
from order_service.domain.canonical import CanonicalOrder, FulfilmentStatus, PaymentStatus
from order_service.domain.errors import NotAnOrder
from order_service.use_cases.marketplace import Pointer

from .conformance import EXPECTED, a_notice, an_order

CHANGED = datetime.fromtimestamp(1771327990, UTC)


def read(**changes: Any) -> CanonicalOrder:
    order = read_message("order", json.dumps(an_order(**changes)).encode())
    assert isinstance(order, CanonicalOrder)
    return order


def a_unit(number: int, **changes: Any) -> dict[str, Any]:
    first = an_order()["line_items"][0]
    return {**first, "id": f"57700{number}", "seller_discount": "0", **changes}


def paid(**changes: Any) -> dict[str, Any]:
    return {**an_order()["payment"], **changes}


def living_at(**changes: Any) -> dict[str, Any]:
    return {**an_order()["recipient_address"], **changes}


# -- notices


@pytest.mark.parametrize("status", ["AWAITING_SHIPMENT", "CANCEL", "ON_HOLD"])
def test_a_change_of_status_names_the_order_and_when_it_changed(status: str) -> None:
    data = {"order_id": "576912233445566771", "order_status": status, "update_time": 1771327990}

    assert read_message("1", a_notice(data=data)) == Pointer("576912233445566771", CHANGED)


@pytest.mark.parametrize("kind", [3, 11, 12, 36, 999])
def test_any_notice_that_names_an_order_points_at_it_without_the_orders_own_time(kind: int) -> None:
    data = {"order_id": "576912233445566771", "update_time": 1771327990}

    assert read_message(str(kind), a_notice(kind=kind, data=data)) == Pointer("576912233445566771")


def test_a_notice_without_a_time_of_change_points_all_the_same() -> None:
    assert read_message("1", a_notice(data={"order_id": "5"})) == Pointer("5")


@pytest.mark.parametrize("data", [{}, {"product_id": "1"}])
def test_a_notice_about_something_else_is_none_of_orders(data: dict[str, str]) -> None:
    assert read_message("5", a_notice(kind=5, data=data)) is None


@pytest.mark.parametrize(
    "data", [{"order_id": 5}, {"order_id": "../5"}, {"order_id": "5", "update_time": -1}]
)
def test_a_notice_that_names_no_order_rightly_is_said_by_field(data: dict[str, Any]) -> None:
    with pytest.raises(NotAnOrder):
        read_message("1", a_notice(data=data))


# -- lines


def test_units_are_counted_and_all_their_ids_kept() -> None:
    order = read()

    assert [line.external_line_ids for line in order.lines] == [
        tuple(line["external_line_ids"]) for line in EXPECTED["lines"]
    ]


@pytest.mark.parametrize("change", [{"is_gift": True}, {"original_price": "18"}, {"sku_id": "1729"}])
def test_a_gift_another_price_and_another_sku_are_lines_of_their_own(change: dict[str, Any]) -> None:
    order = read(line_items=[a_unit(1), a_unit(2, **change), a_unit(3)])

    assert [line.external_line_ids for line in order.lines] == [("577001", "577003"), ("577002",)]


@pytest.mark.parametrize("word", ["CANCELLED", "CANCEL"])
def test_an_order_cancelled_in_part_wants_the_other_units(word: str) -> None:
    order = read(line_items=[a_unit(1, display_status=word), a_unit(2), a_unit(3)])

    assert [(line.quantity, line.cancelled_quantity) for line in order.lines] == [(3, 1)]
    assert not order.cancelled


def test_a_discount_is_the_sellers_and_the_platforms_and_tax_is_of_the_unit() -> None:
    units = [
        a_unit(1, seller_discount="1", platform_discount="0.5", item_tax=[{"tax_amount": "1.25"}]),
        a_unit(2, platform_discount="2", item_tax=[{"tax_amount": "1"}, {"tax_amount": "0.1"}]),
    ]
    (line,) = read(line_items=units).lines

    assert (line.discount, line.tax) == (350, 235)


# -- money


def test_tax_and_fees_are_part_of_the_total_and_the_tax_is_kept_by_the_platform() -> None:
    fees = {"small_order_fee": "1", "retail_delivery_fee": "0.29", "handling_fee": "", "tax": "4.2"}
    order = read(payment=paid(**fees, total_amount="58.92"))

    assert (order.totals.tax_total, order.totals.marketplace_collected_tax) == (420, 420)
    assert order.totals.other_charges_total == 129
    assert "total_mismatch" not in order.flags


def test_a_total_that_does_not_add_up_is_flagged_and_kept() -> None:
    order = read(payment=paid(total_amount="53.44"))

    assert order.totals.grand_total == 5344
    assert order.flags == ("total_mismatch",)


def test_a_sample_costs_nothing_and_is_sent() -> None:
    free = dict.fromkeys(("sub_total", "shipping_fee", "total_amount"), "0")
    discount = {"original_total_product_price": "19.99", "seller_discount": "19.99"}
    order = read(
        is_sample_order=True,
        paid_time=None,
        payment=paid(**free, **discount),
        line_items=[a_unit(1, sale_price="0", seller_discount="19.99")],
    )

    assert order.payment_status is PaymentStatus.PAID
    assert (order.totals.grand_total, order.lines[0].discount) == (0, 1999)
    assert order.flags == ("sample_order",)


# -- states


@pytest.mark.parametrize(
    ("changes", "payment", "fulfilment"),
    [
        ({"status": "UNPAID"}, PaymentStatus.PENDING, FulfilmentStatus.UNFULFILLED),
        ({"status": "ON_HOLD"}, PaymentStatus.PAID, FulfilmentStatus.UNFULFILLED),
        ({"is_on_hold_order": True}, PaymentStatus.PAID, FulfilmentStatus.UNFULFILLED),
        ({"status": "ON_HOLD", "paid_time": None}, PaymentStatus.AUTHORIZED, FulfilmentStatus.UNFULFILLED),
        (
            {"status": "ON_HOLD", "paid_time": None, "is_cod": True},
            PaymentStatus.PAID,
            FulfilmentStatus.UNFULFILLED,
        ),
        ({"status": "AWAITING_SHIPMENT"}, PaymentStatus.PAID, FulfilmentStatus.UNFULFILLED),
        ({"status": "PARTIALLY_SHIPPING"}, PaymentStatus.PAID, FulfilmentStatus.PARTIAL),
        ({"status": "AWAITING_COLLECTION"}, PaymentStatus.PAID, FulfilmentStatus.FULFILLED),
        ({"status": "IN_TRANSIT"}, PaymentStatus.PAID, FulfilmentStatus.FULFILLED),
        ({"status": "DELIVERED"}, PaymentStatus.PAID, FulfilmentStatus.DELIVERED),
        ({"status": "COMPLETED"}, PaymentStatus.PAID, FulfilmentStatus.DELIVERED),
        ({"status": "CANCELLED"}, PaymentStatus.PAID, FulfilmentStatus.UNFULFILLED),
        ({"status": "CANCEL", "paid_time": None}, PaymentStatus.VOIDED, FulfilmentStatus.UNFULFILLED),
    ],
)
def test_each_state_says_whether_it_is_paid_and_sent(
    changes: dict[str, Any], payment: PaymentStatus, fulfilment: FulfilmentStatus
) -> None:
    order = read(**changes)

    assert (order.payment_status, order.fulfilment_status) == (payment, fulfilment)


def test_a_label_of_tiktoks_has_sent_nothing_yet() -> None:
    order = read(status="AWAITING_COLLECTION", shipping_type="TIKTOK")

    assert order.fulfilment_status is FulfilmentStatus.UNFULFILLED
    assert order.flags == ("label_by_marketplace",)


@pytest.mark.parametrize("status", ["CANCELLED", "CANCEL"])
def test_a_cancelled_order_says_why_in_whichever_word(status: str) -> None:
    order = read(status=status, cancel_reason="changed mind")

    assert (order.cancelled, order.cancel_reason) == (True, "changed mind")


def test_what_tiktok_sends_itself_is_none_of_ours() -> None:
    body = json.dumps(an_order(fulfillment_type="FULFILLMENT_BY_TIKTOK")).encode()

    assert read_message("order", body) is None


@pytest.mark.parametrize("changes", [{"status": "ON_HOLD"}, {"is_on_hold_order": True}])
def test_tiktok_keeps_an_order_back_while_the_buyer_may_change_their_mind(changes: dict[str, Any]) -> None:
    assert read(**changes).platform_hold == "ON_HOLD"
    assert read().platform_hold is None


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"is_cod": True}, "cash_on_delivery"),
        ({"is_replacement_order": True}, "replacement_order"),
        ({"is_buyer_request_cancel": True}, "buyer_asks_to_cancel"),
        ({"split_or_combine_tag": "SPLIT"}, "split_or_combined"),
        ({"status": "ON_HOLD"}, "on_hold"),
        ({"status": "TELEPORTING"}, "unknown_status"),
        ({"fulfillment_type": "FULFILLMENT_BY_MOON"}, "unknown_status"),
        ({"buyer_email": "v2b***@scs.tiktokw.example"}, "pii_masked"),
    ],
)
def test_what_a_person_should_see_is_a_flag(changes: dict[str, Any], flag: str) -> None:
    assert read(**changes).flags == (flag,)


# -- people


@pytest.mark.parametrize(
    ("changes", "city"),
    [
        ({}, "LEEDS"),
        ({"post_town": ""}, "Leeds"),
        ({"post_town": None, "district_info": []}, None),
    ],
)
def test_the_city_is_the_post_town_or_the_deepest_level(changes: dict[str, Any], city: str | None) -> None:
    address = read(recipient_address=living_at(**changes)).ship_to

    assert address is not None
    assert address.city == city


def test_an_address_without_numbered_lines_has_the_whole_in_one() -> None:
    nothing = {"address_line1": "", "address_line2": None, "name": ""}
    address = read(recipient_address=living_at(**nothing)).ship_to

    assert address is not None
    assert address.lines == ("14 Sample Terrace, Flat 2",)
    assert address.name == "Imogen Hartley"


def test_the_country_is_known_from_the_districts_where_the_region_is_missing() -> None:
    address = read(recipient_address=living_at(region_code="")).ship_to

    assert address is not None
    assert address.country == "GB"


def test_notes_of_both_and_a_tax_number_are_kept() -> None:
    order = read(buyer_message="ring twice", seller_note="fragile", cpf="12345678901")

    assert order.notes == "ring twice\nfragile"
    assert [(one.kind, one.value) for one in order.tax_ids] == [("cpf", "12345678901")]


# -- parcels


def an_order_of(*units: Mapping[str, Any]) -> wire.Order:
    return wire.Order.model_validate(an_order(line_items=list(units)))


SENT = a_unit(1, tracking_number="YT1", display_status="AWAITING_COLLECTION", package_id="P1")


def test_units_that_nobody_has_sent_are_taken_by_any_id_of_their_line() -> None:
    order = an_order_of(SENT, a_unit(2, display_status="CANCELLED"), a_unit(3), a_unit(4))

    assert units_to_send(order, {"577001": 1}) == ["577003"]
    assert units_to_send(order, {"577001": 2}) == ["577003", "577004"]
    assert units_to_send(order, {"577001": 3}) is None
    assert units_to_send(order, {"577009": 1}) is None


def test_a_number_that_was_told_is_found() -> None:
    order = an_order_of(SENT, a_unit(2))

    assert (told_package(order, "YT1"), told_package(order, "YT2")) == ("P1", None)


def test_a_package_is_found_by_exactly_its_units() -> None:
    gift = a_unit(3, is_gift=True, package_id="P2")
    gone = a_unit(4, display_status="CANCELLED", package_id="P1")
    order = an_order_of(a_unit(1, package_id="P1"), a_unit(2, package_id="P1"), gift, gone)

    def found(wanted: Mapping[str, int]) -> list[str | None]:
        return [package[0].package_id for package in packages_of(order, wanted)]

    assert found({"577001": 2}) == ["P1"]
    assert found({"577003": 1}) == ["P2"]
    assert found({"577001": 1}) == []
    assert found({"577001": 2, "577003": 1}) == []
    assert found({"577001": 2, "577009": 1}) == []


@pytest.mark.parametrize(
    "changes", [{"line_items": []}, {"payment": paid(total_amount="much")}, {"id": "a b"}]
)
def test_what_is_no_order_is_said_by_field(changes: dict[str, Any]) -> None:
    with pytest.raises(NotAnOrder):
        read(**changes)

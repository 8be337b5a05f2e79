import json
from copy import deepcopy
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from order_service.adapters.marketplaces.woocommerce.mapping import (
    Habits,
    everything_told,
    names,
    read_order,
    to_note,
    to_shipment_tracking,
    untold_units,
)
from order_service.adapters.marketplaces.woocommerce.wire import Order
from order_service.domain.canonical import CanonicalOrder, FulfilmentStatus, PaymentStatus, TaxId
from order_service.domain.errors import NotAnOrder
from order_service.use_cases.marketplace import Tracking

SAMPLES = Path(__file__).parent / "samples"
HABITS = Habits(pickup_methods=frozenset({"local_pickup"}), tax_id_keys={"_billing_vat": "vat"})
NOTHING = dict.fromkeys(
    ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country"),
    "",
)


def a_body(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(json.loads((SAMPLES / "order.json").read_text())), **changes}


def mapped(habits: Habits = HABITS, **changes: Any) -> CanonicalOrder:
    order = read_order("order.updated", json.dumps(a_body(**changes)).encode(), habits)
    assert order is not None
    return order


def a_line(**changes: Any) -> dict[str, Any]:
    return {**a_body()["line_items"][0], **changes}


def test_the_sample_order_becomes_exactly_the_expected_one() -> None:
    expected = json.loads((SAMPLES / "expected.json").read_text())

    order = json.loads(json.dumps(asdict(mapped()), default=str))

    order["placed_at"] = mapped().placed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    # What the canonical form of the samples does not have.
    for name in ("updated_at", "cancel_reason", "test", "presentment_total", "platform_hold", "incomplete"):
        del order[name]
    for line in order["lines"]:
        del line["ships"]
    assert order == expected


@pytest.mark.parametrize("topic", ["order.created", "order.updated", "order.restored"])
def test_each_topic_of_an_order_carries_it_whole(topic: str) -> None:
    order = read_order(topic, json.dumps(a_body()).encode(), HABITS)

    assert order == mapped()


@pytest.mark.parametrize("topic", ["product.updated", "customer.created", "coupon.deleted", "action.x", ""])
def test_other_topics_carry_no_order(topic: str) -> None:
    assert read_order(topic, b"{}", HABITS) is None


def test_a_deletion_tells_only_an_id_and_is_for_a_person_to_see() -> None:
    with pytest.raises(NotAnOrder, match="deleted"):
        read_order("order.deleted", b'{"id":9117}', HABITS)


@pytest.mark.parametrize("status", ["checkout-draft", "auto-draft", "draft", "new"])
def test_a_draft_is_no_order_yet(status: str) -> None:
    assert read_order("order.created", json.dumps(a_body(status=status)).encode(), HABITS) is None


def test_times_are_the_gmt_ones_and_not_the_sites_own() -> None:
    order = mapped(date_created="2030-01-01T00:00:00", date_modified="2030-01-01T00:00:00")

    assert order.placed_at == datetime(2026, 2, 18, 11, 4, 33, tzinfo=UTC)
    assert order.updated_at == datetime(2026, 2, 18, 11, 5, 2, tzinfo=UTC)


def test_an_order_that_was_never_modified_is_as_old_as_it_is() -> None:
    assert mapped(date_modified_gmt=None).updated_at == mapped().placed_at


@pytest.mark.parametrize(
    ("status", "payment", "cancelled", "fulfilment"),
    [
        ("processing", PaymentStatus.PAID, False, FulfilmentStatus.UNFULFILLED),
        ("completed", PaymentStatus.PAID, False, FulfilmentStatus.FULFILLED),
        ("pending", PaymentStatus.PENDING, False, FulfilmentStatus.UNFULFILLED),
        ("on-hold", PaymentStatus.PAID, False, FulfilmentStatus.UNFULFILLED),
        ("failed", PaymentStatus.VOIDED, False, FulfilmentStatus.UNFULFILLED),
        ("refunded", PaymentStatus.REFUNDED, False, FulfilmentStatus.UNFULFILLED),
        ("cancelled", PaymentStatus.PAID, True, FulfilmentStatus.UNFULFILLED),
        ("trash", PaymentStatus.PAID, True, FulfilmentStatus.UNFULFILLED),
    ],
)
def test_the_status_says_whether_an_order_is_paid_shipped_or_cancelled(
    status: str, payment: PaymentStatus, cancelled: bool, fulfilment: FulfilmentStatus
) -> None:
    order = mapped(status=status)

    assert (order.payment_status, order.cancelled, order.fulfilment_status) == (
        payment,
        cancelled,
        fulfilment,
    )
    assert order.flags == ()


@pytest.mark.parametrize("status", ["pending", "on-hold", "failed", "refunded", "wc-unheard-of"])
def test_no_payment_date_makes_an_order_shippable_whose_status_says_no(status: str) -> None:
    order = mapped(status=status, date_paid_gmt="2026-02-18T11:05:01")

    assert order.platform_hold or not order.payment_status.settled


@pytest.mark.parametrize("status", ["on-hold", "packing"])
def test_a_paid_order_is_kept_back_by_its_status_and_never_by_a_deadline(status: str) -> None:
    unpaid = mapped(status=status, date_paid_gmt=None)
    paid = mapped(status=status)
    known = mapped(habits=Habits(ready_statuses=frozenset({status})), status=status)

    assert (unpaid.payment_status, unpaid.platform_hold) == (PaymentStatus.PENDING, None)
    assert (paid.payment_status, paid.platform_hold) == (PaymentStatus.PAID, status)
    assert (known.payment_status, known.platform_hold) == (PaymentStatus.PAID, None)


def test_who_pays_on_delivery_is_shipped_to_and_flagged() -> None:
    order = mapped(payment_method="cod", date_paid_gmt=None)

    assert order.payment_status is PaymentStatus.PAID
    assert order.flags == ("not_paid_yet",)


def test_a_cancelled_order_that_nobody_paid_is_void() -> None:
    assert mapped(status="cancelled", date_paid_gmt=None).payment_status is PaymentStatus.VOIDED


def test_a_status_of_a_plug_in_is_parked_until_the_operator_knows_it() -> None:
    parked = mapped(status="packing")
    known = mapped(habits=Habits(ready_statuses=frozenset({"packing"})), status="packing")

    assert (parked.platform_hold, parked.flags) == ("packing", ("unknown_status",))
    assert (known.payment_status, known.flags) == (PaymentStatus.PAID, ())


def test_processing_is_not_ready_where_the_operator_names_another_status() -> None:
    order = mapped(habits=Habits(ready_statuses=frozenset({"packing"})))

    assert (order.platform_hold, order.flags) == ("processing", ())


def test_a_coupon_is_the_difference_between_subtotal_and_total() -> None:
    order = mapped(
        line_items=[a_line(quantity=3, subtotal="30.00", total="25.50", total_tax="2.55")],
        discount_total="4.50",
        coupon_lines=[{"id": 1, "code": "SPRING", "discount": "4.50", "discount_tax": "0.45"}],
        total_tax="3.55",
        total="39.00",
    )

    (line,) = order.lines
    assert (line.unit_price, line.discount, line.tax, line.total) == (1000, 450, 255, 2550)
    assert (order.totals.items_subtotal, order.totals.discount_total) == (3000, 450)
    assert order.flags == ()


def test_a_unit_price_that_has_to_be_divided_is_rounded_half_up() -> None:
    prices = [
        mapped(line_items=[a_line(quantity=quantity, subtotal=subtotal, total=subtotal)]).lines[0].unit_price
        for quantity, subtotal in ((3, "10.00"), (3, "20.00"), (2, "0.01"), (0, "4.00"))
    ]

    assert prices == [333, 667, 1, 400]


def test_a_line_that_costs_nothing_after_its_coupon_is_worth_nothing_and_not_less() -> None:
    line = mapped(line_items=[a_line(quantity=3, subtotal="10.00", total="0.00")]).lines[0]

    assert (line.discount, line.total) == (999, 0)


def test_amounts_are_without_tax_whatever_the_catalogues_prices_include() -> None:
    assert mapped(prices_include_tax=True) == mapped()


def test_fees_may_be_negative_and_shipping_lines_name_the_method() -> None:
    order = mapped(
        fee_lines=[{"id": 1, "name": "Gift wrap", "total": "3.00"}, {"id": 2, "total": "-5.00"}],
        shipping_lines=[{"method_title": "", "method_id": "flat_rate", "total": "9.95"}],
        total="63.95",
    )

    assert order.totals.other_charges_total == -200
    assert order.shipping_method == "flat_rate"
    assert order.flags == ()


def test_a_total_that_does_not_add_up_is_kept_and_flagged() -> None:
    order = mapped(total="99.99")

    assert order.totals.grand_total == 9999
    assert order.flags == ("total_mismatch",)


@pytest.mark.parametrize(
    ("currency", "subtotal", "unit_price"),
    [("JPY", "5000", 2500), ("JPY", "5000.00", 2500), ("KWD", "5.250", 2625), ("VND", "90000", 45000)],
)
def test_minor_units_are_those_of_the_currency(currency: str, subtotal: str, unit_price: int) -> None:
    order = mapped(currency=currency, line_items=[a_line(subtotal=subtotal, total=subtotal)])

    assert order.lines[0].unit_price == unit_price


def test_a_refund_of_money_is_told_by_the_order_and_its_units_are_not() -> None:
    order = mapped(refunds=[{"id": 9200, "reason": "", "total": "-27.50"}])

    assert order.totals.refunded_total == 2750
    assert order.payment_status is PaymentStatus.PARTIALLY_REFUNDED
    assert order.lines[0].cancelled_quantity == 0
    assert order.flags == ("refunded_units_unknown",)
    assert order.incomplete


@pytest.mark.parametrize("status", ["cancelled", "refunded", "on-hold", "failed"])
def test_an_order_that_stays_here_anyway_does_not_wait_for_what_a_refund_leaves_out(status: str) -> None:
    assert not mapped(status=status, refunds=[{"id": 9200, "total": "-27.50"}]).incomplete


def test_units_that_were_refunded_are_wanted_no_more() -> None:
    line = {"id": 9201, "quantity": -1, "meta_data": [{"id": 1, "key": "_refunded_item_id", "value": "401"}]}

    order = mapped(refunds=[{"id": 9200, "total": "-27.50", "line_items": [line]}])

    assert (order.lines[0].quantity, order.lines[0].cancelled_quantity) == (2, 1)
    assert order.flags == ()
    assert not order.incomplete


def test_a_refund_of_everything_is_no_payment_any_more() -> None:
    assert mapped(refunds=[{"id": 1, "total": "-65.95"}]).payment_status is PaymentStatus.REFUNDED


def test_an_empty_shipping_block_means_the_billing_address() -> None:
    billing = {**a_body()["billing"], "company": "Lumo", "state": ""}

    ship_to = mapped(shipping={**NOTHING, "phone": ""}, billing=billing).ship_to

    assert ship_to is not None
    assert (ship_to.name, ship_to.company, ship_to.city) == ("Ruby Callaghan", "Lumo", "Brunswick")
    assert (ship_to.province, ship_to.phone) == (None, "+61 3 5550 0142")


def test_a_gift_goes_to_its_receiver_under_the_buyers_phone() -> None:
    shipping = {**NOTHING, "first_name": "Ana", "address_1": "Rua A", "city": "Lisboa", "country": "PT"}

    ship_to = mapped(shipping=shipping).ship_to

    assert ship_to is not None
    assert (ship_to.name, ship_to.lines, ship_to.phone) == ("Ana", ("Rua A",), "+61 3 5550 0142")


def test_what_the_buyer_comes_for_is_not_shipped() -> None:
    pickup = {"method_id": "local_pickup", "method_title": "Pickup"}

    assert [line.ships for line in mapped(shipping_lines=[pickup]).lines] == [False]
    assert [line.ships for line in mapped(shipping_lines=[]).lines] == [True]


def test_missing_and_empty_fields_are_none() -> None:
    body = {
        name: value
        for name, value in a_body().items()
        if name in {"id", "status", "date_created_gmt", "currency", "line_items"}
    }
    body["line_items"] = [{"id": 401, "quantity": 1, "sku": "", "name": None}]

    order = read_order("order.created", json.dumps(body).encode(), HABITS)

    assert order is not None
    assert (order.order_number, order.buyer.name, order.buyer.email, order.notes) == (
        "9117",
        None,
        None,
        None,
    )
    assert (order.lines[0].sku, order.lines[0].title, order.shipping_method) == (None, "", None)
    assert order.ship_to is not None
    assert order.ship_to.lines == ()


def test_the_number_a_plug_in_gives_is_not_the_id() -> None:
    order = mapped(number="LUMO-2026-17")

    assert (order.external_id, order.order_number) == ("9117", "LUMO-2026-17")


def test_text_stays_as_it_was_written() -> None:
    order = mapped(
        customer_note="café ☕ 你好 Größe L\0", billing={**a_body()["billing"], "first_name": "José María"}
    )

    assert order.notes == "café ☕ 你好 Größe L"
    assert order.buyer.name == "José María Callaghan"


def test_masked_fields_stay_and_are_flagged() -> None:
    order = mapped(shipping={**a_body()["shipping"], "address_1": "2*******"})

    assert order.ship_to is not None
    assert order.ship_to.lines[0] == "2*******"
    assert order.flags == ("pii_masked",)


def test_tax_numbers_are_read_from_the_keys_the_operator_named() -> None:
    order = mapped(
        meta_data=[
            {"id": 1, "key": "_billing_vat", "value": "DE123456789"},
            {"id": 2, "key": "_billing_vat", "value": {"a": 1}},
            {"id": 3, "key": "_billing_cpf", "value": "1"},
        ]
    )

    assert order.tax_ids == (TaxId("vat", "DE123456789"),)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b'{"id": 1}',
        b'{"id": "Jane Roe"}',
        json.dumps(a_body(total="Jane Roe")).encode(),
        json.dumps(a_body(currency="$")).encode(),
        json.dumps(a_body(date_created_gmt="0001-01-01T00:00:00+14:00")).encode(),
        b'{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID.","data":{"status":404}}',
    ],
)
def test_what_is_no_order_is_refused_without_a_word_of_it(body: bytes) -> None:
    with pytest.raises(NotAnOrder) as refused:
        read_order("order.created", body, HABITS)

    assert "Jane" not in str(refused.value)


TRACKING = Tracking("9117", "LZ1", "https://track.example/LZ1", "usps", {"401": 2})


def test_a_parcel_is_told_under_a_name_of_ours_with_our_link() -> None:
    assert to_shipment_tracking(TRACKING) == {
        "tracking_number": "LZ1",
        "custom_tracking_provider": "USPS",
        "custom_tracking_link": "https://track.example/LZ1",
    }
    assert to_note(TRACKING) == "Shipped with USPS: LZ1 https://track.example/LZ1"


def test_a_note_names_a_number_only_as_a_whole() -> None:
    assert names("Shipped with USPS: LZ1", "LZ1")
    assert not names("Shipped with USPS: LZ12", "LZ1")


@pytest.mark.parametrize(("quantity", "told"), [(2, True), (3, False)])
def test_what_was_refunded_need_not_be_told(quantity: int, told: bool) -> None:
    parcel = {"key": "_crossdock_parcel_LZ0", "value": {"reference": "note:1", "units": {"401": 1}}}
    refunded = {"quantity": -1, "meta_data": [{"key": "_refunded_item_id", "value": 401}]}
    body = a_body(
        line_items=[a_line(quantity=quantity)],
        meta_data=[parcel, {"key": "_crossdock_parcel_odd", "value": []}],
        refunds=[{"id": 1, "total": "-25.00", "line_items": [refunded]}],
    )
    order = Order.model_validate(body)

    assert untold_units(order) == {"401": quantity - 1}
    assert everything_told(order) is told

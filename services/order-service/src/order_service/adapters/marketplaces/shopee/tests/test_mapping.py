"""Shopee's orders as canonical ones, field by field where the conformance suite does not look."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from order_service.adapters.marketplaces.shopee.mapping import FETCHED, Senders, read
from order_service.domain.canonical import CanonicalOrder, FulfilmentStatus, PaymentStatus, TaxId
from order_service.domain.errors import NotAnOrder
from order_service.use_cases.marketplace import Pointer

from .conformance import EXPECTED, NOTICE, ORDER, changed, first_item


def an_order(body: bytes = ORDER) -> CanonicalOrder:
    order = read(FETCHED, body, Senders())
    assert isinstance(order, CanonicalOrder)
    return order


def a_push(code: int, **data: Any) -> bytes:
    return json.dumps({"code": code, "shop_id": 770011223, "data": data}).encode()


def test_what_is_advisory_is_as_agreed_too() -> None:
    order = an_order()

    assert [line.external_line_id for line in order.lines] == [
        line["external_line_id"] for line in EXPECTED["lines"]
    ]
    assert order.updated_at == datetime(2026, 2, 14, 3, 33, 32, tzinfo=UTC)
    assert order.buyer.name == EXPECTED["buyer"]["name"]
    assert order.shipping_method == EXPECTED["shipping_method"]
    assert order.tax_ids == (TaxId("cpf", "12345678909"),)
    assert order.flags == ("shipping_total_unknown",)
    assert (order.payment_status, order.fulfilment_status) == ("paid", "unfulfilled")
    assert order.ship_to is not None
    assert (order.ship_to.district, order.ship_to.province) == ("Pinheiros", "São Paulo")


@pytest.mark.parametrize(
    ("status", "payment", "fulfilment"),
    [
        ("UNPAID", PaymentStatus.PENDING, FulfilmentStatus.UNFULFILLED),
        ("READY_TO_SHIP", PaymentStatus.PAID, FulfilmentStatus.UNFULFILLED),
        ("PROCESSED", PaymentStatus.PAID, FulfilmentStatus.UNFULFILLED),
        ("RETRY_SHIP", PaymentStatus.PAID, FulfilmentStatus.UNFULFILLED),
        ("SHIPPED", PaymentStatus.PAID, FulfilmentStatus.FULFILLED),
        ("TO_CONFIRM_RECEIVE", PaymentStatus.PAID, FulfilmentStatus.DELIVERED),
        ("TO_RETURN", PaymentStatus.PAID, FulfilmentStatus.DELIVERED),
        ("COMPLETED", PaymentStatus.PAID, FulfilmentStatus.DELIVERED),
        ("IN_CANCEL", PaymentStatus.PAID, FulfilmentStatus.UNFULFILLED),
        ("CANCELLED", PaymentStatus.PAID, FulfilmentStatus.UNFULFILLED),
    ],
)
def test_every_status_has_its_meaning(
    status: str, payment: PaymentStatus, fulfilment: FulfilmentStatus
) -> None:
    order = an_order(changed(order_status=status))

    assert (order.payment_status, order.fulfilment_status) == (payment, fulfilment)
    assert order.cancelled == (status == "CANCELLED")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"pending_terms": ["KYC_PENDING"]}, "pending_terms"),
        ({"order_status": "PENDING"}, "pending_terms"),
        ({"order_status": "IN_CANCEL"}, "cancel_requested"),
    ],
)
def test_what_shopee_keeps_back_was_paid_and_says_why_it_waits(changes: dict[str, Any], why: str) -> None:
    order = an_order(changed(**changes))

    assert why in order.flags
    assert (order.platform_hold, order.payment_status) == (why, PaymentStatus.PAID)


def test_what_is_kept_back_without_a_time_of_payment_is_neither_paid_nor_waited_for() -> None:
    order = an_order(changed(order_status="IN_CANCEL", pay_time=0))

    assert (order.platform_hold, order.payment_status) == ("cancel_requested", PaymentStatus.VOIDED)


def test_what_has_left_is_not_kept_back_any_more() -> None:
    assert an_order(changed(order_status="SHIPPED", pending_terms=["KYC_PENDING"])).platform_hold is None


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"order_status": "INVOICE_PENDING"}, "unknown_status"),
        ({"fulfillment_flag": "fulfilled_by_whom"}, "unknown_fulfillment_flag"),
    ],
)
def test_what_is_not_understood_is_held_and_flagged_and_is_no_payment_to_wait_for(
    changes: dict[str, Any], flag: str
) -> None:
    order = an_order(changed(**changes))

    assert flag in order.flags
    assert order.payment_status is PaymentStatus.VOIDED


def test_an_unpaid_order_that_was_cancelled_was_never_paid() -> None:
    assert an_order(changed(order_status="CANCELLED", pay_time=0)).payment_status is PaymentStatus.VOIDED


def test_cash_on_delivery_may_be_sent_unpaid() -> None:
    order = an_order(changed(cod=True, pay_time=None))

    assert order.payment_status is PaymentStatus.PAID
    assert "cash_on_delivery" in order.flags


def test_an_order_that_shopee_sends_itself_is_none_of_ours() -> None:
    assert read(FETCHED, changed(fulfillment_flag="fulfilled_by_shopee"), Senders()) is None


def test_an_order_without_a_fulfilment_flag_is_ours() -> None:
    assert an_order(changed(fulfillment_flag=None)).payment_status is PaymentStatus.PAID


def test_cancelled_units_are_counted_and_never_more_than_there_were() -> None:
    items = [first_item(cancelled_qty=1), first_item(item_id=2, cancelled_qty=9)]

    assert [line.cancelled_quantity for line in an_order(changed(item_list=items)).lines] == [1, 2]


def test_a_line_without_a_sku_has_none() -> None:
    assert an_order(changed(item_list=[first_item(item_sku="", model_sku="")])).lines[0].sku is None


def test_a_line_without_a_discounted_price_has_no_discount() -> None:
    item = first_item()
    del item["model_discounted_price"]

    assert an_order(changed(item_list=[item])).totals.discount_total == 0


def test_an_order_without_an_address_has_none() -> None:
    assert an_order(changed(recipient_address=None)).ship_to is None


def test_a_push_points_at_its_order() -> None:
    pointer = read("push.3", NOTICE, Senders())

    assert pointer == Pointer("260214EXMPL7K2", datetime(2026, 2, 14, 3, 33, 32, tzinfo=UTC))


@pytest.mark.parametrize("code", [1, 4, 5, 8, 10, 15, 16, 22, 29, 30, 47, 999])
def test_other_pushes_name_no_order_to_fetch(code: int) -> None:
    assert read(f"push.{code}", a_push(code, ordersn="A"), Senders()) is None


@pytest.mark.parametrize("code", [2, 12])
def test_a_push_about_the_authorisation_is_for_a_person(code: int) -> None:
    with pytest.raises(NotAnOrder, match="authoris"):
        read(f"push.{code}", a_push(code), Senders())


@pytest.mark.parametrize("body", [a_push(3), a_push(3, ordersn=""), a_push(3, ordersn=7), b"null"])
def test_a_push_that_names_no_order_says_so(body: bytes) -> None:
    with pytest.raises(NotAnOrder):
        read("push.3", body, Senders())

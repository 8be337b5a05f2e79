import json
from copy import deepcopy
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from order_service.adapters.marketplaces.shopify.mapping import already_there, read_order, to_fulfilment
from order_service.adapters.marketplaces.shopify.wire import OrderFulfillments
from order_service.domain.canonical import CanonicalOrder, FulfilmentStatus, PaymentStatus
from order_service.domain.errors import NotAnOrder
from order_service.use_cases.marketplace import Tracking

SAMPLES = Path(__file__).parent / "samples"


def a_body(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(json.loads((SAMPLES / "order.json").read_text())), **changes}


def mapped(**changes: Any) -> CanonicalOrder:
    order = read_order("orders/create", json.dumps(a_body(**changes)).encode())
    assert order is not None
    return order


def test_the_recorded_order_becomes_exactly_the_expected_one() -> None:
    expected = json.loads((SAMPLES / "expected.json").read_text())

    order = json.loads(json.dumps(asdict(mapped()), default=str))

    order["placed_at"] = mapped().placed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    # What the canonical form of the samples does not have.
    for name in ("updated_at", "cancel_reason", "test", "presentment_total", "platform_hold", "incomplete"):
        del order[name]
    for line in order["lines"]:
        del line["ships"]
    assert order == expected


def test_removed_units_are_cancelled_and_the_quantity_stays_as_ordered() -> None:
    lines = a_body()["line_items"]
    lines[0]["current_quantity"] = 1

    line = mapped(line_items=lines).lines[0]

    assert (line.quantity, line.cancelled_quantity) == (2, 1)


def test_a_discount_is_the_sum_of_its_allocations_not_the_lines_total_discount() -> None:
    lines = a_body()["line_items"]
    lines[0]["discount_allocations"] = [{"amount": "1.50"}, {"amount": "0.25"}]

    assert mapped(line_items=lines).lines[0].discount == 175


def test_shipping_counts_after_its_discount_and_without_removed_lines() -> None:
    line = a_body()["shipping_lines"][0]

    order = mapped(shipping_lines=[{**line, "discounted_price": "3.00"}, {**line, "is_removed": True}])

    assert order.totals.shipping_total == 300


def test_a_total_that_does_not_add_up_is_kept_and_flagged() -> None:
    order = mapped(total_price="99.99")

    assert order.totals.grand_total == 9999
    assert order.flags == ("total_mismatch",)


def test_what_the_buyer_paid_in_another_currency_is_kept_beside() -> None:
    money = {
        "shop_money": {"amount": "73.03", "currency_code": "USD"},
        "presentment_money": {"amount": "11000", "currency_code": "JPY"},
    }

    assert mapped(total_price_set=money).presentment_total == (11000, "JPY")


def test_only_a_success_of_a_refund_is_money_given_back() -> None:
    paid = {"amount": "5.00", "kind": "refund", "status": "success"}

    order = mapped(
        refunds=[{"transactions": [paid, {**paid, "status": "failure"}, {**paid, "kind": "void"}]}]
    )

    assert order.totals.refunded_total == 500


def test_no_address_no_buyer_and_no_sku_all_occur() -> None:
    lines = a_body()["line_items"]
    lines[0]["sku"] = ""

    order = mapped(shipping_address=None, customer=None, email=None, contact_email="", line_items=lines)

    assert (order.ship_to, order.buyer.name, order.buyer.email, order.lines[0].sku) == (
        None,
        None,
        None,
        None,
    )


def test_words_we_do_not_know_are_flagged_never_guessed() -> None:
    order = mapped(financial_status="half_paid", fulfillment_status="beamed")

    assert order.payment_status is PaymentStatus.PENDING
    assert order.fulfilment_status is FulfilmentStatus.PARTIAL
    assert order.flags == ("unknown_payment_status", "unknown_fulfilment_status")


def test_a_trimmed_body_is_an_order_all_the_same() -> None:
    names = ("id", "created_at", "updated_at", "currency", "line_items")
    body = {name: value for name, value in a_body().items() if name in names}

    order = read_order("orders/updated", json.dumps(body).encode())

    assert order is not None
    assert order.order_number == "6120045566771"


@pytest.mark.parametrize("body", [b"", b"{", b"null", b'{"id": 1}', b'{"id": "Jane Roe"}'])
def test_what_is_no_order_is_refused_without_a_word_of_it(body: bytes) -> None:
    with pytest.raises(NotAnOrder) as refused:
        read_order("orders/create", body)

    assert "Jane" not in str(refused.value)


def test_an_edit_carries_no_order() -> None:
    assert read_order("orders/edited", b"{}") is None


def the_fulfilments(remaining: int = 2, status: str = "OPEN", number: str | None = None) -> OrderFulfillments:
    line = {"id": "fol-1", "remainingQuantity": remaining, "lineItem": {"id": "gid://shopify/LineItem/11"}}
    done = {"id": "f-1", "status": "SUCCESS", "trackingInfo": [{"number": number}]}
    lines = {"nodes": [line], "pageInfo": {"hasNextPage": False, "endCursor": "1"}}
    return OrderFulfillments.model_validate(
        {
            "id": "o",
            "fulfillments": [done] if number else [],
            "fulfillmentOrders": {"nodes": [{"id": "fo-1", "status": status, "lineItems": lines}]},
        }
    )


TRACKING = Tracking("501", "LZ1", None, "usps", {"11": 2})


def test_a_parcel_takes_its_units_from_what_is_left_to_fulfil() -> None:
    fulfilment = to_fulfilment(the_fulfilments(), TRACKING)

    assert fulfilment == {
        "lineItemsByFulfillmentOrder": [
            {
                "fulfillmentOrderId": "fo-1",
                "fulfillmentOrderLineItems": [{"id": "fol-1", "quantity": 2}],
            }
        ],
        "trackingInfo": {"company": "USPS", "number": "LZ1"},
        "notifyCustomer": False,
    }


@pytest.mark.parametrize("order", [the_fulfilments(remaining=1), the_fulfilments(status="ON_HOLD")])
def test_more_than_is_left_is_not_fulfilled_in_part(order: OrderFulfillments) -> None:
    assert to_fulfilment(order, TRACKING) is None


def test_a_tracking_number_that_is_there_is_found() -> None:
    assert already_there(the_fulfilments(number="LZ1"), "LZ1") == "f-1"
    assert already_there(the_fulfilments(number="LZ2"), "LZ1") is None

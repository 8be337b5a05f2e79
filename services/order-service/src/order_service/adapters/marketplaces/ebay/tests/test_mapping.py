"""eBay's order and notices to canonical ones: what the conformance suite does not ask of every platform."""

import json
from copy import deepcopy
from typing import Any

import pytest

from order_service.adapters.marketplaces.ebay import codes, mapping
from order_service.adapters.marketplaces.ebay.mapping import Habits
from order_service.domain.canonical import CanonicalOrder, FulfilmentStatus, PaymentStatus, TaxId
from order_service.domain.errors import NotAnOrder
from order_service.use_cases.marketplace import Erasure, Pointer, Tracking

from .conformance import EXPECTED, NOTICE, ORDER, a_notice

HABITS = Habits(frozenset({"PREPARE_FOR_PICKUP"}))


def a_body(**changes: Any) -> dict[str, Any]:
    """The sample order, with changes at its top level."""
    return {**deepcopy(json.loads(ORDER)), **changes}


def a_line(**changes: Any) -> dict[str, Any]:
    return {**a_body()["lineItems"][0], **changes}


def money(value: str, currency: str = "USD") -> dict[str, str]:
    return {"value": value, "currency": currency}


def read(**changes: Any) -> CanonicalOrder:
    order = mapping.read(codes.FETCHED, json.dumps(a_body(**changes)).encode(), HABITS)
    assert isinstance(order, CanonicalOrder)
    return order


def with_shipping(**changes: Any) -> list[dict[str, Any]]:
    return [{**a_body()["fulfillmentStartInstructions"][0], **changes}]


def test_the_sample_says_what_was_agreed_beyond_the_strict_fields() -> None:
    order = read()

    assert (order.payment_status, order.fulfilment_status) == ("paid", "unfulfilled")
    assert (order.buyer.name, order.buyer.email) == ("paper_lantern_88", EXPECTED["buyer"]["email"])
    assert order.shipping_method == EXPECTED["shipping_method"]
    assert list(order.flags) == EXPECTED["flags"]
    assert order.lines[0].tax == EXPECTED["lines"][0]["tax"]
    assert order.ship_to is not None
    assert (order.ship_to.province, order.ship_to.phone) == ("ID", "2085550142")


def test_tax_that_ebay_collects_is_outside_the_total_and_a_sellers_own_is_in_it() -> None:
    pricing = {"priceSubtotal": money("31.98"), "tax": money("2.0"), "total": money("33.98")}

    totals = read(pricingSummary=pricing).totals

    assert (totals.grand_total, totals.tax_total, totals.marketplace_collected_tax) == (3398, 200, 213)


def test_tax_that_the_seller_has_to_pay_over_is_not_the_marketplaces() -> None:
    tax = {"taxType": "GST", "amount": money("2.13"), "collectionMethod": "INVOICE"}

    order = read(lineItems=[a_line(ebayCollectAndRemitTaxes=[tax])])

    assert order.totals.marketplace_collected_tax == 0
    assert order.flags == ("tax_to_be_paid_over_by_seller",)


def test_a_cost_is_of_all_units_and_what_a_discount_took_off_is_the_difference() -> None:
    line = a_line(quantity=3, lineItemCost=money("10.0"), discountedLineItemCost=money("9.5"))
    pricing = {"priceSubtotal": money("10.0"), "priceDiscount": money("-0.5"), "total": money("9.5")}

    order = read(lineItems=[line], pricingSummary=pricing)

    assert (order.lines[0].unit_price, order.lines[0].discount) == (333, 50)
    assert (order.totals.items_subtotal, order.totals.discount_total) == (1000, 50)
    assert "total_mismatch" not in order.flags


@pytest.mark.parametrize("discount", ["1.5", "-1.5"])
def test_delivery_costs_what_is_left_of_it_whatever_the_sign_of_its_discount(discount: str) -> None:
    pricing = {
        "priceSubtotal": money("31.98"),
        "deliveryCost": money("3.5"),
        "deliveryDiscount": money(discount),
        "total": money("33.98"),
    }

    order = read(pricingSummary=pricing)

    assert order.totals.shipping_total == 200
    assert "total_mismatch" not in order.flags


def test_a_total_that_does_not_add_up_is_kept_and_flagged() -> None:
    order = read(pricingSummary={"priceSubtotal": money("31.98"), "total": money("30.0")})

    assert order.totals.grand_total == 3000
    assert "total_mismatch" in order.flags


def test_refunds_are_counted_once_although_lines_repeat_them() -> None:
    line = a_line(refunds=[{"amount": money("5.0")}])

    order = read(
        orderPaymentStatus="PARTIALLY_REFUNDED",
        paymentSummary={"refunds": [{"amount": money("5.0")}]},
        lineItems=[line],
    )

    assert order.totals.refunded_total == 500
    assert order.payment_status is PaymentStatus.PARTIALLY_REFUNDED


@pytest.mark.parametrize(
    ("variation", "sku"), [(None, "226600112233"), ("0", "226600112233"), ("55", "226600112233:55")]
)
def test_a_line_without_a_sku_is_known_by_its_listing(variation: str | None, sku: str) -> None:
    order = read(lineItems=[a_line(sku="", legacyVariationId=variation)])

    assert order.lines[0].sku == sku
    assert "listing_as_sku" in order.flags


def test_goods_that_the_buyer_comes_for_are_not_sent() -> None:
    order = read(fulfillmentStartInstructions=with_shipping(fulfillmentInstructionsType="PREPARE_FOR_PICKUP"))

    assert [line.ships for line in order.lines] == [False]


def test_a_forwarders_address_is_where_the_parcel_goes_and_is_flagged() -> None:
    order = read(fulfillmentStartInstructions=with_shipping(finalDestinationAddress={"city": "Lyon"}))

    assert order.ship_to is not None
    assert order.ship_to.city == "Boise"
    assert "sent_to_forwarder" in order.flags


def test_an_address_whose_street_is_not_told_any_more_is_flagged() -> None:
    step = a_body()["fulfillmentStartInstructions"][0]["shippingStep"]
    ship_to = {**step["shipTo"], "contactAddress": {"city": "Boise", "countryCode": "US"}}

    order = read(fulfillmentStartInstructions=with_shipping(shippingStep={**step, "shipTo": ship_to}))

    assert "street_withheld" in order.flags


def test_numbers_of_taxes_are_told_once_each() -> None:
    tax = {"amount": money("2.13"), "ebayReference": {"name": "IOSS", "value": "IM2760000742"}}
    buyer = {"username": "b", "taxIdentifier": {"taxpayerId": "123", "taxIdentifierType": "CPF"}}

    order = read(buyer=buyer, lineItems=[a_line(ebayCollectAndRemitTaxes=[tax, tax])])

    assert order.tax_ids == (TaxId("cpf", "123"), TaxId("ioss", "IM2760000742"))


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("NOT_STARTED", FulfilmentStatus.UNFULFILLED),
        ("IN_PROGRESS", FulfilmentStatus.PARTIAL),
        ("FULFILLED", FulfilmentStatus.FULFILLED),
    ],
)
def test_how_much_was_sent_is_said_in_ebays_words(said: str, status: FulfilmentStatus) -> None:
    assert read(orderFulfillmentStatus=said).fulfilment_status is status


def test_a_word_that_is_new_is_flagged_and_never_taken_for_good_news() -> None:
    order = read(orderPaymentStatus="MOSTLY_PAID", orderFulfillmentStatus="ALMOST")

    assert (order.payment_status, order.fulfilment_status) == ("pending", "unfulfilled")
    assert {"unknown_payment_status", "unknown_fulfilment_status"} <= set(order.flags)


def test_a_cancel_that_was_asked_for_is_not_one_yet() -> None:
    order = read(cancelStatus={"cancelState": "IN_PROGRESS"})

    assert (order.cancelled, "cancel_requested" in order.flags) == (False, True)


def test_what_only_the_answer_for_one_order_has_makes_no_other_order() -> None:
    """A list leaves the requests for a cancel out, and the same order must not look changed."""
    requests = [{"cancelRequestId": "5", "cancelInitiator": "BUYER", "cancelRequestState": "REQUESTED"}]
    fetched = read(cancelStatus={"cancelState": "IN_PROGRESS", "cancelRequests": requests})

    assert read(cancelStatus={"cancelState": "IN_PROGRESS"}).fingerprint() == fetched.fingerprint()


@pytest.mark.parametrize(
    "data",
    [
        {"order": {"orderId": "12-14455-66778", "orderLineItems": [{"orderId": "other"}]}},
        {"orderId": "12-14455-66778"},
        {"deep": [{"down": {"orderId": "12-14455-66778"}}]},
    ],
)
def test_a_notice_names_an_order_wherever_its_id_stands(data: dict[str, Any]) -> None:
    notice = a_notice(codes.ORDER_CONFIRMATION, data)

    assert mapping.read(codes.ORDER_CONFIRMATION, notice, HABITS) == Pointer("12-14455-66778")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"orderId": 12},
        {"orderId": "../../somewhere"},
        {"a": {"b": {"c": {"d": {"e": {"f": {"orderId": "1"}}}}}}},
        {"many": [{"x": n} for n in range(3000)] + [{"orderId": "1"}]},
    ],
    ids=["none", "a number", "a path", "too deep", "too many"],
)
def test_a_notice_that_names_no_order_is_for_a_person_to_see(data: dict[str, Any]) -> None:
    with pytest.raises(NotAnOrder, match="no orderId"):
        mapping.read(codes.ORDER_CONFIRMATION, a_notice(codes.ORDER_CONFIRMATION, data), HABITS)


def test_a_closed_account_is_forgotten_by_every_name_that_it_had() -> None:
    user = {"username": "paper_lantern_88", "userId": "ma8vp1jySJC", "eiasToken": None}

    said = mapping.read(codes.ACCOUNT_DELETION, a_notice(codes.ACCOUNT_DELETION, user), HABITS)

    assert said == Erasure(frozenset({"paper_lantern_88", "ma8vp1jySJC"}))
    assert "paper_lantern_88" not in repr(said)


@pytest.mark.parametrize("user", [{}, {"username": ""}, {"username": 5}])
def test_a_closed_account_without_a_name_is_for_a_person_to_see(user: dict[str, Any]) -> None:
    with pytest.raises(NotAnOrder):
        mapping.read(codes.ACCOUNT_DELETION, a_notice(codes.ACCOUNT_DELETION, user), HABITS)


def test_a_topic_that_is_no_orders_carries_none() -> None:
    assert mapping.read("ITEM_AVAILABILITY", NOTICE, HABITS) is None


@pytest.mark.parametrize(
    ("carrier", "code"), [("usps", "USPS"), ("four_px", "FourPX"), ("yunexpress", "Other")]
)
def test_a_parcel_is_told_with_ebays_code_and_a_number_of_letters_and_digits(carrier: str, code: str) -> None:
    tracking = Tracking("12-1", "YT 12-34", None, carrier, {"1": 2})

    assert mapping.to_fulfilment(tracking, codes.CARRIERS, "Other") == {
        "lineItems": [{"lineItemId": "1", "quantity": 2}],
        "shippingCarrierCode": code,
        "trackingNumber": "YT1234",
    }

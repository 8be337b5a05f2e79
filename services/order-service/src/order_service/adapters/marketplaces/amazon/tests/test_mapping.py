"""Amazon's orders as ours: money that is said in parts, what may be sent, what has been called off."""

import json
from typing import Any

import pytest

from order_service.adapters.marketplaces.amazon.mapping import read
from order_service.domain.canonical import CanonicalOrder, FulfilmentStatus, PaymentStatus, TaxId
from order_service.domain.errors import NotAnOrder

from .conformance import ORDER


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currencyCode": "USD"}


def parts(**amounts: str) -> list[dict[str, Any]]:
    return [{"type": name, "subtotal": usd(amount)} for name, amount in amounts.items()]


def an_item(**changes: Any) -> dict[str, Any]:
    return {**json.loads(ORDER)["order"]["orderItems"][0], **changes}


def an_order(**changes: Any) -> CanonicalOrder:
    order = read("order", json.dumps({"order": {**json.loads(ORDER)["order"], **changes}}).encode())
    assert isinstance(order, CanonicalOrder)
    return order


def paid(total: str, **amounts: str) -> CanonicalOrder:
    """An order of two for 21.99 each, with these parts."""
    proceeds = {"proceedsTotal": usd(total), "breakdowns": parts(**amounts)}
    return an_order(proceeds={"grandTotal": usd(total)}, orderItems=[an_item(proceeds=proceeds)])


def with_status(status: str, **changes: Any) -> CanonicalOrder:
    return an_order(fulfillment={"fulfillmentStatus": status, "fulfilledBy": "MERCHANT"}, **changes)


def test_the_sample_says_more_than_the_agreed_fields() -> None:
    order = an_order()

    assert (order.payment_status, order.flags) == (PaymentStatus.PAID, ())
    assert order.tax_included is False
    assert (order.shipping_method, order.notes) == ("STANDARD", "Leave with the front desk")
    assert order.ship_to is not None
    assert (order.ship_to.province, order.ship_to.phone) == ("OH", "+1 614-555-0142 ext. 70012")


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_discount_counts_whatever_its_sign(sign: str) -> None:
    order = paid("38.98", ITEM="43.98", DISCOUNT=f"{sign}5.00")

    assert (order.totals.discount_total, order.lines[0].discount, order.flags) == (500, 500, ())


def test_a_discount_on_postage_makes_postage_cheaper_and_not_the_goods() -> None:
    discount = {
        "type": "DISCOUNT",
        "subtotal": usd("-6.00"),
        "detailedBreakdowns": [{"subtype": "SHIPPING", "value": usd("-5.00")}],
    }
    proceeds = {"breakdowns": [*parts(ITEM="43.98", SHIPPING="5.00"), discount]}
    order = an_order(proceeds={"grandTotal": usd("42.98")}, orderItems=[an_item(proceeds=proceeds)])

    assert (order.totals.shipping_total, order.totals.discount_total, order.flags) == (0, 100, ())


def test_whether_prices_hold_their_tax_is_what_the_sum_says() -> None:
    on_top = paid("47.98", ITEM="43.98", TAX="4.00")
    inside = paid("43.98", ITEM="43.98", TAX="4.00")
    without = paid("43.98", ITEM="43.98")

    assert [one.tax_included for one in (on_top, inside, without)] == [False, True, None]
    assert {one.flags for one in (on_top, inside, without)} == {()}


def test_a_sum_that_does_not_come_out_is_flagged_and_never_repaired() -> None:
    order = paid("50.00", ITEM="43.98", TAX="4.00")

    assert (order.totals.grand_total, order.tax_included) == (5000, None)
    assert order.flags == ("total_mismatch", "item_mismatch")


def test_wrapping_tips_and_what_only_the_order_speaks_of_are_other_charges() -> None:
    order = an_order(
        proceeds={"grandTotal": usd("60.55"), "breakdowns": parts(ITEM="1.00", DELIVERY_TIP="5.00")},
        orderItems=[
            an_item(
                proceeds={"breakdowns": parts(ITEM="43.98", SHIPPING="5.49", TAX="4.08", GIFT_WRAP="2.00")}
            )
        ],
    )

    assert (order.totals.other_charges_total, order.flags) == (700, ())


def test_only_tax_that_amazon_owes_is_collected_by_it() -> None:
    order = an_order(orderItems=[an_item(tax={"taxCollections": [{"model": "STANDARD"}]})])

    assert (order.totals.tax_total, order.totals.marketplace_collected_tax) == (408, 0)


def test_an_amount_in_another_currency_is_not_added_up() -> None:
    euro = {"amount": "5.49", "currencyCode": "EUR"}
    item = an_item(proceeds={"breakdowns": [{"type": "SHIPPING", "subtotal": euro}]})

    with pytest.raises(NotAnOrder, match="another currency"):
        an_order(orderItems=[item])


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("UNSHIPPED", FulfilmentStatus.UNFULFILLED),
        ("PARTIALLY_SHIPPED", FulfilmentStatus.PARTIAL),
        ("SHIPPED", FulfilmentStatus.FULFILLED),
    ],
)
def test_what_is_not_pending_any_more_is_paid(status: str, expected: FulfilmentStatus) -> None:
    order = with_status(status)

    assert (order.fulfilment_status, order.payment_status, order.flags) == (expected, PaymentStatus.PAID, ())


def test_what_amazon_does_not_let_be_sent_was_paid_and_waits_for_amazon() -> None:
    order = an_order(fulfillment={"fulfillmentStatus": "UNFULFILLABLE", "fulfilledBy": "MERCHANT"})

    assert (order.payment_status, order.platform_hold) == (PaymentStatus.PAID, "UNFULFILLABLE")
    assert an_order().platform_hold is None


@pytest.mark.parametrize("status", ["PENDING", "PENDING_AVAILABILITY"])
def test_a_pending_order_without_price_and_address_is_none_yet(status: str) -> None:
    order = {
        **json.loads(ORDER)["order"],
        "fulfillment": {"fulfillmentStatus": status, "fulfilledBy": "MERCHANT"},
        "proceeds": {},
        "recipient": {},
    }

    assert read("order", json.dumps({"order": order}).encode()) is None


def test_a_cancelled_order_is_one_though_its_amounts_are_gone() -> None:
    item = {"orderItemId": "1", "quantityOrdered": 0, "product": {"sellerSku": "A"}}
    executed = {**item, "cancellation": {"cancellationExecution": {"cancelledBy": "BUYER"}}}
    order = with_status("CANCELLED", proceeds={}, orderItems=[executed])

    assert (order.cancelled, order.cancel_reason, order.currency) == (True, "BUYER", "USD")
    assert order.flags == ()


def test_an_order_that_may_be_sent_has_amounts() -> None:
    with pytest.raises(NotAnOrder, match="grandTotal"):
        an_order(proceeds={}, orderItems=[{"orderItemId": "1", "quantityOrdered": 1}])


def test_a_wish_to_cancel_is_no_cancel() -> None:
    wish = {"cancellationRequest": {"requester": "BUYER", "cancelReason": "changed my mind"}}
    order = an_order(orderItems=[an_item(cancellation=wish)])

    assert (order.cancelled, order.lines[0].cancelled_quantity) == (False, 0)
    assert order.flags == ("buyer_asks_cancel",)


def test_units_that_were_cancelled_are_those_neither_sent_nor_to_be_sent() -> None:
    item = an_item(
        quantityOrdered=5,
        cancellation={"cancellationExecution": {"cancelledBy": "MERCHANT"}},
        fulfillment={"quantityFulfilled": 1, "quantityUnfulfilled": 2},
    )

    assert an_order(orderItems=[item]).lines[0].cancelled_quantity == 2


def test_an_address_that_is_withheld_is_missing_and_flagged() -> None:
    order = an_order(recipient={})

    assert (order.ship_to, order.flags) == (None, ("address_withheld",))


def test_a_brazilian_street_may_stand_in_parts_of_its_own() -> None:
    address = {
        "name": "Ana",
        "municipality": "São Paulo",
        "countryCode": "BR",
        "extendedFields": {
            "streetName": "Rua Augusta",
            "streetNumber": "10",
            "complement": "ap 2",
            "neighborhood": "Consolação",
        },
    }
    ship_to = an_order(recipient={"deliveryAddress": address}).ship_to

    assert ship_to is not None
    assert (ship_to.lines, ship_to.district, ship_to.city) == (
        ("Rua Augusta 10", "ap 2"),
        "Consolação",
        "São Paulo",
    )


def test_tax_numbers_of_the_buyer_and_the_ioss_number_are_for_customs() -> None:
    abroad = {"shipping": {"internationalShipping": {"iossNumber": "IM2760001234"}}}
    registrations = [
        {"entityType": "BUYER", "taxRegistrationType": "CPF", "taxRegistrationNumber": "123"},
        {"entityType": "MERCHANT", "taxRegistrationType": "VAT", "taxRegistrationNumber": "ours"},
    ]
    order = an_order(
        tax={"taxRegistrations": registrations},
        orderItems=[an_item(fulfillment=abroad), an_item(orderItemId="2", fulfillment=abroad)],
    )

    assert order.tax_ids == (TaxId("cpf", "123"), TaxId("ioss", "IM2760001234"))


def test_replacements_gifts_and_things_made_to_measure_are_flagged() -> None:
    item = an_item(
        product={"sellerSku": "A", "customization": {"customizedUrl": "https://amazon.example/c.zip"}},
        proceeds={},
        fulfillment={"packing": {"giftOption": {"giftMessage": "Enjoy"}}},
    )
    order = an_order(
        associatedOrders=[{"orderId": "1", "associationType": "REPLACEMENT_ORIGINAL_ID"}],
        proceeds={"grandTotal": usd("0.00")},
        orderItems=[item],
    )

    assert (order.totals.grand_total, order.lines[0].unit_price) == (0, 0)
    assert order.flags == ("replacement", "customised", "gift")


def test_null_is_what_is_not_there() -> None:
    order = an_order(buyer=None, tax=None, associatedOrders=None, recipient={"deliveryAddress": None})

    assert (order.buyer.name, order.tax_ids, order.ship_to) == (None, (), None)

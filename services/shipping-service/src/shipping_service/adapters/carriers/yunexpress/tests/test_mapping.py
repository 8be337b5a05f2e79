"""Our words in YunExpress's and back: units, money, names, numbers, refusals."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shipping_service.adapters.carriers.yunexpress import mapping, wire
from shipping_service.adapters.carriers.yunexpress.tests.examples import (
    AUSTIN,
    MUGS,
    SAMPLES,
    a_request,
    the_settings,
)
from shipping_service.domain.consignment import Box, ConsignmentRequest, Document, DocumentKind, TaxId
from shipping_service.domain.refusal import Remedy
from shipping_service.use_cases.ports import CarrierRejected

IOSS = TaxId("IOSS", "IM2760001234", of_sender=True)
LABEL = Document(DocumentKind.LABEL, "application/pdf", b"%PDF-")


def created(request: ConsignmentRequest, **settings: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(mapping.to_create_order(request, the_settings(**settings)).body())
    return body


def a_sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_bytes())["result"]


# -- out


def test_an_order_goes_out_in_kilograms_and_centimetres_with_each_sku_declared() -> None:
    assert created(a_request()) == {
        "product_code": "BKPHR",
        "customer_order_number": "019aa7f0-5f6e-7c3a-9d7e-0a1b2c3d4e5f-1",
        "weight_unit": "KG",
        "size_unit": "CM",
        "packages": [{"weight": 0.701, "length": 13, "width": 10, "height": 9}],
        "receiver": {
            "first_name": "Ann Lee",
            "last_name": "",
            "country_code": "US",
            "province": "TX",
            "city": "Austin",
            "address_lines": ["1 Main St", "Apt 4"],
            "postal_code": "78701",
            "phone_number": "+15125550142",
            "email": "ann.lee@example.com",
        },
        "sender": {
            "first_name": "Lumo",
            "last_name": "",
            "company": "Lumo",
            "country_code": "CN",
            "province": "Guangdong",
            "city": "Shenzhen",
            "address_lines": ["Bao'an, Fuyong 12"],
            "postal_code": "518103",
            "phone_number": "+8675512345678",
        },
        "declaration_info": [
            {
                "sku_code": "MUG",
                "name_local": "Porcelain mug",
                "name_en": "Porcelain mug",
                "quantity": 2,
                "unit_price": 12.51,
                "unit_weight": 0.32,
                "hs_code": "691110",
                "currency": "USD",
            }
        ],
    }


@pytest.mark.parametrize(("weight_g", "kg"), [(1, 0.001), (999, 0.999), (1000, 1.0), (2345, 2.345)])
def test_grams_are_kilograms_exactly(weight_g: int, kg: float) -> None:
    assert mapping.to_kilograms(weight_g) == kg


@pytest.mark.parametrize(("length_mm", "cm"), [(1, 1), (10, 1), (11, 2), (300, 30)])
def test_a_side_is_rounded_up_to_whole_centimetres(length_mm: int, cm: int) -> None:
    assert mapping.to_centimetres(length_mm) == cm


def test_the_size_goes_out_whole_or_not_at_all() -> None:
    package = created(a_request(box=Box(weight_g=701, length_mm=120)))["packages"]

    assert package == [{"weight": 0.701}]


def test_lines_do_not_outweigh_their_parcel() -> None:
    assert created(a_request(box=Box(weight_g=639)))["packages"] == [{"weight": 0.64}]


@pytest.mark.parametrize(
    ("currency", "value", "price"),
    [("USD", "0.0001", 0.01), ("JPY", "1200.5", 1201.0), ("EUR", "3.10", 3.1), ("KWD", "1.2345", 1.235)],
)
def test_a_price_is_rounded_up_to_the_smallest_coin(currency: str, value: str, price: float) -> None:
    item = replace(MUGS, currency=currency, unit_value=Decimal(value))

    assert created(a_request(customs=(item,)))["declaration_info"][0]["unit_price"] == price


def test_a_tax_number_goes_out_as_text_where_nothing_else_is_said() -> None:
    assert created(a_request(tax_ids=(IOSS,)))["customs_number"] == "IM2760001234"


def test_tax_numbers_go_out_as_an_object_where_the_account_wants_that() -> None:
    fields = {"IOSS": "ioss_code", "VAT": "vat_code"}
    request = a_request(tax_ids=(IOSS, TaxId("vat", "DE123456789")))

    said = created(request, customs_number_fields=fields)

    assert said["customs_number"] == {"ioss_code": "IM2760001234", "vat_code": "DE123456789"}


@pytest.mark.parametrize(
    ("changes", "settings", "code", "field", "remedy"),
    [
        ({"customs": ()}, {}, "no_border_is_crossed", "service", Remedy.CHOOSE_ANOTHER_SERVICE),
        ({"service": "BK PHR"}, {}, "unknown_service", "service", Remedy.CHOOSE_ANOTHER_SERVICE),
        ({"ship_to": replace(AUSTIN, name=None)}, {}, "missing_name", "ship_to.name", Remedy.FIX_ADDRESS),
        (
            {"ship_to": replace(AUSTIN, lines=(" ",))},
            {},
            "missing_address",
            "ship_to.lines",
            Remedy.FIX_ADDRESS,
        ),
        ({"reference": "r" * 51}, {}, "too_long", "reference", Remedy.UNTRANSLATED),
        (
            {"tax_ids": (TaxId("VAT", "X"), TaxId("IOSS", "IM27600012"))},
            {},
            "ioss_is_two_letters_and_ten_digits",
            "tax_ids.1.value",
            Remedy.FIX_CUSTOMS,
        ),
        (
            {"tax_ids": (IOSS, TaxId("VAT", "X"))},
            {},
            "one_tax_number_at_most",
            "tax_ids.1",
            Remedy.FIX_CUSTOMS,
        ),
        (
            {"tax_ids": (TaxId("CPF", "1"),)},
            {"customs_number_fields": {"IOSS": "ioss_code"}},
            "tax_number_of_unknown_kind",
            "tax_ids.0.kind",
            Remedy.FIX_CUSTOMS,
        ),
    ],
)
def test_what_would_be_refused_or_stopped_is_refused_before_anything_is_sent(
    changes: dict[str, Any], settings: dict[str, Any], code: str, field: str, remedy: Remedy
) -> None:
    with pytest.raises(CarrierRejected) as refused:
        created(a_request(**changes), **settings)

    assert (refused.value.code, refused.value.field, refused.value.remedy) == (code, field, remedy)


def test_the_price_is_asked_for_what_is_sent() -> None:
    assert mapping.to_price_question(a_request(), "YT-SZ") == {
        "country_code": "US",
        "weight": "0.701",
        "weight_unit": "KG",
        "package_type": "C",
        "pieces": "1",
        "postal_code": "78701",
        "origin": "YT-SZ",
        "length": "13",
        "width": "10",
        "height": "9",
        "size_unit": "CM",
    }


# -- back


def test_a_created_order_waits_for_the_number_that_comes_later() -> None:
    order = wire.Order.model_validate(a_sample("shipment-created.json"))

    assert (order.waybill_number, order.track_type) == ("YT2616200000000001", "2")
    assert mapping.awaits_number(order, "THPHR", frozenset())
    assert not mapping.awaits_number(order, "THPHR", frozenset({"THPHR"}))


@pytest.mark.parametrize(
    ("track_type", "number", "awaited"),
    [
        ("1", "", False),
        ("2", "", True),
        ("2", "9405500208303109884199", False),
        ("3", "", False),
        (None, "", True),
        (None, "9405500208303109884199", False),
        (2, None, True),
    ],
)
def test_a_look_up_that_does_not_tell_the_channel_waits_until_there_is_a_number(
    track_type: object, number: str | None, awaited: bool
) -> None:
    order = wire.Order.model_validate(
        {"customer_order_number": "A", "track_type": track_type, "tracking_number": number}
    )

    assert mapping.awaits_number(order, "THPHR", frozenset()) is awaited


@pytest.mark.parametrize(("service", "price"), [("THPHR", "71.4"), ("BKPHR", "88.1"), ("FZZXR", None)])
def test_the_fees_of_a_service_are_added_up_and_renminbi_have_an_iso_code(
    service: str, price: str | None
) -> None:
    fees = wire.Fees.model_validate({"fees": a_sample("rate.json")}).fees

    told = mapping.to_price(fees, service)

    assert told == (None if price is None else f"{price} CNY")


def test_fees_in_several_currencies_have_no_sum() -> None:
    fees = [
        wire.Fee(product_code="A", calculate_amount=Decimal(1), currency=one) for one in ("RMB", "USD", "CNY")
    ]

    assert mapping.to_price(fees, "A") is None
    assert mapping.to_price([fees[0], fees[2]], "A") == "2 CNY"


def test_a_label_is_known_by_the_waybill_number_and_priced_in_fen() -> None:
    label = mapping.to_bought_label("ref-1", "YT2616200000000001", "THPHR", "71.4 CNY", LABEL)

    assert (label.carrier_ref, label.tracking_number) == ("ref-1", "YT2616200000000001")
    assert (label.cost_minor, label.cost_currency, label.cost_exponent) == (7140, "CNY", 2)


def test_a_label_without_a_price_has_no_part_of_one() -> None:
    label = mapping.to_bought_label("ref-1", "YT1", "THPHR", None, LABEL)

    assert (label.cost_minor, label.cost_currency, label.cost_exponent) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("receiver.postal_code: needed in this country", "ship_to.postal_code"),
        ("sender.phone_number is required", "ship_from.phone"),
        ("declaration_info[1].unit_price must be positive", "customs.1.unit_value"),
        ("packages[0].weight too heavy", "box.weight_g"),
        ("product_code: not open to this account", "service"),
        ("customs_number: no IOSS number", "tax_ids"),
        ("receiver.nickname unknown", None),
        ("系统繁忙", None),
        ("", None),
    ],
)
def test_a_field_that_they_name_as_it_was_sent_is_named_as_ours(text: str, field: str | None) -> None:
    assert mapping.to_field(text) == field


def refusal(**said: Any) -> CarrierRejected:
    return mapping.to_refusal(
        wire.Envelope.model_validate({"success": False} | said), {"00200777": Remedy.TRY_LATER}
    )


def test_a_refusal_keeps_their_code_and_their_words_apart() -> None:
    refused = refusal(code="00200400", msg="receiver.city: Ann Lee, 1 Main St is not served")

    assert (refused.code, refused.field, refused.remedy) == (
        "00200400",
        "ship_to.city",
        Remedy.FIX_ADDRESS,
    )
    assert "1 Main St" not in repr(refused)
    assert "1 Main St" in (refused.words or "")


def test_what_mends_a_code_is_what_the_account_has_learnt() -> None:
    assert refusal(code="00200777", msg="x").remedy is Remedy.TRY_LATER
    assert refusal(code="00200778", msg="x").remedy is Remedy.UNTRANSLATED


@pytest.mark.parametrize("code", ["", "00000000", None, "1 Main St, Austin", "x" * 65])
def test_a_code_that_is_none_is_not_repeated(code: str | None) -> None:
    assert refusal(code=code, msg="no").code == "refused"


@pytest.mark.parametrize(
    ("words", "duplicate"),
    [("客户订单号重复", True), ("Duplicate customer order", True), ("no such country", False), (None, False)],
)
def test_a_duplicate_is_known_by_its_words(words: str | None, duplicate: bool) -> None:
    assert mapping.says_duplicate(CarrierRejected("1001", words=words)) is duplicate

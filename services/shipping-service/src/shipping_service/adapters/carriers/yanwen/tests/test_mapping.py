"""Our words in Yanwen's and back: units, money, names, numbers, refusals."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shipping_service.adapters.carriers.yanwen import mapping, wire
from shipping_service.adapters.carriers.yanwen.tests.examples import (
    CURITIBA,
    MUGS,
    ORDER_NUMBER,
    SAMPLES,
    a_request,
    the_settings,
)
from shipping_service.domain.consignment import (
    Box,
    ConsignmentRequest,
    Document,
    DocumentKind,
    TaxId,
    VoidOutcome,
)
from shipping_service.domain.refusal import Remedy
from shipping_service.use_cases.ports import CarrierRejected

IOSS = TaxId("IOSS", "IM2760001234", of_sender=True)
LABEL = Document(DocumentKind.LABEL, "application/pdf", b"%PDF-")


def created(request: ConsignmentRequest, **settings: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(mapping.to_create_order(request, the_settings(**settings)).body())
    return body


def an_order(**changes: Any) -> wire.Order:
    data = json.loads((SAMPLES / "shipment-created.json").read_bytes())["data"]
    return wire.Order.model_validate(data | changes)


# -- out


def test_an_order_goes_out_in_grams_and_centimetres_with_prices_as_text() -> None:
    assert created(a_request()) == {
        "channelId": "481",
        "userId": "100000",
        "orderNumber": ORDER_NUMBER,
        "orderSource": "Crossdock",
        "receiverInfo": {
            "name": "Ana Souza",
            "phone": "+554133334444",
            "email": "ana.souza@example.com",
            "country": "BR",
            "state": "PR",
            "city": "Curitiba",
            "zipCode": "80020-310",
            "address": "Rua XV de Novembro 100, Apto 4",
        },
        "senderInfo": {
            "name": "Lumo",
            "phone": "+8675512345678",
            "company": "Lumo",
            "country": "CN",
            "state": "Guangdong",
            "city": "Shenzhen",
            "zipCode": "518103",
            "address": "Bao'an, Fuyong 12",
        },
        "parcelInfo": {
            "hasBattery": 0,
            "currency": "USD",
            "totalPrice": "25.02",
            "totalQuantity": 2,
            "totalWeight": 701,
            "length": 13,
            "width": 10,
            "height": 9,
            "productList": [
                {
                    "goodsNameCh": "Porcelain mug",
                    "goodsNameEn": "Porcelain mug",
                    "price": "12.51",
                    "priceExport": "12.51",
                    "hscode": "691110",
                    "quantity": "2",
                    "weight": 320,
                }
            ],
        },
    }


def test_the_body_is_compact() -> None:
    assert b'": ' not in mapping.to_create_order(a_request(), the_settings()).body()


def test_the_worth_of_a_parcel_is_what_its_rounded_prices_add_up_to() -> None:
    cups = replace(MUGS, sku="CUP", units=3, unit_value=Decimal("0.0001"))

    parcel = created(a_request(customs=(MUGS, cups), box=Box(weight_g=1600)))["parcelInfo"]

    assert [one["price"] for one in parcel["productList"]] == ["12.51", "0.01"]
    assert (parcel["totalPrice"], parcel["totalQuantity"]) == ("25.05", 5)


@pytest.mark.parametrize(("length_mm", "cm"), [(1, 1), (10, 1), (11, 2), (300, 30)])
def test_a_side_is_rounded_up_to_whole_centimetres(length_mm: int, cm: int) -> None:
    assert mapping.to_centimetres(length_mm) == cm


def test_the_size_goes_out_whole_or_not_at_all() -> None:
    parcel = created(a_request(box=Box(weight_g=701, length_mm=120)))["parcelInfo"]

    assert not {"length", "width", "height"} & set(parcel)


def test_lines_do_not_outweigh_their_parcel() -> None:
    assert created(a_request(box=Box(weight_g=639)))["parcelInfo"]["totalWeight"] == 640


def test_a_battery_is_declared_by_its_channel() -> None:
    battery_channels = frozenset({"484"})
    said = [
        created(a_request(service=one), battery_channels=battery_channels)["parcelInfo"]["hasBattery"]
        for one in ("481", "484")
    ]

    assert said == [0, 1]


def test_tax_numbers_go_where_each_belongs() -> None:
    numbers = (
        IOSS,
        TaxId("EORI", "DE123456789012345"),
        TaxId("CPF", "12345678909"),
        TaxId("VAT", "GB123456789", of_sender=True),
    )

    said = created(a_request(tax_ids=numbers))

    assert said["parcelInfo"]["ioss"] == "IM2760001234"
    assert said["importCustomsInfo"] == {"eori": "DE123456789012345"}
    assert said["receiverInfo"]["taxNumber"] == "12345678909"
    assert said["senderInfo"]["taxNumber"] == "GB123456789"


@pytest.mark.parametrize(
    ("changes", "code", "field", "remedy"),
    [
        ({"customs": ()}, "no_border_is_crossed", "service", Remedy.CHOOSE_ANOTHER_SERVICE),
        ({"service": "4 81"}, "unknown_service", "service", Remedy.CHOOSE_ANOTHER_SERVICE),
        ({"ship_to": replace(CURITIBA, name=None)}, "missing_name", "ship_to.name", Remedy.FIX_ADDRESS),
        (
            {"ship_to": replace(CURITIBA, lines=(" ",))},
            "missing_address",
            "ship_to.lines",
            Remedy.FIX_ADDRESS,
        ),
        ({"reference": "r" * 51}, "too_long", "reference", Remedy.UNTRANSLATED),
        (
            {"customs": (MUGS, replace(MUGS, currency="EUR"))},
            "one_currency_for_a_parcel",
            "customs.1.currency",
            Remedy.FIX_CUSTOMS,
        ),
        (
            {"tax_ids": (TaxId("CPF", "1"), TaxId("IOSS", "IM27600012"))},
            "ioss_is_two_letters_and_ten_digits",
            "tax_ids.1.value",
            Remedy.FIX_CUSTOMS,
        ),
        (
            {"tax_ids": (TaxId("CPF", "1"), TaxId("VAT", "2"))},
            "one_tax_number_of_its_kind",
            "tax_ids.1",
            Remedy.FIX_CUSTOMS,
        ),
        ({"tax_ids": (TaxId("CPF", "1" * 51),)}, "too_long", "tax_ids.0.value", Remedy.FIX_CUSTOMS),
    ],
)
def test_what_would_be_refused_or_stopped_is_refused_before_anything_is_sent(
    changes: dict[str, Any], code: str, field: str, remedy: Remedy
) -> None:
    with pytest.raises(CarrierRejected) as refused:
        created(a_request(**changes))

    assert (refused.value.code, refused.value.field, refused.value.remedy) == (code, field, remedy)


# -- back


def test_a_label_is_known_by_the_waybill_number_and_has_no_price() -> None:
    label = mapping.to_bought_label(an_order(referenceNumber="LX556677887BR"), "481", LABEL)

    assert (label.carrier_ref, label.tracking_number) == ("CD-000006", "UF000000001YP")
    assert (label.cost_minor, label.cost_currency, label.cost_exponent) == (None, None, None)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (0, VoidOutcome.SUBMITTED),
        ("1", VoidOutcome.SUBMITTED),
        (2, VoidOutcome.REJECTED),
        (3, VoidOutcome.REJECTED),
        (5, VoidOutcome.VOIDED),
        (6, VoidOutcome.REJECTED),
        (9, VoidOutcome.REJECTED),
        (14, VoidOutcome.SUBMITTED),
        (15, VoidOutcome.REJECTED),
        (None, VoidOutcome.SUBMITTED),
    ],
)
def test_a_cancel_is_confirmed_by_the_orders_state_alone(status: object, outcome: VoidOutcome) -> None:
    assert mapping.to_void_outcome(an_order(status=status)) is outcome


def refusal(**said: Any) -> CarrierRejected:
    envelope = wire.Envelope.model_validate({"success": False} | said)
    return mapping.to_refusal(envelope, {"1021": Remedy.FIX_ADDRESS})


def test_a_refusal_keeps_their_code_and_their_words_apart() -> None:
    refused = refusal(code=1021, message="地址不可达 Rua XV de Novembro 100")

    assert (refused.code, refused.remedy) == ("1021", Remedy.FIX_ADDRESS)
    assert "Rua XV" not in repr(refused)
    assert "Rua XV" in (refused.words or "")


def test_a_code_that_the_account_has_not_seen_is_untranslated() -> None:
    assert refusal(code="1022", message="x").remedy is Remedy.UNTRANSLATED


@pytest.mark.parametrize("code", ["", None, "Rua XV de Novembro 100", "x" * 65])
def test_a_code_that_is_none_is_not_repeated(code: str | None) -> None:
    assert refusal(code=code, message="no").code == "refused"

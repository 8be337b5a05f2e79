"""Our words to EasyPost's and back."""

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipping_service.adapters.carriers.easypost import mapping, wire
from shipping_service.adapters.carriers.easypost.tests.examples import (
    BERLIN,
    BOSTON,
    LUMO,
    PHONE_STANDS,
    SAMPLES,
    a_domestic_request,
    a_request,
)
from shipping_service.domain.consignment import Box, ConsignmentRequest, TaxId
from shipping_service.domain.refusal import Remedy
from shipping_service.use_cases.ports import CarrierRejected


def said(request: ConsignmentRequest, **settings: Any) -> Any:
    created = mapping.to_create_shipment(
        request, **{"label_format": "PDF", "customs_signer": "D. Whitfield"} | settings
    )
    return json.loads(created.body())["shipment"]


def a_shipment(sample: str) -> wire.Shipment:
    return wire.Shipment.model_validate_json((SAMPLES / sample).read_bytes())


# -- out


def test_a_shipment_across_a_border_goes_out_whole() -> None:
    request = a_request(incoterm="DAP", tax_ids=(TaxId("VAT", "DE123456789"),))

    shipment = said(request)

    assert shipment == {
        "reference": "CD-000009-1",
        "to_address": {
            "name": "Jörg Müller",
            "street1": "Hauptstraße 1",
            "street2": "Hinterhaus, 3. Stock",
            "city": "Berlin",
            "zip": "10115",
            "country": "DE",
            "phone": "+4930123456",
        },
        "from_address": {
            "company": "Lumo",
            "street1": "1 Main St",
            "city": "Austin",
            "state": "TX",
            "zip": "78704",
            "country": "US",
            "phone": "+15125550142",
        },
        "parcel": {"weight": 11.3, "length": 10.0, "width": 7.9, "height": 4.0},
        "customs_info": {
            "contents_type": "merchandise",
            "customs_certify": True,
            "customs_signer": "D. Whitfield",
            "eel_pfc": "NOEEI 30.37(a)",
            "non_delivery_option": "return",
            "restriction_type": "none",
            "customs_items": [
                {
                    "description": "Foldable phone stand, aluminium",
                    "quantity": 2,
                    "value": 49.98,
                    "weight": 9.2,
                    "hs_tariff_number": "847330",
                    "origin_country": "CN",
                    "currency": "USD",
                    "code": "STAND-ALU",
                }
            ],
        },
        "options": {"label_format": "PDF", "incoterm": "DAP"},
        "tax_identifiers": [
            {"entity": "RECEIVER", "tax_id": "DE123456789", "tax_id_type": "VAT", "issuing_country": "DE"}
        ],
    }


def test_a_domestic_shipment_says_nothing_about_customs_and_needs_no_phone() -> None:
    shipment = said(a_domestic_request(), label_format="PNG")

    assert set(shipment) == {"reference", "to_address", "from_address", "parcel", "options"}
    assert "phone" not in shipment["to_address"]
    assert shipment["options"] == {"label_format": "PNG"}


def test_names_in_every_script_go_out_as_they_are() -> None:
    someone = replace(BERLIN, name="王小明 — Ñandú 🦜", city="Köln")

    shipment = said(a_request(ship_to=someone))

    assert shipment["to_address"]["name"] == "王小明 — Ñandú 🦜"
    assert shipment["to_address"]["city"] == "Köln"


@pytest.mark.parametrize(
    ("weight_g", "ounces"),
    [(1, "0.1"), (2, "0.1"), (3, "0.2"), (28, "1.0"), (29, "1.1"), (1000, "35.3"), (68_038, "2400.0")],
)
def test_weights_are_rounded_up_to_a_tenth_of_an_ounce(weight_g: int, ounces: str) -> None:
    assert mapping.to_ounces(weight_g) == Decimal(ounces)


@pytest.mark.parametrize(
    ("length_mm", "inches"), [(1, "0.1"), (254, "10.0"), (255, "10.1"), (127, "5.0"), (2743, "108.0")]
)
def test_sizes_are_rounded_up_to_a_tenth_of_an_inch(length_mm: int, inches: str) -> None:
    assert mapping.to_inches(length_mm) == Decimal(inches)


@given(st.integers(min_value=1, max_value=1_000_000))
def test_a_weight_never_goes_out_lower_nor_a_tenth_too_high(weight_g: int) -> None:
    exact = Fraction(weight_g) / Fraction("28.349523125")

    ounces = Fraction(float(mapping.to_ounces(weight_g))).limit_denominator(10)

    assert exact <= ounces < exact + Fraction(1, 10)


def test_lines_rounded_up_do_not_outweigh_their_parcel() -> None:
    cables = tuple(replace(PHONE_STANDS, sku=f"CABLE-{n}", units=1, unit_weight_g=100) for n in range(3))

    shipment = said(a_request(box=Box(weight_g=300), customs=cables))

    lines = [item["weight"] for item in shipment["customs_info"]["customs_items"]]
    assert lines == [3.6, 3.6, 3.6]
    assert shipment["parcel"]["weight"] == 10.8


def test_a_size_with_a_missing_side_is_left_out() -> None:
    shipment = said(a_request(box=Box(weight_g=300, length_mm=100, width_mm=100)))

    assert shipment["parcel"] == {"weight": 10.6}


@pytest.mark.parametrize(
    ("unit_value", "units", "currency", "value"),
    [
        (Decimal("3.3333"), 3, "EUR", 10.0),
        (Decimal("1200"), 2, "JPY", 2400),
        (Decimal("333.3333"), 3, "JPY", 1000),
        (Decimal("1.0005"), 1, "KWD", 1.001),
    ],
)
def test_a_lines_value_is_in_whole_minor_units(
    unit_value: Decimal, units: int, currency: str, value: float
) -> None:
    item = replace(PHONE_STANDS, unit_value=unit_value, units=units, currency=currency)

    shipment = said(a_request(customs=(item,)))

    assert shipment["customs_info"]["customs_items"][0]["value"] == value


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ship_to": replace(BERLIN, phone=None)}, "ship_to.phone"),
        ({"ship_from": replace(LUMO, phone=" ")}, "ship_from.phone"),
    ],
)
def test_customs_without_a_phone_is_refused_before_anything_is_sent(
    changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(CarrierRejected) as refused:
        said(a_request(**changes))

    assert (refused.value.code, refused.value.field) == ("phone_needed_for_customs", field)


def test_the_sender_certifies_where_nobody_is_named() -> None:
    by_company = said(a_request(), customs_signer=None)
    by_name = said(a_request(ship_from=replace(LUMO, name="D. Whitfield")), customs_signer=None)

    assert by_company["customs_info"]["customs_signer"] == "Lumo"
    assert by_name["customs_info"]["customs_signer"] == "D. Whitfield"


def test_a_dear_export_from_the_us_is_refused_by_hs_number() -> None:
    half = replace(PHONE_STANDS, units=1, unit_value=Decimal("1250.01"))

    with pytest.raises(CarrierRejected) as refused:
        said(a_request(customs=(half, replace(half, sku="STAND-STEEL"))))

    assert refused.value.code == "export_filing_needed"


def test_dear_exports_pass_where_no_filing_is_needed() -> None:
    dear = replace(PHONE_STANDS, units=1, unit_value=Decimal(3000))
    toronto = replace(
        BOSTON, city="Toronto", province="ON", postal_code="M5H", country="CA", phone="+14165550100"
    )
    just_below = replace(dear, unit_value=Decimal(2500))

    to_canada = said(a_request(ship_to=toronto, customs=(dear,)))
    from_germany = said(a_request(ship_from=BERLIN, ship_to=replace(BOSTON, phone="+1617"), customs=(dear,)))
    cheaper = said(a_request(customs=(just_below, replace(dear, hs_code="851762", unit_value=Decimal(1)))))

    assert to_canada["customs_info"]["eel_pfc"] == "NOEEI 30.36"
    assert "eel_pfc" not in from_germany["customs_info"]
    assert cheaper["customs_info"]["eel_pfc"] == "NOEEI 30.37(a)"


@pytest.mark.parametrize(
    ("tax_id", "entity", "country"),
    [
        (TaxId("ioss", "IM2760001234", of_sender=True), "SENDER", "DE"),
        (TaxId("IOSS", "IM9990001234", of_sender=True), "SENDER", "US"),
        (TaxId("EORI", "XI123456789000", of_sender=True), "SENDER", "GB"),
        (TaxId("VAT", "EL123456789"), "RECEIVER", "GR"),
        (TaxId("VAT", "123456789"), "RECEIVER", "DE"),
        (TaxId("CPF", "11144477735"), "RECEIVER", "DE"),
    ],
)
def test_a_tax_number_says_whose_it_is_and_who_issued_it(tax_id: TaxId, entity: str, country: str) -> None:
    identifier = said(a_request(tax_ids=(tax_id,)))["tax_identifiers"][0]

    assert identifier["entity"] == entity
    assert identifier["issuing_country"] == country
    assert identifier["tax_id_type"] == tax_id.kind.upper()


# -- back


def test_the_cheapest_rate_of_the_service_is_taken_by_amount_not_by_text() -> None:
    rate = mapping.to_rate(a_shipment("create.json"), "USPS:FirstClassPackageInternationalService")

    assert rate.id == "rate_a2"


def test_a_service_that_is_not_offered_is_refused_with_those_that_are() -> None:
    with pytest.raises(CarrierRejected) as refused:
        mapping.to_rate(a_shipment("create.json"), "USPS:Express")

    assert refused.value.field == "service"
    assert refused.value.code == (
        "service_not_offered: FedExDefault:INTERNATIONAL_ECONOMY, USPS:FirstClassPackageInternationalService"
    )


def test_no_rates_are_a_refusal_that_repeats_no_text_of_theirs() -> None:
    with pytest.raises(CarrierRejected) as refused:
        mapping.to_rate(a_shipment("no_rates.json"), "USPS:Express")

    assert refused.value.code == "no_rates: FedEx rate_error, USPS rate_error"


def test_a_bought_shipment_is_a_label_in_our_words() -> None:
    label = mapping.to_bought_label(a_shipment("bought.json"), ())

    assert (label.carrier_ref, label.tracker_ref) == ("shp_4be1", "trk_1")
    assert (label.carrier, label.service) == ("fedex", "INTERNATIONAL_ECONOMY")
    assert label.tracking_number == "LZ556677887US"
    assert label.tracking_url == "https://track.example/trk_1"
    assert (label.cost_minor, label.cost_currency, label.cost_exponent) == (3258, "USD", 2)


def test_a_carrier_that_we_have_no_name_for_keeps_its_own() -> None:
    shipment = a_shipment("bought.json")
    assert shipment.selected_rate is not None
    rate = shipment.selected_rate.model_copy(update={"carrier": "ParrotPost"})

    label = mapping.to_bought_label(shipment.model_copy(update={"selected_rate": rate}), ())

    assert label.carrier == "ParrotPost"


@pytest.mark.parametrize("missing", ["selected_rate", "tracking_code"])
def test_a_label_without_number_or_rate_cannot_be_read(missing: str) -> None:
    shipment = a_shipment("bought.json").model_copy(update={missing: None})

    with pytest.raises(mapping.UnreadableAnswer):
        mapping.to_bought_label(shipment, ())


def test_a_refusal_keeps_their_code_and_names_our_field() -> None:
    error = wire.ErrorAnswer.model_validate_json((SAMPLES / "error.json").read_bytes())

    refusal = mapping.to_refusal(422, error)

    assert (refusal.code, refusal.field) == ("SHIPMENT.POSTAGE.FAILURE", "ship_to.phone")
    assert "Hauptstra" not in repr(refusal)


@pytest.mark.parametrize("code", ["", "no such thing: Hauptstraße 1", "A" * 101])
def test_a_code_that_is_none_gives_way_to_the_status(code: str) -> None:
    error = wire.ErrorAnswer(error=wire.Error(code=code))

    assert mapping.to_refusal(422, error).code == "http_422"
    assert mapping.to_refusal(400, None).code == "http_400"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("shipment.to_address.zip", "ship_to.postal_code"),
        ("from_address.street2", "ship_from.lines"),
        ("shipment.parcel.weight", "box.weight_g"),
        ("shipment.customs_info.customs_items.1.hs_tariff_number", "customs.1.hs_code"),
        ("tax_identifiers.0.tax_id", "tax_ids.0.value"),
        ("customs_info.customs_items", "customs"),
        ("customs_info.customs_items.1.eccn", None),
        ("rate.id", None),
    ],
)
def test_fields_are_named_as_we_name_them(theirs: str, ours: str | None) -> None:
    assert mapping.to_field(theirs) == ours


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (422, "ADDRESS.VERIFY.FAILURE", Remedy.FIX_ADDRESS),
        (422, "CUSTOMS_ITEM.PARAMETERS.INVALID", Remedy.FIX_CUSTOMS),
        (422, "SHIPMENT.RATE.CARRIER_ACCOUNT_INVALID", Remedy.FIX_ACCOUNT),
        (402, "SOMETHING.ABOUT.MONEY", Remedy.FIX_ACCOUNT),
        (422, "ADDRESS.VERIFY.UNAVAILABLE", Remedy.TRY_LATER),
        (422, "SHIPMENT.POSTAGE.FAILURE", Remedy.UNTRANSLATED),
        (422, "NEVER.SEEN", Remedy.UNTRANSLATED),
    ],
)
def test_a_refusal_says_what_mends_it_as_far_as_its_code_tells(
    status: int, code: str, remedy: Remedy
) -> None:
    refusal = mapping.to_refusal(status, wire.ErrorAnswer(error=wire.Error(code=code)))

    assert (refusal.code, refusal.remedy) == (code, remedy)


def test_what_the_carrier_behind_says_is_told_by_the_field_and_keeps_its_words() -> None:
    error = wire.ErrorAnswer.model_validate_json((SAMPLES / "error.json").read_bytes())

    refusal = mapping.to_refusal(422, error)

    assert refusal.remedy is Remedy.FIX_ADDRESS
    assert refusal.words is not None
    assert "Hauptstra" in refusal.words


def test_no_rates_keep_each_carriers_words() -> None:
    shipment = wire.Shipment(
        id="shp_1", messages=(wire.RateMessage(carrier="UPS", message="no such postal code"),)
    )

    with pytest.raises(CarrierRejected) as refused:
        mapping.to_rate(shipment, "UPS:Ground")

    assert refused.value.words == "UPS: no such postal code"
    assert refused.value.remedy is Remedy.UNTRANSLATED

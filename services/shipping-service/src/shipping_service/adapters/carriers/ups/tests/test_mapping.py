"""Our words to UPS's."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipping_service.adapters.carriers.ups import mapping, measures
from shipping_service.adapters.carriers.ups.tests.examples import (
    ACCOUNT,
    HAMBURG,
    LUMO,
    MUGS,
    NEW_YORK,
    a_domestic_request,
    a_request,
    the_settings,
)
from shipping_service.domain.consignment import Box, ConsignmentRequest, TaxId
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierRejected

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
REFERENCE = "019aa7f05f6e7c3a9d7e0a1b2c3d4e5fN1"
CHICAGO = replace(NEW_YORK, city="Chicago", province="IL", postal_code="60601")
TORONTO = replace(NEW_YORK, city="Toronto", province="ON", postal_code="m5v 2t6", country="CA")


def said(request: ConsignmentRequest, **settings: Any) -> Any:
    made = mapping.to_create_shipment(request, the_settings(**settings), NOON)
    return json.loads(made.body())["ShipmentRequest"]


def shipment(request: ConsignmentRequest, **settings: Any) -> Any:
    return said(request, **settings)["Shipment"]


def refused(request: ConsignmentRequest) -> tuple[str, str | None]:
    with pytest.raises(CarrierRejected) as error:
        said(request)
    return error.value.code, error.value.field


def test_a_shipment_across_a_border_goes_out_whole() -> None:
    lumo = {
        "Name": "Lumo",
        "AttentionName": "Lumo",
        "Phone": {"Number": "493311234567"},
        "Address": {
            "AddressLine": ["Dock 1"],
            "City": "Potsdam",
            "PostalCode": "14467",
            "CountryCode": "DE",
        },
    }
    ann_lee = {
        "Name": "Ann Lee",
        "AttentionName": "Ann Lee",
        "Phone": {"Number": "2125550142"},
        "Address": {
            "AddressLine": ["1 Main St", "Apt 4"],
            "City": "New York",
            "StateProvinceCode": "NY",
            "PostalCode": "100011234",
            "CountryCode": "US",
        },
    }

    assert said(a_request()) == {
        "Request": {
            "RequestOption": "validate",
            "TransactionReference": {"CustomerContext": REFERENCE},
        },
        "Shipment": {
            "Description": "Porcelain mug",
            "Shipper": {**lumo, "ShipperNumber": ACCOUNT},
            "ShipTo": ann_lee,
            "ShipFrom": lumo,
            "PaymentInformation": {
                "ShipmentCharge": [{"Type": "01", "BillShipper": {"AccountNumber": ACCOUNT}}]
            },
            "ShipmentRatingOptions": {"NegotiatedRatesIndicator": "Y"},
            "ReferenceNumber": [{"Value": REFERENCE}],
            "Service": {"Code": "65"},
            "ShipmentServiceOptions": {
                "InternationalForms": {
                    "FormType": ["01"],
                    "OverridePaperlessIndicator": "Y",
                    "Contacts": {"SoldTo": ann_lee},
                    "Product": [
                        {
                            "Description": ["Porcelain mug"],
                            "Unit": {
                                "Number": "2",
                                "UnitOfMeasurement": {"Code": "PCS"},
                                "Value": "12.50",
                            },
                            "CommodityCode": "691110",
                            "PartNumber": "MUG",
                            "OriginCountryCode": "CN",
                        }
                    ],
                    "InvoiceNumber": REFERENCE,
                    "InvoiceDate": "20261121",
                    "TermsOfShipment": "DAP",
                    "ReasonForExport": "SALE",
                    "CurrencyCode": "EUR",
                }
            },
            "Package": [
                {
                    "Packaging": {"Code": "02"},
                    "Dimensions": {
                        "UnitOfMeasurement": {"Code": "CM"},
                        "Length": "13",
                        "Width": "10",
                        "Height": "9",
                    },
                    "PackageWeight": {"UnitOfMeasurement": {"Code": "KGS"}, "Weight": "0.8"},
                }
            ],
        },
        "LabelSpecification": {
            "LabelImageFormat": {"Code": "ZPL"},
            "LabelStockSize": {"Height": "6", "Width": "4"},
            "CharacterSet": "eng",
        },
    }


def test_at_home_nothing_is_declared_and_no_phone_is_needed() -> None:
    home = shipment(a_domestic_request())

    assert "ShipmentServiceOptions" not in home
    assert "Description" not in home
    assert "Phone" not in home["ShipTo"]


def test_inside_the_eu_the_goods_are_named_as_the_settings_say() -> None:
    lyon = replace(HAMBURG, city="Lyon", country="FR", phone="+33 4 72 00 00 00")

    assert shipment(a_domestic_request(ship_to=lyon), contents="Tableware")["Description"] == "Tableware"


def test_the_reference_belongs_to_the_package_at_home_in_the_us_and_to_the_shipment_elsewhere() -> None:
    american = shipment(a_domestic_request(service="03", ship_from=CHICAGO, ship_to=NEW_YORK))

    assert "ReferenceNumber" not in american
    assert american["Package"][0]["ReferenceNumber"] == [{"Value": REFERENCE}]
    assert "ReferenceNumber" not in shipment(a_domestic_request())["Package"][0]


def test_references_of_two_labels_differ_and_fit() -> None:
    one, other = (mapping.to_reference(f"019aa7f0-5f6e-7c3a-9d7e-0a1b2c3d4e5f/{n}") for n in (1, 11))

    assert one != other
    assert len(other) == 35
    assert other.isalnum()


def test_from_the_us_to_canada_the_invoice_has_a_total_of_one_at_least() -> None:
    dollars = replace(MUGS, currency="USD")
    cheap = replace(dollars, units=1, unit_value=Decimal("0.30"))
    to_canada = {"service": "11", "ship_from": CHICAGO, "ship_to": TORONTO}

    total = shipment(a_request(**to_canada, customs=(dollars,)))["InvoiceLineTotal"]
    least = shipment(a_request(**to_canada, customs=(cheap,)))["InvoiceLineTotal"]

    assert total == {"CurrencyCode": "USD", "MonetaryValue": "25.00"}
    assert least["MonetaryValue"] == "1.00"
    assert "InvoiceLineTotal" not in shipment(a_request())


def test_a_canadian_postal_code_goes_without_its_space() -> None:
    address = shipment(a_request(ship_to=TORONTO))["ShipTo"]["Address"]

    assert (address["PostalCode"], address["StateProvinceCode"]) == ("M5V2T6", "ON")


def test_into_the_eu_it_is_said_who_buys_and_that_products_have_no_number() -> None:
    paris = replace(HAMBURG, city="Paris", country="FR", phone="+33 1 42 00 00 00")
    to_eu = shipment(a_request(ship_from=CHICAGO, ship_to=paris, customs=(MUGS,)))
    to_shop = shipment(a_request(ship_from=CHICAGO, ship_to=replace(paris, company="Chez Ann")))

    assert (to_eu["ShipperType"], to_eu["ConsigneeType"]) == ("01", "02")
    assert to_shop["ConsigneeType"] == "01"
    (line,) = to_eu["ShipmentServiceOptions"]["InternationalForms"]["Product"]
    assert line["CommodityFieldSpecialConditionCode"] == "01"


def test_duties_are_ours_where_the_account_may_be_charged() -> None:
    ddp = a_request(incoterm="DDP")

    charges = shipment(ddp, pays_duties=True)["PaymentInformation"]["ShipmentCharge"]

    assert [one["Type"] for one in charges] == ["01", "02"]
    with pytest.raises(CarrierMisconfigured, match="PAYS_DUTIES"):
        said(ddp)


# -- tax numbers


@pytest.mark.parametrize(
    ("kind", "country", "code"),
    [
        ("IOSS", "FR", "0356"),
        ("voec", "NO", "0357"),
        ("ARN", "AU", "1052"),
        ("GST", "SG", "1051"),
        ("GST", "NZ", "1053"),
    ],
)
def test_a_seller_from_abroad_says_his_number_at_the_origin(kind: str, country: str, code: str) -> None:
    there = replace(HAMBURG, country=country, phone="+1234567")
    number = TaxId(kind, "IM2760001234", of_sender=True)

    made = shipment(a_request(ship_from=CHICAGO, ship_to=there, tax_ids=(number,)))

    assert made["ShipFrom"]["VendorInfo"] == {
        "VendorCollectIDTypeCode": code,
        "VendorCollectIDNumber": "IM2760001234",
        "ConsigneeType": "02",
    }
    assert "GlobalTaxInformation" not in made


def test_other_numbers_go_out_by_whose_they_are() -> None:
    numbers = (TaxId("EORI", "DE123456789", of_sender=True), TaxId("SSN", "078-05-1120"))

    sender, consignee = shipment(a_request(tax_ids=numbers))["GlobalTaxInformation"][
        "AgentTaxIdentificationNumber"
    ]

    assert sender == {
        "AgentRole": "20",
        "TaxIdentificationNumber": [
            {
                "IdentificationNumber": "DE123456789",
                "IDNumberCustomerRole": "37",
                "IDNumberEncryptionIndicator": "0",
                "IDNumberIssuingCntryCd": "DE",
                "IDNumberPurposeCode": "02",
                "IDNumberTypeCode": "1002",
            }
        ],
    }
    assert consignee["AgentRole"] == "30"
    (number,) = consignee["TaxIdentificationNumber"]
    assert (number["IDNumberTypeCode"], number["IDNumberIssuingCntryCd"]) == ("0005", "US")


# -- measures


@pytest.mark.parametrize(
    ("weight_g", "units", "weight"),
    [
        (1, "metric", "0.1"),
        (700, "metric", "0.7"),
        (701, "metric", "0.8"),
        (70_000, "metric", "70.0"),
        (1, "imperial", "0.1"),
        (454, "imperial", "1.1"),
        (453, "imperial", "1.0"),
    ],
)
def test_a_weight_goes_out_in_tenths_and_never_lighter(weight_g: int, units: str, weight: str) -> None:
    assert measures.to_weight(weight_g, units).Weight == weight


@given(st.integers(min_value=1, max_value=400_000), st.sampled_from(["metric", "imperial"]))
def test_no_weight_is_understated_or_a_tenth_too_much(weight_g: int, units: str) -> None:
    made = measures.to_weight(weight_g, units)
    grams = Decimal(made.Weight) * measures.GRAMS[made.UnitOfMeasurement.Code]

    assert grams >= weight_g
    assert grams - weight_g < measures.GRAMS[made.UnitOfMeasurement.Code] / 10


def test_a_size_goes_out_with_the_longest_side_first_and_rounded_up() -> None:
    box = Box(weight_g=500, length_mm=101, width_mm=305, height_mm=200)

    metric, imperial = measures.to_size(box, "metric"), measures.to_size(box, "imperial")

    assert metric is not None
    assert (metric.Length, metric.Width, metric.Height) == ("31", "20", "11")
    assert imperial is not None
    assert (imperial.Length, imperial.Width, imperial.Height) == ("13", "8", "4")
    assert measures.to_size(Box(weight_g=500, length_mm=101), "metric") is None


# -- letters


@pytest.mark.parametrize(
    ("name", "character_set"),
    [
        ("Jörg Müller", "eng"),
        ("Łukasz Wójcik", "pol"),
        ("Иван Петров", "rus"),
        ("Γιώργος", "ell"),
        ("Işıl", "tur"),
        ("Ūla Šimkė", "lit"),
    ],
)
def test_the_label_is_asked_for_with_the_letters_it_needs(name: str, character_set: str) -> None:
    wanted = said(a_domestic_request(ship_to=replace(HAMBURG, name=name)))["LabelSpecification"]

    assert wanted["CharacterSet"] == character_set


def test_what_ups_cannot_print_is_refused_by_its_field() -> None:
    assert refused(a_domestic_request(ship_to=replace(HAMBURG, city="深圳"))) == (
        "letters_not_printed",
        "ship_to.city",
    )
    mixed = replace(HAMBURG, name="Łukasz", city="София")
    assert refused(a_domestic_request(ship_to=mixed)) == ("letters_not_printed", "ship_to")


def test_a_picture_is_asked_for_with_a_browsers_name() -> None:
    wanted = said(a_request(), label_format="GIF")["LabelSpecification"]

    assert (wanted["LabelImageFormat"], wanted["HTTPUserAgent"]) == ({"Code": "GIF"}, "Mozilla/4.5")


# -- refused before anything is sent


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"service": "worldwide_saver"}, ("unknown_service", "service")),
        ({"ship_to": replace(NEW_YORK, name=None)}, ("missing_name", "ship_to.name")),
        ({"ship_to": replace(NEW_YORK, name="A" * 36)}, ("too_long", "ship_to.name")),
        ({"ship_from": replace(LUMO, company="L" * 36)}, ("too_long", "ship_from.company")),
        ({"ship_to": replace(NEW_YORK, phone=None)}, ("missing_phone", "ship_to.phone")),
        ({"ship_to": replace(NEW_YORK, phone="1" * 16)}, ("too_long", "ship_to.phone")),
        ({"ship_from": replace(LUMO, phone="ask")}, ("missing_phone", "ship_from.phone")),
        ({"ship_to": replace(NEW_YORK, city=None)}, ("missing_city", "ship_to.city")),
        ({"ship_to": replace(NEW_YORK, city="C" * 31)}, ("too_long", "ship_to.city")),
        ({"ship_to": replace(NEW_YORK, province=None)}, ("missing_province", "ship_to.province")),
        ({"ship_to": replace(NEW_YORK, province="New York")}, ("too_long", "ship_to.province")),
        ({"ship_to": replace(NEW_YORK, postal_code=None)}, ("missing_postal_code", "ship_to.postal_code")),
        ({"ship_to": replace(NEW_YORK, lines=(" ",))}, ("missing_address", "ship_to.lines")),
        ({"ship_to": replace(NEW_YORK, lines=("word " * 30,))}, ("too_long", "ship_to.lines")),
        ({"incoterm": None}, ("missing_incoterm", "incoterm")),
        ({"incoterm": "DPU"}, ("unknown_incoterm", "incoterm")),
        ({"customs": (MUGS,) * 51}, ("too_many_lines", "customs")),
        ({"customs": (MUGS, replace(MUGS, currency="USD"))}, ("one_currency_needed", "customs")),
        ({"customs": (replace(MUGS, description="porcelain " * 12),)}, ("too_long", "customs.0.description")),
        ({"customs": (MUGS, replace(MUGS, sku="S" * 36))}, ("too_long", "customs.1.sku")),
        ({"box": Box(weight_g=1_000_000)}, ("too_heavy", "box.weight_g")),
        ({"box": Box(500, 9_991, 10, 10)}, ("too_large", "box.length_mm")),
        ({"tax_ids": (TaxId("CURP", "1"),)}, ("tax_number_of_unknown_kind", "tax_ids.0.kind")),
        ({"tax_ids": (TaxId("IOSS", "1"), TaxId("VOEC", "2"))}, ("one_seller_number_only", "tax_ids.1.kind")),
        ({"reference": "x" * 36}, ("too_long", "reference")),
    ],
)
def test_what_cannot_be_right_is_refused(changes: dict[str, Any], refusal: tuple[str, str]) -> None:
    assert refused(a_request(**changes)) == refusal


def test_an_export_from_the_us_that_needs_a_filing_is_refused() -> None:
    worth = replace(MUGS, currency="USD", unit_value=Decimal(2000))
    hamburg = replace(HAMBURG, phone="+494012345")

    assert refused(a_request(ship_from=CHICAGO, ship_to=hamburg, customs=(worth,))) == (
        "export_filing_needed",
        "customs",
    )


def test_long_address_lines_are_broken_anew_and_never_cut() -> None:
    lines = ("12 Very Long Street Name of a Far Away Town", "Building 7", "Floor 3", "Room 12")
    made = shipment(a_request(ship_to=replace(NEW_YORK, lines=lines)))["ShipTo"]["Address"]["AddressLine"]

    assert len(made) <= 3
    assert all(len(one) <= 35 for one in made)
    assert " ".join(made) == ", ".join(lines)


def test_a_province_that_is_no_code_stays_away_where_none_is_needed() -> None:
    made = shipment(a_domestic_request(ship_to=replace(HAMBURG, province="Hansestadt Hamburg")))

    assert "StateProvinceCode" not in made["ShipTo"]["Address"]

"""Our words to MyDHL's and back."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipping_service.adapters.carriers.dhl_express import mapping, wire
from shipping_service.adapters.carriers.dhl_express.tests.examples import (
    ACCOUNT,
    DUTIES_ACCOUNT,
    HAMBURG,
    LUMO,
    MUGS,
    NEW_YORK,
    SAMPLES,
    a_domestic_request,
    a_request,
    the_settings,
)
from shipping_service.domain.consignment import Box, ConsignmentRequest, DocumentKind, TaxId
from shipping_service.domain.refusal import Remedy
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierRejected

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def said(request: ConsignmentRequest, now: datetime = NOON, **settings: Any) -> Any:
    return json.loads(mapping.to_create_shipment(request, the_settings(**settings), now).body())


def refused(request: ConsignmentRequest) -> tuple[str, str | None]:
    with pytest.raises(CarrierRejected) as error:
        said(request)
    return error.value.code, error.value.field


# -- out


def test_a_shipment_across_a_border_goes_out_whole() -> None:
    request = a_request(tax_ids=(TaxId("EIN", "12-3456789"),))

    shipment = said(request, invoice_signer="D. Whitfield")

    assert shipment == {
        "plannedShippingDateAndTime": "2026-11-21T15:00:00 GMT+01:00",
        "pickup": {"isRequested": False},
        "productCode": "P",
        "getRateEstimates": True,
        "accounts": [{"typeCode": "shipper", "number": ACCOUNT}],
        "outputImageProperties": {
            "printerDPI": 300,
            "encodingFormat": "pdf",
            "imageOptions": [
                {"typeCode": "label", "templateName": "ECOM26_84_001", "isRequested": True},
                {
                    "typeCode": "invoice",
                    "templateName": "COMMERCIAL_INVOICE_P_10",
                    "isRequested": True,
                    "invoiceType": "commercial",
                },
            ],
            "splitInvoiceAndReceipt": True,
        },
        "customerReferences": [{"typeCode": "CU", "value": "019aa7f05f6e7c3a9d7e0a1b2c3d4e5f/1"}],
        "customerDetails": {
            "shipperDetails": {
                "postalAddress": {
                    "postalCode": "14467",
                    "cityName": "Potsdam",
                    "countryCode": "DE",
                    "addressLine1": "Dock 1",
                },
                "contactInformation": {
                    "phone": "+493311234567",
                    "companyName": "Lumo",
                    "fullName": "Lumo",
                },
            },
            "receiverDetails": {
                "postalAddress": {
                    "postalCode": "10001",
                    "cityName": "New York",
                    "countryCode": "US",
                    "provinceCode": "NY",
                    "addressLine1": "1 Main St",
                    "addressLine2": "Apt 4",
                },
                "contactInformation": {
                    "phone": "+12125550142",
                    "companyName": "Ann Lee",
                    "fullName": "Ann Lee",
                    "email": "ann.lee@example.com",
                },
                "registrationNumbers": [
                    {"typeCode": "EIN", "number": "12-3456789", "issuerCountryCode": "US"}
                ],
            },
        },
        "content": {
            "packages": [{"weight": 0.7, "dimensions": {"length": 13, "width": 10, "height": 9}}],
            "isCustomsDeclarable": True,
            "declaredValue": 25.0,
            "declaredValueCurrency": "EUR",
            "description": "Porcelain mug",
            "incoterm": "DAP",
            "unitOfMeasurement": "metric",
            "exportDeclaration": {
                "lineItems": [
                    {
                        "number": 1,
                        "description": "Porcelain mug",
                        "price": 12.5,
                        "quantity": {"value": 2, "unitOfMeasurement": "PCS"},
                        "commodityCodes": [{"typeCode": "outbound", "value": "691110"}],
                        "exportReasonType": "commercial_purpose_or_sale",
                        "manufacturerCountry": "CN",
                        "weight": {"netValue": 0.64},
                    }
                ],
                "invoice": {
                    "number": "019aa7f05f6e7c3a9d7e0a1b2c3d4e5f/1",
                    "date": "2026-11-21",
                    "signatureName": "D. Whitfield",
                },
                "exportReasonType": "commercial_purpose_or_sale",
                "shipmentType": "commercial",
            },
        },
    }


def test_at_home_nothing_is_declared_and_no_invoice_is_asked_for() -> None:
    shipment = said(a_domestic_request(), label_format="ZPL", label_dpi="200")

    assert shipment["content"] == {
        "packages": [{"weight": 0.7, "dimensions": {"length": 13, "width": 10, "height": 9}}],
        "isCustomsDeclarable": False,
        "description": "Merchandise",
        "incoterm": "DAP",
        "unitOfMeasurement": "metric",
    }
    images = shipment["outputImageProperties"]
    assert [one["typeCode"] for one in images["imageOptions"]] == ["label"]
    assert (images["encodingFormat"], images["printerDPI"]) == ("zpl", 200)


@pytest.mark.parametrize(
    ("now", "zone", "planned"),
    [
        (datetime(2026, 7, 1, 12, tzinfo=UTC), "Europe/Berlin", "2026-07-01T16:00:00 GMT+02:00"),
        (datetime(2026, 11, 21, 23, tzinfo=UTC), "Asia/Shanghai", "2026-11-22T09:00:00 GMT+08:00"),
        (datetime(2026, 11, 21, 1, 0, 0, 999, UTC), "America/Denver", "2026-11-20T20:00:00 GMT-07:00"),
        (datetime(2026, 11, 21, 12, tzinfo=UTC), "UTC", "2026-11-21T14:00:00 GMT+00:00"),
    ],
)
def test_a_parcel_leaves_at_the_time_of_its_place(now: datetime, zone: str, planned: str) -> None:
    assert said(a_request(), now, time_zone=zone)["plannedShippingDateAndTime"] == planned


@pytest.mark.parametrize(
    ("service", "codes"), [("P", ("P", None)), ("P:S", ("P", "S")), ("1", ("1", None)), ("N:N", ("N", "N"))]
)
def test_a_service_is_a_product_with_or_without_its_local_code(
    service: str, codes: tuple[str, str | None]
) -> None:
    shipment = said(a_request(service=service))

    assert (shipment["productCode"], shipment.get("localProductCode")) == codes


@pytest.mark.parametrize("service", ["", "Express Worldwide", "p", "P:", "P:LONG", "DHLExpress:P"])
def test_a_service_that_is_no_product_is_refused(service: str) -> None:
    assert refused(a_request(service=service)) == ("unknown_service", "service")


def test_duties_that_we_pay_go_to_an_account_of_their_own() -> None:
    shipment = said(a_request(incoterm="DDP"), duties_account_number=DUTIES_ACCOUNT)

    assert shipment["content"]["incoterm"] == "DDP"
    assert shipment["valueAddedServices"] == [{"serviceCode": "DD"}]
    assert shipment["accounts"] == [
        {"typeCode": "shipper", "number": ACCOUNT},
        {"typeCode": "duties-taxes", "number": DUTIES_ACCOUNT},
    ]


def test_duties_that_we_pay_without_an_account_for_them_are_the_operators_business() -> None:
    with pytest.raises(CarrierMisconfigured, match="DUTIES_ACCOUNT_NUMBER"):
        said(a_request(incoterm="DDP"))


def test_who_pays_duties_is_not_guessed() -> None:
    assert refused(a_request(incoterm=None)) == ("missing_incoterm", "incoterm")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"ship_to": replace(NEW_YORK, phone=" ")}, "missing_phone", "ship_to.phone"),
        ({"ship_from": replace(LUMO, phone=None)}, "missing_phone", "ship_from.phone"),
        ({"ship_to": replace(NEW_YORK, name=None)}, "missing_name", "ship_to.name"),
        ({"ship_to": replace(NEW_YORK, city=None)}, "missing_city", "ship_to.city"),
        ({"ship_to": replace(NEW_YORK, lines=())}, "missing_address", "ship_to.lines"),
        ({"ship_to": replace(NEW_YORK, city="x" * 46)}, "too_long", "ship_to.city"),
        ({"ship_to": replace(NEW_YORK, postal_code="1" * 13)}, "too_long", "ship_to.postal_code"),
        ({"ship_to": replace(NEW_YORK, province="x" * 36)}, "too_long", "ship_to.province"),
        ({"ship_to": replace(NEW_YORK, company="x" * 101)}, "too_long", "ship_to.company"),
        ({"ship_to": replace(NEW_YORK, email="x" * 71)}, "too_long", "ship_to.email"),
        ({"customs": (MUGS, replace(MUGS, description="x" * 513))}, "too_long", "customs.1.description"),
        ({"customs": (MUGS, replace(MUGS, currency="USD"))}, "one_currency_needed", "customs"),
        ({"tax_ids": (TaxId("PCCC", "P1"),)}, "tax_number_of_unknown_kind", "tax_ids.0.kind"),
        ({"tax_ids": (TaxId("VAT", "1" * 36),)}, "too_long", "tax_ids.0.value"),
        ({"reference": "x" * 36}, "too_long", "reference"),
    ],
)
def test_what_dhl_would_refuse_is_refused_by_our_field(
    changes: dict[str, Any], code: str, field: str
) -> None:
    assert refused(a_request(**changes)) == (code, field)


@pytest.mark.parametrize(
    ("lines", "sent"),
    [
        (("1 Main St",), ["1 Main St"]),
        (("1 Main St", "Apt 4", "Floor 2"), ["1 Main St", "Apt 4", "Floor 2"]),
        (("1 Main St", "Apt 4", "Floor 2", "Door 1"), ["1 Main St, Apt 4, Floor 2, Door 1"]),
        (
            ("Building 12 of the old harbour warehouses, second yard on the left",),
            ["Building 12 of the old harbour warehouses,", "second yard on the left"],
        ),
    ],
)
def test_address_lines_break_between_words(lines: tuple[str, ...], sent: list[str]) -> None:
    address = said(a_request(ship_to=replace(NEW_YORK, lines=lines)))["customerDetails"]["receiverDetails"][
        "postalAddress"
    ]

    assert [address[f"addressLine{n}"] for n in (1, 2, 3) if f"addressLine{n}" in address] == sent


@given(st.lists(st.text(st.sampled_from("abc ,-"), min_size=1, max_size=60), min_size=1, max_size=6))
def test_no_letter_of_an_address_is_lost(lines: list[str]) -> None:
    try:
        shipment = said(a_request(ship_to=replace(NEW_YORK, lines=tuple(lines))))
    except CarrierRejected:
        return
    sent = shipment["customerDetails"]["receiverDetails"]["postalAddress"]
    kept = "".join(sent.get(f"addressLine{n}", "") for n in (1, 2, 3))
    assert [one for one in kept if one in "abc-"] == [one for one in "".join(lines) if one in "abc-"]


def test_an_address_that_does_not_fit_is_refused_and_not_cut() -> None:
    words = ("a word " * 30,)
    assert refused(a_request(ship_to=replace(NEW_YORK, lines=words))) == ("too_long", "ship_to.lines")
    assert refused(a_request(ship_to=replace(NEW_YORK, lines=("x" * 46,)))) == ("too_long", "ship_to.lines")


def test_a_country_without_postal_codes_gets_an_empty_one() -> None:
    dubai = replace(NEW_YORK, city="Dubai", province=None, postal_code=None, country="AE")

    address = said(a_request(ship_to=dubai))["customerDetails"]["receiverDetails"]["postalAddress"]

    assert address["postalCode"] == ""


def test_a_company_and_its_person_are_both_named() -> None:
    office = replace(HAMBURG, company="Kontor GmbH")

    contact = said(a_domestic_request(ship_to=office))["customerDetails"]["receiverDetails"][
        "contactInformation"
    ]

    assert (contact["companyName"], contact["fullName"]) == ("Kontor GmbH", "Jörg Müller")


@pytest.mark.parametrize(
    ("tax_id", "side", "kind", "country"),
    [
        (TaxId("IOSS", "IM2760001234"), "shipper", "SDT", "DE"),
        (TaxId("ioss", "IM3720000002", of_sender=True), "shipper", "SDT", "IE"),
        (TaxId("VOEC", "2012345"), "shipper", "SDT", "NO"),
        (TaxId("ARN", "123456789012"), "shipper", "SDT", "AU"),
        (TaxId("EORI", "XI123456789000", of_sender=True), "shipper", "EOR", "GB"),
        (TaxId("VAT", "EL123456789"), "receiver", "VAT", "GR"),
        (TaxId("GST", "29ABCDE1234F"), "receiver", "GST", "US"),
        (TaxId("CPF", "11144477735"), "receiver", "CNP", "US"),
    ],
)
def test_a_tax_number_says_whose_it_is_and_who_issued_it(
    tax_id: TaxId, side: str, kind: str, country: str
) -> None:
    parties = said(a_request(tax_ids=(tax_id,)))["customerDetails"]

    (number,) = parties[f"{side}Details"]["registrationNumbers"]
    assert number == {"typeCode": kind, "number": tax_id.value, "issuerCountryCode": country}
    assert sum("registrationNumbers" in one for one in parties.values()) == 1


@given(st.integers(min_value=1, max_value=1_000_000))
def test_grams_are_kilograms_exactly(weight_g: int) -> None:
    assert Decimal(str(mapping.to_kilograms(weight_g))) * 1000 == weight_g


@pytest.mark.parametrize(("length_mm", "length_cm"), [(1, 1), (100, 10), (101, 11), (109, 11)])
def test_sizes_are_rounded_up_to_a_centimetre(length_mm: int, length_cm: int) -> None:
    assert mapping.to_centimetres(length_mm) == length_cm


def test_a_size_with_a_missing_side_is_left_out() -> None:
    shipment = said(a_request(box=Box(weight_g=700, length_mm=100, width_mm=100)))

    assert shipment["content"]["packages"] == [{"weight": 0.7}]


def test_lines_do_not_outweigh_their_parcel() -> None:
    feathers = replace(MUGS, units=900, unit_weight_g=1)

    assert said(a_request(customs=(feathers,)))["content"]["packages"][0]["weight"] == 0.9


@given(
    st.lists(
        st.tuples(st.decimals("0.0001", "9999", places=4), st.integers(min_value=1, max_value=999)),
        min_size=1,
        max_size=5,
    )
)
def test_the_lines_add_up_to_the_declared_value(lines: list[tuple[Decimal, int]]) -> None:
    customs = tuple(
        replace(MUGS, sku=str(n), unit_value=value, units=units) for n, (value, units) in enumerate(lines)
    )

    content = said(a_request(customs=customs))["content"]

    items = content["exportDeclaration"]["lineItems"]
    total = sum(Decimal(str(one["price"])) * one["quantity"]["value"] for one in items)
    assert Decimal(str(content["declaredValue"])) == total
    assert all(
        Decimal(str(one["price"])) >= item.unit_value for one, item in zip(items, customs, strict=True)
    )


def test_many_goods_are_summed_up_between_words_and_declared_whole() -> None:
    customs = tuple(replace(MUGS, sku=str(n), description=f"Porcelain mug number {n}") for n in range(5))

    content = said(a_request(customs=customs))["content"]

    assert content["description"] == "Porcelain mug number 0, Porcelain mug number 1, Porcelain mug ..."
    assert len(content["description"]) <= 70
    assert content["exportDeclaration"]["lineItems"][4]["description"] == "Porcelain mug number 4"


def test_a_dear_export_from_the_us_is_refused() -> None:
    dear = replace(MUGS, currency="USD", unit_value=Decimal("1250.01"))

    assert refused(a_request(ship_from=NEW_YORK, ship_to=LUMO, customs=(dear,))) == (
        "export_filing_needed",
        "customs",
    )


# -- back


def created(**changes: Any) -> wire.ShipmentCreated:
    sample = json.loads((SAMPLES / "created.json").read_bytes())
    return wire.ShipmentCreated.model_validate_json(json.dumps(sample | changes))


def a_document(kind: str, image_format: str, content: bytes) -> dict[str, str]:
    return {
        "typeCode": kind,
        "imageFormat": image_format,
        "content": base64.b64encode(content).decode(),
    }


def test_a_sold_shipment_is_a_label_in_our_words() -> None:
    label = mapping.to_bought_label(created(), "P")

    assert label.carrier_ref == label.tracking_number == "1234567891"
    assert (label.carrier, label.service, label.tracking_url) == ("dhl_express", "P", None)
    assert (label.cost_minor, label.cost_currency, label.cost_exponent) == (41236, "CNY", 2)
    assert [(one.kind, one.media_type) for one in label.documents] == [
        (DocumentKind.LABEL, "application/zpl"),
        (DocumentKind.COMMERCIAL_INVOICE, "application/pdf"),
    ]
    assert label.documents[0].content.startswith(b"^XA")


def test_the_price_is_the_row_of_the_billing_currency_and_no_sum() -> None:
    rows = [
        {"currencyType": kind, "priceCurrency": currency, "price": price}
        for kind, currency, price in (
            ("BASEC", "USD", 57.12),
            ("BILLC", "JPY", 8500),
            ("PULCL", "CNY", 412.36),
        )
    ]

    label = mapping.to_bought_label(created(shipmentCharges=rows), "P")

    assert (label.cost_minor, label.cost_currency, label.cost_exponent) == (8500, "JPY", 0)


def test_a_price_that_is_not_told_is_not_known() -> None:
    label = mapping.to_bought_label(created(shipmentCharges=[]), "P")

    assert (label.cost_minor, label.cost_currency, label.cost_exponent) == (None, None, None)


def test_documents_that_nobody_prints_are_not_kept() -> None:
    documents = [a_document("label", "PDF", b"%PDF-1.4"), a_document("shipmentReceipt", "TXT", b"paid")]

    label = mapping.to_bought_label(created(documents=documents), "P")

    assert [one.kind for one in label.documents] == [DocumentKind.LABEL]


def test_base64_may_come_in_lines() -> None:
    document = a_document("label", "PDF", b"%PDF-1.4 a label")
    wrapped = document | {"content": document["content"][:8] + "\r\n" + document["content"][8:]}

    label = mapping.to_bought_label(created(documents=[wrapped]), "P")

    assert label.documents[0].content == b"%PDF-1.4 a label"


@pytest.mark.parametrize(
    "documents",
    [
        [],
        [a_document("invoice", "PDF", b"%PDF-1.4")],
        [a_document("label", "ZPL", b"%PDF-1.4")],
        [a_document("label", "PDF", b"<html>")],
        [a_document("label", "TIFF", b"II*\x00")],
        [a_document("label", "PDF", b"%PDF-1.4") | {"content": "%%%"}],
        [a_document("label", "PDF", b"%PDF-1.4"), a_document("invoice", "PDF", b"")],
    ],
)
def test_a_label_that_is_not_what_it_claims_to_be_cannot_be_read(documents: list[dict[str, str]]) -> None:
    with pytest.raises(mapping.UnreadableAnswer):
        mapping.to_bought_label(created(documents=documents), "P")


def a_problem(detail: str, *more: str) -> wire.Problem:
    return wire.Problem(detail=detail, additionalDetails=more)


def test_a_recorded_refusal_keeps_its_number_and_says_what_it_is_about() -> None:
    problem = wire.Problem.model_validate_json((SAMPLES / "error.json").read_bytes())

    refusal = mapping.to_refusal(400, problem)

    assert isinstance(refusal, CarrierRejected)
    assert (refusal.code, refusal.field) == ("8003: account not allowed for this service", "service")


@pytest.mark.parametrize(
    ("problem", "code", "field"),
    [
        (
            a_problem(
                "7008: The requested Special Service Code  #/valueAddedServices/0/serviceCode 'xx' is not "
                "available between this origin and destination."
            ),
            "7008: special service is not available between origin and destination",
            "service",
        ),
        (
            a_problem(
                "7147: The export line item description #/content/exportdeclaration/lineitems/1/description "
                "Match Keyword[Description:UNIQUE MACHINERY]. Please update the description and retry."
            ),
            "7147: description matches a keyword, update it",
            "customs.1.description",
        ),
        (a_problem("4711: Hauptstraße 1 is closed"), "4711", None),
        (
            a_problem("#/content/exportDeclaration/0/lineItems/0: required key [weight] not found"),
            "invalid: required key [weight] not found",
            "customs",
        ),
        (
            a_problem(
                "Multiple problems found, see Additional Details",
                "#/customerDetails/shipperDetails/postalAddress/cityName: expected maxLength: 45, actual: 49",
                "#/content/incoterm: no such value",
            ),
            "invalid: expected maxLength: 45, actual: 49",
            "ship_from.city",
        ),
        (
            a_problem("#/customerDetails/receiverDetails/contactInformation: required key [phone] not found"),
            "invalid: required key [phone] not found",
            "ship_to.phone",
        ),
        (a_problem("#/productCode: Express Hauptstraße"), "invalid", "service"),
        (a_problem("Something about Hauptstraße 1"), "http_400", None),
    ],
)
def test_a_refusal_keeps_their_number_or_rule_and_nothing_personal(
    problem: wire.Problem, code: str, field: str | None
) -> None:
    refusal = mapping.to_refusal(400, problem)

    assert isinstance(refusal, CarrierRejected)
    assert (refusal.code, refusal.field) == (code, field)
    assert "Hauptstra" not in repr(refusal)


@pytest.mark.parametrize(
    "problem",
    [
        a_problem("8007: The Shipper Account is invalid."),
        a_problem("5556: The Original Shipper Account Number must match."),
        a_problem("#/accounts/0/number: expected maxLength: 12, actual: 15"),
    ],
)
def test_an_account_that_is_refused_is_no_parcels_fault(problem: wire.Problem) -> None:
    refusal = mapping.to_refusal(400, problem)

    assert isinstance(refusal, CarrierMisconfigured)
    assert "CARRIER_DHL_EXPRESS_ACCOUNT_NUMBER" in str(refusal)


def test_a_failure_of_theirs_is_no_refusal_whatever_its_status() -> None:
    with pytest.raises(mapping.ProcessFailure):
        mapping.to_refusal(400, a_problem("999: Process failure occurred. Process ID (1234567890)"))


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("/customerDetails/shipperDetails/postalAddress/addressLine2", "ship_from.lines"),
        ("/customerDetails/receiverDetails/postalAddress/countyName", "ship_to"),
        ("/customerDetails/receiverDetails/registrationNumbers/0/number", "tax_ids"),
        ("/content/packages/0/weight", "box.weight_g"),
        ("/content/packages/0/dimensions/height", "box.height_mm"),
        ("/content/exportDeclaration/lineItems/2/commodityCodes/0/value", "customs.2.hs_code"),
        ("/content/exportDeclaration/invoice/date", "customs"),
        ("/localProductCode", "service"),
        ("/plannedShippingDateAndTime", None),
        ("", None),
    ],
)
def test_fields_are_named_as_we_name_them(theirs: str, ours: str | None) -> None:
    assert mapping.to_field(theirs) == ours


@pytest.mark.parametrize(
    ("detail", "remedy"),
    [
        ("8003: This account is not allowed for this service.", Remedy.CHOOSE_ANOTHER_SERVICE),
        ("7008: not available between this origin and destination", Remedy.CHOOSE_ANOTHER_SERVICE),
        ("7147: Match Keyword[Description:UNIQUE MACHINERY]", Remedy.FIX_CUSTOMS),
        ("1506: Requested combination is not allowed", Remedy.FIX_ACCOUNT),
        ("#/customerDetails/receiverDetails/postalAddress/cityName: too long", Remedy.FIX_ADDRESS),
        ("4711: Hauptstraße 1 is closed", Remedy.UNTRANSLATED),
    ],
)
def test_a_refusal_says_what_mends_it_and_keeps_dhls_words(detail: str, remedy: Remedy) -> None:
    refusal = mapping.to_refusal(400, a_problem(detail))

    assert isinstance(refusal, CarrierRejected)
    assert (refusal.remedy, refusal.words) == (remedy, detail)

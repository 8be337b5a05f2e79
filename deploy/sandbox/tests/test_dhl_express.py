"""MyDHL's shipments: sold and labelled in one call, refused in its own words, faults, books."""

import base64
import copy
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.dhl_express.app import DhlExpressOptions, DhlExpressSandbox, running_dhl_express

PATH = "/mydhlapi/shipments"
LOGIN = ("key", "secret")
OPTIONS = DhlExpressOptions(login="key:secret", accounts=("123456789",))
HEADERS = {"x-version": "3.1.0", "Message-Reference": "CD-000009"}

SHIPMENT: dict[str, Any] = {
    "pickup": {"isRequested": False},
    "productCode": "P",
    "getRateEstimates": True,
    "accounts": [{"typeCode": "shipper", "number": "123456789"}],
    "valueAddedServices": [],
    "outputImageProperties": {
        "encodingFormat": "pdf",
        "imageOptions": [{"typeCode": "label"}, {"typeCode": "invoice", "isRequested": True}],
    },
    "customerReferences": [{"typeCode": "CU", "value": "CD-000009"}],
    "customerDetails": {
        "shipperDetails": {
            "postalAddress": {
                "addressLine1": "Dock 1",
                "cityName": "Potsdam",
                "postalCode": "14467",
                "countryCode": "DE",
            },
            "contactInformation": {"companyName": "Lumo", "fullName": "Lumo", "phone": "+493311234567"},
        },
        "receiverDetails": {
            "postalAddress": {
                "addressLine1": "1 Main St",
                "cityName": "New York",
                "provinceCode": "NY",
                "postalCode": "10001",
                "countryCode": "US",
            },
            "contactInformation": {
                "companyName": "Jörg ^XZ Müller",
                "fullName": "Jörg ^XZ Müller",
                "phone": "+12125550142",
            },
        },
    },
    "content": {
        "packages": [{"weight": 0.7, "dimensions": {"length": 12, "width": 10, "height": 9}}],
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
                    "manufacturerCountry": "CN",
                    "weight": {"netValue": 0.64},
                }
            ],
            "invoice": {"number": "CD-000009", "date": "2026-11-22"},
        },
    },
}


def a_shipment(**changes: Any) -> dict[str, Any]:
    """The usual shipment; a change is named by its path, with two underscores between the parts."""
    shipment = copy.deepcopy(SHIPMENT) | {"plannedShippingDateAndTime": planned(timedelta(hours=2))}
    for path, value in changes.items():
        *parents, last = path.split("__")
        target: Any = shipment
        for part in parents:
            target = target[int(part) if part.isdecimal() else part]
        if value is None:
            del target[last]
        else:
            target[last] = value
    return shipment


def planned(ahead: timedelta) -> str:
    return (datetime.now(UTC) + ahead).strftime("%Y-%m-%dT%H:%M:%S GMT+00:00")


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[DhlExpressSandbox]:
    async with running_dhl_express(tmp_path, options=OPTIONS) as running:
        yield running


@pytest.fixture
async def api(sandbox: DhlExpressSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with a_client(sandbox) as client:
        yield client


def a_client(sandbox: DhlExpressSandbox) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=sandbox.base_url, auth=LOGIN, headers=HEADERS, trust_env=False)


async def sell(api: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await api.post(PATH, json=a_shipment(**changes))
    assert answer.status_code == 201, answer.text
    sold: dict[str, Any] = answer.json()
    return sold


async def labels_sold(api: httpx.AsyncClient) -> int:
    counts: dict[str, int] = (await api.get("/_sandbox/books")).json()["counts"]
    return counts["shipments"]


async def test_one_call_sells_the_shipment_and_gives_label_and_invoice(api: httpx.AsyncClient) -> None:
    sold = await sell(api)

    waybill = sold["shipmentTrackingNumber"]
    label, invoice = (base64.b64decode(one["content"]) for one in sold["documents"])
    assert [(one["typeCode"], one["imageFormat"]) for one in sold["documents"]] == [
        ("label", "PDF"),
        ("invoice", "PDF"),
    ]
    assert len(waybill) == 10
    assert int(waybill[:9]) % 7 == int(waybill[9])
    assert sold["packages"][0]["trackingNumber"].startswith("JD")
    assert label.startswith(b"%PDF-")
    assert waybill.encode() in label
    assert b"691110" in invoice


async def test_a_thermal_label_cannot_be_ended_by_a_name_and_the_invoice_stays_pdf(
    api: httpx.AsyncClient,
) -> None:
    sold = await sell(api, outputImageProperties__encodingFormat="zpl")

    label, invoice = (base64.b64decode(one["content"]) for one in sold["documents"])
    assert label.startswith(b"^XA")
    assert label.count(b"^XZ") == 1
    assert invoice.startswith(b"%PDF-")


async def test_the_price_comes_when_it_is_asked_for_in_the_billing_currency_among_others(
    api: httpx.AsyncClient,
) -> None:
    sold = await sell(api)
    without = await sell(api, getRateEstimates=False)

    assert {one["currencyType"]: one["priceCurrency"] for one in sold["shipmentCharges"]} == {
        "BASEC": "USD",
        "BILLC": "EUR",
    }
    assert "shipmentCharges" not in without


async def test_the_same_call_again_is_a_second_shipment(api: httpx.AsyncClient) -> None:
    first, second = await sell(api), await sell(api)

    assert first["shipmentTrackingNumber"] != second["shipmentTrackingNumber"]
    assert await labels_sold(api) == 2


async def test_at_home_and_within_the_european_union_nothing_is_declared(api: httpx.AsyncClient) -> None:
    undeclared: dict[str, Any] = {
        "content__isCustomsDeclarable": False,
        "content__exportDeclaration": None,
        "content__declaredValue": None,
        "content__declaredValueCurrency": None,
        "customerDetails__receiverDetails__postalAddress__provinceCode": None,
    }
    country = "customerDetails__receiverDetails__postalAddress__countryCode"

    at_home = await sell(api, **undeclared | {"productCode": "N", country: "DE"})
    in_the_union = await sell(api, **undeclared | {"productCode": "U", country: "FR"})

    assert [len(one["documents"]) for one in (at_home, in_the_union)] == [1, 1]


RECEIVER = "customerDetails__receiverDetails__"
LINE = "content__exportDeclaration__lineItems__0__"


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        (
            {f"{RECEIVER}contactInformation__phone": None},
            "#/customerDetails/receiverDetails/contactInformation: required key [phone] not found",
        ),
        (
            {f"{RECEIVER}postalAddress__cityName": "x" * 49},
            "#/customerDetails/receiverDetails/postalAddress/cityName: expected maxLength: 45, actual: 49",
        ),
        (
            {f"{RECEIVER}postalAddress__provinceCode": "N"},
            "#/customerDetails/receiverDetails/postalAddress/provinceCode: expected minLength: 2, actual: 1",
        ),
        ({"weight_g": 700}, "#: extraneous key [weight_g] is not permitted"),
        ({"content__incoterm": None}, "#/content: required key [incoterm] not found"),
        ({"content__exportDeclaration": None}, "#/content: required key [exportDeclaration] not found"),
        ({"content__declaredValue": None}, "#/content: required key [declaredValue] not found"),
    ],
)
async def test_a_request_out_of_form_is_answered_with_pointers(
    api: httpx.AsyncClient, changes: dict[str, Any], detail: str
) -> None:
    answer = await api.post(PATH, json=a_shipment(**changes))

    assert (answer.status_code, answer.json()["detail"]) == (422, detail)
    assert await labels_sold(api) == 0


async def test_several_problems_are_all_named(api: httpx.AsyncClient) -> None:
    answer = await api.post(PATH, json=a_shipment(productCode=None, content__incoterm="FREE"))

    assert answer.json()["detail"] == "Multiple problems found, see Additional Details"
    assert len(answer.json()["additionalDetails"]) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"plannedShippingDateAndTime": "2026-11-22 17:00"}, "998: ShipTimeStamp is not well formatted"),
        ({"plannedShippingDateAndTime": planned(-timedelta(minutes=5))}, "not in the past"),
        ({"plannedShippingDateAndTime": planned(timedelta(days=10, hours=6))}, "at most 10 days"),
        ({"accounts__0__number": "987654321"}, "8007: The Shipper Account is invalid"),
        ({"content__incoterm": "DDP"}, "#/valueAddedServices"),
        ({"productCode": "N"}, "#/productCode"),
        ({"productCode": "?"}, "#/productCode"),
        ({"productCode": "D"}, "#/productCode: a product for documents"),
        ({f"{RECEIVER}postalAddress__postalCode": ""}, "#/customerDetails/receiverDetails/postalAddress/"),
        ({f"{RECEIVER}postalAddress__addressLine1": "1 Refuse address"}, "postalAddress/cityName"),
        ({"content__packages__0__weight": 700}, "is the weight in kilograms?"),
        ({"content__packages__0__dimensions__length": 120_000}, "is the weight in kilograms and the size"),
        ({"content__packages__0__weight": 0.6}, "the line items weigh 0.64 kg"),
        ({"content__isCustomsDeclarable": False}, "#/content/isCustomsDeclarable"),
        ({"content__declaredValue": 24.99}, "the line items are worth 25.0"),
        ({f"{LINE}commodityCodes__0__value": "6911"}, "#/content/exportDeclaration/lineItems/0/commodity"),
        ({f"{LINE}description": "Unique machinery"}, "7147: The export line item description #/content/exp"),
    ],
)
async def test_a_request_that_cannot_be_right_is_refused(
    api: httpx.AsyncClient, changes: dict[str, Any], words: str
) -> None:
    answer = await api.post(PATH, json=a_shipment(**changes))

    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert await labels_sold(api) == 0


async def test_duties_are_paid_by_an_account_of_their_own(api: httpx.AsyncClient) -> None:
    sold = await sell(
        api,
        content__incoterm="DDP",
        valueAddedServices=[{"serviceCode": "DD"}],
        accounts=[*SHIPMENT["accounts"], {"typeCode": "duties-taxes", "number": "963852741"}],
    )

    assert sold["shipmentTrackingNumber"]


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Message-Reference": "x" * 37}, "Message-Reference (maxLength=36)"),
        ({"Message-Reference": ""}, "Message-Reference (maxLength=36)"),
    ],
)
async def test_a_message_reference_has_its_length(
    api: httpx.AsyncClient, headers: dict[str, str], words: str
) -> None:
    answer = await api.post(PATH, json=a_shipment(), headers=headers)

    assert answer.status_code == 400
    assert words in answer.json()["detail"]


async def test_only_the_known_login_and_a_version_are_let_in(sandbox: DhlExpressSandbox) -> None:
    async with httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as anyone:
        wrong = await anyone.post(PATH, json=a_shipment(), auth=("key", "guess"), headers=HEADERS)
        nothing = await anyone.post(PATH, json=a_shipment(), headers=HEADERS)
        versionless = await anyone.post(PATH, json=a_shipment(), auth=LOGIN)

    assert [one.status_code for one in (wrong, nothing, versionless)] == [401, 401, 400]


@pytest.mark.parametrize(("mode", "status"), [("error_500", 500), ("throttle", 429), ("refuse", 400)])
async def test_a_fault_that_comes_before_the_sale_sells_nothing(
    api: httpx.AsyncClient, mode: str, status: int
) -> None:
    await api.put("/_sandbox/faults", json=[{"operation": "shipment.create", "mode": mode, "times": 1}])

    answer = await api.post(PATH, json=a_shipment())

    assert (answer.status_code, answer.json()["status"]) == (status, str(status))
    assert await labels_sold(api) == 0


async def test_an_answer_can_be_lost_after_the_sale(api: httpx.AsyncClient) -> None:
    rule = {"operation": "shipment.create", "mode": "do_then_drop_connection", "times": 1}
    await api.put("/_sandbox/faults", json=[rule])

    with pytest.raises(httpx.TransportError):
        await api.post(PATH, json=a_shipment())

    assert await labels_sold(api) == 1


async def test_nothing_finds_a_shipment_or_takes_it_back(api: httpx.AsyncClient) -> None:
    waybill = (await sell(api))["shipmentTrackingNumber"]

    found = await api.get(f"{PATH}/{waybill}")
    voided = await api.delete(f"{PATH}/{waybill}")

    assert [one.status_code for one in (found, voided)] == [404, 404]


async def test_the_books_hold_every_call_and_outlive_the_sandbox(tmp_path: Path) -> None:
    async with running_dhl_express(tmp_path, options=OPTIONS) as sandbox, a_client(sandbox) as api:
        sold = await sell(api)
        await api.post(PATH, json=a_shipment(content__incoterm="DDP"))

    async with running_dhl_express(tmp_path, options=OPTIONS) as sandbox, a_client(sandbox) as api:
        calls = (await api.get("/_sandbox/books/calls?reference=CD-000009")).json()["rows"]
        shipments = (await api.get("/_sandbox/books/shipments")).json()["rows"]
        another = await sell(api)

    assert [one["outcome"] for one in calls] == ["ok", "refused:400"]
    assert [one["tracking_number"] for one in shipments] == [sold["shipmentTrackingNumber"]]
    assert [one["message_reference"] for one in shipments] == ["CD-000009"]
    assert another["shipmentTrackingNumber"] != sold["shipmentTrackingNumber"]

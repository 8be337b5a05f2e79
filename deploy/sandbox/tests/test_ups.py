"""UPS's shipments: tokens, labels sold and got again, voids, tracking and alerts, faults, books."""

import base64
import copy
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.receiver import Receiver, receiving
from crossdock_sandbox.ups.app import UpsSandbox, running_ups
from crossdock_sandbox.ups.numbers import check_digit
from crossdock_sandbox.ups.office import UpsOptions

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

SHIP = "/api/shipments/v2409/ship"
VOID = "/api/shipments/v2409/void/cancel"
RECOVERY = "/api/labels/v1903/recovery"
TRACK = "/api/track/v1/details"
SUBSCRIBE = "/api/track/v2/subscription/standard/package"
WHO = {"transId": "t-1", "transactionSrc": "test"}
OPTIONS = UpsOptions(login="client:secret", accounts=("CD0001",), retry_base_s=0.01)

POTSDAM: dict[str, Any] = {
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
NEW_YORK: dict[str, Any] = {
    "Name": "Jörg ^XZ Müller",
    "AttentionName": "Jörg ^XZ Müller",
    "Phone": {"Number": "2125550142"},
    "Address": {
        "AddressLine": ["1 Main St"],
        "City": "New York",
        "StateProvinceCode": "NY",
        "PostalCode": "10001",
        "CountryCode": "US",
    },
}
SHIPMENT: dict[str, Any] = {
    "Request": {
        "RequestOption": "validate",
        "TransactionReference": {"CustomerContext": "CD000009"},
    },
    "Shipment": {
        "Description": "Porcelain mug",
        "Shipper": {**POTSDAM, "ShipperNumber": "CD0001"},
        "ShipTo": NEW_YORK,
        "PaymentInformation": {
            "ShipmentCharge": [{"Type": "01", "BillShipper": {"AccountNumber": "CD0001"}}]
        },
        "ShipmentRatingOptions": {"NegotiatedRatesIndicator": "Y"},
        "ReferenceNumber": [{"Value": "CD000009"}],
        "Service": {"Code": "65"},
        "ShipmentServiceOptions": {
            "InternationalForms": {
                "FormType": ["01"],
                "Contacts": {"SoldTo": NEW_YORK},
                "Product": [
                    {
                        "Description": ["Porcelain mug"],
                        "Unit": {"Number": "2", "UnitOfMeasurement": {"Code": "PCS"}, "Value": "12.50"},
                        "CommodityCode": "691110",
                        "PartNumber": "MUG",
                        "OriginCountryCode": "CN",
                    }
                ],
                "InvoiceNumber": "CD000009",
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
    },
}


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[UpsSandbox]:
    async with running_ups(tmp_path, options=OPTIONS) as running:
        yield running


@pytest.fixture
async def ups(sandbox: UpsSandbox) -> AsyncIterator[httpx.AsyncClient]:
    """Who has a token."""
    async with httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as client:
        given = await client.post(
            "/security/v1/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=("client", "secret"),
        )
        client.headers.update({"Authorization": f"Bearer {given.json()['access_token']}", **WHO})
        yield client


def changed(path: str, value: Any) -> dict[str, Any]:
    """The shipment with another value at a path; None takes the key away."""
    made = copy.deepcopy(SHIPMENT)
    *parents, last = path.split(".")
    place: Any = made
    for one in parents:
        place = place[int(one)] if one.isdecimal() else place[one]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return made


async def ship(ups: httpx.AsyncClient, shipment: dict[str, Any] | None = None) -> httpx.Response:
    return await ups.post(SHIP, json={"ShipmentRequest": shipment or SHIPMENT})


async def sold(ups: httpx.AsyncClient, shipment: dict[str, Any] | None = None) -> str:
    answer = await ship(ups, shipment)
    assert answer.status_code == 200, answer.text
    number: str = answer.json()["ShipmentResponse"]["ShipmentResults"]["ShipmentIdentificationNumber"]
    return number


def code_of(answer: httpx.Response) -> str:
    code: str = answer.json()["response"]["errors"][0]["code"]
    return code


async def recovered(ups: httpx.AsyncClient, **by: Any) -> httpx.Response:
    asked = {"Request": {}, "LabelSpecification": SHIPMENT["LabelSpecification"], **by}
    return await ups.post(RECOVERY, json={"LabelRecoveryRequest": asked})


def by_reference(reference: str = "CD000009", account: str = "CD0001") -> dict[str, Any]:
    return {"ReferenceValues": {"ReferenceNumber": {"Value": reference}, "ShipperNumber": account}}


# -- tokens


async def test_a_token_lives_as_text_and_opens_the_api(ups: httpx.AsyncClient) -> None:
    given = await ups.post(
        "/security/v1/oauth/token", data={"grant_type": "client_credentials"}, auth=("client", "secret")
    )

    assert (given.json()["expires_in"], given.json()["status"]) == ("14399", "approved")
    assert (await ship(ups)).status_code == 200


@pytest.mark.parametrize(
    ("auth", "grant", "status"),
    [
        (("client", "guessed"), "client_credentials", 401),
        (None, "client_credentials", 401),
        (("client", "secret"), "password", 400),
    ],
)
async def test_a_wrong_login_gets_none(
    auth: Any, grant: str, status: int, sandbox: UpsSandbox, http: httpx.AsyncClient
) -> None:
    given = await http.post(
        f"{sandbox.base_url}/security/v1/oauth/token", data={"grant_type": grant}, auth=auth
    )

    assert given.status_code == status


async def test_without_a_living_token_nothing_is_done(ups: httpx.AsyncClient) -> None:
    (await ups.delete("/_sandbox/tokens")).raise_for_status()

    answer = await ship(ups)

    assert (answer.status_code, code_of(answer)) == (401, "250003")
    assert (await ups.get("/_sandbox/books/shipments")).json()["rows"] == []


# -- sold


@pytest.mark.parametrize(("code", "magic"), [("ZPL", b"^XA"), ("GIF", b"GIF8")])
async def test_a_shipment_is_sold_with_a_label_that_is_what_it_says(
    code: str, magic: bytes, ups: httpx.AsyncClient
) -> None:
    wanted = copy.deepcopy(SHIPMENT)
    wanted["LabelSpecification"] |= {"LabelImageFormat": {"Code": code}, "HTTPUserAgent": "Mozilla/4.5"}

    answer = (await ship(ups, wanted)).json()["ShipmentResponse"]

    results = answer["ShipmentResults"]
    label = base64.b64decode(results["PackageResults"][0]["ShippingLabel"]["GraphicImage"])
    assert label.startswith(magic)
    assert label.count(b"^XZ") == (1 if code == "ZPL" else 0)
    assert base64.b64decode(results["Form"]["Image"]["GraphicImage"]).startswith(b"%PDF-")
    assert answer["Response"]["TransactionReference"] == {"CustomerContext": "CD000009"}
    assert isinstance(results["NegotiatedRateCharges"]["TotalCharge"]["MonetaryValue"], str)
    assert results["BillingWeight"]["Weight"] == "1.0"


async def test_the_same_call_again_is_a_second_shipment_with_another_number(ups: httpx.AsyncClient) -> None:
    one, other = await sold(ups), await sold(ups)

    assert one != other
    assert all(number.startswith("1ZCD000165") and len(number) == 18 for number in (one, other))
    assert all(int(number[-1]) == check_digit(number[2:-1]) for number in (one, other))


@pytest.mark.parametrize(
    "number",
    [
        "1Z5R89390357567127",
        "1Z12345E6605272234",
        "1Z999AA10123456784",
        "1ZCIETST0422222228",
        "1Z204W4R0308071865",
    ],
)
def test_the_check_digit_is_that_of_published_numbers(number: str) -> None:
    assert check_digit(number[2:-1]) == int(number[-1])


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("Shipment.Surprise", "x", "990001"),
        ("Shipment.ShipTo.Name", "x" * 36, "990001"),
        ("Shipment.ShipTo.Phone.Number", "+1 212", "990001"),
        ("Shipment.ReferenceNumber.0.Value", "CD/9", "990001"),
        ("Shipment.Package.0.PackageWeight.Weight", "12.345", "990001"),
        ("Shipment.Package.0.Dimensions.Length", "1000", "990001"),
        ("Shipment.Shipper.ShipperNumber", "XX9999", "120100"),
        ("Shipment.ShipTo.AttentionName", None, "120500"),
        ("Shipment.ShipTo.Phone", None, "990002"),
        ("Shipment.ShipTo.Address.StateProvinceCode", None, "990002"),
        ("Shipment.ShipTo.Address.PostalCode", "10001-1234"[:9], "990002"),
        ("Shipment.ShipTo.Address.AddressLine", ["Refuse Address 1"], "990002"),
        ("Shipment.Service.Code", "03", "111210"),
        ("Shipment.Service.Code", "99", "111210"),
        ("Shipment.Package.0.ReferenceNumber", [{"Value": "CD9"}], "990002"),
        ("Shipment.Package.0.PackageWeight.UnitOfMeasurement.Code", "LBS", "990002"),
        ("Shipment.Package.0.Dimensions.UnitOfMeasurement.Code", "IN", "990002"),
        ("Shipment.Package.0.PackageWeight.Weight", "70.1", "990002"),
        ("Shipment.Package.0.Dimensions.Width", "14", "990002"),
        ("Shipment.Package.0.Dimensions.Length", "271", "990002"),
        ("Shipment.Package.0.PackageWeight.Weight", "69", "990002"),
        ("Shipment.Package.0.Packaging.Code", "01", "990002"),
        ("Shipment.Description", None, "990002"),
        ("Shipment.ShipmentServiceOptions", None, "990002"),
        ("Shipment.ShipmentServiceOptions.InternationalForms.TermsOfShipment", "DDP", "990002"),
        ("Shipment.ShipmentServiceOptions.InternationalForms.TermsOfShipment", "DPU", "990001"),
        ("Shipment.ShipmentServiceOptions.InternationalForms.Product.0.Unit.Value", "0.00", "990002"),
        ("Shipment.ShipmentServiceOptions.InternationalForms.Product.0.CommodityCode", "69", "990001"),
        ("LabelSpecification.LabelImageFormat.Code", "PDF", "990002"),
        ("LabelSpecification.LabelImageFormat.Code", "GIF", "990002"),
    ],
)
async def test_what_ups_would_refuse_is_refused_and_sells_nothing(
    path: str, value: Any, code: str, ups: httpx.AsyncClient
) -> None:
    answer = await ship(ups, changed(path, value))

    assert (answer.status_code, code_of(answer)) == (400, code)
    assert (await ups.get("/_sandbox/books/shipments")).json()["rows"] == []


async def test_what_is_wrong_is_named_without_its_value(ups: httpx.AsyncClient) -> None:
    answer = await ship(ups, changed("Shipment.ShipTo.Name", "Ann Lee " * 6))

    assert "ShipTo.Name" in answer.text
    assert "Ann Lee" not in answer.text


# -- got again


async def test_a_label_is_got_again_by_number_or_reference_also_as_pdf(ups: httpx.AsyncClient) -> None:
    number = await sold(ups)
    as_pdf = {"LabelImageFormat": {"Code": "PDF"}, "LabelStockSize": {"Height": "6", "Width": "4"}}

    by_number = (await recovered(ups, TrackingNumber=number, LabelSpecification=as_pdf)).json()
    found = (await recovered(ups, **by_reference())).json()["LabelRecoveryResponse"]

    (label,) = by_number["LabelRecoveryResponse"]["LabelResults"]
    assert base64.b64decode(label["LabelImage"]["GraphicImage"]).startswith(b"%PDF-")
    assert (found["ShipmentIdentificationNumber"], len(found["LabelResults"])) == (number, 1)
    assert base64.b64decode(found["Form"]["Image"]["GraphicImage"]).startswith(b"%PDF-")


@pytest.mark.parametrize("by", [by_reference("other"), by_reference(account="XX9999"), {}])
async def test_no_other_label_is_given(by: dict[str, Any], ups: httpx.AsyncClient) -> None:
    await sold(ups)

    assert (await recovered(ups, **by)).status_code == 400


async def test_of_two_with_one_reference_only_the_numbers_are_told(ups: httpx.AsyncClient) -> None:
    numbers = [await sold(ups), await sold(ups)]

    answer = (await recovered(ups, **by_reference())).json()["LabelRecoveryResponse"]

    assert answer["LabelResults"] == []
    assert [one["TrackingNumber"] for one in answer["TrackingCandidate"]] == numbers


async def test_a_void_is_answered_at_once_and_a_second_is_refused(ups: httpx.AsyncClient) -> None:
    number = await sold(ups)

    first, second = [await ups.delete(f"{VOID}/{number}") for _ in range(2)]

    assert first.json()["VoidShipmentResponse"]["SummaryResult"]["Status"]["Code"] == "1"
    assert second.status_code == 400
    assert "already been voided" in second.text
    assert (await recovered(ups, TrackingNumber=number)).status_code == 400


# -- on the way


async def test_activities_are_told_the_newest_first_and_may_be_withdrawn(ups: httpx.AsyncClient) -> None:
    number = await sold(ups)
    scans = f"/_sandbox/shipments/{number}"
    early = {"type": "I", "code": "OR", "at": "2026-06-10T21:05:00+08:00", "country": "CN"}
    late = {"type": "D", "code": "KB", "at": "2026-06-15T09:15:19+02:00", "gmt": False}
    for one in (late, early):
        (await ups.post(f"{scans}/scan", json=one)).raise_for_status()

    (shipment,) = (await ups.get(f"{TRACK}/{number}")).json()["trackResponse"]["shipment"]
    (await ups.post(f"{scans}/withdraw", json={"code": "D:KB"})).raise_for_status()
    (after,) = (await ups.get(f"{TRACK}/{number}")).json()["trackResponse"]["shipment"]

    told = shipment["package"][0]["activity"]
    assert [one["status"]["code"] for one in told] == ["KB", "OR"]
    assert (told[1]["time"], told[1]["gmtTime"], told[1]["gmtOffset"]) == ("210500", "13:05:00", "+08:00")
    assert "gmtTime" not in told[0]
    assert [one["status"]["code"] for one in after["package"][0]["activity"]] == ["OR"]
    assert (await ups.delete(f"{VOID}/{number}")).status_code == 400


async def test_who_does_not_say_who_asks_is_not_told(ups: httpx.AsyncClient) -> None:
    number = await sold(ups)
    del ups.headers["transId"]

    assert (await ups.get(f"{TRACK}/{number}")).status_code == 400


async def test_unknown_and_voided_numbers_have_nothing_to_tell(ups: httpx.AsyncClient) -> None:
    number = await sold(ups)
    await ups.delete(f"{VOID}/{number}")

    unknown, voided = await ups.get(f"{TRACK}/1ZCIETST0422222228"), await ups.get(f"{TRACK}/{number}")

    assert (unknown.status_code, code_of(unknown)) == (404, "TV1002")
    assert voided.json()["trackResponse"]["shipment"][0]["warnings"][0]["code"] == "TW0001"


async def test_alerts_go_to_who_subscribed_with_the_key_of_the_portal(
    ups: httpx.AsyncClient, eventually: Eventually
) -> None:
    one, other = await sold(ups), await sold(ups)
    async with receiving(Receiver()) as receiver:
        await ups.put("/_sandbox/portal", json={"url": receiver.url, "api_key": "client"})
        asked = {"locale": "en_US", "trackingNumberList": [one, "1ZCIETST0422222228"]}
        subscribed = (await ups.post(SUBSCRIBE, json=asked)).json()
        for number in (one, other):
            scan = {"type": "I", "code": "OT", "at": datetime(2026, 6, 15, 7, 15, tzinfo=UTC).isoformat()}
            await ups.post(f"/_sandbox/shipments/{number}/scan", json=scan)

        async def told() -> bool:
            return bool((await ups.get("/_sandbox/deliveries")).json()["delivered"])

        await eventually(told)

    assert subscribed == {
        "validTrackingNumbers": [one],
        "invalidTrackingNumbers": ["1ZCIETST0422222228"],
    }
    (head,), (body,) = receiver.headers, receiver.bodies
    alert = json.loads(body)
    assert head["x-api-key"] == "client"
    assert (alert["trackingNumber"], alert["gmtActivityTime"]) == (one, "071500")


async def test_more_than_a_hundred_numbers_are_refused_whole(ups: httpx.AsyncClient) -> None:
    number = await sold(ups)
    asked = {"locale": "en_US", "trackingNumberList": [number] * 101}

    answer = await ups.post(SUBSCRIBE, json=asked)

    assert code_of(answer) == "VSS220"
    assert (await ups.get("/_sandbox/books/subscriptions")).json()["rows"] == []


# -- misbehaviour and books


@pytest.mark.parametrize(("mode", "status"), [("error_500", 500), ("throttle", 429), ("refuse", 400)])
async def test_it_misbehaves_in_ups_own_form_and_does_nothing(
    mode: str, status: int, ups: httpx.AsyncClient
) -> None:
    await ups.put("/_sandbox/faults", json=[{"operation": "shipment.create", "mode": mode, "times": 1}])

    answer = await ship(ups)

    assert answer.status_code == status
    assert code_of(answer)
    assert (await ups.get("/_sandbox/books/shipments")).json()["rows"] == []
    assert (await ship(ups)).status_code == 200


async def test_a_call_and_its_refusal_are_in_the_books_by_what_was_given(ups: httpx.AsyncClient) -> None:
    number = await sold(ups)
    await ship(ups, changed("Shipment.Service.Code", "99"))
    await ups.get("/api/rating/v2409/Rate")

    rows = (await ups.get("/_sandbox/books/calls")).json()["rows"]

    assert [(row["operation"], row["reference"], row["outcome"]) for row in rows[1:]] == [
        ("shipment.create", "CD000009", "ok"),
        ("shipment.create", "CD000009", "refused:111210"),
        ("GET /api/rating/v2409/Rate", None, "refused:990005"),
    ]
    assert rows[1]["detail"] == {"tracking_number": number}

"""EasyPost's API: rates, one purchase, labels, refunds, trackers, refusals, faults."""

import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from crossdock_sandbox.easypost.app import EasyPostSandbox, running_easypost
from crossdock_sandbox.easypost.numbers import s10
from crossdock_sandbox.easypost.office import EasyPostOptions
from crossdock_sandbox.easypost.tracking import sign
from crossdock_sandbox.receiver import Receiver, receiving

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

KEY = "EZTKexampleKey000000"
SHIPMENT: dict[str, Any] = {
    "reference": "CD-000009",
    "to_address": {
        "name": "Jörg ^XZ Müller",
        "street1": "Hauptstraße 1",
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
    "parcel": {"length": 10.0, "width": 8.0, "height": 4.0, "weight": 11.3},
    "customs_info": {
        "contents_type": "merchandise",
        "customs_certify": True,
        "customs_signer": "D. Whitfield",
        "eel_pfc": "NOEEI 30.37(a)",
        "customs_items": [
            {
                "description": "Foldable phone stand, aluminium",
                "quantity": 2,
                "value": 49.98,
                "weight": 9.5,
                "hs_tariff_number": "847330",
                "origin_country": "CN",
                "currency": "USD",
            }
        ],
    },
    "options": {"label_format": "PDF"},
}


def a_shipment(**changes: Any) -> dict[str, Any]:
    """The usual shipment; a change is named by its path, with two underscores between the parts."""
    shipment = copy.deepcopy(SHIPMENT)
    for path, value in changes.items():
        *parents, last = path.split("__")
        target: Any = shipment
        for part in parents:
            target = target[int(part) if part.isdecimal() else part]
        target[last] = value
    return shipment


OPTIONS = EasyPostOptions(api_keys=(KEY,), refund_delay_s=0.01)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[EasyPostSandbox]:
    async with running_easypost(tmp_path, options=OPTIONS) as running:
        yield running


@pytest.fixture
async def api(sandbox: EasyPostSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with a_client(sandbox) as client:
        yield client


def a_client(sandbox: EasyPostSandbox) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=sandbox.base_url, auth=(KEY, ""), trust_env=False)


async def create(api: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await api.post("/v2/shipments", json={"shipment": a_shipment(**changes)})
    assert answer.status_code == 201, answer.text
    shipment: dict[str, Any] = answer.json()
    return shipment


async def buy(api: httpx.AsyncClient, shipment: dict[str, Any]) -> httpx.Response:
    rate = {"rate": {"id": shipment["rates"][0]["id"]}}
    return await api.post(f"/v2/shipments/{shipment['id']}/buy", json=rate)


async def test_a_shipment_comes_with_the_same_rates_each_time(api: httpx.AsyncClient) -> None:
    first = await create(api)
    second = await create(api)

    prices = [(rate["carrier"], rate["service"], rate["rate"]) for rate in first["rates"]]
    assert ("USPS", "FirstClassPackageInternationalService", "19.88") in prices
    assert prices == [(rate["carrier"], rate["service"], rate["rate"]) for rate in second["rates"]]
    assert first["id"].startswith("shp_")
    assert first["id"] != second["id"]
    assert first["messages"] == []


async def test_a_parcel_needs_its_weight_and_no_size(api: httpx.AsyncClient) -> None:
    shipment = await create(api, parcel={"weight": 11.3})

    assert shipment["rates"]


async def test_within_the_european_union_nothing_is_declared(api: httpx.AsyncClient) -> None:
    austria = {"company": "Lumo", "street1": "Ring 1", "city": "Wien", "zip": "1010", "country": "AT"}

    shipment = await create(api, from_address=austria, customs_info=None)

    assert shipment["customs_info"] is None


async def test_a_label_is_bought_once(api: httpx.AsyncClient) -> None:
    shipment = await create(api)

    first = await buy(api, shipment)
    second = await buy(api, shipment)

    assert first.status_code == 200
    assert first.json()["tracking_code"].startswith("LZ")
    assert first.json()["selected_rate"]["id"] == shipment["rates"][0]["id"]
    assert first.json()["tracker"]["tracking_code"] == first.json()["tracking_code"]
    assert second.status_code == 422
    assert second.json()["error"]["code"] == "SHIPMENT.POSTAGE.EXISTS"


async def test_after_a_lost_answer_the_label_is_found_by_id_and_by_reference(
    sandbox: EasyPostSandbox, api: httpx.AsyncClient
) -> None:
    shipment = await create(api)
    rule = {"operation": "shipment.buy", "mode": "do_then_drop_connection", "times": 1}
    await api.put("/_sandbox/faults", json=[rule])

    with pytest.raises(httpx.TransportError):
        await buy(api, shipment)

    by_id = (await api.get(f"/v2/shipments/{shipment['id']}")).json()
    by_reference = (await api.get("/v2/shipments/CD-000009")).json()
    assert by_id["postage_label"]["label_url"].startswith(sandbox.base_url)
    assert by_reference == by_id


@pytest.mark.parametrize(("label_format", "start"), [("PDF", b"%PDF-"), ("PNG", b"\x89PNG"), ("ZPL", b"^XA")])
async def test_the_label_is_a_file_with_the_number_and_the_name(
    api: httpx.AsyncClient, label_format: str, start: bytes
) -> None:
    shipment = await create(api, options__label_format=label_format)
    bought = (await buy(api, shipment)).json()

    label = await api.get(bought["postage_label"]["label_url"])

    assert label.content.startswith(start)
    if label_format == "PNG":
        image = Image.open(BytesIO(label.content))
        assert (image.size, round(image.info["dpi"][0])) == ((1200, 1800), 300)
        return
    assert bought["tracking_code"].encode() in label.content
    assert b"ller" in label.content
    assert label_format == "PDF" or label.content.count(b"^XZ") == 1


async def test_a_bought_label_is_offered_in_a_second_format(api: httpx.AsyncClient) -> None:
    shipment = await create(api)
    await buy(api, shipment)

    answer = await api.get(f"/v2/shipments/{shipment['id']}/label?file_format=ZPL")

    zpl = await api.get(answer.json()["postage_label"]["label_zpl_url"])
    assert zpl.text.startswith("^XA")


@pytest.mark.parametrize(
    "changes", [{"to_address__zip": "00000"}, {"to_address__street1": "5 Refuse At Rate Road"}]
)
async def test_a_refusal_at_rating_is_an_empty_list_with_a_message(
    api: httpx.AsyncClient, changes: dict[str, Any]
) -> None:
    shipment = await create(api, **changes)

    assert shipment["rates"] == []
    assert shipment["messages"][0]["type"] == "rate_error"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"to_address__street1": "REFUSE AT BUY 1"}, "to_address.street1"),
        ({"to_address__phone": ""}, "to_address.phone"),
    ],
)
async def test_some_refusals_come_only_at_the_purchase(
    api: httpx.AsyncClient, changes: dict[str, Any], field: str
) -> None:
    shipment = await create(api, **changes)

    answer = await buy(api, shipment)

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "SHIPMENT.POSTAGE.FAILURE"
    assert answer.json()["error"]["errors"][0]["field"] == field
    assert (await api.get(f"/v2/shipments/{shipment['id']}")).json()["postage_label"] is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"weight_g": 320}, "shipment.weight_g"),
        ({"parcel__weight_grams": 320}, "shipment.parcel.weight_grams"),
        ({"parcel__weight": 20000}, "shipment.parcel.weight"),
        ({"parcel": {"weight": 320, "length": 4, "width": 3, "height": 1}}, "shipment.parcel.weight"),
        ({"parcel": {"weight": 11.3, "length": 4}}, "shipment.parcel"),
        ({"to_address__country": "Germany"}, "shipment.to_address.country"),
        ({"to_address__zip": None}, "shipment.to_address.zip"),
        ({"from_address__state": None}, "shipment.from_address.state"),
        ({"customs_info": None}, "shipment.customs_info"),
        ({"customs_info__customs_signer": None}, "shipment.customs_info.customs_signer"),
        ({"customs_info__eel_pfc": None}, "shipment.customs_info.eel_pfc"),
        ({"customs_info__customs_items__0__weight": 40}, "shipment.customs_info.customs_items"),
        ({"customs_info__customs_items__0__value": 0}, "shipment.customs_info.customs_items.0.value"),
        (
            {"customs_info__customs_items__0__hs_tariff_number": "84"},
            "shipment.customs_info.customs_items.0.hs_tariff_number",
        ),
        ({"carrier_accounts": ["ca_nobody"]}, "shipment.carrier_accounts"),
    ],
)
async def test_a_request_that_cannot_be_right_names_the_field(
    api: httpx.AsyncClient, changes: dict[str, Any], field: str
) -> None:
    answer = await api.post("/v2/shipments", json={"shipment": a_shipment(**changes)})

    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["error"]["errors"]]


async def test_a_rate_of_another_shipment_buys_nothing(api: httpx.AsyncClient) -> None:
    first, second = await create(api), await create(api)

    answer = await api.post(
        f"/v2/shipments/{first['id']}/buy", json={"rate": {"id": second["rates"][0]["id"]}}
    )

    assert answer.json()["error"]["code"] == "SHIPMENT.MISSING_RATE"


@pytest.mark.parametrize(
    ("street", "end"), [("Hauptstraße 1", "refunded"), ("Refuse Refund Street 1", "rejected")]
)
async def test_a_refund_is_submitted_and_decided_later(
    api: httpx.AsyncClient, eventually: Eventually, street: str, end: str
) -> None:
    shipment = await create(api, to_address__street1=street)
    await buy(api, shipment)

    asked = await api.post(f"/v2/shipments/{shipment['id']}/refund")

    async def decided() -> bool:
        kept = (await api.get(f"/v2/shipments/{shipment['id']}")).json()
        return bool(kept["refund_status"] == end)

    assert asked.json()["refund_status"] == "submitted"
    await eventually(decided)


async def test_a_parcel_that_was_scanned_is_not_refunded(api: httpx.AsyncClient) -> None:
    shipment = await create(api)
    bought = (await buy(api, shipment)).json()
    await api.post(f"/_sandbox/trackers/{bought['tracking_code']}/advance", json={"status": "in_transit"})

    answer = await api.post(f"/v2/shipments/{shipment['id']}/refund")

    assert answer.json()["error"]["code"] == "SHIPMENT.REFUND.UNAVAILABLE"


async def test_a_scan_moves_the_tracker_and_tells_every_webhook(
    api: httpx.AsyncClient, eventually: Eventually
) -> None:
    bought = (await buy(api, await create(api))).json()
    code = bought["tracking_code"]
    async with receiving(Receiver()) as receiver:
        webhook = {"url": receiver.url, "webhook_secret": "sécret"}
        await api.post("/v2/webhooks", json={"webhook": webhook})

        scan = {"status": "delivered", "country": "DE", "datetime": "2026-06-19T07:40:00Z"}
        await api.post(f"/_sandbox/trackers/{code}/advance", json=scan)

        async def told() -> bool:
            return bool((await api.get("/_sandbox/deliveries")).json()["delivered"] == 1)

        await eventually(told)

    tracker = (await api.get(f"/v2/trackers/{bought['tracker']['id']}")).json()
    assert (tracker["status"], tracker["finalized"]) == ("delivered", True)
    assert tracker["tracking_details"][0]["datetime"] == "2026-06-19T07:40:00Z"
    assert receiver.headers[0]["x-hmac-signature"] == sign("sécret", receiver.bodies[0])
    assert b'"description":"tracker.updated"' in receiver.bodies[0]


def test_the_webhook_signature_is_the_one_of_the_published_vector() -> None:
    body = b'{"object":"Event","description":"tracker.updated"}'

    expected = "a0f91ecff08bb5f5d6efa488593ddf38ca5157d58a591feff9fb2845789319b6"
    assert sign("sécret", body) == f"hmac-sha256-hex={expected}"


@pytest.mark.parametrize(
    ("serial", "country", "number"),
    [(47312482, "GB", "RR473124829GB"), (0, "CN", "RR000000005CN"), (8, "CN", "RR000000080CN")],
)
def test_tracking_numbers_have_the_right_check_digit(serial: int, country: str, number: str) -> None:
    assert s10("RR", serial, country) == number


async def test_only_a_known_key_is_let_in_as_basic_user_or_bearer(sandbox: EasyPostSandbox) -> None:
    async with httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as anyone:
        bearer = await anyone.get("/v2/shipments", headers={"Authorization": f"Bearer {KEY}"})
        wrong = await anyone.get("/v2/shipments", auth=("EZTKother", ""))
        nothing = await anyone.get("/v2/shipments")

    assert [one.status_code for one in (bearer, wrong, nothing)] == [200, 401, 401]


async def test_the_list_pages_back_in_time(api: httpx.AsyncClient) -> None:
    first, second = await create(api), await create(api)

    newest = (await api.get("/v2/shipments?page_size=1")).json()
    older = (await api.get(f"/v2/shipments?page_size=1&before_id={second['id']}")).json()
    by_reference = await api.get("/v2/shipments?reference=CD-000009")

    assert ([one["id"] for one in newest["shipments"]], newest["has_more"]) == ([second["id"]], True)
    assert ([one["id"] for one in older["shipments"]], older["has_more"]) == ([first["id"]], False)
    assert by_reference.status_code == 422


async def test_a_path_that_does_not_exist_is_answered_and_booked(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v2/shipments/shp_1/insure", json={"amount": "100"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    rows = (await api.get("/_sandbox/books/calls")).json()["rows"]
    assert [row["operation"] for row in rows] == ["POST /v2/shipments/shp_1/insure"]


async def test_the_books_hold_every_call_with_its_reference_and_outcome(api: httpx.AsyncClient) -> None:
    shipment = await create(api)
    await buy(api, shipment)
    await buy(api, shipment)

    calls = (await api.get("/_sandbox/books/calls?reference=CD-000009")).json()["rows"]
    shipments = (await api.get("/_sandbox/books/shipments?reference=CD-000009")).json()["rows"]
    assert [(row["operation"], row["outcome"]) for row in calls] == [
        ("shipment.create", "ok"),
        ("shipment.buy", "ok"),
        ("shipment.buy", "refused:SHIPMENT.POSTAGE.EXISTS"),
    ]
    assert [row["tracking_code"] for row in shipments] != [None]


async def test_shipments_outlive_the_sandbox(tmp_path: Path) -> None:
    async with running_easypost(tmp_path, options=OPTIONS) as sandbox, a_client(sandbox) as api:
        bought = (await buy(api, await create(api))).json()

    async with running_easypost(tmp_path, options=OPTIONS) as sandbox, a_client(sandbox) as api:
        kept = (await api.get(f"/v2/shipments/{bought['id']}")).json()

    assert kept["tracking_code"] == bought["tracking_code"]

"""Yanwen's two services, as a stranger sees them who signs with his own code."""

import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.yanwen.app import YanwenOptions, running_yanwen

USER, TOKEN, MERCHANT = "100001", "t0ken", "M-1"


@dataclass
class Api:
    http: httpx.AsyncClient

    async def call(
        self, method: str, said: Any, *, token: str = TOKEN, unit: int = 1000, skew_s: int = 0, **query: str
    ) -> httpx.Response:
        body, timestamp = json.dumps(said), str(int((time.time() + skew_s) * unit))
        text = f"{token}{USER}{body}json{method}{timestamp}V1.0{token}"
        common = {
            **{"user_id": USER, "method": method, "format": "json", "timestamp": timestamp},
            **{"version": "V1.0", "sign": hashlib.md5(text.encode()).hexdigest()},
        }
        return await self.http.post("/api/order", params=common | query, content=body)

    async def ask(self, method: str, said: Any) -> dict[str, Any]:
        answer = await self.call(method, said)
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told

    async def track(self, nums: str, merchant: str = MERCHANT) -> httpx.Response:
        return await self.http.get(
            "/api/tracking", params={"nums": nums}, headers={"Authorization": merchant}
        )

    async def change(self, number: str, **change: Any) -> None:
        (await self.http.patch(f"/_sandbox/orders/{number}", json=change)).raise_for_status()


@asynccontextmanager
async def an_api(folder: Path, **delays: float) -> AsyncIterator[Api]:
    options = YanwenOptions(account=f"{USER}:{TOKEN}", merchant=MERCHANT, **delays)
    async with (
        running_yanwen(folder, options=options) as sandbox,
        httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as client,
    ):
        yield Api(client)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with an_api(tmp_path, cancel_delay_s=3600) as opened:
        yield opened


def an_order(**parcel: Any) -> dict[str, Any]:
    product = {
        **{"goodsNameCh": "杯子", "goodsNameEn": "Mug", "price": "12.50", "priceExport": "12.50"},
        **{"hscode": "691110", "quantity": "2", "weight": 150},
    }
    return {
        "channelId": "481",
        "userId": USER,
        "orderNumber": "CD-000006",
        "orderSource": "ERP",
        "receiverInfo": {
            **{"name": "Ana Souza", "country": "BR", "address": "Rua XV 100", "zipCode": "80020-310"},
        },
        "parcelInfo": {
            **{"hasBattery": 0, "currency": "USD", "totalPrice": "25.00", "totalQuantity": 2},
            **{"totalWeight": 320, "productList": [product]},
            **parcel,
        },
    }


async def book(api: Api, **changes: Any) -> str:
    answer = await api.ask("express.order.create", an_order() | changes)
    assert answer["success"], answer
    return str(answer["data"]["waybillNumber"])


async def status_of(api: Api, waybill: str) -> int:
    answer = await api.ask("express.order.get", {"waybillNumber": waybill})
    return int(answer["data"]["status"])


async def test_a_call_is_let_in_by_its_signature_and_a_time_in_milliseconds(api: Api) -> None:
    method, said = "express.channel.getlist", dict[str, str]()
    good = await api.call(method, said)
    wrong = [
        await api.call(method, said, token="guessed"),
        await api.call(method, said, skew_s=400),
        await api.call(method, said, skew_s=-400),
        await api.call(method, said, unit=1_000_000),
        await api.call(method, said, user_id="100002"),
        await api.call(method, said, version="V2.0"),
        await api.call("no.such.method", said),
    ]

    assert [one["id"] for one in good.json()["data"]] == ["481", "484"]
    assert [(one.status_code, one.json()["success"]) for one in wrong] == [(200, False)] * 7


async def test_an_order_is_booked_once_and_listed_by_either_number(api: Api) -> None:
    waybill = await book(api)

    again = await api.ask("express.order.create", an_order())
    listed = await api.ask("express.order.getlist", {"listNumber": [waybill, "CD-000006", "CD-000007"]})
    by_our_number = await api.ask("express.order.get", {"waybillNumber": "CD-000006"})

    assert (again["success"], again["code"]) == (False, "1003")
    assert [(one["waybillNumber"], one["status"]) for one in listed["data"]] == [(waybill, 0)] * 2
    assert by_our_number["success"] is False


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"channelId": "999"}, "channelId"),
    ({"userId": "1"}, "userId"),
    ({"colour": "red"}, "colour"),
    ({"orderNumber": "x" * 51}, "orderNumber"),
    (an_order(hasBattery=1), "parcelInfo.hasBattery"),
    (an_order(totalPrice="24.99"), "parcelInfo.totalPrice"),
    (an_order(totalPrice=25), "parcelInfo.totalPrice"),
    (an_order(totalQuantity=1), "parcelInfo.totalQuantity"),
    (an_order(totalWeight=0.32), "parcelInfo.totalWeight"),
    (an_order(totalWeight=299), "parcelInfo.productList"),
    (an_order(length=200, width=150, height=100), "parcelInfo.totalWeight"),
    (an_order(ioss="I" * 51), "parcelInfo.ioss"),
    ({"receiverInfo": {"name": "A", "country": "BR", "address": "1"}}, "receiverInfo.zipCode"),
]


async def test_what_does_not_fit_is_refused_under_http_200(api: Api) -> None:
    answers = [await api.ask("express.order.create", an_order() | changes) for changes, _ in REFUSED]

    assert not [one for one in answers if one["success"]]
    assert [one["message"].partition(":")[0] for one in answers] == [field for _, field in REFUSED]


async def test_a_label_that_is_not_there_says_so_inside_a_success(tmp_path: Path) -> None:
    async with an_api(tmp_path, label_delay_s=3600) as api:
        waybill = await book(api)
        early = await api.ask("express.order.label.get", {"waybillNumber": waybill, "printRemark": 0})
        await api.change(waybill, label_ready=True)
        late = await api.ask("express.order.label.get", {"waybillNumber": waybill})

    assert (early["success"], early["data"]["isSuccess"], early["data"]["base64String"]) == (
        True,
        False,
        None,
    )
    assert late["data"]["isSuccess"] is True
    assert base64.b64decode(late["data"]["base64String"]).startswith(b"%PDF-")


@pytest.mark.parametrize(("delay_s", "status"), [(3600, 0), (0, 5)])
async def test_a_cancel_is_taken_at_once_and_done_later(delay_s: float, status: int, tmp_path: Path) -> None:
    async with an_api(tmp_path, cancel_delay_s=delay_s) as api:
        waybill = await book(api)

        taken = await api.ask("express.order.cancel", {"waybillNumber": waybill})

        assert (taken["success"], taken["data"]) == (True, True)
        assert await status_of(api, waybill) == status


async def test_a_parcel_that_the_warehouse_has_is_not_cancelled(api: Api) -> None:
    waybill = await book(api)
    await api.change(waybill, status=2)

    refused = await api.ask("express.order.cancel", {"waybillNumber": waybill})

    assert refused["success"] is False
    assert await status_of(api, waybill) == 2


async def test_the_tracking_service_tells_the_newest_first_in_local_time(api: Api) -> None:
    waybill = await book(api)
    for code, at, zone in (("PU10", "2026-06-12T11:00:00Z", "+08"), ("IC51", "2026-06-24T13:20:00Z", "-03")):
        scan = {"code": code, "at": at, "zone": zone}
        (await api.http.post(f"/_sandbox/orders/{waybill}/scan", json=scan)).raise_for_status()
    await api.change(waybill, reference_number="LX556677887BR")

    answer = (await api.track(f"{waybill},UF000000000YP")).json()

    (parcel,) = answer["result"]
    told = [(one["tracking_status"], one["time_stamp"], one["time_zone"]) for one in parcel["checkpoints"]]
    assert told == [
        ("IC51", "2026-06-24T10:20:00Z", "-03"),
        ("PU10", "2026-06-12T19:00:00Z", "+08"),
    ]
    assert (answer["code"], parcel["exchange_number"]) == (0, "LX556677887BR")


async def test_the_tracking_service_has_a_credential_of_its_own_and_takes_thirty_numbers(api: Api) -> None:
    thirty = ",".join(f"UF{one:09d}YP" for one in range(30))

    assert (await api.track("UF000000001YP", merchant=TOKEN)).status_code == 401
    assert (await api.track(thirty)).json()["code"] == 0
    assert (await api.track(f"{thirty},UF000000030YP")).json()["code"] == 400

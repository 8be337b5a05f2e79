"""YunExpress's open API, as a stranger sees it who signs with his own code."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from crossdock_sandbox.receiver import Receiver, receiving
from crossdock_sandbox.yunexpress.app import YunExpressOptions, running_yunexpress

from .conftest import Eventually

APP_ID, SECRET = "app", "s3cret"
KEY = "encKey0123456789"
NOON = "2026-06-10T12:00:00+08:00"


@dataclass
class Api:
    http: httpx.AsyncClient
    token: str = ""

    async def call(
        self,
        method: str,
        path: str,
        said: Any = None,
        *,
        secret: str = SECRET,
        skew_s: int = 0,
        query: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        body = b"" if said is None else json.dumps(said).encode()
        date = str(int((time.time() + skew_s) * 1000))
        text = (b"body=" + body + b"&" if body else b"") + f"date={date}&method={method}&uri={path}".encode()
        sign = base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()
        headers = {"token": self.token, "date": date, "sign": sign}
        return await self.http.request(method, path, content=body, params=query, headers=headers)

    async def ask(self, method: str, path: str, said: Any = None, **query: str) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.call(method, path, said, query=query)).json()
        return answer


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    options = YunExpressOptions(app=f"{APP_ID}:{SECRET}", number_delay_s=3600)
    async with (
        running_yunexpress(tmp_path, options=options) as sandbox,
        httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as client,
    ):
        answer = await client.post("/openapi/oauth2/token", json=an_app())
        yield Api(client, answer.json()["accessToken"])


def an_app(**changes: str) -> dict[str, str]:
    return {"grantType": "client_credentials", "appId": APP_ID, "appSecret": SECRET} | changes


def an_order(**changes: Any) -> dict[str, Any]:
    order = {
        "product_code": "BKPHR",
        "customer_order_number": "CD-000004",
        "weight_unit": "KG",
        "size_unit": "CM",
        "packages": [{"weight": 0.32, "length": 20, "width": 10, "height": 5}],
        "receiver": {
            "first_name": "Ann Lee",
            "last_name": "",
            "country_code": "US",
            "address_lines": ["1 Main St"],
            "city": "Austin",
            "postal_code": "78701",
        },
        "declaration_info": [
            {
                "sku_code": "MUG",
                "name_local": "杯子",
                "name_en": "Mug",
                "quantity": 1,
                "unit_price": 12.5,
                "unit_weight": 0.3,
                "hs_code": "691110",
                "currency": "USD",
            }
        ],
    }
    return order | changes


async def book(api: Api, **changes: Any) -> str:
    answer = await api.ask("POST", "/v1/order/package/create", an_order(**changes))
    assert answer["success"], answer
    return str(answer["result"]["waybill_number"])


async def test_a_token_is_sold_to_the_app_and_to_nobody_else(api: Api) -> None:
    good = await api.http.post("/openapi/oauth2/token", json=an_app())
    wrong = [
        await api.http.post("/openapi/oauth2/token", json=an_app(**change))
        for change in ({"appSecret": "guessed"}, {"appId": "guessed"}, {"grantType": "password"})
    ]

    assert good.json()["expiresIn"] == 7200
    assert [one.status_code for one in wrong] == [401, 401, 200]
    assert not any("accessToken" in one.json() for one in wrong)


async def test_a_call_is_let_in_by_a_token_a_time_and_a_signature_together(api: Api) -> None:
    path = "/v1/order/info/get"
    answers = [
        await api.call("GET", path, secret="guessed", query={"order_number": "X"}),
        await api.call("GET", path, skew_s=400, query={"order_number": "X"}),
        await api.call("GET", path, skew_s=-400, query={"order_number": "X"}),
        await api.http.get(path, params={"order_number": "X"}),
    ]
    good = await api.call("GET", path, query={"order_number": "X"})
    api.token = "guessed"
    answers.append(await api.call("GET", path, query={"order_number": "X"}))

    assert [one.status_code for one in answers] == [401] * 5
    assert good.status_code == 200


async def test_a_body_that_was_changed_on_the_way_is_not_signed(api: Api) -> None:
    date, path = str(int(time.time() * 1000)), "/v1/order/cancel"
    text = f'body={{"waybill_number":"A"}}&date={date}&method=POST&uri={path}'.encode()
    sign = base64.b64encode(hmac.new(SECRET.encode(), text, hashlib.sha256).digest()).decode()
    headers = {"token": api.token, "date": date, "sign": sign}

    answer = await api.http.post(path, content=b'{"waybill_number":"B"}', headers=headers)

    assert answer.status_code == 401


async def test_an_order_is_booked_once_and_found_by_either_number(api: Api) -> None:
    waybill = await book(api)

    again = await api.ask("POST", "/v1/order/package/create", an_order())
    found = [
        (await api.ask("GET", "/v1/order/info/get", order_number=number))["result"]
        for number in (waybill, "CD-000004")
    ]

    assert len(waybill) == 18
    assert (again["success"], again["code"]) == (False, "00200409")
    assert found[0] == found[1]
    assert (found[0]["status"], found[0]["waybill_number"]) == ("A", waybill)
    assert "track_type" not in found[0]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"product_code": "NOPE"}, "product_code"),
        ({"weight_unit": "OZ"}, "weight_unit"),
        ({"packages": [{"weight": 320}]}, "packages[0].weight"),
        ({"packages": [{"weight": 0.3201}]}, "packages[0].weight"),
        ({"packages": [{"weight": 0.32, "length": 2000}]}, "packages[0].length"),
        ({"packages": [{"weight": 20, "length": 2, "width": 2, "height": 2}]}, "packages[0].weight"),
        ({"packages": [{"weight": 0.2}]}, "declaration_info[0].unit_weight"),
        ({"declaration_info": []}, "declaration_info"),
        ({"colour": "red"}, "colour"),
        ({"receiver": {"first_name": "A", "country_code": "US", "address_lines": ["1"]}}, "receiver.postal"),
        ({"customs_number": "IM276000"}, "customs_number"),
        ({"customer_order_number": "x" * 51}, "customer_order_number"),
    ],
)
async def test_what_does_not_fit_is_refused_under_http_200(
    changes: dict[str, Any], field: str, api: Api
) -> None:
    answer = await api.call("POST", "/v1/order/package/create", an_order(**changes))

    assert answer.status_code == 200
    assert answer.json()["success"] is False
    assert answer.json()["msg"].startswith(field)


async def test_a_label_comes_with_its_number_and_not_before(api: Api) -> None:
    waybill = await book(api, product_code="THPHR")
    early = await api.ask("GET", "/v1/order/label/get", order_number=waybill)
    await api.http.patch(f"/_sandbox/orders/{waybill}", json={"tracking_number": "9405500208303109884199"})

    label = (await api.ask("GET", "/v1/order/label/get", order_number=waybill))["result"]
    by_link = await api.http.get(label["url"])

    assert (early["success"], early["code"]) == (False, "00200425")
    assert base64.b64decode(label["label_string"]).startswith(b"%PDF-")
    assert by_link.content == base64.b64decode(label["label_string"])


async def test_prices_come_in_rows_and_renminbi(api: Api) -> None:
    asked = {"country_code": "US", "weight": "500", "weight_unit": "G"}

    rows = (await api.ask("GET", "/v1/price-trial/get", **asked))["result"]

    ours = [one for one in rows if one["product_code"] == "THPHR"]
    assert [(one["fee_name"], one["calculate_amount"]) for one in ours] == [("E1", 26.2), ("E2", 19.0)]
    assert {one["currency"] for one in rows} == {"RMB"}


async def test_an_order_is_cancelled_until_the_warehouse_has_its_parcel(api: Api) -> None:
    first, second = await book(api), await book(api, customer_order_number="CD-000005")
    await api.http.patch(f"/_sandbox/orders/{second}", json={"status": "B"})

    answers = [
        await api.ask("POST", "/v1/order/cancel", {"waybill_number": one})
        for one in (first, first, second, "CD-000005")
    ]

    assert [one["success"] for one in answers] == [True, False, False, False]
    assert (await api.ask("GET", "/v1/order/info/get", order_number=first))["result"]["status"] == "E"


async def test_an_answer_about_a_parcel_has_local_times_and_no_codes(api: Api) -> None:
    waybill = await book(api)
    scan = {"code": "PICKED_UP", "content": "Collected", "at": NOON}
    await api.http.post(f"/_sandbox/orders/{waybill}/scan", json=scan)

    told = (await api.ask("GET", "/v1/track-service/info/get", order_number=waybill))["result"]

    assert told["track_info"][0]["track_events"] == [
        {
            "time_zone": "+8",
            "description": "Collected",
            "event_date": "2026-06-10 12:00:00",
            "location": "Shenzhen",
        }
    ]


async def test_what_is_pushed_is_signed_and_opens_with_the_key(api: Api, eventually: Eventually) -> None:
    waybill = await book(api)
    async with receiving(Receiver()) as receiver:
        push = {"url": receiver.url, "key": KEY, "shape": "encrypted"}
        await api.http.put("/_sandbox/push", json=push)
        await api.http.post(f"/_sandbox/orders/{waybill}/scan", json={"code": "DELIVERED", "at": NOON})

        async def came() -> bool:
            return bool(receiver.bodies)

        await eventually(came)

    (body,), (headers,) = receiver.bodies, receiver.headers
    timestamp = headers["x-openapi-request-timestamp"]
    expected = hashlib.sha256(timestamp.encode() + KEY.encode() + body).hexdigest()
    assert headers["x-openapi-signature"] == expected
    sealed = base64.b64decode(json.loads(body)["encrypt"])
    key = hashlib.sha256(KEY.encode()).digest()
    opener = Cipher(algorithms.AES256(key), modes.CBC(sealed[:16])).decryptor()
    plain = opener.update(sealed[16:]) + opener.finalize()
    data = json.loads(plain[: -plain[-1]])["data"]
    assert data["waybill_number"] == waybill
    assert data["track_events"][0]["track_node_code"] == "DELIVERED"
    assert data["track_events"][0]["process_utc_time"] == "2026-06-10T04:00:00"


async def test_tokens_can_be_ended_before_their_time(api: Api) -> None:
    await api.http.delete("/_sandbox/tokens")

    assert (await api.call("GET", "/v1/order/info/get", query={"order_number": "X"})).status_code == 401

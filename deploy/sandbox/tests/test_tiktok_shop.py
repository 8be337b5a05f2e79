"""TikTok Shop's sandbox: who is let in, what is refused, tokens, quotas, and notices as they are sent."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.receiver import Receiver, receiving
from crossdock_sandbox.tiktok_shop.app import TikTokShopOptions, TikTokShopSandbox, running_tiktok_shop
from crossdock_sandbox.tiktok_shop.signing import sign_call, sign_notice

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

SHOP, KEY, SECRET, CIPHER = "7495", "6examplekey", "tt0example1secret2tt3example4secret5abcd", "ROW_c"
ORDER: dict[str, Any] = {
    "id": "501",
    "status": "AWAITING_SHIPMENT",
    "shipping_type": "SELLER",
    "update_time": 1771327990,
    "line_items": [
        {
            "id": str(number),
            "display_status": "AWAITING_SHIPMENT",
            "tracking_number": "",
            "package_id": "9",
            "shipping_provider_name": "",
        }
        for number in (11, 12)
    ],
}
ORDERS = "/order/202309/orders"
PACKAGES = "/fulfillment/202309/orders/501/packages"
USPS = "7117858858072016686"


class Caller:
    """An app that calls for the shop, rightly or with one thing changed."""

    def __init__(self, sandbox: TikTokShopSandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self.http = http

    async def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.http.request(method, f"{self.sandbox.base_url}/_sandbox/{path}", json=body)

    async def install(self, **changes: Any) -> None:
        given = {
            "shop": SHOP,
            "app_key": KEY,
            "app_secret": SECRET,
            "shop_cipher": CIPHER,
            "access_token": "TTP_1",
            "refresh_token": "TTR_1",
            "webhook_url": "http://127.0.0.1:9/",
            **changes,
        }
        assert (await self.control("POST", "shops", given)).status_code == 201
        assert (await self.control("PUT", f"shops/{SHOP}/orders/501", ORDER)).status_code == 200

    async def call(
        self,
        path: str = ORDERS,
        body: Any = None,
        *,
        query: Mapping[str, str | None] | None = None,
        token: str = "TTP_1",
        secret: str = SECRET,
        signed_body: bytes | None = None,
    ) -> httpx.Response:
        """`query`: changes of the parameters; None leaves one out."""
        content = b"" if body is None else json.dumps(body).encode()
        given = {"app_key": KEY, "timestamp": str(int(time.time())), "shop_cipher": CIPHER}
        if path == ORDERS:
            given["ids"] = "501"
        sent = {name: value for name, value in {**given, **(query or {})}.items() if value is not None}
        sign = sign_call(secret, path, sent, content if signed_body is None else signed_body)
        return await self.http.request(
            "GET" if body is None else "POST",
            self.sandbox.base_url + path,
            params={**sent, "sign": sign},
            content=content or None,
            headers={"x-tts-access-token": token, "Content-Type": "application/json"},
        )

    async def refresh(self, **changes: str) -> Any:
        given = {
            "app_key": KEY,
            "app_secret": SECRET,
            "refresh_token": "TTR_1",
            "grant_type": "refresh_token",
        }
        url = f"{self.sandbox.base_url}/api/v2/token/refresh"
        return (await self.http.get(url, params={**given, **changes})).json()

    async def send(self, *given: Mapping[str, Any]) -> None:
        answer = await self.control("POST", f"shops/{SHOP}/deliveries", list(given))
        assert answer.status_code == 202, answer.text

    async def settled(self) -> bool:
        status = (await self.control("GET", "deliveries")).json()
        return bool(status["pending"] == 0)


@pytest.fixture
async def caller(tmp_path: Path, http: httpx.AsyncClient) -> AsyncIterator[Caller]:
    options = TikTokShopOptions(retry_base_s=0.01)
    async with running_tiktok_shop(tmp_path, options=options) as sandbox:
        caller = Caller(sandbox, http)
        await caller.install()
        yield caller


async def test_a_call_that_is_right_in_everything_is_answered_in_the_envelope(caller: Caller) -> None:
    answer = (await caller.call()).json()

    assert (answer["code"], answer["message"]) == (0, "Success")
    assert answer["data"]["orders"] == [ORDER]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"token": "TTP_2"}, 36009004),
        ({"token": ""}, 36009004),
        ({"secret": "another"}, 106001),
        ({"signed_body": b"{}"}, 106001),
        ({"query": {"app_key": "another"}}, 36009004),
        ({"query": {"timestamp": "1771328000"}}, 36009004),
        ({"query": {"timestamp": "soon"}}, 36009004),
        ({"query": {"shop_cipher": None}}, 106013),
        ({"query": {"shop_cipher": "ROW_other"}}, 101000),
        ({"query": {"colour": "red"}}, 36009004),
        ({"query": {"ids": ""}}, 21001001),
    ],
)
async def test_a_call_that_is_wrong_in_one_thing_is_refused(caller: Caller, given: Any, code: int) -> None:
    assert (await caller.call(**given)).json()["code"] == code


async def test_the_published_vectors_are_reproduced() -> None:
    query = {"app_key": KEY, "ids": "576912233445566771", "shop_cipher": "ROW_exampleCipher"}
    call = sign_call(SECRET, ORDERS, {**query, "timestamp": "1771328000"}, b"")
    notice = (
        b'{"type":1,"tts_notification_id":"7607000000000000101","shop_id":"7495000000000000123",'
        b'"timestamp":1771327991,"data":{"is_on_hold_order":false,"order_id":"576912233445566771",'
        b'"order_status":"AWAITING_SHIPMENT","update_time":1771327990}}'
    )

    assert call == "40b9725a070772be27db831af313db6329d04cb8c1bfbcfbb9060962456a7a05"
    assert (
        sign_notice(KEY, SECRET, notice) == "6b520613efbfa549bd9b7e9cd221da16b871f59039b02bf77ac203764f934257"
    )


async def test_a_token_runs_out_and_the_next_pair_is_sold_once(caller: Caller) -> None:
    await caller.control("POST", f"shops/{SHOP}/tokens/expire")
    expired = (await caller.call()).json()["code"]

    pair = (await caller.refresh())["data"]
    again = (await caller.refresh())["code"]

    assert (expired, again) == (105002, 36004004)
    assert pair["access_token_expire_in"] > time.time() + 6 * 86_400
    assert (await caller.call(token=pair["access_token"])).json()["code"] == 0


@pytest.mark.parametrize("changes", [{"app_secret": "x"}, {"grant_type": "x"}, {"refresh_token": "TTP_1"}])
async def test_a_pair_is_sold_to_nobody_else(caller: Caller, changes: dict[str, str]) -> None:
    assert (await caller.refresh(**changes))["code"] == 36004004


async def test_who_calls_too_often_is_told_so(tmp_path: Path, http: httpx.AsyncClient) -> None:
    options = TikTokShopOptions(calls_per_s=1)
    async with running_tiktok_shop(tmp_path, options=options) as sandbox:
        caller = Caller(sandbox, http)
        await caller.install()
        codes = [(answer := await caller.call()).json()["code"] for _ in range(2)]

    assert (codes, answer.status_code) == ([0, 36009002], 429)


def a_package(*units: str, **changes: Any) -> dict[str, Any]:
    return {
        "order_line_item_ids": list(units),
        "shipping_provider_id": USPS,
        "tracking_number": "94001",
        **changes,
    }


async def test_a_unit_is_sent_once(caller: Caller) -> None:
    first = (await caller.call(PACKAGES, a_package("11"))).json()["code"]
    again = (await caller.call(PACKAGES, a_package("11"))).json()["code"]

    rows = (await caller.control("GET", "books/packages")).json()["rows"]
    assert (first, again, [row["units"] for row in rows]) == (0, 21011006, [["11"]])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (a_package("99"), 21011006),
        (a_package("11", "11"), 21011006),
        (a_package(), 21001001),
        (a_package("11", shipping_provider_id="USPS"), 21001001),
        (a_package("11", tracking_number=""), 21001001),
        (a_package("11", colour="red"), 21001001),
        (a_package(11), 21001001),  # type: ignore[arg-type]  # that is the mistake
    ],
)
async def test_a_package_that_is_wrong_in_one_thing_is_refused(caller: Caller, body: Any, code: int) -> None:
    assert (await caller.call(PACKAGES, body)).json()["code"] == code
    assert (await caller.control("GET", "books/packages")).json()["rows"] == []


async def test_the_time_of_change_never_stands_still(caller: Caller) -> None:
    answer = await caller.control("PUT", f"shops/{SHOP}/orders/501", ORDER)

    assert answer.json()["update_time"] == ORDER["update_time"] + 1


async def test_a_notice_is_signed_repeated_until_200_and_says_cancel_in_its_own_word(
    caller: Caller, eventually: Eventually
) -> None:
    async with receiving(Receiver(statuses=[500, 204, 200])) as receiver:
        await caller.install(webhook_url=receiver.url)
        await caller.control("PUT", f"shops/{SHOP}/orders/501", {**ORDER, "status": "CANCELLED"})

        await caller.send({"order_id": "501"})
        await eventually(caller.settled)

    assert len(receiver.bodies) == 3
    assert len(set(receiver.bodies)) == 1
    notice = json.loads(receiver.bodies[0])
    assert (notice["type"], notice["shop_id"], notice["data"]["order_status"]) == (1, SHOP, "CANCEL")
    assert receiver.headers[0]["authorization"] == sign_notice(KEY, SECRET, receiver.bodies[0])


async def test_after_four_retries_a_notice_is_given_up(caller: Caller, eventually: Eventually) -> None:
    async with receiving(Receiver(statuses=[500] * 9)) as receiver:
        await caller.install(webhook_url=receiver.url)
        await caller.send({"order_id": "501"})
        await eventually(caller.settled)

    assert len(receiver.bodies) == 5
    assert (await caller.control("GET", "deliveries")).json()["failed"] == 1


async def test_notices_can_be_spoiled_doubled_and_old(caller: Caller, eventually: Eventually) -> None:
    async with receiving(Receiver()) as receiver:
        await caller.install(webhook_url=receiver.url)
        await caller.send(
            {"order_id": "501", "copies": 2},
            {"order_id": "501", "signature": "bad"},
            {"order_id": "501", "signature": "missing"},
            {"type": 3, "order_id": "501", "written_at": 1},
            {"type": 5, "data": {"product_id": "1"}},
        )
        await eventually(caller.settled)

    said = [json.loads(body) for body in receiver.bodies]
    good = [sign_notice(KEY, SECRET, body) for body in receiver.bodies]
    given = [headers.get("authorization") for headers in receiver.headers]
    assert len({one["tts_notification_id"] for one in said}) == 5
    assert sorted(one["type"] for one in said) == [1, 1, 1, 1, 3, 5]
    assert sum(a == b for a, b in zip(good, given, strict=True)) == 4
    assert 1 in {one["timestamp"] for one in said}

"""The gateway and the tracker against answers that no well-behaved server gives."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shipping_service.adapters.carriers.yunexpress.client import YunExpressGateway
from shipping_service.adapters.carriers.yunexpress.tests.examples import SAMPLES, a_request, the_settings
from shipping_service.adapters.carriers.yunexpress.tracker import YunExpressTracker
from shipping_service.use_cases.ports import (
    CarrierMisconfigured,
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    LabelPending,
    Prepared,
)
from shipping_service.use_cases.tracking_port import NotTracked, Told, TrackingRef

Answer = tuple[int, bytes] | tuple[int, bytes, Mapping[str, str]]

TOKEN: Answer = (200, b'{"accessToken": "t0ken", "expiresIn": "7200"}')
ORDER_NUMBER = "019aa7f0-5f6e-7c3a-9d7e-0a1b2c3d4e5f-1"
OFFER = Prepared(ORDER_NUMBER, "68.34 CNY")
WAYBILL = "YT2616200000000001"


def said(result: Any = None, **envelope: Any) -> bytes:
    return json.dumps({"t": "1", "success": True, "code": "00000000", "result": result} | envelope).encode()


def an_order(**changes: Any) -> dict[str, Any]:
    return {
        "customer_order_number": ORDER_NUMBER,
        "waybill_number": WAYBILL,
        "track_type": "1",
    } | changes


CREATED: Answer = (200, said(an_order()))
NO_ORDER: Answer = (200, said(None, success=False, code="00200404", msg="no such order"))
LABEL: Answer = (200, (SAMPLES / "label.json").read_bytes())


@asynccontextmanager
async def met(**answers: Answer) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that gives each path, named by its last words, one answer; its address, and the heads."""
    heads: list[str] = []
    usual = {"token": TOKEN, "create": CREATED, "order/info": NO_ORDER, "label": LABEL}
    by_path = usual | answers

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heads.append(head)
        length = head.lower().partition("content-length:")[2].partition("\r\n")[0]
        await reader.readexactly(int(length or 0))
        path = head.split(" ")[1].partition("?")[0]
        status, body, *more = next(one for name, one in by_path.items() if f"/{name}" in path)
        headers = {"content-length": str(len(body)), "connection": "close", **(more[0] if more else {})}
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads
    finally:
        server.close()


@asynccontextmanager
async def a_gateway(**answers: Answer) -> AsyncIterator[tuple[YunExpressGateway, list[str]]]:
    async with met(**answers) as (url, heads):
        gateway = YunExpressGateway(the_settings(base_url=url, timeout_s=5))
        try:
            yield gateway, heads
        finally:
            await gateway.close()


async def test_every_call_carries_token_time_and_signature_and_asks_for_english() -> None:
    async with a_gateway() as (gateway, heads):
        label = await gateway.buy(a_request(), OFFER)

    assert [head.split(" ")[1].partition("?")[0] for head in heads] == [
        "/openapi/oauth2/token",
        "/v1/order/package/create",
        "/v1/order/label/get",
    ]
    for head in heads[1:]:
        lines = {one.partition(":")[0].lower(): one.partition(": ")[2] for one in head.split("\r\n")}
        assert lines["token"] == "t0ken"
        assert len(lines["date"]) == 13
        assert len(base64.b64decode(lines["sign"])) == 32
        assert lines["accept-language"] == "en-US"
    assert label.tracking_number == WAYBILL


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>maintenance</html>"),
        (200, b""),
        (200, b"[]"),
        (200, said(None)),
        (200, said({"waybill_number": WAYBILL})),
        (200, said(an_order()), {"content-length": "100000"}),
        (200, b'{"code": "00000000"}'),
        (302, b"", {"location": "/elsewhere"}),
        (400, b"<html>of somebody in between</html>"),
        (408, said(an_order())),
        (502, b"<html>bad gateway</html>"),
        (503, said(None, success=False, code="00999999")),
    ],
)
async def test_a_creation_whose_answer_cannot_be_used_is_unknown_and_asked_for_once(answer: Answer) -> None:
    async with a_gateway(create=answer) as (gateway, heads):
        with pytest.raises(CarrierOutcomeUnknown):
            await gateway.buy(a_request(), OFFER)

    assert len([head for head in heads if "/create" in head]) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((200, said(an_order(), success=False, code="00200777", msg="no")), "00200777"),
        ((200, said(an_order(), code="00200777", msg="no")), "00200777"),
        ((200, said(an_order(), success=False, msg="no")), "refused"),
        ((400, said(None, success=False, code="00200778", msg="no")), "00200778"),
        ((400, said(an_order())), "refused"),
    ],
)
async def test_http_200_alone_is_no_success(answer: Answer, code: str) -> None:
    async with a_gateway(create=answer) as (gateway, _):
        with pytest.raises(CarrierRejected) as refused:
            await gateway.buy(a_request(), OFFER)

    assert refused.value.code == code


async def test_a_success_that_carries_no_code_is_one() -> None:
    async with a_gateway(create=(200, said(an_order(), code=None))) as (gateway, _):
        assert (await gateway.buy(a_request(), OFFER)).tracking_number == WAYBILL


@pytest.mark.parametrize("status", [401, 403, 404, 405])
async def test_an_account_that_may_not_create_needs_a_person(status: int) -> None:
    async with a_gateway(create=(status, (SAMPLES / "error.json").read_bytes())) as (gateway, heads):
        with pytest.raises(CarrierMisconfigured):
            await gateway.buy(a_request(), OFFER)

    assert len([head for head in heads if "/create" in head]) == (2 if status == 401 else 1)


@pytest.mark.parametrize(
    "answer", [(200, b"{}"), (401, b"{}"), (200, b'{"accessToken": ""}'), (200, said({"accessToken": "x"}))]
)
async def test_an_answer_without_a_token_needs_a_person(answer: Answer) -> None:
    async with a_gateway(token=answer) as (gateway, _):
        with pytest.raises(CarrierMisconfigured, match="look at CARRIER_YUNEXPRESS_APP_ID"):
            await gateway.buy(a_request(), OFFER)


@pytest.mark.parametrize(
    ("given", "retry_after_s"), [("17", 17.0), ("999999", 3600.0), ("Sat, 21 Nov 2026 08:00:00 GMT", None)]
)
async def test_slowing_down_is_for_as_long_as_they_say(given: str, retry_after_s: float | None) -> None:
    async with a_gateway(create=(429, b"{}", {"retry-after": given})) as (gateway, _):
        with pytest.raises(CarrierUnavailable) as asked:
            await gateway.buy(a_request(), OFFER)

    assert asked.value.retry_after_s == retry_after_s


@pytest.mark.parametrize(
    "label",
    [
        {"label_string": base64.b64encode(b"<html>").decode()},
        {"label_string": "!"},
        {"label_string": "", "url": ""},
        {"url": "no address"},
        {"url": "http://127.0.0.1:1/label.pdf"},
        None,
        7,
    ],
)
async def test_a_label_that_is_none_yet_is_waited_for(label: Any) -> None:
    async with a_gateway(label=(200, said(label))) as (gateway, _):
        with pytest.raises(LabelPending):
            await gateway.buy(a_request(), OFFER)


async def test_an_order_without_a_waybill_number_is_waited_for() -> None:
    async with a_gateway(create=(200, said(an_order(waybill_number="")))) as (gateway, _):
        with pytest.raises(LabelPending, match="no waybill number yet"):
            await gateway.buy(a_request(), OFFER)


async def test_another_order_than_the_one_asked_about_is_no_answer() -> None:
    stranger = an_order(customer_order_number="X", waybill_number="YT1")
    async with a_gateway(**{"order/info": (200, said(stranger))}) as (gateway, _):
        with pytest.raises(CarrierUnavailable, match="another order"):
            await gateway.find(a_request(), ORDER_NUMBER)


@pytest.mark.parametrize("nothing", [None, {}, []])
async def test_an_empty_answer_is_no_order(nothing: Any) -> None:
    async with a_gateway(**{"order/info": (200, said(nothing))}) as (gateway, _):
        assert await gateway.find(a_request(), ORDER_NUMBER) is None


@pytest.mark.parametrize("fees", [7, "x", {"a": 1}, [{"product_code": "BKPHR"}], [7]])
async def test_a_price_that_cannot_be_read_is_none(fees: Any) -> None:
    answers = {"price-trial": (200, said(fees)), "order/info": (200, said(an_order(tracking_number="9")))}
    async with a_gateway(**answers) as (gateway, _):
        found = await gateway.find(a_request(), ORDER_NUMBER)

    assert found is not None
    assert found.cost_minor is None


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, said(None)), NotTracked("not_found")),
        ((200, said({"waybill_number": WAYBILL})), Told()),
        ((200, said({"waybill_number": WAYBILL, "track_info": None})), Told()),
        ((200, said({"waybill_number": WAYBILL, "track_info": [7]})), NotTracked("unreadable")),
        (NO_ORDER, NotTracked("00200404")),
    ],
)
async def test_what_is_wrong_with_one_parcel_is_its_own_answer(answer: Answer, told: object) -> None:
    async with met(**{"track-service": answer}) as (url, _):
        tracker = YunExpressTracker(the_settings(base_url=url))
        answers = await tracker.track([TrackingRef(WAYBILL)])
        await tracker.close()

    assert answers == {WAYBILL: told}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((503, b""), CarrierUnavailable),
        ((429, b""), CarrierUnavailable),
        ((200, b"<html>"), CarrierUnavailable),
        ((403, b""), CarrierMisconfigured),
    ],
)
async def test_what_is_wrong_with_the_call_is_everybodys(answer: Answer, error: type[Exception]) -> None:
    async with met(**{"track-service": answer}) as (url, _):
        tracker = YunExpressTracker(the_settings(base_url=url))
        with pytest.raises(error):
            await tracker.track([TrackingRef(WAYBILL)])
        await tracker.close()

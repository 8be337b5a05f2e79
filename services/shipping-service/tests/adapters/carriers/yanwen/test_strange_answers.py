"""The gateway and the tracker against answers that no well-behaved server gives."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shipping_service.adapters.carriers.yanwen.client import YanwenGateway
from shipping_service.adapters.carriers.yanwen.tests.examples import (
    ORDER_NUMBER,
    SAMPLES,
    a_request,
    the_settings,
)
from shipping_service.adapters.carriers.yanwen.tracker import YanwenTracker
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

NEW = Prepared(ORDER_NUMBER, "new")
WAYBILL = "UF000000001YP"


def said(data: Any = None, **envelope: Any) -> bytes:
    return json.dumps({"success": True, "code": "0", "message": "", "data": data} | envelope).encode()


def no(code: object, message: str = "") -> bytes:
    return said(None, success=False, code=code, message=message)


def an_order(**changes: Any) -> dict[str, Any]:
    return {"waybillNumber": WAYBILL, "orderNumber": ORDER_NUMBER, "referenceNumber": ""} | changes


USUAL: Mapping[str, Answer] = {
    "create": (200, said(an_order())),
    "getlist": (200, said([])),
    "label": (200, (SAMPLES / "label.json").read_bytes()),
    "tracking": (200, (SAMPLES / "tracking-exception.json").read_bytes()),
}


@asynccontextmanager
async def met(answers: Mapping[str, Answer]) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that gives each method, named by a part of it, one answer; its address, and the targets."""
    targets: list[str] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = head.lower().partition("content-length:")[2].partition("\r\n")[0]
        await reader.readexactly(int(length or 0))
        target = head.split(" ")[1]
        targets.append(target)
        status, body, *more = next(one for name, one in {**USUAL, **answers}.items() if name in target)
        headers = {"content-length": str(len(body)), "connection": "close", **(more[0] if more else {})}
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", targets
    finally:
        server.close()


@asynccontextmanager
async def a_gateway(**answers: Answer) -> AsyncIterator[tuple[YanwenGateway, list[str]]]:
    async with met(answers) as (url, targets):
        gateway = YanwenGateway(the_settings(base_url=url, timeout_s=5, remedies={"1021": "try_later"}))
        try:
            yield gateway, targets
        finally:
            await gateway.close()


async def track(answer: Answer, *numbers: str) -> tuple[Mapping[str, Told | NotTracked], int]:
    """What is told, and how many calls it took."""
    async with met({"tracking": answer}) as (url, targets):
        tracker = YanwenTracker(the_settings(tracking_url=url))
        try:
            return await tracker.track([TrackingRef(one) for one in numbers or (WAYBILL,)]), len(targets)
        finally:
            await tracker.close()


async def test_the_samples_are_a_label() -> None:
    async with a_gateway(create=(200, (SAMPLES / "shipment-created.json").read_bytes())) as (
        gateway,
        targets,
    ):
        label = await gateway.buy(a_request(), NEW)

    asked = [parse_qs(urlsplit(one).query) for one in targets]
    assert [one["method"] for one in asked] == [["express.order.create"], ["express.order.label.get"]]
    assert all(len(one["timestamp"][0]) == 13 and len(one["sign"][0]) == 32 for one in asked)
    assert (label.carrier_ref, label.tracking_number) == ("CD-000006", WAYBILL)
    assert label.documents[0].media_type == "application/pdf"


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>maintenance</html>"),
        (200, b"[]"),
        (200, said(None)),
        (200, said({"orderNumber": ORDER_NUMBER, "waybillNumber": ""})),
        (200, said(an_order()), {"content-length": "100000"}),
        (200, said(an_order(), code="7")),
        (200, said(an_order(), success=False)),
        (200, no("-1", "系统异常")),
        (200, no(-1)),
        (200, no(None)),
        (302, b"", {"location": "/elsewhere"}),
        (400, b"<html>of somebody in between</html>"),
        (502, b"<html>bad gateway</html>"),
        (503, said(an_order())),
    ],
)
async def test_a_creation_that_was_neither_done_nor_refused_is_unknown_and_asked_for_once(
    answer: Answer,
) -> None:
    async with a_gateway(create=answer) as (gateway, targets):
        with pytest.raises(CarrierOutcomeUnknown):
            await gateway.buy(a_request(), NEW)

    assert len(targets) == 1


@pytest.mark.parametrize(("code", "waits"), [(1021, True), ("1022", False)])
async def test_a_refusal_of_an_order_that_is_not_there_is_one(code: object, waits: bool) -> None:
    async with a_gateway(create=(200, no(code, "渠道不可用"))) as (gateway, _):
        with pytest.raises(CarrierRejected) as refused:
            await gateway.buy(a_request(), NEW)

    assert (refused.value.code, refused.value.remedy.waits) == (str(code), waits)


async def test_a_duplicate_that_cannot_be_found_is_no_refusal() -> None:
    async with a_gateway(create=(200, no("1003", "订单号重复"))) as (gateway, _):
        with pytest.raises(CarrierOutcomeUnknown):
            await gateway.buy(a_request(), NEW)


@pytest.mark.parametrize(
    "answer",
    [(200, (SAMPLES / "error.json").read_bytes()), (200, no("9", "时间戳过期")), (401, b""), (404, b"")],
)
async def test_an_account_that_may_not_create_needs_a_person(answer: Answer) -> None:
    async with a_gateway(create=answer) as (gateway, _):
        with pytest.raises(CarrierMisconfigured, match="clock"):
            await gateway.buy(a_request(), NEW)


@pytest.mark.parametrize(
    ("given", "retry_after_s"), [("17", 17.0), ("999999", 3600.0), ("Sat, 21 Nov 2026 08:00:00 GMT", None)]
)
async def test_slowing_down_is_for_as_long_as_they_say(given: str, retry_after_s: float | None) -> None:
    async with a_gateway(create=(429, b"{}", {"retry-after": given})) as (gateway, _):
        with pytest.raises(CarrierUnavailable) as asked:
            await gateway.buy(a_request(), NEW)

    assert asked.value.retry_after_s == retry_after_s


@pytest.mark.parametrize(
    "answer",
    [
        (200, (SAMPLES / "label-error.json").read_bytes()),
        (200, said({"isSuccess": False, "base64String": base64.b64encode(b"%PDF-").decode()})),
        (200, said({"isSuccess": True, "base64String": base64.b64encode(b"<html>").decode()})),
        (200, said({"isSuccess": True, "base64String": "!"})),
        (200, said({"isSuccess": True, "base64String": None})),
        (200, said(None)),
    ],
)
async def test_a_label_that_is_none_yet_is_waited_for(answer: Answer) -> None:
    async with a_gateway(label=answer) as (gateway, _):
        with pytest.raises(LabelPending):
            await gateway.buy(a_request(), NEW)


@pytest.mark.parametrize("nothing", [None, []])
async def test_an_empty_list_is_no_order(nothing: Any) -> None:
    async with a_gateway(getlist=(200, said(nothing))) as (gateway, _):
        assert await gateway.find(a_request(), None) is None


@pytest.mark.parametrize("listed", [[an_order(orderNumber="X", waybillNumber="UF1")], [7], {"a": 1}])
async def test_a_list_that_is_not_about_our_order_is_no_answer(listed: Any) -> None:
    async with a_gateway(getlist=(200, said(listed))) as (gateway, _):
        with pytest.raises(CarrierUnavailable):
            await gateway.find(a_request(), None)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, b'{"code": 0, "result": []}'), {}),
        ((200, b'{"code": 0, "result": null}'), {}),
        ((200, b'{"code": 42, "result": []}'), {WAYBILL: NotTracked("42")}),
        ((200, b'{"code": 0, "result": [7]}'), {WAYBILL: NotTracked("unreadable")}),
        ((200, b"<html>"), {WAYBILL: NotTracked("unreadable")}),
    ],
)
async def test_what_is_wrong_with_one_parcel_is_its_own_answer(answer: Answer, told: object) -> None:
    assert (await track(answer))[0] == told


async def test_a_list_that_is_refused_is_asked_for_in_halves() -> None:
    told, calls = await track((200, b'{"code": 42}'), "A", "B", "C")

    assert told == {one: NotTracked("42") for one in "ABC"}
    assert calls == 5


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (503, CarrierUnavailable),
        (429, CarrierUnavailable),
        (302, CarrierUnavailable),
        (403, CarrierMisconfigured),
    ],
)
async def test_what_is_wrong_with_the_call_is_everybodys(status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        await track((status, b""), "A", "B")

"""The gateway against answers that no well-behaved server gives, and what it sends."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from shipping_service.adapters.carriers.dhl_express.client import DhlExpressGateway
from shipping_service.adapters.carriers.dhl_express.tests.examples import SAMPLES, a_request, the_settings
from shipping_service.use_cases.ports import (
    CarrierMisconfigured,
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    Prepared,
)

Answer = tuple[int, bytes] | tuple[int, bytes, Mapping[str, str]]


@dataclass(slots=True)
class Stranger:
    """Gives every request the same answer and keeps the heads that came."""

    answer: Answer
    heads: list[str] = field(default_factory=list)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        await reader.readexactly(int(head.lower().split("content-length:")[1].split("\r\n")[0]))
        status, body, *more = self.answer
        headers = {"content-length": str(len(body)), "connection": "close", **(more[0] if more else {})}
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def met(answer: Answer) -> AsyncIterator[tuple[Stranger, DhlExpressGateway]]:
    """A gateway that meets a stranger."""
    stranger = Stranger(answer)
    server = await asyncio.start_server(stranger.converse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    gateway = DhlExpressGateway(the_settings(base_url=f"http://127.0.0.1:{port}/mydhlapi", timeout_s=10))
    try:
        yield stranger, gateway
    finally:
        await gateway.close()
        server.close()


def a_shipment(**changes: Any) -> bytes:
    return json.dumps(json.loads((SAMPLES / "created.json").read_bytes()) | changes).encode()


def a_label(content: bytes, image_format: str = "PDF") -> dict[str, str]:
    return {
        "typeCode": "label",
        "imageFormat": image_format,
        "content": base64.b64encode(content).decode(),
    }


async def test_the_login_the_version_and_our_reference_go_out_in_the_head() -> None:
    async with met((201, a_shipment())) as (stranger, gateway):
        label = await gateway.buy(a_request(), Prepared(None))

    (head,) = stranger.heads
    lines = {one.partition(":")[0].lower(): one.partition(": ")[2] for one in head.split("\r\n")}
    assert head.startswith("POST /mydhlapi/shipments HTTP/1.1")
    assert lines["authorization"] == "Basic Y2QtZGVtby1rZXk6Y2QtZGVtby1zZWNyZXQ="
    assert lines["x-version"] == "3.1.0"
    assert lines["message-reference"] == "019aa7f05f6e7c3a9d7e0a1b2c3d4e5f/1"
    assert lines["message-reference-date"].endswith(" GMT")
    assert label.tracking_number == "1234567891"


@pytest.mark.parametrize(
    "answer",
    [
        (201, b"<html>maintenance</html>"),
        (201, b""),
        (201, b"[]"),
        (201, a_shipment(shipmentTrackingNumber="")),
        (201, a_shipment(documents=[])),
        (201, a_shipment(documents=[a_label(b"<html>")])),
        (201, a_shipment(documents=[a_label(b"^XA", "PDF")])),
        (201, a_shipment(), {"content-length": "100000"}),
        (302, b"", {"location": "/mydhlapi/elsewhere"}),
        (400, b'{"detail": "999: Process failure occurred."}'),
        (400, b""),
        (400, b'{"detail": ["1 Main St"]}'),
        (400, b'{"error": "of somebody in between"}'),
        (408, b'{"detail": "timeout"}'),
        (413, b"<html>too large</html>"),
        (502, b"<html>bad gateway</html>"),
        (503, b""),
    ],
)
async def test_a_sale_whose_answer_cannot_be_used_is_unknown_and_asked_for_once(answer: Answer) -> None:
    async with met(answer) as (stranger, gateway):
        with pytest.raises(CarrierOutcomeUnknown):
            await gateway.buy(a_request(), Prepared(None))

    assert len(stranger.heads) == 1


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, (SAMPLES / "error.json").read_bytes(), "8003: account not allowed for this service"),
        (
            422,
            b'{"detail": "#/content: required key [incoterm] not found"}',
            "invalid: required key [incoterm]",
        ),
        (413, b'{"detail": "The request is too large."}', "http_413"),
    ],
)
async def test_a_sale_that_is_refused_keeps_their_number_or_rule(status: int, body: bytes, code: str) -> None:
    async with met((status, body)) as (_, gateway):
        with pytest.raises(CarrierRejected) as refused:
            await gateway.buy(a_request(), Prepared(None))

    assert refused.value.code.startswith(code)


@pytest.mark.parametrize("status", [401, 403, 404, 405])
async def test_a_login_that_may_not_sell_needs_a_person(status: int) -> None:
    async with met((status, b"{}")) as (_, gateway):
        with pytest.raises(CarrierMisconfigured):
            await gateway.buy(a_request(), Prepared(None))


@pytest.mark.parametrize(
    ("given", "retry_after_s"), [("17", 17.0), ("999999", 3600.0), ("Sat, 21 Nov 2026 08:00:00 GMT", None)]
)
async def test_slowing_down_is_for_as_long_as_they_say(given: str, retry_after_s: float | None) -> None:
    async with met((429, b"{}", {"retry-after": given})) as (_, gateway):
        with pytest.raises(CarrierUnavailable) as asked:
            await gateway.buy(a_request(), Prepared(None))

    assert asked.value.retry_after_s == retry_after_s

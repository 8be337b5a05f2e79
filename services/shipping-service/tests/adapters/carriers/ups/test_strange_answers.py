"""The gateway against answers that no well-behaved server gives, and what it sends."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from shipping_service.adapters.carriers.ups.client import UpsGateway
from shipping_service.adapters.carriers.ups.tests.examples import SAMPLES, a_request, the_settings
from shipping_service.domain.consignment import VoidOutcome
from shipping_service.use_cases.ports import (
    CarrierMisconfigured,
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    Prepared,
)

Answer = tuple[int, bytes] | tuple[int, bytes, Mapping[str, str]]

TOKEN = (SAMPLES / "token.json").read_bytes()
CREATED = (SAMPLES / "created.json").read_bytes()
NO_LABEL = {"ShipmentResponse": {"ShipmentResults": {"ShipmentIdentificationNumber": "1Z"}}}


@dataclass(slots=True)
class Stranger:
    """Gives every token that is asked for, every other request the same answer, and keeps the heads."""

    answer: Answer
    token: Answer = (200, TOKEN)
    heads: list[str] = field(default_factory=list)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        length = head.lower().partition("content-length:")[2].partition("\r\n")[0]
        await reader.readexactly(int(length or 0))
        status, body, *more = self.token if "/oauth/token" in head else self.answer
        headers = {"content-length": str(len(body)), "connection": "close", **(more[0] if more else {})}
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def met(answer: Answer, **more: Any) -> AsyncIterator[tuple[Stranger, UpsGateway]]:
    """A gateway that meets a stranger. `token`: its answer to who asks for one."""
    stranger = Stranger(answer, more.pop("token", (200, TOKEN)))
    server = await asyncio.start_server(stranger.converse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    gateway = UpsGateway(the_settings(base_url=f"http://127.0.0.1:{port}", timeout_s=10, **more))
    try:
        yield stranger, gateway
    finally:
        await gateway.close()
        server.close()


def errors(code: str, message: str = "no") -> bytes:
    return json.dumps({"response": {"errors": [{"code": code, "message": message}]}}).encode()


def lines_of(head: str) -> dict[str, str]:
    return {one.partition(":")[0].lower(): one.partition(": ")[2] for one in head.split("\r\n")[1:]}


async def test_the_login_goes_out_as_ups_wants_it_and_then_the_token_alone() -> None:
    login = {
        "client_id": SecretStr("clientIdExample01"),
        "client_secret": SecretStr("clientSecretExample02"),
    }
    async with met((200, CREATED), **login) as (stranger, gateway):
        label = await gateway.buy(a_request(), Prepared(None))

    asked, sold = stranger.heads
    assert asked.startswith("POST /security/v1/oauth/token HTTP/1.1")
    assert lines_of(asked)["authorization"] == "Basic Y2xpZW50SWRFeGFtcGxlMDE6Y2xpZW50U2VjcmV0RXhhbXBsZTAy"
    assert lines_of(asked)["x-merchant-id"] == "CD0001"
    assert lines_of(asked)["content-type"] == "application/x-www-form-urlencoded"
    assert sold.startswith("POST /api/shipments/v2409/ship HTTP/1.1")
    assert lines_of(sold)["authorization"] == "Bearer eyJhbGciOiJSUzM4NCJ9.c2FtcGxl.c2ln"
    assert 1 <= len(lines_of(sold)["transid"]) <= 32
    assert lines_of(sold)["transactionsrc"] == "crossdock"
    assert label.tracking_number == "1ZCD0001DE04000018"


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>maintenance</html>"),
        (200, b""),
        (200, b"[]"),
        (200, json.dumps(NO_LABEL).encode()),
        (200, CREATED.replace(b'"ZPL",', b'"GIF",')),
        (200, CREATED, {"content-length": "100000"}),
        (302, b"", {"location": "/elsewhere"}),
        (400, b""),
        (400, b'{"response": {"errors": []}}'),
        (400, b'{"error": "of somebody in between"}'),
        (408, errors("990001")),
        (413, b"<html>too large</html>"),
        (500, errors("990001")),
        (503, b""),
    ],
)
async def test_a_sale_whose_answer_cannot_be_used_is_unknown_and_asked_for_once(answer: Answer) -> None:
    async with met(answer) as (stranger, gateway):
        with pytest.raises(CarrierOutcomeUnknown):
            await gateway.buy(a_request(), Prepared(None))

    assert [one.split(" ")[1] for one in stranger.heads[1:]] == ["/api/shipments/v2409/ship"]


async def test_a_refusal_in_their_form_is_one_whatever_its_number() -> None:
    async with met((400, (SAMPLES / "error.json").read_bytes())) as (_, gateway):
        with pytest.raises(CarrierRejected) as refused:
            await gateway.buy(a_request(), Prepared(None))

    assert (refused.value.code, refused.value.field) == ("120500", "ship_to.name")


@pytest.mark.parametrize(
    "answer",
    [
        (401, b"{}"),
        (403, b""),
        (404, b"<html>"),
        (405, b""),
        (400, errors("250003")),
        (400, errors("120100")),
    ],
)
async def test_a_login_that_may_not_sell_needs_a_person(answer: Answer) -> None:
    async with met(answer) as (_, gateway):
        with pytest.raises(CarrierMisconfigured):
            await gateway.buy(a_request(), Prepared(None))


async def test_a_token_that_is_never_taken_is_asked_for_twice_and_no_more() -> None:
    async with met((401, errors("250003"))) as (stranger, gateway):
        with pytest.raises(CarrierMisconfigured):
            await gateway.buy(a_request(), Prepared(None))

    assert len(stranger.heads) == 4


@pytest.mark.parametrize(
    ("token", "stopped"),
    [
        ((401, errors("250002")), CarrierMisconfigured),
        ((404, b""), CarrierMisconfigured),
        ((200, b"{}"), CarrierUnavailable),
        ((200, b'{"access_token": "", "expires_in": "14399"}'), CarrierUnavailable),
        ((200, b'{"access_token": "t", "expires_in": "0"}'), CarrierUnavailable),
        ((302, b""), CarrierUnavailable),
        ((408, b""), CarrierUnavailable),
        ((429, b""), CarrierUnavailable),
        ((503, b""), CarrierUnavailable),
    ],
)
async def test_without_a_token_nothing_else_is_called(token: Answer, stopped: type[Exception]) -> None:
    async with met((200, CREATED), token=token) as (stranger, gateway):
        with pytest.raises(stopped):
            await gateway.buy(a_request(), Prepared(None))

    assert len(stranger.heads) == 1


@pytest.mark.parametrize("answer", [(429, b""), (400, errors("10429"))])
async def test_slowing_down_is_no_outcome_whatever_the_status(answer: Answer) -> None:
    async with met(answer) as (_, gateway):
        with pytest.raises(CarrierUnavailable):
            await gateway.buy(a_request(), Prepared(None))


@pytest.mark.parametrize(
    ("given", "retry_after_s"), [("17", 17.0), ("999999", 3600.0), ("Sat, 21 Nov 2026 08:00:00 GMT", None)]
)
async def test_slowing_down_is_for_as_long_as_they_say(given: str, retry_after_s: float | None) -> None:
    async with met((429, b"{}", {"retry-after": given})) as (_, gateway):
        with pytest.raises(CarrierUnavailable) as asked:
            await gateway.buy(a_request(), Prepared(None))

    assert asked.value.retry_after_s == retry_after_s


@pytest.mark.parametrize(
    ("answer", "stopped"),
    [
        ((200, b"[]"), CarrierOutcomeUnknown),
        ((200, b'{"LabelRecoveryResponse": {}}'), CarrierOutcomeUnknown),
        ((400, errors("300001", "No label found")), CarrierOutcomeUnknown),
        ((404, errors("300001", "No label found")), CarrierOutcomeUnknown),
        ((404, b""), CarrierMisconfigured),
        ((500, b""), CarrierUnavailable),
        ((400, b""), CarrierUnavailable),
    ],
)
async def test_no_answer_to_a_question_proves_that_nothing_was_sold(
    answer: Answer, stopped: type[Exception]
) -> None:
    async with met(answer) as (_, gateway):
        with pytest.raises(stopped):
            await gateway.find(a_request(), None)


@pytest.mark.parametrize(
    ("code", "outcome"), [("1", VoidOutcome.VOIDED), ("0", VoidOutcome.REJECTED), ("7", VoidOutcome.REJECTED)]
)
async def test_a_void_is_done_where_they_say_so(code: str, outcome: VoidOutcome) -> None:
    answer = {"VoidShipmentResponse": {"SummaryResult": {"Status": {"Code": code, "Description": "?"}}}}
    async with met((200, json.dumps(answer).encode())) as (stranger, gateway):
        assert await gateway.void("1ZCD0001/18") is outcome

    assert stranger.heads[1].startswith("DELETE /api/shipments/v2409/void/cancel/1ZCD0001%2F18 HTTP/1.1")


@pytest.mark.parametrize("answer", [(200, b"{}"), (400, b""), (502, b"")])
async def test_a_void_that_cannot_be_read_is_asked_for_again(answer: Answer) -> None:
    async with met(answer) as (_, gateway):
        with pytest.raises(CarrierUnavailable):
            await gateway.void("1ZCD0001DE04000018")

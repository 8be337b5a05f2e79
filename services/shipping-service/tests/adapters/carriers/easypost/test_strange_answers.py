"""The gateway against answers that no well-behaved server gives, and what it sends to whom."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from shipping_service.adapters.carriers.easypost.client import EasyPostGateway
from shipping_service.adapters.carriers.easypost.settings import EasyPostSettings
from shipping_service.adapters.carriers.easypost.tests.examples import SAMPLES, a_request
from shipping_service.domain.consignment import DocumentKind
from shipping_service.use_cases.ports import (
    CarrierMisconfigured,
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    Prepared,
)

Answer = tuple[int, bytes] | tuple[int, bytes, Mapping[str, str]]

SHIPMENT = "GET /v2/shipments/shp_4be1"
BUY = "POST /v2/shipments/shp_4be1/buy"
REFUND = "POST /v2/shipments/shp_4be1/refund"
LABEL = "GET /files/label.pdf"
INVOICE = "GET /files/invoice.pdf"
PDF = b"%PDF-1.4 a label"


@dataclass(slots=True)
class Stranger:
    """Answers each request from its list, the last one for ever; keeps the heads that came."""

    answers: dict[str, Sequence[Answer]]
    url: str = ""
    heads: list[str] = field(default_factory=list)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        lower = head.lower()
        if "content-length:" in lower:
            await reader.readexactly(int(lower.split("content-length:")[1].split("\r\n")[0]))
        asked = head.split(" HTTP/")[0]
        answers = self.answers.get(asked, [(404, b"")])
        status, body, *more = answers[0]
        if len(answers) > 1:
            self.answers[asked] = answers[1:]
        headers = {"content-length": str(len(body)), "connection": "close", **(more[0] if more else {})}
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        writer.close()

    def head_of(self, asked: str) -> str:
        return next(head for head in self.heads if head.startswith(asked))


@asynccontextmanager
async def met(answers: dict[str, Sequence[Answer]]) -> AsyncIterator[tuple[Stranger, EasyPostGateway]]:
    """A gateway that meets a stranger; `{url}` in an answer becomes the stranger's address."""
    stranger = Stranger({})
    server = await asyncio.start_server(stranger.converse, "127.0.0.1", 0)
    stranger.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for asked, given in answers.items():
        stranger.answers[asked] = [
            (one[0], one[1].replace(b"{url}", stranger.url.encode()), *one[2:]) for one in given
        ]
    gateway = EasyPostGateway(
        EasyPostSettings(api_key=SecretStr("EZTKexampleKey000000"), base_url=stranger.url, timeout_s=10)
    )
    try:
        yield stranger, gateway
    finally:
        await gateway.close()
        server.close()


def a_shipment(sample: str, **changes: Any) -> bytes:
    shipment = json.loads((SAMPLES / sample).read_bytes())
    if shipment["postage_label"]:
        shipment["postage_label"]["label_url"] = "{url}/files/label.pdf"
        shipment["forms"][0]["form_url"] = "{url}/files/invoice.pdf"
    return json.dumps(shipment | changes).encode()


def a_purchase(*answers: Answer) -> dict[str, Sequence[Answer]]:
    """A shipment waits to be bought, its purchase is answered as given; its files are there."""
    return {
        SHIPMENT: [(200, a_shipment("create.json"))],
        BUY: answers,
        LABEL: [(200, PDF)],
        INVOICE: [(200, PDF)],
    }


async def test_the_key_goes_to_the_api_and_never_to_where_the_files_are() -> None:
    async with met(a_purchase((200, a_shipment("bought.json")))) as (stranger, gateway):
        label = await gateway.buy(a_request(), Prepared("shp_4be1"))

    assert "authorization: Basic RVpUS2V4YW1wbGVLZXkwMDAwMDA6\r\n".lower() in stranger.head_of(BUY).lower()
    assert "authorization" not in stranger.head_of(LABEL).lower()
    assert "authorization" not in stranger.head_of(INVOICE).lower()
    assert [one.kind for one in label.documents] == [DocumentKind.LABEL, DocumentKind.COMMERCIAL_INVOICE]


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>maintenance</html>"),
        (200, b""),
        (200, b"[]"),
        (200, a_shipment("bought.json", id="shp_0")),
        (200, a_shipment("create.json")),
        (200, a_shipment("bought.json", selected_rate={"id": "rate_a3"})),
        (200, a_shipment("bought.json", tracking_code=None)),
        (200, a_shipment("bought.json"), {"content-length": "100000"}),
        (302, b"", {"location": "{url}/v2/elsewhere"}),
        (408, b'{"error": {"code": "TIMEOUT", "message": "", "errors": []}}'),
        (422, b'{"error": {"code": "SHIPMENT.POSTAGE.NO_RESPONSE", "message": "", "errors": []}}'),
        (422, b'{"error": {"code": "SHIPMENT.PURCHASE.IN_PROGRESS", "message": "", "errors": []}}'),
        (502, b"<html>bad gateway</html>"),
        (503, b""),
    ],
)
async def test_a_purchase_whose_answer_cannot_be_read_is_unknown(answer: Answer) -> None:
    async with met(a_purchase(answer)) as (_, gateway):
        with pytest.raises(CarrierOutcomeUnknown):
            await gateway.buy(a_request(), Prepared("shp_4be1"))


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (
            402,
            b'{"error": {"code": "INSUFFICIENT_FUNDS", "message": "", "errors": []}}',
            "INSUFFICIENT_FUNDS",
        ),
        (422, (SAMPLES / "error.json").read_bytes(), "SHIPMENT.POSTAGE.FAILURE"),
        (400, b'{"error": {"code": "BAD_REQUEST", "message": "", "errors": null}}', "BAD_REQUEST"),
        (413, b"<html>too large</html>", "http_413"),
        (422, b'{"error": "Hauptstrasse 1"}', "http_422"),
    ],
)
async def test_a_purchase_that_is_refused_keeps_the_code(status: int, body: bytes, code: str) -> None:
    async with met(a_purchase((status, body))) as (_, gateway):
        with pytest.raises(CarrierRejected) as refused:
            await gateway.buy(a_request(), Prepared("shp_4be1"))

    assert refused.value.code == code


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_an_account_that_may_not_buy_needs_a_person(status: int) -> None:
    async with met(a_purchase((status, b"{}"))) as (_, gateway):
        with pytest.raises(CarrierMisconfigured):
            await gateway.buy(a_request(), Prepared("shp_4be1"))


@pytest.mark.parametrize(
    ("given", "retry_after_s"), [("17", 17.0), ("999999", 3600.0), ("Sat, 21 Nov 2026 08:00:00 GMT", None)]
)
async def test_slowing_down_is_for_as_long_as_they_say(given: str, retry_after_s: float | None) -> None:
    async with met(a_purchase((429, b"{}", {"retry-after": given}))) as (_, gateway):
        with pytest.raises(CarrierUnavailable) as asked:
            await gateway.buy(a_request(), Prepared("shp_4be1"))

    assert asked.value.retry_after_s == retry_after_s


async def test_a_purchase_overtaken_by_another_gives_that_ones_label() -> None:
    answers = a_purchase(
        (422, b'{"error": {"code": "SHIPMENT.POSTAGE.EXISTS", "message": "", "errors": []}}')
    )
    answers[SHIPMENT] = [(200, a_shipment("create.json")), (200, a_shipment("bought.json"))]

    async with met(answers) as (_, gateway):
        label = await gateway.buy(a_request(), Prepared("shp_4be1"))

    assert label.tracking_number == "LZ556677887US"


@pytest.mark.parametrize("file", [(404, b"gone"), (500, b""), (200, b"<html>log in</html>"), (200, b"")])
async def test_a_paid_label_whose_file_does_not_come_is_unknown_until_it_does(file: Answer) -> None:
    answers = a_purchase((200, a_shipment("bought.json")))
    answers[SHIPMENT] = [(200, a_shipment("create.json")), (200, a_shipment("bought.json"))]
    answers[LABEL] = [file, file, (200, PDF)]

    async with met(answers) as (_, gateway):
        with pytest.raises(CarrierOutcomeUnknown):
            await gateway.buy(a_request(), Prepared("shp_4be1"))
        with pytest.raises(CarrierUnavailable):
            await gateway.find(a_request(), "shp_4be1")
        found = await gateway.find(a_request(), "shp_4be1")

    assert found is not None
    assert found.documents[0].content == PDF


async def test_an_id_with_more_in_it_asks_for_nothing_else() -> None:
    async with met({}) as (stranger, gateway):
        with pytest.raises(CarrierMisconfigured):
            await gateway.void("../trackers/trk_1?#")

    assert stranger.heads[0].startswith("GET /v2/shipments/..%2Ftrackers%2Ftrk_1%3F%23 HTTP/1.1")


@pytest.mark.parametrize(
    "url", ["ftp://files.example/pl_1.pdf", "file:///etc/passwd", "no address", "http://[/"]
)
async def test_a_file_is_fetched_over_http_or_not_at_all(url: str) -> None:
    shipment = a_shipment("bought.json", postage_label={"label_url": url})

    async with met({SHIPMENT: [(200, shipment)]}) as (_, gateway):
        with pytest.raises(CarrierUnavailable):
            await gateway.find(a_request(), "shp_4be1")


async def test_a_refund_status_that_we_do_not_know_is_asked_about_again() -> None:
    shipment = a_shipment("bought.json", refund_status="on_hold")

    async with met({SHIPMENT: [(200, shipment)]}) as (_, gateway):
        with pytest.raises(CarrierUnavailable):
            await gateway.void_state("shp_4be1")
        with pytest.raises(CarrierUnavailable):
            await gateway.void("shp_4be1")


async def test_a_refund_that_is_answered_without_a_status_is_asked_for_again() -> None:
    answers: dict[str, Sequence[Answer]] = {
        SHIPMENT: [(200, a_shipment("bought.json"))],
        REFUND: [(200, a_shipment("bought.json"))],
    }

    async with met(answers) as (_, gateway):
        with pytest.raises(CarrierUnavailable):
            await gateway.void("shp_4be1")


@pytest.mark.parametrize(
    "answer", [(200, a_shipment("create.json", id="shp_0")), (200, b"no"), (503, b""), (302, b"")]
)
async def test_a_question_that_is_answered_strangely_is_asked_again(answer: Answer) -> None:
    async with met({SHIPMENT: [answer]}) as (_, gateway):
        with pytest.raises(CarrierUnavailable):
            await gateway.find(a_request(), "shp_4be1")

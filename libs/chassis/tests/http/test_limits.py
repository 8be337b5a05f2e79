"""Over real connections: what a client may send is decided while it is sending."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from crossdock_chassis.config import ServiceSettings
from crossdock_chassis.http import Limit, create_app
from crossdock_chassis.logging import configure_logging
from crossdock_chassis.serving import HttpServer

SETTINGS = ServiceSettings(
    database_url="postgresql+asyncpg://nobody@127.0.0.1:1/none",  # type: ignore[arg-type]
    kafka_bootstrap_servers="127.0.0.1:1",
    http_port=0,
)
SMALL = Limit(body_bytes=1_000, receive_s=0.3)


@asynccontextmanager
async def a_port() -> AsyncIterator[int]:
    router = APIRouter()

    @router.post("/webhooks/{platform}")
    @router.post("/v1/echo")
    async def echo(request: Request) -> Response:
        return Response(str(len(await request.body())))

    app = create_app("demo", "1", database=None, routers=[router], limits={"/webhooks/": SMALL})  # type: ignore[arg-type]
    server = HttpServer(app, SETTINGS, with_api=True)
    running = asyncio.create_task(server.run())
    await server.listening.wait()
    try:
        yield server.port
    finally:
        await server.stop()
        await running


async def exchange(port: int, *pieces: bytes, pause_s: float = 0.0) -> tuple[int, Mapping[str, object]]:
    """Send the pieces one after another; the answer's status and document.

    The answer is read as it comes: the server closes after a refusal, and what is sent to it then resets the
    connection under an answer that still waits to be read.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(5):
            reading = asyncio.create_task(read_answer(reader))
            for piece in pieces:
                if reading.done():
                    break
                writer.write(piece)
                await asyncio.sleep(pause_s)
            return await reading
    finally:
        writer.transport.abort()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, Mapping[str, object]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
    found = json.loads(await reader.readexactly(length))
    return int(head.split()[1]), found if isinstance(found, dict) else {"body": found}


def head(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "host: a", *headers, "", ""]).encode()


CHUNKED = "transfer-encoding: chunked"


def chunk(size: int) -> bytes:
    return f"{size:x}\r\n".encode() + b"x" * size + b"\r\n"


async def test_a_body_within_its_limit_arrives() -> None:
    async with a_port() as port:
        answer = await exchange(port, head("/webhooks/a", CHUNKED), chunk(500), chunk(500), b"0\r\n\r\n")

    assert answer == (200, {"body": 1000})


async def test_an_announced_size_that_is_too_large_is_refused_before_the_body() -> None:
    async with a_port() as port:
        status, problem = await exchange(port, head("/webhooks/a", "content-length: 1001"))

    assert (status, problem["type"]) == (413, "/problems/too-large")


async def test_a_body_that_announces_nothing_is_counted_while_it_streams() -> None:
    async with a_port() as port:
        status, problem = await exchange(port, head("/webhooks/a", CHUNKED), *[chunk(300)] * 4)

    assert (status, problem["type"]) == (413, "/problems/too-large")


async def test_a_body_that_trickles_is_cut_off_at_the_deadline_for_the_whole() -> None:
    async with a_port() as port:
        status, problem = await exchange(port, head("/webhooks/a", CHUNKED), *[chunk(1)] * 20, pause_s=0.05)

    assert (status, problem["type"]) == (408, "/problems/too-slow")


async def test_the_limit_of_the_longest_prefix_counts_and_others_have_the_ordinary_one() -> None:
    async with a_port() as port:
        elsewhere = await exchange(port, head("/v1/echo", CHUNKED), chunk(1001), b"0\r\n\r\n")

    assert elsewhere == (200, {"body": 1001})


async def test_too_many_headers_are_refused() -> None:
    async with a_port() as port:
        status, problem = await exchange(port, head("/v1/echo", *[f"x-{n}: 1" for n in range(101)]))

    assert (status, problem["type"]) == (431, "/problems/too-many-headers")


async def test_a_client_that_goes_away_in_the_middle_is_nobodys_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handlers = logging.getLogger().handlers
    configure_logging("demo")
    async with a_port() as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head("/v1/echo", "content-length: 1000") + b"x" * 10)
        await asyncio.sleep(0.1)
        writer.transport.abort()
        await asyncio.sleep(0.1)
        assert await exchange(port, head("/v1/echo", "content-length: 1"), b"x") == (200, {"body": 1})
    logging.getLogger().handlers = handlers

    assert '"level": "error"' not in capsys.readouterr().out

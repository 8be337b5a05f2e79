"""Against servers that misbehave, each in its own way, on real sockets."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from crossdock_chassis.outgoing import open_http_client
from crossdock_chassis.telemetry import current_trace_id, span

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def a_server(converse: Conversation) -> AsyncIterator[str]:
    """A TCP server that treats every connection as `converse` says; the address."""
    open_writers = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.add(writer)
        try:
            await converse(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in open_writers:
            writer.transport.abort()


async def read_head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


async def send(writer: asyncio.StreamWriter, answer: bytes) -> None:
    writer.write(answer)
    await writer.drain()


async def test_an_answer_comes_back_with_its_body_and_status() -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        await send(writer, b'HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\n{"id": 17}')

    async with a_server(converse) as url, open_http_client("parrot", url) as client:
        response = await client.post("/consignments", json={"weight_g": 1})

    assert response.status_code == 201
    assert response.json() == {"id": 17}


async def test_a_refused_connection_is_known_not_to_be_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_again:
        port = closed_again.getsockname()[1]

    async with open_http_client("parrot", f"http://127.0.0.1:{port}") as client:
        with pytest.raises(httpx.ConnectError):
            await client.post("/")


async def test_a_name_that_does_not_exist_is_known_not_to_be_sent() -> None:
    async with open_http_client("parrot", "http://nowhere.invalid", connect_timeout_s=3) as client:
        with pytest.raises(NOT_SENT):
            await client.post("/")


async def test_a_certificate_we_do_not_trust_is_known_not_to_be_sent() -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await send(writer, b"this is no TLS")

    async with a_server(converse) as url:
        secure = url.replace("http://", "https://")
        async with open_http_client("parrot", secure, tls=ssl.create_default_context()) as client:
            with pytest.raises(httpx.ConnectError):
                await client.post("/")


async def test_a_handshake_that_never_ends_is_known_not_to_be_sent() -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with a_server(converse) as url:
        secure = url.replace("http://", "https://")
        async with open_http_client("parrot", secure, timeout_s=5, connect_timeout_s=0.2) as client:
            with pytest.raises(NOT_SENT):
                await client.post("/")


async def test_waiting_for_a_free_connection_is_known_not_to_be_sent() -> None:
    arrived = asyncio.Event()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        arrived.set()
        await reader.read()

    async with a_server(converse) as url:
        client = open_http_client("parrot", url, max_connections=1, timeout_s=5, connect_timeout_s=0.2)
        async with client:
            first = asyncio.create_task(client.post("/"))
            await arrived.wait()
            with pytest.raises(NOT_SENT):
                await client.post("/")
            first.cancel()


async def test_a_server_that_never_answers_leaves_the_outcome_unknown_after_the_deadline() -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with a_server(converse) as url, open_http_client("parrot", url, timeout_s=0.2) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/")


async def test_a_server_that_drips_is_cut_off_at_the_total_deadline() -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        await send(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while not writer.is_closing():
            await send(writer, b".")
            await asyncio.sleep(0.02)

    async with a_server(converse) as url, open_http_client("parrot", url, timeout_s=0.3) as client:
        async with asyncio.timeout(2):
            with pytest.raises(httpx.ReadTimeout):
                await client.post("/")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="before the answer"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-le", id="in the middle of the headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", id="in the middle of the body"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", id="in a chunk"),
        pytest.param(b"SMTP ready\r\n\r\n", id="after something that is not HTTP"),
    ],
)
async def test_a_connection_dropped_after_sending_leaves_the_outcome_unknown(answer: bytes) -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        await send(writer, answer)

    async with a_server(converse) as url, open_http_client("parrot", url, timeout_s=5) as client:
        with pytest.raises(httpx.TransportError) as raised:
            await client.post("/", json={"a": 1})

    assert not isinstance(raised.value, NOT_SENT)


async def test_a_connection_reset_after_sending_leaves_the_outcome_unknown() -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
        )
        writer.transport.abort()

    async with a_server(converse) as url, open_http_client("parrot", url, timeout_s=5) as client:
        with pytest.raises(httpx.TransportError) as raised:
            await client.post("/", json={"a": 1})

    assert not isinstance(raised.value, NOT_SENT)


async def test_a_kept_connection_that_the_server_closes_on_the_next_post_is_not_called_unsent() -> None:
    requests = 0

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await read_head(reader)
        requests += 1
        await send(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await read_head(reader)
        requests += 1

    async with a_server(converse) as url, open_http_client("parrot", url, timeout_s=5) as client:
        await client.post("/")
        with pytest.raises(httpx.TransportError) as raised:
            await client.post("/")

    assert not isinstance(raised.value, NOT_SENT)
    assert requests == 2


async def test_an_endless_body_is_cut_off() -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        await send(writer, b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            await send(writer, b"x" * 65_536)

    client = open_http_client("parrot", timeout_s=10, max_response_bytes=100_000)
    async with a_server(converse) as url, client:
        async with asyncio.timeout(5):
            with pytest.raises(httpx.RemoteProtocolError, match="more than 100000 bytes"):
                await client.get(url)


async def test_a_compressed_answer_is_refused_because_its_size_is_not_bounded() -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await read_head(reader)
        assert b"accept-encoding: identity" in head.lower()
        await send(writer, b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc")

    async with a_server(converse) as url, open_http_client("parrot", url) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/")


async def test_redirects_are_answers_and_cookies_are_not_kept() -> None:
    heads: list[bytes] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            heads.append(await read_head(reader))
            answer = (
                b"HTTP/1.1 302 Found\r\nlocation: /b\r\nset-cookie: who=buyer-1\r\ncontent-length: 0\r\n\r\n"
            )
            await send(writer, answer)

    async with a_server(converse) as url, open_http_client("parrot", url) as client:
        first = await client.get("/a")
        await client.get("/a")

    assert first.status_code == 302
    assert [head.split()[1] for head in heads] == [b"/a", b"/a"]
    assert b"who=buyer-1" not in heads[1]


async def test_connections_are_used_again_and_carry_the_trace() -> None:
    heads: list[bytes] = []
    connections = 0

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for _ in range(2):
            heads.append(await read_head(reader))
            await send(writer, b"HTTP/1.1 204 No Content\r\n\r\n")

    async with a_server(converse) as url, open_http_client("parrot", url) as client:
        with span("an order's work"):
            trace_id = current_trace_id()
            await client.get("/")
            await client.get("/")

    assert connections == 1
    assert trace_id is not None
    assert all(f"traceparent: 00-{trace_id}-".encode() in head.lower() for head in heads)


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        await send(writer, b"HTTP/1.1 204 No Content\r\n\r\n")

    async with a_server(converse) as url, open_http_client("parrot", url) as client:
        response = await client.get("/")

    assert response.status_code == 204


class OnlyParrot(AbstractResolver):
    """Lets one name lead to this machine, and every other nowhere."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host != "parrot.example":
            raise OSError("not an address to call")
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)
        ]

    async def close(self) -> None:
        pass


async def test_a_resolver_decides_where_a_name_leads_and_the_name_is_still_what_is_asked_for() -> None:
    heads: list[bytes] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await read_head(reader))
        await send(writer, b"HTTP/1.1 204 No Content\r\n\r\n")

    async with a_server(converse) as url, open_http_client("parrot", resolver=OnlyParrot()) as client:
        port = url.rsplit(":", 1)[1]
        allowed = await client.post(f"http://parrot.example:{port}/")
        with pytest.raises(NOT_SENT):
            await client.post(f"http://evil.example:{port}/")

    assert allowed.status_code == 204
    assert f"host: parrot.example:{port}".encode() in heads[0].lower()
    assert len(heads) == 1

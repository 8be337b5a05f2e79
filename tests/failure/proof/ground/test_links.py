"""Every verb of a link, between a real client and a real echo server."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crossdock_cli.embedded.launch import LOOPBACK, free_port

from .links import Link, Links, Wire


@dataclass
class EchoServer:
    """Answers every line with itself; `heard` holds the lines, `reads` what single reads gave."""

    port: int
    heard: list[bytes] = field(default_factory=list)
    reads: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = b""
        try:
            while piece := await reader.read(65_536):
                self.reads.append(piece)
                line += piece
                if line.endswith(b"\n"):
                    self.heard.append(line)
                    writer.write(line)
                    line = b""
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[EchoServer]:
    echo = EchoServer(free_port())
    async with await asyncio.start_server(echo.serve, LOOPBACK, echo.port):
        yield echo


@pytest.fixture
async def link(server: EchoServer, tmp_path: Path) -> AsyncIterator[Link]:
    async with Links({"echo": Wire(free_port(), server.port)}, log=tmp_path / "links.log") as links:
        yield links.by_name["echo"]


Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(link: Link) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(LOOPBACK, link.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def ask(client: Client, line: bytes, *, within_s: float = 5) -> bytes:
    client[1].write(line)
    return await asyncio.wait_for(client[0].readline(), within_s)


async def test_a_whole_link_forwards_both_ways(link: Link) -> None:
    async with connected(link) as client:
        assert await ask(client, b"hello\n") == b"hello\n"


async def test_a_cut_link_drops_what_is_connected_and_refuses_what_comes(link: Link) -> None:
    async with connected(link) as client:
        await ask(client, b"hello\n")

        await link.cut()

        with pytest.raises(ConnectionResetError):
            await client[0].readline()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(LOOPBACK, link.port)


async def test_a_cut_link_carries_again_once_it_is_healed(link: Link) -> None:
    await link.cut()

    await link.heal()

    async with connected(link) as client:
        assert await ask(client, b"hello\n") == b"hello\n"


async def test_a_link_without_answers_lets_the_request_do_its_work(link: Link, server: EchoServer) -> None:
    async with connected(link) as client:
        await ask(client, b"before\n")
        await link.cut_answers()

        with pytest.raises(TimeoutError):
            await ask(client, b"work\n", within_s=0.3)

        assert server.heard == [b"before\n", b"work\n"]
        await link.heal()
        with pytest.raises(ConnectionResetError):  # a stream with a hole in it must not go on
            await client[0].readline()


async def test_a_silent_link_accepts_and_delivers_late(link: Link, server: EchoServer) -> None:
    async with connected(link) as old:
        await ask(old, b"before\n")
        await link.silence()

        async with connected(link) as new:
            for client in (old, new):
                with pytest.raises(TimeoutError):
                    await ask(client, b"late\n", within_s=0.3)
            assert server.heard == [b"before\n"]
            await link.heal()

            for client in (old, new):
                assert await asyncio.wait_for(client[0].readline(), 5) == b"late\n"


async def test_a_slow_link_takes_its_time_in_each_direction(link: Link) -> None:
    await link.slow(0.15, 0.05)
    async with connected(link) as client:
        began = time.monotonic()

        assert await ask(client, b"hello\n") == b"hello\n"

        assert 0.3 <= time.monotonic() - began < 3


async def test_a_narrow_link_lets_through_so_many_bytes_a_second(link: Link, server: EchoServer) -> None:
    await link.slow(0, bytes_per_s=10_000)
    async with connected(link) as client:
        began = time.monotonic()

        client[1].write(b"x" * 4_999 + b"\n")
        while not server.heard:  # noqa: ASYNC110  the server runs beside us
            await asyncio.sleep(0.01)

        assert 0.35 <= time.monotonic() - began < 3


async def test_a_sliced_link_delivers_all_of_it_in_tiny_pieces(link: Link, server: EchoServer) -> None:
    await link.slice()
    async with connected(link) as client:
        line = bytes(range(11, 211)) + b"\n"

        assert await ask(client, line) == line

        assert len(server.reads) > 10
        assert b"".join(server.reads) == line


async def test_a_reset_breaks_a_connection_in_the_middle_of_its_answer(
    link: Link, server: EchoServer
) -> None:
    async with connected(link) as client:
        await ask(client, b"before\n")
        resetting = asyncio.create_task(link.reset())
        await asyncio.sleep(0.1)

        client[1].write(b"x" * 1_000 + b"\n")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(client[0].readexactly(1_001), 5)

        assert server.heard[-1] == b"x" * 1_000 + b"\n"
        await resetting


async def test_a_reset_breaks_idle_connections_and_no_later_ones(link: Link) -> None:
    async with connected(link) as idle:
        await ask(idle, b"before\n")

        await link.reset()

        with pytest.raises(ConnectionResetError):
            await idle[0].readline()
        async with connected(link) as later:
            assert await ask(later, b"after\n") == b"after\n"


async def test_a_link_to_nobody_ends_what_connects(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind((LOOPBACK, 0))  # and does not listen, so that nobody else can either
        wires = {"dead": Wire(free_port(), nobody.getsockname()[1])}
        async with Links(wires, log=tmp_path / "log") as links:
            with pytest.raises(ConnectionResetError):
                async with connected(links.by_name["dead"]) as client:
                    await client[0].readline()


async def test_a_client_that_has_said_all_ends_both_sides(link: Link, server: EchoServer) -> None:
    async with connected(link) as client:
        await ask(client, b"hello\n")

        client[1].write_eof()

        assert await asyncio.wait_for(client[0].read(), 5) == b""

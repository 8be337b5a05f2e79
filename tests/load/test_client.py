"""The load's client: it counts what it gets, however it is cut, and says when it gets something else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import BytesIO

import pytest

from crossdock_cli.embedded.launch import LOOPBACK

from .client import AGAIN_AFTER_S, LENGTH_BYTES, Sending, answer_length, read_requests, send_all
from .deliveries import deliveries

PIECES = (b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 2\r\n\r\no", b"k")


@pytest.mark.parametrize(
    ("received", "length"),
    [
        (b"HTTP/1.1 200 OK\r\n", None),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 27),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", 43),
    ],
)
def test_an_answer_is_as_long_as_its_head_tells(received: bytes, length: int | None) -> None:
    assert answer_length(received) == length


def test_requests_come_back_as_they_were_handed_over() -> None:
    made = list(deliveries(1, 3))

    given = b"".join(len(one).to_bytes(LENGTH_BYTES) + one for one in made)

    assert read_requests(BytesIO(given)) == made
    assert len({one.split(b"\r\n\r\n", 1)[1] for one in made}) == 3


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handle: Handler) -> AsyncIterator[int]:
    """A server on a free port; at the end its connections are closed, too."""
    connections: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def one() -> None:
            await handle(reader, writer)
            writer.close()
            await writer.wait_closed()

        connections.append(asyncio.create_task(one()))

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*connections)


async def test_every_request_is_sent_once_and_answers_in_pieces_count_as_one() -> None:
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            seen.append(line)
            for piece in PIECES:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.001)

    async with serving(answer) as port:
        told = await send_all(Sending(ports=[port], clients=3), [b"%d\n" % n for n in range(10)])

    assert sorted(seen) == [b"%d\n" % n for n in range(10)]
    assert told["statuses"] == {200: 10}


async def test_a_request_that_was_refused_is_sent_again() -> None:
    statuses = iter([b"503", b"503", b"200", b"200"])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            writer.write(b"HTTP/1.1 %s Whatever\r\nContent-Length: 0\r\n\r\n" % next(statuses))

    async with serving(answer) as port:
        told = await send_all(Sending(ports=[port], clients=1), [b"one\n", b"two\n"])

    assert told["statuses"] == {503: 2, 200: 2}
    assert len(told["latencies"]) == 2
    assert told["latencies"][-1] > AGAIN_AFTER_S


async def test_a_server_that_hangs_up_is_an_error_and_no_figure() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()

    async with serving(hang_up) as port:
        with pytest.raises(OSError, match="hung up"):
            await send_all(Sending(ports=[port], clients=1), [b"one\n"])


async def test_a_latency_counts_from_the_time_its_request_was_due() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            await asyncio.sleep(0.1)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serving(answer) as port:
        told = await send_all(Sending(ports=[port], clients=1, per_s=50), [b"one\n", b"two\n", b"three\n"])

    # Due after 0, 20 and 40 ms; answered after 100, 200 and 300.
    assert [round(one, 1) for one in told["latencies"]] == [0.1, 0.2, 0.3]


async def test_nothing_is_sent_before_it_is_due() -> None:
    arrived: list[float] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            arrived.append(asyncio.get_running_loop().time())
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serving(answer) as port:
        await send_all(Sending(ports=[port], clients=3, per_s=20), [b"one\n", b"two\n", b"three\n"])

    assert arrived[-1] - arrived[0] >= 0.09


async def test_a_patient_client_comes_back_and_sends_its_request_again() -> None:
    lives = iter(["hangs up", "is broken", "works"])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            life = next(lives)
            if life == "hangs up":
                return
            status = b"500" if life == "is broken" else b"200"
            writer.write(b"HTTP/1.1 %s Whatever\r\nContent-Length: 0\r\n\r\n" % status)

    async with serving(answer) as port:
        told = await send_all(Sending(ports=[port], clients=1, patient=True), [b"one\n"])

    assert told["statuses"] == {500: 1, 200: 1}
    assert len(told["latencies"]) == 1

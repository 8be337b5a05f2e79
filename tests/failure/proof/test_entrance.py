"""One address in front of several replicas."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .entrance import Entrance


@asynccontextmanager
async def a_replica(name: str) -> AsyncIterator[str]:
    """Answers every connection with its name."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(100) + name.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()


async def ask(url: str) -> str:
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"you are ")
    answer = await reader.read()
    writer.close()
    return answer.decode()


async def test_connections_go_to_the_replicas_in_turn() -> None:
    async with a_replica("one") as one, a_replica("two") as two, Entrance([one, two]) as entrance:
        answers = [await ask(entrance.url) for _ in range(4)]

    assert answers == ["you are one", "you are two", "you are one", "you are two"]


async def test_a_replica_that_is_away_is_passed_over() -> None:
    async with a_replica("gone") as gone:
        pass
    async with a_replica("here") as here, Entrance([gone, here]) as entrance:
        answers = [await ask(entrance.url) for _ in range(3)]

    assert answers == ["you are here"] * 3


async def test_with_nobody_there_the_door_is_shut() -> None:
    async with a_replica("gone") as gone:
        pass
    async with Entrance([gone]) as entrance:
        answer = await ask(entrance.url)

    assert answer == ""

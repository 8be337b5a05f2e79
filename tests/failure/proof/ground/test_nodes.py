"""The database server of the ground, crashed, frozen and rid of its sessions."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from crossdock_cli.embedded.postgres import PostgresServer

from .nodes import Database
from .processes import Process


@pytest.fixture
async def server(reachable_folder: Path) -> AsyncIterator[tuple[PostgresServer, Database]]:
    made = PostgresServer(reachable_folder / f"ground-{uuid4().hex[:8]}", for_tests=True)
    child = made.as_child()
    process = Process(child, reachable_folder, starts=asyncio.Semaphore(1), on_event=lambda event: None)
    await process.start()
    yield made, Database(made, process)
    await process.stop()


async def connected(server: PostgresServer) -> "asyncpg.Connection[asyncpg.Record]":
    urls = await asyncio.to_thread(server.ensure_service_databases, ["order"])
    return await asyncpg.connect(urls["order"].owner_url.replace("+asyncpg", ""))


async def ends(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Within a few seconds."""
    closed = asyncio.Event()
    connection.add_termination_listener(lambda _: closed.set())
    if not connection.is_closed():
        await asyncio.wait_for(closed.wait(), 10)
    return connection.is_closed()


async def test_a_crashed_server_comes_back_with_all_that_was_committed(
    server: tuple[PostgresServer, Database],
) -> None:
    postgres, database = server
    connection = await connected(postgres)
    await connection.execute("create table kept as select 1 as one")
    before = database.pids

    away_s = await database.crash()

    assert 0 < away_s < 60
    assert not set(before) & set(database.pids)
    assert await ends(connection)
    again = await connected(postgres)
    assert await again.fetchval("select one from kept") == 1
    await again.close()


async def test_a_frozen_server_answers_late(server: tuple[PostgresServer, Database]) -> None:
    postgres, database = server
    connection = await connected(postgres)
    await database.pause()

    answer = asyncio.create_task(connection.fetchval("select 1"))
    done, _ = await asyncio.wait([answer], timeout=0.5)
    await database.resume()

    assert not done
    assert await asyncio.wait_for(answer, 10) == 1
    await connection.close()


async def test_the_sessions_of_one_service_are_ended_and_counted(
    server: tuple[PostgresServer, Database],
) -> None:
    postgres, database = server
    connection = await connected(postgres)

    assert await database.terminate_backends("shipping") == 0
    assert await database.terminate_backends("order") == 1

    assert await ends(connection)

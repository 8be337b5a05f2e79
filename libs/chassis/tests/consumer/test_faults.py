"""What a driver says when its connection goes away, against a real server behind a wire."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from crossdock_chassis.database import open_engine
from crossdock_chassis.faults import is_transient
from crossdock_cli.embedded.postgres import PostgresServer
from crossdock_cli.embedded.templates import FreshDatabase


class WireWithoutEnd:
    """Forwards what both sides say, and never that one of them has gone."""

    def __init__(self, port: int) -> None:
        self.answered = asyncio.Event()
        self._port = port

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """The port to connect to."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection("127.0.0.1", self._port)
        answering = asyncio.create_task(self._forward(answers, to_client, self.answered))
        await self._forward(client, requests, asyncio.Event())
        for writer in (requests, to_client):
            writer.close()
        await answering

    async def _forward(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, moved: asyncio.Event
    ) -> None:
        while piece := await source.read(65_536):
            sink.write(piece)
            moved.set()


async def test_a_session_the_server_has_just_ended_is_no_fault_of_the_record(
    postgres: PostgresServer, fresh_database: FreshDatabase
) -> None:
    url = make_url(fresh_database("faults").app_url)
    wire = WireWithoutEnd(postgres.port)
    async with wire.open() as port:
        engine = open_engine(url.set(port=port).render_as_string(hide_password=False))
        async with engine.connect() as connection:
            await connection.execute(text("select 1"))
            wire.answered.clear()
            await asyncio.to_thread(
                postgres.sql,
                f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{url.database}';",
            )
            await asyncio.wait_for(wire.answered.wait(), 10)

            with pytest.raises(DBAPIError, match="cannot switch to state") as caught:
                await connection.execute(text("select 1"))

            assert is_transient(caught.value)
            await connection.invalidate()
        await engine.dispose()


async def test_a_value_no_statement_can_take_is_the_records_fault(fresh_database: FreshDatabase) -> None:
    engine = open_engine(fresh_database("faults").app_url)
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError, match="int32") as caught:
            await connection.execute(text("select cast(:units as int)"), {"units": 3_000_000_000})

        assert not is_transient(caught.value)
    await engine.dispose()

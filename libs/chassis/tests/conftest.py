import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

from crossdock_chassis.database import Database, Transaction, open_engine
from crossdock_chassis.migrations import install_chassis_schema
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.templates import FreshDatabase


def prepare(owner_url: str) -> None:
    """Install the chassis's schema and a table that stands for a service's own."""

    async def install() -> None:
        engine = create_async_engine(owner_url, poolclass=pool.NullPool)
        async with engine.begin() as connection:
            await connection.run_sync(install_chassis_schema)
            await connection.exec_driver_sql(
                "create table effect (n bigint generated always as identity, event_id uuid, key text, "
                "what text, tx xid8 default pg_current_xact_id())"
            )
        await engine.dispose()

    asyncio.run(install())


@pytest.fixture
def urls(fresh_database: FreshDatabase) -> DatabaseUrls:
    return fresh_database("chassis", prepare)


@pytest.fixture
async def database(urls: DatabaseUrls) -> AsyncIterator[Database[Transaction]]:
    """The database as the service's own role sees it."""
    database = Database(open_engine(urls.app_url), Transaction)
    yield database
    await database.dispose()

"""The fixtures every other test stands on."""

import asyncio

import asyncpg
import pytest

from crossdock_cli.embedded.postgres import PostgresServer
from crossdock_cli.embedded.templates import FreshDatabase


def dsn(url: str) -> str:
    return url.replace("postgresql+asyncpg://", "postgresql://")


def create_notes(owner_url: str) -> None:
    """As Alembic does: a loop of its own inside a plain function."""

    async def run() -> None:
        owner = await asyncpg.connect(dsn(owner_url))
        await owner.execute("CREATE TABLE note (body text)")
        await owner.close()

    asyncio.run(run())


async def test_each_fresh_database_is_a_clean_copy_of_the_prepared_one(fresh_database: FreshDatabase) -> None:
    first = fresh_database("notes", create_notes)
    second = fresh_database("notes", create_notes)

    one, two = await asyncpg.connect(dsn(first.app_url)), await asyncpg.connect(dsn(second.app_url))
    await one.execute("INSERT INTO note VALUES ('mine')")
    seen = await two.fetchval("SELECT count(*) FROM note")
    await one.close()
    await two.close()

    assert seen == 0


async def test_a_fresh_database_is_used_without_the_right_to_change_tables(
    fresh_database: FreshDatabase,
) -> None:
    urls = fresh_database("notes", create_notes)
    app = await asyncpg.connect(dsn(urls.app_url))

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute("DROP TABLE note")

    await app.close()


def test_a_preparation_that_fails_can_be_tried_again(fresh_database: FreshDatabase) -> None:
    def fail(_: str) -> None:
        raise ValueError("migration is broken")

    with pytest.raises(ValueError, match="broken"):
        fresh_database("retried", fail)

    assert fresh_database("retried", create_notes).app_url.endswith("_retried")


async def test_a_database_is_dropped_even_when_a_test_left_a_connection_open(
    postgres: PostgresServer, fresh_database: FreshDatabase
) -> None:
    urls = fresh_database("notes", create_notes)
    name = urls.app_url.rpartition("/")[2]
    left_open = await asyncpg.connect(dsn(urls.app_url))

    postgres.databases.drop_database(name)

    assert postgres.sql(f"SELECT count(*) FROM pg_database WHERE datname = '{name}';") == "0"
    left_open.terminate()

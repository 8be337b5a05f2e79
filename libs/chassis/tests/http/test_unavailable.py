"""What a client is told when the database is away, busy, or says no."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from crossdock_chassis.database import Database, Transaction, open_engine
from crossdock_chassis.http import add_token
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.templates import FreshDatabase

from ..conftest import prepare
from .demo import a_client

WISH = {"what": "ship", "units": 1}


@pytest.fixture
async def small(fresh_database: FreshDatabase) -> AsyncIterator[Database[Transaction]]:
    """A database with one connection in its pool."""
    urls: DatabaseUrls = fresh_database("chassis", prepare)
    database = Database(open_engine(urls.app_url, pool_size=1, max_overflow=0), Transaction)
    yield database
    await database.dispose()


async def test_a_database_that_is_away_is_a_503_to_come_back_to() -> None:
    away = Database(open_engine("postgresql+asyncpg://demo_app:s3cret@127.0.0.1:1/none"), Transaction)

    async with a_client(away) as client:
        response = await client.get("/v1/effects", headers={"authorization": f"Bearer cd_{'a' * 43}"})

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json()["type"] == "/problems/unavailable"


async def test_waiting_too_long_for_a_connection_is_a_503(small: Database[Transaction]) -> None:
    token = await add_token(small, name="console", merchant_id="default", scopes=["orders:read"])

    async with small.engine.connect(), a_client(small) as client, asyncio.timeout(4):
        response = await client.get("/v1/effects", headers={"authorization": f"Bearer {token}"})

    assert response.status_code == 503


async def test_waiting_too_long_for_a_lock_is_a_503_and_nothing_was_done(
    database: Database[Transaction],
) -> None:
    token = await add_token(
        database, name="console", merchant_id="default", scopes=["orders:read", "orders:write"]
    )

    async with a_client(database) as client, database.engine.connect() as blocker:
        client.headers["authorization"] = f"Bearer {token}"
        await blocker.execute(text("lock table effect in share mode"))
        refused = await client.post("/v1/effects", json=WISH)
        await blocker.rollback()
        left = (await client.get("/v1/effects")).json()["items"]

    assert refused.status_code == 503
    assert left == []


async def test_text_that_no_database_can_hold_is_the_clients_to_mend(database: Database[Transaction]) -> None:
    token = await add_token(
        database, name="console", merchant_id="default", scopes=["orders:read", "orders:write"]
    )

    async with a_client(database) as client:
        client.headers["authorization"] = f"Bearer {token}"
        refused = await client.post("/v1/effects", json={"what": "a\0b", "units": 1})
        left = (await client.get("/v1/effects")).json()["items"]

    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/unstorable-text")
    assert left == []


async def test_the_values_of_a_failed_statement_stay_out_of_its_text(database: Database[Transaction]) -> None:
    insert = text(
        "insert into api_token (token_id, token_sha256, name, merchant_id, scopes) "
        "values (gen_random_uuid(), '', :name, null, '{}')"
    )

    with pytest.raises(IntegrityError) as raised:
        async with database.transaction() as tx:
            await tx.connection.execute(insert, {"name": "jane@example.org"})

    assert "jane" not in str(raised.value).partition("DETAIL")[0]

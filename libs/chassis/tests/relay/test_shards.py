"""Who owns which shards."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.shards import Shards
from crossdock_cli.embedded.databases import DatabaseUrls


@pytest.fixture
async def pair(urls: DatabaseUrls) -> AsyncIterator[tuple[Shards, Shards]]:
    one, other = Shards(urls.app_url), Shards(urls.app_url)
    yield one, other
    await one.close()
    await other.close()


async def test_a_relay_that_joins_gets_half_and_one_that_leaves_gives_all(
    pair: tuple[Shards, Shards],
) -> None:
    one, other = pair

    await one.share()
    alone = len(one.owned)
    await other.share()
    await one.share()
    await other.share()
    shared = len(one.owned), len(other.owned), len(one.owned | other.owned)
    await one.close()
    with capture_logs() as logged:
        await other.share()

    assert alone == 64
    assert shared == (32, 32, 64)
    assert len(other.owned) == 64
    assert [(line["event"], line["shards"]) for line in logged] == [("relay.taken_over", 32)]


async def test_only_one_relay_rebuilds_and_the_rest_give_way(pair: tuple[Shards, Shards]) -> None:
    one, other = pair
    for shards in (one, other, one, other):
        await shards.share()

    first = await one.take_all()
    second = await other.take_all()
    third = await one.take_all()

    assert (first, second, third) == (False, False, True)
    assert (len(one.owned), len(other.owned)) == (64, 0)


async def test_a_lost_session_owns_nothing_until_another_is_open(
    pair: tuple[Shards, Shards], database: Database[Transaction]
) -> None:
    one, _ = pair
    await one.share()
    async with database.engine.connect() as connection:
        await connection.execute(
            text(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                " where datname = current_database() and application_name = 'crossdock relay locks'"
            )
        )

    with pytest.raises(DBAPIError):
        await one.share()
    await one.lose()
    owned = len(one.owned)
    await one.share()

    assert owned == 0
    assert len(one.owned) == 64

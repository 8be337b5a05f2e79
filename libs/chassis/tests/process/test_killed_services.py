"""The promise as a whole: two services are killed in turn, and every event has its effect once, in order."""

import asyncio
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from crossdock_chassis.database import Database, Transaction, open_engine
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.tansu import TansuBroker
from crossdock_cli.embedded.templates import FreshDatabase

from ..conftest import prepare

ORDERS, VERSIONS = 10, 30
Spawn = Callable[[str, DatabaseUrls], "subprocess.Popen[bytes]"]


@pytest.fixture
def spawn(broker: TansuBroker) -> Iterator[Spawn]:
    running: list[subprocess.Popen[bytes]] = []

    def spawn(role: str, urls: DatabaseUrls) -> subprocess.Popen[bytes]:
        script = Path(__file__).with_name("talker.py")
        running.append(
            subprocess.Popen([sys.executable, str(script), role, urls.app_url, broker.bootstrap_servers])
        )
        return running[-1]

    yield spawn
    for process in running:
        process.kill()
        process.wait()


async def effects(database: Database[Transaction]) -> dict[str, list[int]]:
    """Order -> the versions handled, in the order they were."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    async with database.engine.connect() as connection:
        for key, what in await connection.execute(text("select key, what from effect order by n")):
            found[key].append(int(what))
    return found


async def has(database: Database[Transaction], count: int) -> None:
    async with asyncio.timeout(50):
        while sum(map(len, (await effects(database)).values())) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.mark.timeout(150)  # four processes start on what may be a busy machine
async def test_whichever_service_is_killed_every_event_has_its_effect_once_and_in_order(
    fresh_database: FreshDatabase, spawn: Spawn
) -> None:
    saying, hearing = fresh_database("chassis", prepare), fresh_database("chassis", prepare)
    said, heard = (Database(open_engine(urls.app_url), Transaction) for urls in (saying, hearing))

    hearer, sayer = spawn("hear", hearing), spawn("say", saying)
    await has(heard, 20)
    sayer.kill()
    spawn("say", saying)
    await has(said, 200)
    hearer.kill()
    spawn("hear", hearing)
    await has(heard, ORDERS * VERSIONS)
    found = await effects(heard)

    assert len(found) == ORDERS
    assert all(versions == list(range(1, VERSIONS + 1)) for versions in found.values())
    await said.dispose()
    await heard.dispose()

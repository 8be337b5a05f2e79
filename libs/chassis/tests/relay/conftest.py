import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from crossdock_chassis.database import Database, Transaction, open_engine
from crossdock_chassis.kafka import Kafka, KafkaProfile
from crossdock_chassis.migrations import upgrade
from crossdock_chassis.relay import Relay
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.tansu import TansuBroker
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_contracts.notifications import NotificationFailedV1, NotificationSentV1

MIGRATIONS = Path(__file__).parent / "migrations"


@pytest.fixture
def urls(fresh_database: FreshDatabase) -> DatabaseUrls:
    return fresh_database("chassisrelay", lambda owner_url: upgrade(MIGRATIONS, owner_url))


@pytest.fixture
async def database(urls: DatabaseUrls) -> AsyncIterator[Database[Transaction]]:
    """The database as the service's own role sees it."""
    database = Database(open_engine(urls.app_url), Transaction)
    yield database
    await database.dispose()


@pytest.fixture
def kafka(broker: TansuBroker) -> Kafka:
    return Kafka(bootstrap_servers=broker.bootstrap_servers, profile=KafkaProfile.TANSU)


@pytest.fixture
async def start_relay(
    database: Database[Transaction], urls: DatabaseUrls, kafka: Kafka
) -> AsyncIterator[Callable[..., tuple[Relay, asyncio.Task[None]]]]:
    """Start a relay in a task of its own, over `kafka` or another; it is stopped after the test."""
    started: list[tuple[Relay, asyncio.Task[None]]] = []

    def start(over: Kafka = kafka) -> tuple[Relay, asyncio.Task[None]]:
        relay = Relay(
            database,
            over,
            direct_url=urls.app_url,
            publishes=[NotificationSentV1, NotificationFailedV1],
            dead_letter="notify.dlq",
        )
        started.append((relay, asyncio.create_task(relay.run())))
        return started[-1]

    yield start
    for relay, task in started:
        await relay.stop()
        await asyncio.wait([task], timeout=15)
        if not task.cancelled():
            task.result()

"""A relay that is killed, or stopped and woken again, costs time and duplicates, no event, no order."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.kafka import Kafka
from crossdock_chassis.relay import Relay
from crossdock_chassis.testing.events import a_notification
from crossdock_chassis.testing.outbox import until_sent
from crossdock_chassis.testing.topics import read_until, versions_by_key
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.tansu import TansuBroker

StartRelay = Callable[..., tuple[Relay, asyncio.Task[None]]]
SENT = "notification.sent"


@pytest.fixture
def relay_process(urls: DatabaseUrls, broker: TansuBroker) -> Iterator[subprocess.Popen[bytes]]:
    script = Path(__file__).with_name("relay_process.py")
    process = subprocess.Popen([sys.executable, str(script), urls.app_url, broker.bootstrap_servers])
    yield process
    process.kill()
    process.wait()


async def say(database: Database[Transaction], orders: Sequence[UUID], versions: Iterable[int]) -> None:
    for version in versions:
        async with database.transaction() as tx:
            for order_id in orders:
                await tx.outbox.add(a_notification(order_id, version))
        await asyncio.sleep(0.01)


async def test_a_killed_relay_is_replaced_within_seconds(
    database: Database[Transaction],
    kafka: Kafka,
    start_relay: StartRelay,
    relay_process: subprocess.Popen[bytes],
) -> None:
    orders = [uuid4() for _ in range(20)]
    await say(database, orders, [1])
    await until_sent(database)
    start_relay()
    writing = asyncio.create_task(say(database, orders, range(2, 41)))
    await asyncio.sleep(0.2)

    relay_process.kill()
    await writing
    await until_sent(database, limit_s=5)
    seen = await read_until(kafka, [SENT], lambda seen: len({one.event_id for one in seen}) == 800)

    assert versions_by_key(seen) == {str(one): list(range(1, 41)) for one in orders}


async def test_a_relay_that_slept_through_a_rebuild_does_no_harm(
    database: Database[Transaction],
    kafka: Kafka,
    start_relay: StartRelay,
    broker: TansuBroker,
    relay_process: subprocess.Popen[bytes],
) -> None:
    orders = [uuid4() for _ in range(20)]
    await say(database, orders, range(1, 4))
    await until_sent(database)
    writing = asyncio.create_task(say(database, orders, range(4, 41)))
    await asyncio.sleep(0.1)

    relay_process.send_signal(signal.SIGSTOP)
    await writing
    start_relay()
    await broker.restart()
    await until_sent(database, epoch=2)
    relay_process.send_signal(signal.SIGCONT)
    await say(database, orders, range(41, 61))
    await until_sent(database, epoch=2)
    seen = await read_until(
        kafka, [SENT], lambda seen: len({one.event_id for one in seen if one.epoch == 2}) == 1200
    )

    assert max(one.epoch for one in seen) == 2
    assert versions_by_key(seen, epoch=2) == {str(one): list(range(1, 61)) for one in orders}

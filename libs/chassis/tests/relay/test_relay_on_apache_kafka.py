"""What only a real Apache Kafka does: idempotent producers, limits and deletion of topics."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from sqlalchemy import text

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.kafka import Kafka, KafkaProfile
from crossdock_chassis.relay import Relay
from crossdock_chassis.testing.events import a_notification
from crossdock_chassis.testing.outbox import until_sent
from crossdock_chassis.testing.topics import Seen, read_until
from crossdock_chassis.windows import WindowMismatch, check_windows
from crossdock_cli.embedded.apache_kafka import ApacheKafka
from crossdock_contracts.envelope import Event

pytestmark = [pytest.mark.apache_kafka, pytest.mark.timeout(300)]

StartRelay = Callable[..., tuple[Relay, asyncio.Task[None]]]
SENT = "notification.sent"


@pytest.fixture
async def apache(tmp_path: Path) -> AsyncIterator[ApacheKafka]:
    apache = ApacheKafka(tmp_path / "kafka")
    await apache.start()
    yield apache
    await apache.stop()


@pytest.fixture
def kafka(apache: ApacheKafka) -> Kafka:
    return Kafka(bootstrap_servers=apache.bootstrap_servers, profile=KafkaProfile.APACHE)


@pytest.fixture
async def admin(apache: ApacheKafka) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=apache.bootstrap_servers)
    await admin.start()
    yield admin
    await admin.close()


async def say(database: Database[Transaction], *events: Event) -> None:
    async with database.transaction() as tx:
        for event in events:
            await tx.outbox.add(event)


def distinct(number: int) -> Callable[[Sequence[Seen]], bool]:
    return lambda seen: len({one.event_id for one in seen}) >= number


async def set_topic(admin: AIOKafkaAdminClient, name: str, value: str) -> None:
    """Set it and wait until the broker says so itself."""
    topic = ConfigResource(ConfigResourceType.TOPIC, SENT, {name: value})
    await admin.alter_configs([topic])
    async with asyncio.timeout(10):
        while True:
            [answer] = await admin.describe_configs([topic])
            if answer.resources[0][4][0][1] == value:
                return
            await asyncio.sleep(0.05)


async def test_a_broker_that_restarts_with_its_data_is_no_loss(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay, apache: ApacheKafka
) -> None:
    order_id = uuid4()
    start_relay()
    await say(database, *(a_notification(order_id, version) for version in range(1, 101)))
    await until_sent(database)

    await apache.kill()
    await say(database, *(a_notification(order_id, version) for version in range(101, 201)))
    await apache.start()
    await until_sent(database)
    seen = await read_until(kafka, [SENT], distinct(200))

    assert list(dict.fromkeys(one.version for one in seen)) == list(range(1, 201))
    assert {one.epoch for one in seen} == {1}


async def test_topics_made_anew_are_filled_from_the_event_log(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay, admin: AIOKafkaAdminClient
) -> None:
    order_id = uuid4()
    start_relay()
    await say(database, *(a_notification(order_id, version) for version in range(1, 101)))
    await until_sent(database)

    await admin.delete_topics([SENT])
    await asyncio.sleep(1)
    await admin.create_topics([NewTopic(SENT, 4, 1)])
    await say(database, a_notification(order_id, 101))
    await until_sent(database, epoch=2)
    seen = await read_until(
        kafka, [SENT], lambda seen: distinct(101)([one for one in seen if one.epoch == 2])
    )

    versions = [one.version for one in seen if one.epoch == 2]
    assert list(dict.fromkeys(versions)) == list(range(1, 102))


async def test_of_a_batch_that_is_too_large_only_the_record_that_is_rests(
    database: Database[Transaction], kafka: Kafka, start_relay: StartRelay, admin: AIOKafkaAdminClient
) -> None:
    order_id, large = uuid4(), uuid4()
    noise = "".join(str(uuid4()) for _ in range(13))[:500]
    await set_topic(admin, "max.message.bytes", "1100")
    await say(database, *(a_notification(order_id, version) for version in range(1, 21)))
    await say(
        database, a_notification(large, 1), a_notification(large, 2, reason=noise), a_notification(large, 3)
    )

    start_relay()
    await until_sent(database)
    seen = await read_until(kafka, [SENT], distinct(21))
    async with database.engine.connect() as connection:
        rests = (await connection.execute(text("select distinct key from outbox_parked"))).scalars().all()

    assert rests == [str(large)]
    assert [one.version for one in seen if one.key == str(large)] == [1]
    assert list(dict.fromkeys(one.version for one in seen if one.key == str(order_id))) == list(range(1, 21))


async def test_topics_that_forget_too_early_are_refused(
    kafka: Kafka, apache: ApacheKafka, admin: AIOKafkaAdminClient
) -> None:
    await check_windows(kafka, [SENT, "notify.dlq"])
    await set_topic(admin, "retention.ms", "86400000")

    with pytest.raises(WindowMismatch, match=SENT):
        await check_windows(kafka, [SENT, "notify.dlq"])

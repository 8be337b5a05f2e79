import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition
from sqlalchemy import text

from crossdock_chassis.consumer import Consumer, Handlers
from crossdock_chassis.database import NO_CAUSE, Database, Transaction
from crossdock_chassis.ids import new_id
from crossdock_chassis.kafka import Kafka, KafkaProfile
from crossdock_chassis.wire import EPOCH_HEADER, WireEvent, encode
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.tansu import TansuBroker
from crossdock_contracts.envelope import Actor, ActorKind, Event
from crossdock_contracts.notifications import NotificationFailedV1, NotificationSentV1

NOTIFY = Actor(kind=ActorKind.SERVICE, name="notify")


def sent(order: UUID, template: str, version: int = 1) -> NotificationSentV1:
    """An event about an order; `template` is what the tests tell them apart by."""
    return NotificationSentV1(
        merchant_id="default",
        aggregate_version=version,
        actor=NOTIFY,
        order_id=order,
        message_id=new_id(),
        template=template,
        subject=str(order),
        channel="email",
        locale="en",
        revision=1,
    )


def failed(order: UUID, template: str) -> NotificationFailedV1:
    return NotificationFailedV1(
        merchant_id="default",
        aggregate_version=1,
        actor=NOTIFY,
        order_id=order,
        message_id=new_id(),
        template=template,
        subject=str(order),
        channel="email",
        locale="en",
        revision=1,
        outcome_unknown=False,
        code="550",
    )


async def write_effects(events: Sequence[Any], *, tx: Transaction) -> None:
    """A handler that leaves one row per event, in order."""
    for one in events:
        await tx.connection.execute(
            text("insert into effect (event_id, key, what) values (:event_id, :key, :what)"),
            {"event_id": one.meta.event_id, "key": one.key, "what": one.template},
        )


class QuickKafka(Kafka):
    """A join takes half the session time-out on this broker, and these tests join all the time."""

    def consumer_options(self) -> dict[str, Any]:
        quick = {"session_timeout_ms": 1_500, "heartbeat_interval_ms": 300, "rebalance_timeout_ms": 6_000}
        return {**super().consumer_options(), **quick}


class DeafKafka(QuickKafka):
    """Its clients join, and their fetches wait for more than there will ever be."""

    def consumer_options(self) -> dict[str, Any]:
        deaf = {"fetch_min_bytes": 16 * 1024 * 1024, "fetch_max_wait_ms": 30_000}
        return {**super().consumer_options(), **deaf}


def _record(wire: WireEvent, epoch: int) -> dict[str, Any]:
    pairs = zip(wire.headers[::2], wire.headers[1::2], strict=True)
    headers = [*((name, value.encode()) for name, value in pairs), (EPOCH_HEADER, str(epoch).encode())]
    return {"topic": wire.topic, "key": wire.key.encode(), "value": wire.payload, "headers": headers}


class Bench:
    """A consumer's surroundings: its database, a broker, and a producer that stands for the relays."""

    name = "notify"
    partitions = tuple(TopicPartition("notification.sent", one) for one in range(2))
    sent = staticmethod(sent)
    failed = staticmethod(failed)
    write_effects = staticmethod(write_effects)

    def __init__(self, database: Database[Transaction], broker: TansuBroker, urls: DatabaseUrls) -> None:
        self.database = database
        self.broker = broker
        self.urls = urls
        self.handlers: Handlers = {NotificationSentV1: write_effects, NotificationFailedV1: write_effects}
        self.kafka = QuickKafka(bootstrap_servers=broker.bootstrap_servers, profile=KafkaProfile.TANSU)
        self.deaf_kafka = DeafKafka(bootstrap_servers=broker.bootstrap_servers, profile=KafkaProfile.TANSU)

    async def publish(self, *events: Event, epoch: int = 1) -> list[WireEvent]:
        """Publish events as a relay would, each with an id of its own."""
        wires = [encode(one, event_id=new_id(), at=datetime.now(UTC), cause=NO_CAUSE) for one in events]
        await self.publish_again(*wires, epoch=epoch)
        return wires

    async def publish_again(self, *wires: WireEvent, epoch: int = 1) -> None:
        await self.publish_raw(*(_record(one, epoch) for one in wires))

    def record_of(self, event: Event, *, epoch: int = 1) -> dict[str, Any]:
        """What `publish` would hand to the producer."""
        return _record(encode(event, event_id=new_id(), at=datetime.now(UTC), cause=NO_CAUSE), epoch)

    async def publish_raw(self, *records: dict[str, Any]) -> None:
        """Publish records in order, whatever they hold."""
        producer = AIOKafkaProducer(**self.kafka.producer_options())
        await producer.start()
        try:
            await asyncio.gather(*[await producer.send(**one) for one in records])
        finally:
            await producer.stop()

    @asynccontextmanager
    async def running(
        self,
        handlers: Handlers | None = None,
        *,
        kafka: Kafka | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> AsyncIterator[Consumer[Transaction]]:
        """A consumer that runs until the block ends."""
        consumer = Consumer(
            self.name, self.database, handlers or self.handlers, kafka or self.kafka, clock=clock
        )
        task = asyncio.create_task(consumer.run())
        try:
            yield consumer
        finally:
            await consumer.stop()
            await task

    async def set_kafka_offsets(self, offset: int) -> None:
        """Commit this offset for every partition of the group; no consumer runs meanwhile."""
        async with AIOKafkaConsumer(
            "notification.sent", group_id=self.name, **self.kafka.consumer_options()
        ) as client:
            await client.commit(dict.fromkeys(self.partitions, offset))

    async def kafka_offsets(self) -> list[int]:
        async with AIOKafkaConsumer(group_id=self.name, **self.kafka.consumer_options()) as client:
            client.assign(self.partitions)
            return [await client.committed(one) or 0 for one in self.partitions]

    async def query(self, sql: str, **values: Any) -> list[Any]:
        """Rows of any table; a single column comes without its tuple."""
        async with self.database.engine.begin() as connection:
            rows = (await connection.execute(text(sql), values)).all()
        return [one[0] if len(one) == 1 else tuple(one) for one in rows]

    async def effects(self) -> list[str]:
        return await self.query("select what from effect order by n")

    async def eventually(self, condition: Callable[[], Awaitable[Any]], *, within_s: float = 20) -> None:
        """Wait until it is true; fail the test when it takes too long."""
        async with asyncio.timeout(within_s):
            while not await condition():  # noqa: ASYNC110 - what is waited for happens in a database
                await asyncio.sleep(0.02)

    async def has_effects(self, *wanted: str, within_s: float = 20) -> None:
        """Wait for exactly these effects, in any order."""

        async def all_there() -> bool:
            return len(await self.effects()) >= len(wanted)

        await self.eventually(all_there, within_s=within_s)
        assert sorted(await self.effects()) == sorted(wanted)

    async def caught_up(self) -> None:
        """Wait until the consumer says that it has handled all there was when this was called."""
        (now,) = await self.query("select clock_timestamp()")

        async def marked() -> bool:
            rows = await self.query("select caught_up_at from consumer_fence")
            return bool(rows) and all(one is not None and one >= now for one in rows)

        await self.eventually(marked)


@pytest.fixture
async def bench(database: Database[Transaction], broker: TansuBroker, urls: DatabaseUrls) -> Bench:
    return Bench(database, broker, urls)

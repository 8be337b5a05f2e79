"""The service as a person starts it: one process with every role, a real database and a real broker."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer

from crossdock_chassis.database import NO_CAUSE
from crossdock_chassis.ids import new_id
from crossdock_chassis.kafka import Kafka, KafkaProfile
from crossdock_chassis.testing.topics import Seen, read_until
from crossdock_chassis.wire import EPOCH_HEADER, encode
from crossdock_cli.embedded.tansu import TansuBroker

from .samples import AnOrder
from .stage import Stage


@asynccontextmanager
async def running(stage: Stage, broker: TansuBroker) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m inventory_service` with all roles; its log is shown when the test fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "inventory_service",
        env={
            "PATH": os.environ["PATH"],
            "INVENTORY_DATABASE_URL": stage.urls.app_url,
            "INVENTORY_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "INVENTORY_KAFKA_PROFILE": "tansu",
            "INVENTORY_HTTP_PORT": "0",
        },
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 30)


async def publish(kafka: Kafka, *orders: AnOrder) -> None:
    """Say the orders as order-service's relay would."""
    records: list[dict[str, Any]] = []
    for order in orders:
        wire = encode(order.created(), event_id=new_id(), at=datetime.now(UTC), cause=NO_CAUSE)
        pairs = zip(wire.headers[::2], wire.headers[1::2], strict=True)
        headers = [*((name, value.encode()) for name, value in pairs), (EPOCH_HEADER, b"1")]
        records.append(
            {"topic": wire.topic, "key": wire.key.encode(), "value": wire.payload, "headers": headers}
        )
    producer = AIOKafkaProducer(**kafka.producer_options())
    await producer.start()
    try:
        for record in records:
            await producer.send_and_wait(**record)
    finally:
        await producer.stop()


async def test_orders_on_the_topic_are_answered_on_the_topics(stage: Stage, broker: TansuBroker) -> None:
    await stage.receive("mug", 2)
    kafka = Kafka(bootstrap_servers=broker.bootstrap_servers, profile=KafkaProfile.TANSU)
    first, second = AnOrder(lines={"mug": 2}), AnOrder(lines={"cap": 1})

    async with running(stage, broker) as process:
        await publish(kafka, first, second)
        seen: list[Seen] = await read_until(
            kafka, ["stock.reserved", "stock.rejected"], lambda found: len(found) == 2, limit_s=40
        )
        process.terminate()
        code = await asyncio.wait_for(process.wait(), 30)

    assert {(one.topic, one.key) for one in seen} == {
        ("stock.reserved", str(first.order_id)),
        ("stock.rejected", str(second.order_id)),
    }
    assert code == 0
    assert await stage.drift() == []

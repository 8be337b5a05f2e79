"""Reading whole topics, to see what was really published."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from crossdock_chassis.kafka import Kafka
from crossdock_chassis.wire import EPOCH_HEADER, as_mapping


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as it lies on a topic; `version` is its ce_aggregateversion."""

    topic: str
    partition: int
    offset: int
    key: str
    event_id: UUID
    version: int
    epoch: int


async def read_until(
    kafka: Kafka, topics: Iterable[str], enough: Callable[[Sequence[Seen]], bool], *, limit_s: float = 15
) -> list[Seen]:
    """Read topics from their first record on until that is `enough`. Raises TimeoutError, with the number."""
    seen: list[Seen] = []
    consumer = AIOKafkaConsumer(**kafka.consumer_options())
    await consumer.start()
    try:
        async with asyncio.timeout(limit_s):
            await consumer._client.set_topics(wanted := set(topics))
            found = [
                TopicPartition(topic, partition)
                for topic in wanted
                for partition in consumer.partitions_for_topic(topic) or ()
            ]
            consumer.assign(found)
            await consumer.seek_to_beginning()
            while not enough(seen):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    seen += map(_seen, records)
    except TimeoutError as error:
        raise TimeoutError(f"{len(seen)} records after {limit_s} s") from error
    finally:
        await consumer.stop()
    return seen


def versions_by_key(seen: Iterable[Seen], *, epoch: int | None = None) -> dict[str, list[int]]:
    """Each key's versions in the order in which each was first seen, in one epoch or in all."""
    found: defaultdict[str, dict[int, None]] = defaultdict(dict)
    for one in seen:
        if epoch is None or one.epoch == epoch:
            found[one.key].setdefault(one.version)
    return {key: list(versions) for key, versions in found.items()}


def _seen(record: Any) -> Seen:
    headers = as_mapping(record.headers)
    return Seen(
        record.topic,
        record.partition,
        record.offset,
        record.key.decode(),
        UUID(headers["ce_id"]),
        int(headers["ce_aggregateversion"]),
        int(headers[EPOCH_HEADER]),
    )

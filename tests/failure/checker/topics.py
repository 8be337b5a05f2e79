"""The topics, read from their beginning to their end, past whatever stands between services and brokers."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from crossdock_chassis.kafka import Kafka, KafkaProfile
from crossdock_chassis.wire import EPOCH_HEADER

from ..system import System

_LONGEST_S = 60.0
_SHORT = 33  # no id and no trace is shorter
_MOST_DIGITS = 19

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One record as far as it is compared. `headers`: without the epoch; what is not UTF-8 is escaped."""

    topic: str
    partition: int
    offset: int
    epoch: int | None
    key: str | None
    headers: Headers
    payload_sha256: bytes

    def header(self, name: str) -> str | None:
        return next((value for found, value in self.headers if found == name), None)

    @property
    def at(self) -> tuple[str, int, int]:
        return self.topic, self.partition, self.offset

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"


def record_of(one: ConsumerRecord) -> Record:
    headers = [(name, (value or b"").decode(errors="backslashreplace")) for name, value in one.headers]
    return Record(
        topic=sys.intern(one.topic),
        partition=one.partition,
        offset=one.offset,
        epoch=whole_number(next((value for name, value in headers if name == EPOCH_HEADER), None)),
        key=None if one.key is None else one.key.decode(errors="backslashreplace"),
        headers=kept(headers),
        payload_sha256=hashlib.sha256(one.value or b"").digest(),
    )


def kept(headers: Iterable[tuple[str, str]]) -> Headers:
    """Without the epoch. Names, and values that repeat, are held once: there are many thousands of them."""
    return tuple(
        (sys.intern(name), sys.intern(value) if len(value) < _SHORT else value)
        for name, value in headers
        if name != EPOCH_HEADER
    )


def whole_number(text: str | None) -> int | None:
    """What poison writes into a header may look like anything."""
    return int(text) if text is not None and text.isdecimal() and len(text) < _MOST_DIGITS else None


class Tail:
    """Reads every topic from its beginning on; `more` goes on from where it stopped."""

    def __init__(self, consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
        self._consumer = consumer
        self.partitions = tuple(partitions)

    async def more(self) -> AsyncIterator[Record]:
        """Everything up to the ends as they are when they are reached. Raises TimeoutError."""
        async with asyncio.timeout(_LONGEST_S):
            behind = set(self.partitions)
            while behind:
                found = await self._consumer.getmany(timeout_ms=200, max_records=5000)
                for records in found.values():
                    for one in records:
                        yield record_of(one)
                behind = {one for one in behind if not await self._at_end(one)}

    async def ends(self) -> Mapping[tuple[str, int], int]:
        """The offset behind the last record of each partition, once `more` has come to its end."""
        return {(one.topic, one.partition): self._consumer.highwater(one) or 0 for one in self.partitions}

    async def _at_end(self, partition: TopicPartition) -> bool:
        # Tansu's own answer about ends is wrong; what a fetch tells of the high-water mark is right.
        end = self._consumer.highwater(partition)
        return end is not None and await self._consumer.position(partition) >= end


def _kafka(system: System) -> Kafka:
    return Kafka(
        bootstrap_servers=system.bootstrap_servers,
        profile=KafkaProfile(system.kafka_profile),
        client_id="crossdock-checker",
    )


@asynccontextmanager
async def open_tail(system: System) -> AsyncIterator[Tail]:
    options = _kafka(system).consumer_options() | {"max_partition_fetch_bytes": 4 * 1024 * 1024}
    consumer = AIOKafkaConsumer(**options, auto_offset_reset="earliest")
    await consumer.start()
    try:
        # What `topics()` asks for, with the partitions; Apache Kafka tells a new client of no topic.
        cluster = await consumer._client.fetch_all_metadata()
        partitions = sorted(
            TopicPartition(topic, one)
            for topic in cluster.topics()
            if not topic.startswith("__")
            for one in cluster.partitions_for_topic(topic) or ()
        )
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        yield Tail(consumer, partitions)
    finally:
        await consumer.stop()


async def committed_offsets(
    system: System, group: str, places: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    """What a consumer group told the broker; partitions it never spoke of are left out."""
    consumer = AIOKafkaConsumer(**_kafka(system).consumer_options(), group_id=group)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, one) for topic, one in places]
        consumer.assign(partitions)  # without subscribing: the group takes no notice
        found = {}
        for partition in partitions:
            offset = await consumer.committed(partition)
            if offset is not None and offset >= 0:
                found[partition.topic, partition.partition] = offset
        return found
    finally:
        await consumer.stop()

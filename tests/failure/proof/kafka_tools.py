"""What the proof does to topics and groups: past every wire, straight at the brokers."""

import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import DeleteGroupsRequest
from aiokafka.structs import ConsumerRecord, TopicPartition

from crossdock_cli.embedded.topics import load_topics

from ..history import History, Injected
from ..system import System

REQUEST_MS = 10_000
LARGEST_BYTES = 1_000_000
GIVE_UP_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A record of the proof's own. `partition` None: where its key belongs."""

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    poison: bool


def business_topics() -> list[str]:
    return sorted(one.name for one in load_topics() if not one.name.endswith(".dlq"))


@asynccontextmanager
async def admin(system: System) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=system.bootstrap_servers, request_timeout_ms=REQUEST_MS)
    try:
        await client.start()
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def reader(system: System, group: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
    """Without subscribing: a group takes no notice of it."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=system.bootstrap_servers,
        group_id=group,
        enable_auto_commit=False,
        request_timeout_ms=REQUEST_MS,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer) -> list[TopicPartition]:
    # What `topics()` asks for, with the partitions; a new client is told of no topic by itself.
    cluster = await consumer._client.fetch_all_metadata()
    return [
        TopicPartition(topic, one)
        for topic in business_topics()
        for one in sorted(cluster.partitions_for_topic(topic) or ())
    ]


async def some_records(system: System, chance: random.Random, *, places: int) -> list[ConsumerRecord]:
    """A few records from each of some places of some partitions."""
    async with reader(system) as consumer:
        partitions = await _partitions(consumer)
        ends = await consumer.end_offsets(partitions)
        begins = await consumer.beginning_offsets(partitions)
        filled = [one for one in partitions if ends[one] > begins[one]]
        if not filled:
            return []
        chosen = sorted(set(chance.choices(filled, k=places)))
        consumer.assign(chosen)
        for one in chosen:
            consumer.seek(one, chance.randint(begins[one], ends[one] - 1))
        found = []
        for one in chosen:
            batches = await consumer.getmany(one, timeout_ms=1000, max_records=5)
            found += [record for records in batches.values() for record in records]
        return found


async def produce(system: System, history: History, records: Iterable[Made]) -> int:
    """Write them and tell the history where they lie. Returns how many were acknowledged."""
    producer = AIOKafkaProducer(
        bootstrap_servers=system.bootstrap_servers,
        acks="all",
        max_request_size=LARGEST_BYTES * 2,
        request_timeout_ms=REQUEST_MS,
    )
    done = 0
    await producer.start()
    try:
        for one in records:
            partition, offset = one.partition or 0, None
            try:
                told = await producer.send_and_wait(
                    one.topic,
                    value=one.value,
                    key=one.key,
                    partition=one.partition,
                    headers=list(one.headers),
                )
                partition, offset = told.partition, told.offset
                done += 1
            except KafkaError:
                offset = None  # it may be there all the same
            history.injected.append(_injected(one, partition, offset))
    finally:
        await producer.stop()
    return done


def _injected(one: Made, partition: int, offset: int | None) -> Injected:
    event_id = next((value for name, value in one.headers if name == "ce_id"), None)
    return Injected(
        topic=one.topic,
        partition=partition,
        offset=offset,
        key=None if one.key is None else one.key.decode(errors="backslashreplace"),
        event_id=None if event_id is None else event_id.decode(errors="backslashreplace"),
        poison=one.poison,
    )


async def set_largest_record(system: System, topic: str, largest_bytes: int | None) -> None:
    """What the topic takes; None: as it was ordered."""
    settings: Mapping[str, str] = next(one.settings for one in load_topics() if one.name == topic)
    if largest_bytes is not None:
        settings = {**settings, "max.message.bytes": str(largest_bytes)}
    async with admin(system) as client:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict(settings))])


async def delete_records(system: System, before: Mapping[tuple[str, int], int]) -> None:
    async with admin(system) as client:
        await client.delete_records(
            {TopicPartition(*place): RecordsToDelete(offset) for place, offset in before.items()}
        )


async def set_offsets(system: System, group: str, chance: random.Random, *, back: int) -> int:
    """Move an empty group back by up to `back` records per partition. Returns how many it reads again."""
    async with reader(system, group) as consumer:
        partitions = await _partitions(consumer)
        consumer.assign(partitions)
        begins = await consumer.beginning_offsets(partitions)
        moved, again = {}, 0
        for one in partitions:
            committed = await consumer.committed(one)
            if committed is not None and committed > begins[one]:
                moved[one] = max(begins[one], committed - chance.randint(1, back))
                again += committed - moved[one]
        if moved:
            await consumer.commit(moved)
        return again


async def delete_group(system: System, group: str) -> None:
    """Raises KafkaError while it has members."""
    async with admin(system) as client:
        coordinator = await client.find_coordinator(group)
        # aiokafka has the request and no method for it.
        answer = await client._send_request(DeleteGroupsRequest([group]), coordinator)
        for _, code in answer.results:
            if code:
                raise for_code(code)(f"the group {group} is not deleted")

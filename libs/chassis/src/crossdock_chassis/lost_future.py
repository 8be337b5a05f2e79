"""What we said after the time our database was restored to: read from our own topics, where it still stands.

Nothing here writes. `restore.py` says what becomes of it.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition
from sqlalchemy import ARRAY, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from crossdock_chassis.incoming import Incoming, LogId, receive
from crossdock_chassis.kafka import Kafka
from crossdock_contracts.envelope import Event

#: Records bear the clocks of relays, rows that of the database: how far they may differ.
CLOCKS_DIFFER = timedelta(minutes=5)

_CONNECT_S = 30
_SILENCE_S = 60

_LAST_SAID = text("select max(at) from event_log")

# Ids begin with the time they were made at, which keeps the look to the days that can hold them.
_KNOWN = text(
    """
    select event_id from event_log
    where event_id = any(:ids) and at >= cast(:since as timestamptz) - interval '1 day'
    """
).bindparams(bindparam("ids", type_=ARRAY(PgUUID)))


class LogUnreadable(Exception):
    """The broker does not give its records. The text says what was waited for."""


@dataclass(frozen=True, slots=True)
class LostFuture:
    """Events of ours that our database does not know, in the order of each partition.

    `since`: from when on the log was read; null: from its beginning. `highest_epoch`: of what was read there.
    `cluster_id`: whose log it was.
    """

    events: tuple[Incoming, ...]
    since: datetime | None
    highest_epoch: int
    cluster_id: str


async def read_lost_future(engine: AsyncEngine, kafka: Kafka, publishes: Sequence[type[Event]]) -> LostFuture:
    """Read our own topics from our last event on. Raises LogUnreadable. Changes nothing, here or there.

    A topic may hold what nobody of ours wrote: it has no event, is passed over, and its readers park it.
    """
    async with engine.connect() as connection:
        last: datetime | None = (await connection.execute(_LAST_SAID)).scalar_one()
    since = None if last is None else last - CLOCKS_DIFFER
    cluster_id = await kafka.cluster_id()
    if cluster_id is None:
        raise LogUnreadable("no broker answers; check KAFKA_BOOTSTRAP_SERVERS")
    records = await _read(kafka, sorted({one.TOPIC for one in publishes}), since)
    ours = dict.fromkeys(publishes)
    said = [receive(one, read_from=one.offset, log=LogId(cluster_id, 0), handlers=ours) for one in records]
    said = [one for one in said if one.event is not None and one.event_id is not None]
    async with engine.connect() as connection:
        known = await _known(connection, {one.event_id for one in said if one.event_id is not None}, since)
    # A relay may have sent one of them twice.
    unknown = {one.event_id: one for one in reversed(said) if one.event_id not in known}
    return LostFuture(
        tuple(sorted(unknown.values(), key=lambda one: (one.partition, one.offset))),
        since,
        max((one.epoch for one in said if one.epoch is not None), default=0),
        cluster_id,
    )


async def _known(connection: AsyncConnection, ids: Iterable[UUID], since: datetime | None) -> set[UUID]:
    made = [datetime.fromtimestamp((one.int >> 80) / 1000).astimezone() for one in ids]
    if not made:
        return set()
    values: Mapping[str, Any] = {"ids": list(ids), "since": min([*made, *([since] if since else [])])}
    return set((await connection.execute(_KNOWN, values)).scalars())


async def _read(kafka: Kafka, topics: Sequence[str], since: datetime | None) -> list[ConsumerRecord]:
    """Every record of the topics since then, up to the ends they have now."""
    client = AIOKafkaConsumer(**kafka.consumer_options())
    try:
        async with asyncio.timeout(_CONNECT_S):
            await client.start()
            places = await _seek(client, await _places(client, topics), since)
        return await _read_to_end(client, places)
    except TimeoutError as error:
        raise LogUnreadable(f"the broker did not answer within {_CONNECT_S} s") from error
    finally:
        await client.stop()


async def _places(client: AIOKafkaConsumer, topics: Sequence[str]) -> list[TopicPartition]:
    await client._client.set_topics(set(topics))  # nothing else asks for them where nothing is subscribed to
    places: list[TopicPartition] = []
    for topic in topics:
        partitions = client.partitions_for_topic(topic)
        if not partitions:
            raise LogUnreadable(f"topic {topic} is not there")
        places += [TopicPartition(topic, one) for one in sorted(partitions)]
    return places


async def _seek(
    client: AIOKafkaConsumer, places: Sequence[TopicPartition], since: datetime | None
) -> list[TopicPartition]:
    """Stand at the first records since then; the partitions that have any."""
    if since is None:
        client.assign(places)
        await client.seek_to_beginning(*places)
        return list(places)
    since_ms = round(since.timestamp() * 1000)
    found = await client.offsets_for_times(dict.fromkeys(places, since_ms))
    newer = {place: at.offset for place, at in found.items() if at is not None}
    client.assign(list(newer))
    for place, offset in newer.items():
        client.seek(place, offset)
    return list(newer)


async def _read_to_end(client: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> list[ConsumerRecord]:
    found: list[ConsumerRecord] = []
    unread = set(places)
    heard_at = time.monotonic()
    while unread:
        for records in (await client.getmany(timeout_ms=500)).values():
            found += records
            heard_at = time.monotonic()
        for place in list(unread):
            end = client.highwater(place)
            if end is not None and await client.position(place) >= end:
                unread.discard(place)
        if time.monotonic() - heard_at > _SILENCE_S:
            raise LogUnreadable(f"{len(unread)} partitions gave nothing for {_SILENCE_S} s")
    return found

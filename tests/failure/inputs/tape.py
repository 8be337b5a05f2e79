"""Records for a service's handlers, from logs that only the test writes: the consumer without its broker."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from aiokafka.structs import ConsumerRecord, TopicPartition

from crossdock_chassis import fence
from crossdock_chassis.batches import Batches, Outcome
from crossdock_chassis.database import Database
from crossdock_chassis.handlers import topics_of
from crossdock_chassis.ids import new_id
from crossdock_chassis.incoming import Incoming, LogId, receive
from crossdock_chassis.wire import encode
from crossdock_contracts.envelope import Cause, Event

from .members import HANDLERS

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
CLUSTER = "the-tests"
EPOCH = 1


@dataclass(frozen=True)
class Raw:
    """A record as somebody put it on a topic. `headers` may say one name twice, and anything."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, event: Event, *, event_id: UUID | None = None) -> "Raw":
        """As the publisher's relay sends it."""
        wire = encode(event, event_id=event_id or new_id(), at=AT, cause=Cause())
        pairs = zip(wire.headers[::2], wire.headers[1::2], strict=True)
        headers = tuple((name, value.encode()) for name, value in pairs)
        return cls(wire.topic, wire.key.encode(), wire.payload, headers)


@dataclass
class Tape:
    """Each topic is one partition. `play` hands records over as one batch, as one poll would."""

    name: str
    database: Database[Any]
    _next: defaultdict[str, Any] = field(default_factory=lambda: defaultdict(itertools.count))

    @property
    def topics(self) -> Sequence[str]:
        return topics_of(HANDLERS[self.name])

    async def begin(self) -> None:
        """Stand at the beginning of every log."""
        places = [TopicPartition(topic, 0) for topic in self.topics]
        async with self.database.transaction() as tx:
            await fence.ensure_rows(tx.connection, self.name, places)
            found = await fence.take_positions(tx.connection, self.name, places, CLUSTER)
            await fence.advance(
                tx.connection, self.name, {one: fence.Fence(CLUSTER, EPOCH, 0) for one in found}
            )

    async def play(self, records: Iterable[Raw]) -> Outcome:
        incoming = [self._incoming(one) for one in records]
        return await Batches(self.database, self.name, HANDLERS[self.name]).apply(incoming)

    def _incoming(self, raw: Raw) -> Incoming:
        offset = next(self._next[raw.topic])
        record: ConsumerRecord[Any, Any] = ConsumerRecord(
            topic=raw.topic,
            partition=0,
            offset=offset,
            timestamp=int(AT.timestamp() * 1000),
            timestamp_type=0,
            key=raw.key,
            value=raw.value,
            checksum=None,
            serialized_key_size=len(raw.key or b""),
            serialized_value_size=len(raw.value or b""),
            headers=raw.headers,
        )
        log = LogId(CLUSTER, EPOCH)
        return receive(record, read_from=offset, log=log, handlers=HANDLERS[self.name])

"""The writing side of the outbox: events become rows in the transaction whose effects they report."""

import json
from datetime import datetime

from sqlalchemy import ARRAY, LargeBinary, SmallInteger, Text, bindparam, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.ids import new_id
from crossdock_chassis.wire import WireEvent, encode
from crossdock_contracts.envelope import Cause, Event

# Headers differ in number per row and PostgreSQL's arrays are rectangular, so they travel as JSON.
_INSERT = text(
    """
    with said as (
        insert into outbox (shard, event_id, topic, key, headers, payload)
        select shard, event_id, topic, key, array(select json_array_elements_text(headers::json)), payload
        from unnest(:shards, :event_ids, :topics, :keys, :headers, :payloads)
             with ordinality as row (shard, event_id, topic, key, headers, payload, n)
        order by n
        returning shard, seq, event_id, topic, key, headers, payload
    )
    insert into event_log (at, seq, shard, event_id, topic, key, headers, payload)
    select statement_timestamp(), seq, shard, event_id, topic, key, headers, payload from said
    """
).bindparams(
    bindparam("shards", type_=ARRAY(SmallInteger)),
    bindparam("event_ids", type_=ARRAY(UUID)),
    bindparam("topics", type_=ARRAY(Text)),
    bindparam("keys", type_=ARRAY(Text)),
    bindparam("headers", type_=ARRAY(Text)),
    bindparam("payloads", type_=ARRAY(LargeBinary)),
)


class Outbox:
    """Collects a transaction's events; they are one statement, its last.

    Lock the rows an event speaks of before the commit: the sequence number orders the events of one key.
    """

    def __init__(self, *, now: datetime, cause: Cause) -> None:
        self._now = now
        self._cause = cause
        self._events: list[WireEvent] = []
        self.written = False

    async def add(self, event: Event, *, caused_by: Cause | None = None) -> None:
        """Publish `event` if this transaction commits. `caused_by`: `event.cause` of what is answered."""
        self.add_wire(encode(event, event_id=new_id(), at=self._now, cause=caused_by or self._cause))

    def add_wire(self, event: WireEvent) -> None:
        """For records that are not events of ours, such as copies for a dead-letter topic."""
        self._events.append(event)

    async def flush(self, connection: AsyncConnection) -> None:
        if not self._events:
            return
        events = self._events
        await connection.execute(
            _INSERT,
            {
                "shards": [one.shard for one in events],
                "event_ids": [one.event_id for one in events],
                "topics": [one.topic for one in events],
                "keys": [one.key for one in events],
                "headers": [json.dumps(one.headers) for one in events],
                "payloads": [one.payload for one in events],
            },
        )
        self._events = []
        self.written = True

"""The consumer's side of parking: events of a parked key rest in order, in the batch's own transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import ARRAY, BigInteger, Integer, LargeBinary, Text, bindparam, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.faults import TAKEN_BACK, Fault, ParkingFull
from crossdock_chassis.ids import new_id
from crossdock_chassis.incoming import Incoming, as_text
from crossdock_chassis.wire import EPOCH_HEADER, MAX_PAYLOAD_BYTES, WireEvent

MAX_KEYS = 1_000
MAX_EVENTS = 10_000

_MAX_COPIED_HEADERS = 64
_MAX_COPIED_HEADER_BYTES = 4_096

# Shared: who replays or discards a key holds it exclusively, so nothing changes until this transaction ends.
_PARKED = text(
    "select key from parked_key where consumer = :consumer and key = any(:keys) order by key for share"
).bindparams(bindparam("keys", type_=ARRAY(Text)))

# Written anew where it is there already: that locks it, and no replayer empties it before our events are in.
_PARK_KEYS = text(
    """
    insert into parked_key (consumer, key, merchant_id, error_type, error_text, fingerprint)
    select :consumer, key, merchant_id, error_type, error_text, fingerprint
    from unnest(:keys, :merchant_ids, :error_types, :error_texts, :fingerprints)
        as fault (key, merchant_id, error_type, error_text, fingerprint)
    order by key
    on conflict (consumer, key) do update set since = parked_key.since
    """
).bindparams(
    *(
        bindparam(name, type_=ARRAY(Text))
        for name in ("keys", "merchant_ids", "error_types", "error_texts", "fingerprints")
    )
)

_APPEND = text(
    """
    insert into parked_event (consumer, key, event_id, topic, partition, "offset", headers, payload)
    select :consumer, key, event_id, topic, partition, "offset",
           array(select json_array_elements_text(headers::json)), payload
    from unnest(:keys, :event_ids, :topics, :partitions, :offsets, :headers, :payloads)
        with ordinality as event (key, event_id, topic, partition, "offset", headers, payload, n)
    order by n
    """
).bindparams(
    bindparam("keys", type_=ARRAY(Text)),
    bindparam("event_ids", type_=ARRAY(postgresql.UUID)),
    bindparam("topics", type_=ARRAY(Text)),
    bindparam("partitions", type_=ARRAY(Integer)),
    bindparam("offsets", type_=ARRAY(BigInteger)),
    bindparam("headers", type_=ARRAY(Text)),
    bindparam("payloads", type_=ARRAY(LargeBinary)),
)

# What a restore parked is settled many at once, and waits for nobody's understanding of an error.
_COUNT = text(
    """
    select count(*), coalesce(sum(events), 0)
    from parked_key k cross join lateral (
        select count(*) as events from parked_event e where e.consumer = k.consumer and e.key = k.key
    ) as behind
    where consumer = :consumer and fingerprint <> :taken_back
    """
)


async def parked_among(connection: AsyncConnection, consumer: str, keys: Iterable[str]) -> set[str]:
    """Which of these keys are parked; none of them changes that until the transaction ends."""
    rows = await connection.execute(_PARKED, {"consumer": consumer, "keys": sorted(set(keys))})
    return set(rows.scalars())


async def park(
    connection: AsyncConnection, consumer: str, records: Sequence[Incoming], causes: Mapping[str, Fault]
) -> None:
    """Append records to their keys, in the order given. `causes`: keys that are parked by this, and why.

    Raises ParkingFull instead of going over the bounds.
    """
    if causes:
        await _park_keys(connection, consumer, records, causes)
    await connection.execute(
        _APPEND,
        {
            "consumer": consumer,
            "keys": [one.key for one in records],
            "event_ids": [one.event_id for one in records],
            "topics": [one.partition.topic for one in records],
            "partitions": [one.partition.partition for one in records],
            "offsets": [one.offset for one in records],
            "headers": [json.dumps(_flat(one.headers)) for one in records],
            "payloads": [one.payload for one in records],
        },
    )
    keys, events = (await connection.execute(_COUNT, {"consumer": consumer, "taken_back": TAKEN_BACK})).one()
    if keys > MAX_KEYS or events > MAX_EVENTS:
        raise ParkingFull(f"{consumer} would have {keys} keys and {events} events parked")


def _flat(headers: Iterable[tuple[str, bytes]]) -> list[str]:
    return [part for name, value in headers for part in (as_text(name.encode()), as_text(value))]


async def _park_keys(
    connection: AsyncConnection, consumer: str, records: Sequence[Incoming], causes: Mapping[str, Fault]
) -> None:
    merchants = {one.key: one.header("ce_merchantid") for one in reversed(records)}
    keys = sorted(causes)
    await connection.execute(
        _PARK_KEYS,
        {
            "consumer": consumer,
            "keys": keys,
            "merchant_ids": [merchants.get(key) for key in keys],
            "error_types": [causes[key].error_type for key in keys],
            "error_texts": [causes[key].error_text for key in keys],
            "fingerprints": [causes[key].fingerprint for key in keys],
        },
    )


def dead_letter(consumer: str, record: Incoming, fault: Fault) -> WireEvent:
    """A copy for `<consumer>.dlq`: key, value and headers as they came, and why it rests in dlq-* headers.

    What is too large for a record of ours is left out, and a header says so; the parked row has all of it.
    """
    payload = record.payload or b""
    told = {
        "dlq-original-topic": record.partition.topic,
        "dlq-original-partition": str(record.partition.partition),
        "dlq-original-offset": str(record.offset),
        "dlq-original-timestamp": str(record.timestamp_ms),
        "dlq-consumer": consumer,
        "dlq-error-type": fault.error_type,
        "dlq-error-message": fault.error_text,
        "dlq-attempts": "1",
        **_remarks(record, payload),
    }
    original = [
        (name, value)
        for name, value in record.headers[:_MAX_COPIED_HEADERS]
        if name != EPOCH_HEADER and len(value) <= _MAX_COPIED_HEADER_BYTES
    ]
    return WireEvent(
        event_id=new_id(),
        topic=f"{consumer}.dlq",
        key=record.key,
        headers=(*_flat(original), *(part for pair in told.items() for part in pair)),
        payload=payload if len(payload) <= MAX_PAYLOAD_BYTES else b"",
    )


def _remarks(record: Incoming, payload: bytes) -> Mapping[str, str]:
    if record.payload is None:
        return MappingProxyType({"dlq-value": "null"})
    if len(payload) > MAX_PAYLOAD_BYTES:
        return MappingProxyType({"dlq-value": f"left out, {len(payload)} bytes"})
    return MappingProxyType({})

"""Events as Kafka records: CloudEvents 1.0, Kafka protocol binding, binary mode."""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from crossdock_contracts.envelope import Cause, Event, EventMeta
from crossdock_contracts.registry import EVENTS

SHARDS = 64
MAX_PAYLOAD_BYTES = 262_144

#: The relay stamps the log's epoch on every record; readers compare offsets only within one epoch.
EPOCH_HEADER = "ce_logepoch"


# Perhaps a number that no column holds; in a text it may be anything.
_LONG_NUMBER = re.compile(rb"[:\[,]\s*-?\d{19}")
_TYPE = re.compile(r"crossdock(\.[a-z_]{1,32}){1,4}\.v\d{1,4}")


class UnreadableRecord(Exception):
    """A record that no retry makes readable. The text names fields and types, never their values."""


@dataclass(frozen=True, slots=True)
class WireEvent:
    """An event as it lies in the outbox, in the event log and on the topic (there with the epoch added)."""

    event_id: UUID
    topic: str
    key: str
    headers: tuple[str, ...]  # name, value, name, value, ...
    payload: bytes

    @property
    def shard(self) -> int:
        """Stable over processes and versions: rows of one key are always sent by the same owner."""
        return zlib.crc32(self.key.encode()) % SHARDS


def encode(event: Event, *, event_id: UUID, at: datetime, cause: Cause) -> WireEvent:
    """The event in wire form. Raises ValueError when it is larger than 256 KiB."""
    payload = event.model_dump_json().encode()
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"{event.TYPE} is {len(payload)} bytes, more than {MAX_PAYLOAD_BYTES}")
    headers = [
        *("ce_specversion", "1.0"),
        *("ce_id", str(event_id)),
        *("ce_source", event.SOURCE),
        *("ce_type", event.TYPE),
        *("ce_time", at.isoformat()),
        *("ce_subject", event.key),
        *("ce_partitionkey", event.key),
        *("ce_merchantid", event.merchant_id),
        *("ce_aggregateversion", str(event.aggregate_version)),
        *("ce_correlationid", str(cause.correlation_id or event_id)),
        *("content-type", "application/json"),
    ]
    if cause.event_id is not None:
        headers += ("ce_causationid", str(cause.event_id))
    if cause.traceparent is not None:
        headers += ("traceparent", cause.traceparent)
    return WireEvent(event_id, event.TOPIC, event.key, tuple(headers), payload)


def as_mapping(headers: Sequence[tuple[str, bytes]]) -> Mapping[str, str]:
    """Header names to text; of a repeated name the first counts. Raises UnreadableRecord."""
    found: dict[str, str] = {}
    for name, value in headers:
        try:
            found.setdefault(name, value.decode())
        except UnicodeDecodeError as error:
            raise UnreadableRecord(f"header {name!r} is not UTF-8") from error
    return found


def decode(headers: Mapping[str, str], payload: bytes | None) -> Event:
    """The event a record carries. Raises UnreadableRecord, without a word of the payload in its text."""
    model = _model_of(headers.get("ce_type", ""))
    try:
        meta = EventMeta(
            event_id=UUID(headers["ce_id"]),
            source=headers["ce_source"],
            time=datetime.fromisoformat(headers["ce_time"]),
            correlation_id=UUID(headers["ce_correlationid"]),
            causation_id=UUID(headers["ce_causationid"]) if "ce_causationid" in headers else None,
            traceparent=headers.get("traceparent"),
        )
    except KeyError as error:
        raise UnreadableRecord(f"header {error.args[0]!r} is missing") from None
    except ValueError as error:
        raise UnreadableRecord(f"a ce_ header cannot be read: {type(error).__name__}") from None
    if payload is None:
        raise UnreadableRecord("the record has no value")
    if _LONG_NUMBER.search(payload) is not None:
        _refuse_beyond_64_bits(payload)
    try:
        return model.read(payload, meta)
    except ValueError as error:
        raise UnreadableRecord(_fields_of(error)) from None


def _refuse_beyond_64_bits(payload: bytes) -> None:
    """Contracts do not bound numbers, columns do. Raises UnreadableRecord; what is no JSON is passed over."""

    def look(digits: str) -> None:
        if len(digits) > 20 or not -(2**63) <= int(digits) < 2**63:
            raise UnreadableRecord("the payload holds a number beyond 64 bits")

    with suppress(ValueError, RecursionError):
        json.loads(payload, parse_int=look)


def _model_of(name: str) -> type[Event]:
    """A name is told only where it looks like one: a stranger's header may hold anything."""
    if name not in EVENTS:
        told = repr(name) if _TYPE.fullmatch(name) else f"of {len(name)} characters"
        raise UnreadableRecord(f"the type {told} is unknown")
    return EVENTS[name]


def _fields_of(error: ValueError) -> str:
    """Where a payload broke its contract, as field paths and error types."""
    found = getattr(error, "errors", None)
    if found is None:
        return type(error).__name__
    broken = found(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in broken[:5])

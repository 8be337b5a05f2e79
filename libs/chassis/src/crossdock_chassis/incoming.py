"""Records as a consumer takes them from Kafka: where they lay, what they are, or why they cannot be read."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from aiokafka.structs import ConsumerRecord, TopicPartition

from crossdock_chassis.faults import Fault
from crossdock_chassis.wire import EPOCH_HEADER, UnreadableRecord, as_mapping, decode
from crossdock_contracts.envelope import Event

MAX_KEY_CHARS = 256
_MAX_EPOCH = 2**31 - 1


class LogId(NamedTuple):
    """Which log offsets belong to. Offsets of two logs say nothing about each other."""

    cluster_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """One record. `event` is null exactly when `fault` says why it cannot be handled.

    `log` is the log the reader believed to read, `read_from` the offset it had reached before this record:
    what lies between is known not to exist. `key` is never null: see `key_of`.
    """

    partition: TopicPartition
    offset: int
    read_from: int
    log: LogId
    timestamp_ms: int
    key: str
    epoch: int | None
    event_id: UUID | None
    headers: tuple[tuple[str, bytes], ...]
    payload: bytes | None
    event: Event | None
    fault: Fault | None

    def header(self, name: str) -> str | None:
        """The first header of this name as text, whatever it holds."""
        for found, value in self.headers:
            if found == name:
                return as_text(value)
        return None


def receive(
    record: ConsumerRecord, *, read_from: int, log: LogId, handlers: Mapping[type[Event], Any]
) -> Incoming:
    """Read a record. Never raises: what cannot be read becomes a fault."""
    headers = tuple((name, value if value is not None else b"") for name, value in record.headers)
    event: Event | None = None
    fault: Fault | None = None
    try:
        event = decode(as_mapping(headers), record.value)
        if type(event) not in handlers:
            raise UnreadableRecord(f"type {event.TYPE!r} is not listened to")
        if record.key is None or event.key.encode() != record.key:
            raise UnreadableRecord("the record's key is not the event's")
    except UnreadableRecord as error:
        event, fault = None, Fault.unreadable(str(error))
    except Exception as error:
        # A record that breaks our reader must rest like any other that cannot be read, not stop the consumer.
        event, fault = None, Fault.of(error)
    return Incoming(
        partition=TopicPartition(record.topic, record.partition),
        offset=record.offset,
        read_from=read_from,
        log=log,
        timestamp_ms=record.timestamp,
        key=key_of(record),
        epoch=_epoch_of(headers),
        event_id=_event_id_of(headers),
        headers=headers,
        payload=record.value,
        event=event,
        fault=fault,
    )


def key_of(record: ConsumerRecord) -> str:
    """The record's key as text that a database can hold and index; one of its own where there is none."""
    if record.key is None:
        return f"no-key:{record.topic}:{record.partition}:{record.offset}"
    try:
        key: str = record.key.decode()
    except UnicodeDecodeError:
        key = ""
    if 0 < len(key) <= MAX_KEY_CHARS and "\0" not in key:
        return key
    return f"sha256:{hashlib.sha256(record.key).hexdigest()}"


def as_text(value: bytes) -> str:
    """Bytes as text for a database: what is not UTF-8, and NUL, is shown escaped."""
    return value.decode(errors="backslashreplace").replace("\0", "\\x00")


def _first(headers: tuple[tuple[str, bytes], ...], wanted: str) -> bytes | None:
    return next((value for name, value in headers if name == wanted), None)


def _epoch_of(headers: tuple[tuple[str, bytes], ...]) -> int | None:
    value = _first(headers, EPOCH_HEADER)
    if value is None or not value.isdigit() or len(value) > len(str(_MAX_EPOCH)):
        return None
    return int(value) if int(value) <= _MAX_EPOCH else None


def _event_id_of(headers: tuple[tuple[str, bytes], ...]) -> UUID | None:
    try:
        return UUID(as_text(_first(headers, "ce_id") or b""))
    except ValueError:
        return None

"""A batch of steps as one transaction: COPY for new rows, one UPDATE per table for changed ones."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from types import MappingProxyType
from typing import Any, Self, TypeAlias

import asyncpg

from crossdock_chassis.ids import new_id

from .likeness import Row
from .pieces import Piece
from .steps import BEFORE, CHANGES, CREATED, EVENT_LOG, INBOX, SHIPPED, SOURCES, Change

Connection: TypeAlias = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_TYPES = """
    select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
    where attrelid = $1::regclass and attnum > 0 and not attisdropped
"""
_RESERVE = """
    update stock_level set reserved = reserved + n.units from unnest($1::text[], $2::int[]) n(sku, units)
    where stock_level.sku = n.sku
"""
_TAKE = """
    update stock_level set reserved = reserved - n.units, on_hand = on_hand - n.units
    from unnest($1::text[], $2::int[]) n(sku, units) where stock_level.sku = n.sku
"""
_COUNT_UP = "update sku_stream set version = version + 1 where sku = any($1)"


@dataclass(frozen=True, slots=True)
class Event:
    """As it is published. `number`: of the order, 0 for what is about a SKU."""

    topic: str
    key: str
    headers: Sequence[str]
    payload: bytes
    number: int


NOTHING_SAID: Mapping[str, Event] = MappingProxyType({})


class Writer:
    """Of one service's database. `levels`: SKU -> what was said of its level once, to be said again."""

    def __init__(self, service: str, pool: asyncpg.Pool, first_seq: int, levels: Mapping[str, Event]) -> None:
        self._pool = pool
        self._first_seq = first_seq
        self._seq = count(first_seq)
        self._levels = levels
        self._keeps_stock = service == "inventory"
        self._changes = CHANGES[service]
        #: In which order rows can be written.
        self._tables = [INBOX, *(source.table for source in SOURCES[service])]
        self._updates: dict[Change, str] = {}

    @classmethod
    async def open(
        cls, service: str, pool: asyncpg.Pool, first_seq: int, levels: Mapping[str, Event] = NOTHING_SAID
    ) -> Self:
        """`first_seq`: from where on its rows in the event log are numbered."""
        writer = cls(service, pool, first_seq, levels)
        async with pool.acquire() as connection:
            await writer._prepare(connection)
        return writer

    async def write(self, steps: Sequence[tuple[str, Piece]]) -> Sequence[Event]:
        """One transaction. Returns what is to be said after it."""
        now = datetime.now(UTC)
        new: dict[str, list[list[Any]]] = {table: [] for table in self._tables}
        columns: dict[str, tuple[str, ...]] = {}
        changed: dict[Change, list[list[Any]]] = {}
        events: list[Event] = []
        for step, piece in steps:
            piece.copy.now = now
            for row in piece.likeness.rows.get(step, ()):
                columns[row.table] = row.columns
                new[row.table].append(self._new(row, piece, events))
            for change in self._changes.get(step, ()):
                rows = piece.likeness.part(change.written_at, change.table, (change.key, *change.columns))
                changed.setdefault(change, []).extend(row.of(piece.copy) for row in rows)
        async with self._pool.acquire() as connection, connection.transaction():
            if self._keeps_stock:
                events += await self._move_stock(connection, steps, now)
            for table, records in new.items():
                if records:
                    await connection.copy_records_to_table(table, columns=columns[table], records=records)
            for change, records in changed.items():
                await connection.execute(self._updates[change], *map(list, zip(*records, strict=True)))
        return events

    def _new(self, row: Row, piece: Piece, events: list[Event]) -> list[Any]:
        record = row.of(piece.copy)
        if row.table == EVENT_LOG:
            values = dict(zip(row.columns, record, strict=True)) | {"seq": next(self._seq)}
            events.append(
                Event(values["topic"], values["key"], values["headers"], values["payload"], piece.number)
            )
            return list(values.values())
        if row.table == "document":
            return list((dict(zip(row.columns, record, strict=True)) | _file(piece.file)).values())
        before = BEFORE.get(row.table, {})
        return [before.get(name, value) for name, value in zip(row.columns, record, strict=True)]

    async def _move_stock(
        self, connection: Connection, steps: Sequence[tuple[str, Piece]], now: datetime
    ) -> Sequence[Event]:
        """What is reserved and what leaves; what is left of a SKU is said once per batch."""
        for step, statement in ((CREATED, _RESERVE), (SHIPPED, _TAKE)):
            units = Counter(line.sku for at, piece in steps if at == step for line in piece.order.lines)
            if units:
                await connection.execute(statement, list(units), list(units.values()))
        reserved = {line.sku for step, piece in steps if step == CREATED for line in piece.order.lines}
        said = [self._levels[sku] for sku in sorted(reserved)]
        if said:
            await connection.execute(_COUNT_UP, sorted(reserved))
            await connection.copy_records_to_table(
                EVENT_LOG,
                columns=("at", "seq", "shard", "event_id", "topic", "key", "headers", "payload"),
                records=[
                    (now, next(self._seq), 0, new_id(), one.topic, one.key, one.headers, one.payload)
                    for one in said
                ],
            )
        return said

    async def _prepare(self, connection: Connection) -> None:
        last = await connection.fetchval("select max(seq) from event_log where seq >= $1", self._first_seq)
        if last is not None:
            self._seq = count(last + 1)
        for change in {change for changes in self._changes.values() for change in changes}:
            types = {row["name"]: row["type"] for row in await connection.fetch(_TYPES, change.table)}
            self._updates[change] = _update(change, types)


def _update(change: Change, types: Mapping[str, str]) -> str:
    """Every row's values as an array per column."""
    names = (change.key, *change.columns)
    arrays = ", ".join(f"${place}::{types[name]}[]" for place, name in enumerate(names, 1))
    values = ", ".join(f"{name} = n.{name}" for name in change.columns)
    table = change.table
    return (
        f"update {table} set {values} from unnest({arrays}) n({', '.join(names)})"
        f" where {table}.{change.key} = n.{change.key}"
    )


def _file(content: bytes) -> dict[str, Any]:
    return {
        "content": content,
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }

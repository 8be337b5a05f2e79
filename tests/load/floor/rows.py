"""The rows that one webhook leaves behind, as one statement with an order's own values put in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg

Connection: TypeAlias = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

#: Filled by the database itself.
_GENERATED = {"order_history": {"n"}, "outbox": {"seq"}}
_CHANGING: Mapping[str, Mapping[str, str]] = {
    "inbound_message": {
        "message_id": "message_id",
        "dedupe_key": "delivery_id",
        "body": "body",
        "body_sha256": "body_sha256",
        "order_id": "order_id",
    },
    "orders": {"order_id": "order_id", "external_id": "external_id"},
    "order_history": {"order_id": "order_id", "correlation_id": "event_id"},
    "outbox": {"event_id": "event_id", "key": "order_key"},
}
_SAID = "seq, shard, event_id, topic, key, headers, payload"
_COLUMNS = """
    select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
    where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """`arguments` makes an order's from what changes, by name."""

    sql: str
    arguments: Callable[[Mapping[str, Any]], Sequence[Any]]


async def statement_like(connection: Connection, order_id: Any) -> Statement:
    """The rows of this order, to be written once more for another one, event log included."""
    parts: list[str] = []
    values: list[tuple[str | None, Any]] = []
    key = str(order_id)
    for table, condition, value in (
        ("inbound_message", "order_id = $1", order_id),
        ("orders", "order_id = $1", order_id),
        ("order_history", "order_id = $1", order_id),
        ("outbox", "key = $1", key),
    ):
        columns = [
            one
            for one in await connection.fetch(_COLUMNS, table)
            if one["name"] not in _GENERATED.get(table, ())
        ]
        names = ", ".join(one["name"] for one in columns)
        for row in await connection.fetch(f"select {names} from {table} where {condition}", value):
            places = []
            for one in columns:
                values.append((_CHANGING[table].get(one["name"]), row[one["name"]]))
                places.append(f"${len(values)}::{one['type']}")
            told = "" if table != "outbox" else f" returning {_SAID}"
            parts.append(
                f"r{len(parts)} as (insert into {table} ({names}) values ({', '.join(places)}){told})"
            )
    said = " union all ".join(
        f"select * from r{number}" for number, one in enumerate(parts) if "insert into outbox" in one
    )
    sql = (
        f"with {', '.join(parts)} insert into event_log (at, {_SAID})"
        f" select statement_timestamp(), said.* from ({said}) said"
    )

    def arguments(changing: Mapping[str, Any]) -> Sequence[Any]:
        return [value if name is None else changing[name] for name, value in values]

    return Statement(sql, arguments)

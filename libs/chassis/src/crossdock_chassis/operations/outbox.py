"""What rests in the outbox because the broker refuses it, and the way back once the cause is mended."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.database import Transaction
from crossdock_chassis.operations.audit import write_audit
from crossdock_chassis.relay_rows import release_parked
from crossdock_contracts.envelope import Actor


class OutboxParkedKey(BaseModel):
    """A key whose events are not sent: the first was refused, the others follow it in order."""

    key: str
    merchant_id: str | None
    topic: str = Field(description="Of the first event, like what follows.")
    error: str
    parked_at: datetime
    events: int


class OutboxParkedGroup(BaseModel):
    """Keys that rest for the same error at the same topic."""

    topic: str
    error: str = Field(description="Of one of them; numbers in it may differ.")
    keys: int
    events: int
    since: datetime
    sample_keys: list[str]


class Release(BaseModel):
    """Send a key's events once more, in their order."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "the topic takes larger records now"}]}
    )

    reason: str = Field(min_length=1, max_length=500, description="For the record. No personal data.")


class Released(BaseModel):
    events: int


class NothingReleased(Exception):
    """No event of the key rests in the outbox: none did, or somebody was faster."""


_KEYS = """
    select first.key, first.headers[array_position(first.headers, 'ce_merchantid') + 1] as merchant_id,
           first.topic, first.error, first.parked_at,
           (select count(*) from outbox_parked o where o.key = first.key) as events
    from (select distinct on (key) * from outbox_parked where key > :after order by key, seq) as first
    order by first.key
"""

_GROUPS = f"""
    select topic, min(error) as error, count(*) as keys, sum(events)::bigint as events,
           min(parked_at) as since, (array_agg(key order by parked_at))[1:5] as sample_keys
    from ({_KEYS}) as parked
    group by topic, regexp_replace(error, '[0-9]+', '0', 'g') order by count(*) desc, topic limit :rows
"""  # noqa: S608 - a constant


async def list_groups(connection: AsyncConnection, *, rows: int = 100) -> Sequence[OutboxParkedGroup]:
    """All that rests, the most keys first."""
    found = await connection.execute(text(_GROUPS), {"after": "", "rows": rows})
    return [OutboxParkedGroup(**row) for row in found.mappings()]


async def list_keys(connection: AsyncConnection, *, after: str, rows: int) -> Sequence[OutboxParkedKey]:
    """Keys in the order of their names, behind `after`."""
    found = await connection.execute(text(_KEYS + " limit :rows"), {"after": after, "rows": rows})
    return [OutboxParkedKey(**row) for row in found.mappings()]


async def release(tx: Transaction, key: str, *, reason: str, actor: Actor) -> int:
    """Hand a key's events to the relay again. Returns how many. Raises NothingReleased.

    Safe to repeat: what the broker still refuses rests again, and later events of the key behind it.
    """
    head = (
        await tx.connection.execute(
            text(
                "select headers[array_position(headers, 'ce_merchantid') + 1] from outbox_parked"
                " where key = :key order by seq limit 1"
            ),
            {"key": key},
        )
    ).scalar_one_or_none()
    events = await release_parked(tx.connection, key)
    if events == 0:
        raise NothingReleased(key)
    await write_audit(tx.connection, "outbox_released", key, actor=actor, reason=reason, merchant_id=head)
    return events

"""Events already handled, by id: the relay may publish one event twice, at different offsets."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ARRAY, bindparam, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

# In the order of the ids, so that two consumers claiming the same events cannot deadlock.
_CLAIM = text(
    """
    insert into inbox (event_id, consumer)
    select event_id, :consumer from unnest(:event_ids) as claimed (event_id) order by event_id
    on conflict do nothing
    returning event_id
    """
).bindparams(bindparam("event_ids", type_=ARRAY(postgresql.UUID)))


async def claim(connection: AsyncConnection, consumer: str, event_ids: Iterable[UUID]) -> set[UUID]:
    """Take these events for this transaction. Returns those that nobody has handled before."""
    wanted = sorted(set(event_ids))
    if not wanted:
        return set()
    rows = await connection.execute(_CLAIM, {"consumer": consumer, "event_ids": wanted})
    return set(rows.scalars())

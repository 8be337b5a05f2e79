"""`account_poll`: what platforms are asked again and again, and how far that has come."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Float, RowMapping, Text, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.ids import new_id
from order_service.use_cases.poll import Poll

#: Accounts that are asked for by one look; the next one finds the others.
A_LOOK = 500
QUEUE = ("queue",)
LIST = ("changes", "backfill")

# An account is polled from when it is first seen here, and from `first_s` before that.
_MISSING = text(
    """
    insert into account_poll (poll_id, merchant_id, account, way, read_until, next_at)
    select gen_random_uuid(), merchant_id, account, given.way,
           crossdock_now() - make_interval(secs => given.first_s), crossdock_now()
    from unnest(:platforms, :ways, :firsts) as given (platform, way, first_s)
    join account using (platform)
    where account.active and not exists (
        select from account_poll p where p.merchant_id = account.merchant_id and p.account = account.account
                                     and p.way = given.way)
    on conflict do nothing
    """
).bindparams(
    bindparam("platforms", type_=ARRAY(Text)),
    bindparam("ways", type_=ARRAY(Text)),
    bindparam("firsts", type_=ARRAY(Float)),
)
# The earliest time of an account names its next job: while that one runs, nobody moves it, so there is one.
_DUE = text(
    """
    select merchant_id, account, platform, min(next_at) as next_at
    from account_poll join account using (merchant_id, account)
    where next_at <= crossdock_now() and active and way = any(:ways) and platform = any(:platforms)
    group by merchant_id, account, platform order by min(next_at) limit :limit
    """
).bindparams(bindparam("ways", type_=ARRAY(Text)), bindparam("platforms", type_=ARRAY(Text)))
_DUE_OF = text(
    """
    select merchant_id, account, platform, min(next_at) as next_at
    from account_poll join account using (merchant_id, account)
    where merchant_id = :merchant_id and account = :account and next_at <= crossdock_now() and active
      and way = any(:ways)
    group by merchant_id, account, platform
    """
).bindparams(bindparam("ways", type_=ARRAY(Text)))
_SELECT = """
    select poll_id, merchant_id, account, way, read_until, ends_at, span_until, cursor, pages, found, next_at,
           failures, last_error
    from account_poll where merchant_id = :merchant_id and account = :account
"""
_NEXT = text(
    _SELECT + "and way = any(:ways) and next_at <= crossdock_now() order by next_at limit 1"
).bindparams(bindparam("ways", type_=ARRAY(Text)))
_SAVE = text(
    """
    update account_poll set read_until = :read_until, span_until = :span_until, cursor = :cursor,
        pages = :pages, found = :found, next_at = :next_at, failures = :failures, last_error = :last_error
    where poll_id = :poll_id and next_at = :was_at
    """
).bindparams(
    bindparam("poll_id", type_=PgUUID),
    *(bindparam(n, type_=DateTime(timezone=True)) for n in ("read_until", "span_until", "next_at", "was_at")),
)
_BACKFILL = text(
    """
    insert into account_poll (poll_id, merchant_id, account, way, read_until, ends_at, next_at)
    values (:poll_id, :merchant_id, :account, 'backfill', :since, :until, crossdock_now())
    """
).bindparams(
    bindparam("poll_id", type_=PgUUID),
    *(bindparam(name, type_=DateTime(timezone=True)) for name in ("since", "until")),
)
_OF_ACCOUNT = text(_SELECT + "order by created_at desc limit :limit")
_BEHIND = text(
    """
    select platform, extract(epoch from crossdock_now() - min(read_until))::double precision as behind_s
    from account_poll join account using (merchant_id, account)
    where way = 'changes' and active
      and platform || ':' || account not in (select destination from job_pause)
    group by platform
    """
)


@dataclass(frozen=True, slots=True)
class Due:
    """An account of which something is due since `next_at`."""

    merchant_id: str
    account: str
    platform: str
    next_at: datetime


async def add_missing(connection: AsyncConnection, way: str, first_s: Mapping[str, float]) -> None:
    """Begin to ask the active accounts of these platforms that nobody asks yet. Safe to repeat."""
    values = {
        "platforms": list(first_s),
        "ways": [way] * len(first_s),
        "firsts": list(first_s.values()),
    }
    await connection.execute(_MISSING, values)


async def due(connection: AsyncConnection, ways: Sequence[str], platforms: Sequence[str]) -> list[Due]:
    values = {"ways": list(ways), "platforms": list(platforms), "limit": A_LOOK}
    return [Due(*row) for row in await connection.execute(_DUE, values)]


async def due_of(
    connection: AsyncConnection, merchant_id: str, account: str, ways: Sequence[str]
) -> Due | None:
    """The same of one account."""
    values = {"merchant_id": merchant_id, "account": account, "ways": list(ways)}
    row = (await connection.execute(_DUE_OF, values)).one_or_none()
    return None if row is None else Due(*row)


async def next_of(
    connection: AsyncConnection, merchant_id: str, account: str, ways: Sequence[str]
) -> Poll | None:
    """What has been due for the longest time."""
    values = {"merchant_id": merchant_id, "account": account, "ways": list(ways)}
    row = (await connection.execute(_NEXT, values)).mappings().one_or_none()
    return None if row is None else _poll(row)


async def save(connection: AsyncConnection, was: Poll, now: Poll) -> bool:
    """False: somebody else has gone on from there; nothing was changed."""
    values = {**asdict(now), "was_at": was.next_at}
    return (await connection.execute(_SAVE, values)).rowcount == 1


async def add_backfill(
    connection: AsyncConnection, merchant_id: str, account: str, since: datetime, until: datetime
) -> UUID:
    poll_id = new_id()
    values = {
        "poll_id": poll_id,
        "merchant_id": merchant_id,
        "account": account,
        "since": since,
        "until": until,
    }
    await connection.execute(_BACKFILL, values)
    return poll_id


async def of_account(connection: AsyncConnection, merchant_id: str, account: str, limit: int) -> list[Poll]:
    """The newest first."""
    values = {"merchant_id": merchant_id, "account": account, "limit": limit}
    return [_poll(row) for row in (await connection.execute(_OF_ACCOUNT, values)).mappings()]


async def behind_s(connection: AsyncConnection) -> dict[str, float]:
    """Platform -> how old the news is, in seconds, that its account furthest behind may lack."""
    return {row.platform: row.behind_s for row in await connection.execute(_BEHIND)}


def _poll(row: RowMapping) -> Poll:
    return Poll(**row)

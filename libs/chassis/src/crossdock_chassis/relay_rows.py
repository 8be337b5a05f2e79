"""What the relay reads from and takes out of the outbox. Every function is one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Integer, SmallInteger, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

WAVE_ROWS = 500
WAVE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A record to be sent; `parked_key` when an earlier one of its key rests in outbox_parked."""

    shard: int
    seq: int
    event_id: UUID
    topic: str
    key: str
    headers: Sequence[str]
    payload: bytes
    parked_key: bool = False

    def header_pairs(self) -> list[tuple[str, bytes]]:
        """As the record carries them. Raises ValueError or TypeError unless they are pairs of text."""
        names, values = self.headers[0::2], self.headers[1::2]
        return [(name, str.encode(value)) for name, value in zip(names, values, strict=True)]


# The shards that have rows, one step down the index for each: most looks find none, and would go down it
# 64 times otherwise.
_BUSY = """
    with recursive busy (shard) as (
        (select shard from outbox order by shard limit 1)
        union all
        select (select o.shard from outbox o where o.shard > busy.shard order by o.shard limit 1)
        from busy where busy.shard is not null
    )
"""

# Shards come in a new order with every wave, so a busy one is first only now and then. The running sum bounds
# what a wave holds in memory; octet_length reads no more of a large payload than its head.
_READ = text(
    f"""
    {_BUSY}
    select shard, seq, event_id, topic, key, headers, payload, parked_key from (
        select o.*, o.key in (select key from outbox_parked) as parked_key, s.n,
               sum(octet_length(o.payload)) over (order by s.n, o.seq)
                   - octet_length(o.payload) as bytes_before
        from busy join unnest(:shards) with ordinality as s (shard, n) using (shard)
        cross join lateral (select * from outbox where outbox.shard = s.shard order by seq limit :per_shard) o
    ) wave
    where bytes_before < :bytes
    order by n, seq
    limit :rows
    """  # noqa: S608 - a constant
).bindparams(bindparam("shards", type_=ARRAY(SmallInteger)))


async def read_wave(connection: AsyncConnection, shards: Sequence[int]) -> list[Row]:
    """Read the next rows of these shards, each shard's from its first on, in sequence order."""
    found = await connection.execute(
        _READ,
        {
            "shards": list(shards),
            "per_shard": max(16, 2 * WAVE_ROWS // max(1, len(shards))),
            "rows": WAVE_ROWS,
            "bytes": WAVE_BYTES,
        },
    )
    return [Row(*one) for one in found]


# FOR SHARE makes the raising of the epoch and this statement wait for each other. A relay that slept through
# a rebuild has sent with an epoch that readers drop: whoever deleted those rows would lose them.
_SETTLE = text(
    """
    with current as materialized (select epoch from log_epoch where epoch = :epoch for share),
    gone as (
        delete from outbox using unnest(:shards, :seqs) as acked (shard, seq)
        where outbox.shard = acked.shard and outbox.seq = acked.seq and exists (select from current)
    ),
    noted as (
        insert into relay_ack (topic, partition, epoch, acked_offset)
        select topic, partition, epoch, acked_offset
        from unnest(:topics, :partitions, :offsets) as ack (topic, partition, acked_offset), current
        order by topic, partition
        on conflict (topic, partition)
        do update set epoch = excluded.epoch, acked_offset = excluded.acked_offset
        where (relay_ack.epoch, relay_ack.acked_offset) < (excluded.epoch, excluded.acked_offset)
    )
    select count(*) from current
    """
).bindparams(
    bindparam("shards", type_=ARRAY(SmallInteger)),
    bindparam("seqs", type_=ARRAY(BigInteger)),
    bindparam("topics", type_=ARRAY(Text)),
    bindparam("partitions", type_=ARRAY(Integer)),
    bindparam("offsets", type_=ARRAY(BigInteger)),
)


async def settle(
    connection: AsyncConnection,
    epoch: int,
    rows: Sequence[Row],
    offsets: Mapping[tuple[str, int], tuple[int, int]],
) -> bool:
    """Delete acknowledged rows and note how far the partitions are. In another epoch: False, nothing done."""
    found = await connection.execute(
        _SETTLE,
        {
            "epoch": epoch,
            "shards": [row.shard for row in rows],
            "seqs": [row.seq for row in rows],
            "topics": [topic for topic, _ in offsets],
            "partitions": [partition for _, partition in offsets],
            "offsets": [highest for _, highest in offsets.values()],
        },
    )
    return bool(found.scalar_one())


_PARK = text(
    """
    with gone as (
        delete from outbox using unnest(:shards, :seqs, :errors) as refused (shard, seq, error)
        where outbox.shard = refused.shard and outbox.seq = refused.seq
        returning outbox.*, refused.error
    )
    insert into outbox_parked (shard, seq, event_id, topic, key, headers, payload, created_at, error)
    select shard, seq, event_id, topic, key, headers, payload, created_at, error from gone
    on conflict do nothing
    """
).bindparams(
    bindparam("shards", type_=ARRAY(SmallInteger)),
    bindparam("seqs", type_=ARRAY(BigInteger)),
    bindparam("errors", type_=ARRAY(Text)),
)


async def park(connection: AsyncConnection, refused: Mapping[Row, str]) -> int:
    """Move rows aside, with the reason. Returns how many there were still to move."""
    moved = await connection.execute(
        _PARK,
        {
            "shards": [row.shard for row in refused],
            "seqs": [row.seq for row in refused],
            "errors": list(refused.values()),
        },
    )
    return moved.rowcount


_RELEASE = text(
    """
    with released as (delete from outbox_parked where key = :key returning *)
    insert into outbox (shard, seq, event_id, topic, key, headers, payload, created_at)
    overriding system value
    select shard, seq, event_id, topic, key, headers, payload, created_at from released
    """
)


async def release_parked(connection: AsyncConnection, key: str) -> int:
    """Put a key's parked rows back at their old places, before all said of it since. Returns how many."""
    return (await connection.execute(_RELEASE, {"key": key})).rowcount


_OLDEST = text(
    f"""
    {_BUSY}
    select extract(epoch from statement_timestamp() - min(created_at))::float8
    from busy cross join lateral (
        select created_at from outbox where outbox.shard = busy.shard order by seq limit 1
    ) head
    """  # noqa: S608 - a constant
)


async def oldest_age_s(connection: AsyncConnection) -> float:
    """Age of the oldest row of all shards, whoever owns them; 0 when there is none."""
    return (await connection.execute(_OLDEST)).scalar_one() or 0.0

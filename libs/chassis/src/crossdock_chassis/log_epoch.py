"""Which log we write to, how its loss is noticed, and what is needed to write it anew.

Every way to notice a loss ends in `rebuild_wanted`; one relay at a time answers it. What makes this safe:

- The epoch is read before the broker's cluster id, and both before a wave. A broker that is replaced in
  between takes records of the old epoch, and their rows are deleted; but the row here still names the old
  cluster, so the next look of any relay finds the loss, and the event log has them all.
- Rows are deleted only while the epoch they were sent with is current (`relay_rows.settle`). Raising it locks
  the row first and looks for the end of the event log second: every row deleted under the old epoch was
  committed before that end was read, so it is in the range that is replayed; all others are in the outbox.
- Rows that commit late, with a number inside a range already replayed, are in the outbox too.
- The replay's place moves by compare-and-set: a relay that slept and one that took over skip no rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import ARRAY, BigInteger, Interval, SmallInteger, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.relay_rows import WAVE_BYTES, WAVE_ROWS, Row

#: How far back a lost log is rebuilt: what topics and event log hold. The inbox remembers longer.
REPLAY_WINDOW = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Position:
    """Where writing stands. `acked`: highest acknowledged offset by (topic, partition), in this epoch."""

    epoch: int
    cluster_id: str | None
    rebuild_wanted: str | None
    rebuild_next: int | None
    rebuild_until: int | None
    acked: Mapping[tuple[str, int], int] = field(default_factory=dict)

    @property
    def rebuild_due(self) -> bool:
        return self.rebuild_wanted is not None or self.rebuild_next is not None


_READ = text(
    """
    select l.epoch, l.cluster_id, l.rebuild_wanted, l.rebuild_next, l.rebuild_until,
           a.topic, a.partition, a.acked_offset
    from log_epoch l left join relay_ack a on a.epoch = l.epoch and a.topic = any(:topics)
    """
).bindparams(bindparam("topics", type_=ARRAY(Text)))


async def read_position(connection: AsyncConnection, topics: Iterable[str] = ()) -> Position:
    """Read epoch and state, and how far the partitions of `topics` are known to be.

    Acks are compared with what was read before the wave: another relay's ack on the same partition may be
    noted while ours is on its way, and is then rightly the higher one.
    """
    rows = (await connection.execute(_READ, {"topics": list(topics)})).all()
    head = rows[0]
    acked = {(one.topic, one.partition): one.acked_offset for one in rows if one.topic is not None}
    return Position(
        head.epoch, head.cluster_id, head.rebuild_wanted, head.rebuild_next, head.rebuild_until, acked
    )


def lost_offsets(position: Position, acks: Mapping[tuple[str, int], tuple[int, int]]) -> str | None:
    """Why this cannot be the log we wrote to: an ack at or below one we had before. None when it can be."""
    for at, (lowest, _) in acks.items():
        before = position.acked.get(at, -1)
        if lowest <= before:
            return f"{at[0]}/{at[1]} acknowledged offset {lowest} after {before}"
    return None


async def adopt_cluster(connection: AsyncConnection, epoch: int, cluster_id: str) -> None:
    """Remember the first cluster ever seen. Nothing was lost: nothing was there."""
    await connection.execute(
        text("update log_epoch set cluster_id = :cluster where epoch = :epoch and cluster_id is null"),
        {"epoch": epoch, "cluster": cluster_id},
    )


async def request_rebuild(connection: AsyncConnection, reason: str, *, epoch: int | None = None) -> bool:
    """Ask for the whole log to be written anew, under the next epoch. The relays answer within seconds.

    Safe to repeat. With `epoch`: only while that one is current, so that a relay which noticed the loss of an
    older log, and slept, asks for nothing. Returns whether it was asked.
    """
    asked = await connection.execute(
        text(
            "update log_epoch set rebuild_wanted = :reason, changed_at = statement_timestamp()"
            " where epoch = coalesce(cast(:epoch as integer), epoch)"
        ),
        {"reason": reason[:500], "epoch": epoch},
    )
    return asked.rowcount == 1


async def begin_rebuild(connection: AsyncConnection, position: Position, cluster_id: str) -> bool:
    """Raise the epoch and set the replay's place, in one transaction that the caller has begun.

    False, and nothing done, when the epoch is no longer the one in `position`.
    """
    current = await connection.execute(
        text("select epoch from log_epoch where epoch = :epoch for update"), {"epoch": position.epoch}
    )
    if current.one_or_none() is None:
        return False
    # A statement of its own, after the lock: see the module's docstring.
    await connection.execute(
        text(
            """
            update log_epoch set epoch = epoch + 1, cluster_id = :cluster, rebuild_wanted = null,
                rebuild_next = range.first, rebuild_until = range.last, changed_at = statement_timestamp()
            from (select min(seq) as first, max(seq) as last from event_log
                  where at >= statement_timestamp() - :window) range
            """
        ).bindparams(bindparam("window", type_=Interval)),
        {"cluster": cluster_id, "window": REPLAY_WINDOW},
    )
    return True


_REPLAY = text(
    """
    select shard, seq, event_id, topic, key, headers, payload,
           exists (select from outbox_parked p where p.key = e.key and p.seq <= e.seq) as parked_key
    from (
        select *, sum(octet_length(payload)) over (order by seq) - octet_length(payload) as bytes_before
        from (
            select * from event_log
            where seq between :next and :until and at >= statement_timestamp() - :window
            order by seq limit :rows
        ) looked_at
    ) e
    where bytes_before < :bytes
    order by seq
    """
).bindparams(bindparam("window", type_=Interval))


async def read_replay(connection: AsyncConnection, position: Position) -> list[Row]:
    """Read the replay's next rows in sequence order; none when it has reached its end."""
    found = await connection.execute(
        _REPLAY,
        {
            "next": position.rebuild_next,
            "until": position.rebuild_until,
            "window": REPLAY_WINDOW,
            "rows": WAVE_ROWS,
            "bytes": WAVE_BYTES,
        },
    )
    return [Row(*one) for one in found]


_ADVANCE = text(
    """
    with moved as (
        update log_epoch set
            rebuild_next = :following,
            rebuild_until = case when cast(:following as bigint) is null then null else rebuild_until end,
            changed_at = statement_timestamp()
        where epoch = :epoch and rebuild_next = :next and rebuild_wanted is null
        returning epoch
    ),
    gone as (
        delete from outbox using unnest(:shards, :seqs) as acked (shard, seq)
        where outbox.shard = acked.shard and outbox.seq = acked.seq and exists (select from moved)
    )
    select count(*) from moved
    """
).bindparams(
    bindparam("following", type_=BigInteger),
    bindparam("shards", type_=ARRAY(SmallInteger)),
    bindparam("seqs", type_=ARRAY(BigInteger)),
)


async def advance_replay(connection: AsyncConnection, position: Position, rows: Sequence[Row]) -> bool:
    """Note that `rows` are done in this epoch, and take them out of the outbox, where some still are.

    Without rows the replay ends. False, and nothing done, when another relay has moved the place meanwhile.
    """
    moved = await connection.execute(
        _ADVANCE,
        {
            "epoch": position.epoch,
            "next": position.rebuild_next,
            "following": rows[-1].seq + 1 if rows else None,
            "shards": [row.shard for row in rows],
            "seqs": [row.seq for row in rows],
        },
    )
    return bool(moved.scalar_one())


_PARK = text(
    """
    insert into outbox_parked (shard, seq, event_id, topic, key, headers, payload, created_at, error)
    select e.shard, e.seq, e.event_id, e.topic, e.key, e.headers, e.payload, e.at, refused.error
    from unnest(:seqs, :errors) as refused (seq, error)
    join event_log e on e.seq = refused.seq and e.at >= statement_timestamp() - :window
    on conflict do nothing
    """
).bindparams(
    bindparam("seqs", type_=ARRAY(BigInteger)),
    bindparam("errors", type_=ARRAY(Text)),
    bindparam("window", type_=Interval),
)


async def park_replayed(connection: AsyncConnection, refused: Mapping[Row, str]) -> int:
    """Park events that were sent once and cannot be sent again. Returns how many were not parked before."""
    parked = await connection.execute(
        _PARK,
        {
            "seqs": [row.seq for row in refused],
            "errors": list(refused.values()),
            "window": REPLAY_WINDOW,
        },
    )
    return parked.rowcount

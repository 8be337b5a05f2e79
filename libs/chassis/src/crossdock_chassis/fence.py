"""How far a consumer has come, in the transactions of its effects: it fences what Kafka clients do not.

A fence row belongs to one log (cluster id and epoch). It moves only over what was read without a gap from
where it stood, so a reader that was left behind, or stands in another log, changes nothing and looks again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from aiokafka.structs import TopicPartition
from sqlalchemy import ARRAY, BigInteger, Float, Integer, RowMapping, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.incoming import Incoming, LogId


@dataclass(frozen=True, slots=True)
class Fence:
    """Everything below `next_offset` of this log is done."""

    cluster_id: str | None
    epoch: int
    next_offset: int

    @property
    def log(self) -> LogId | None:
        return None if self.cluster_id is None else LogId(self.cluster_id, self.epoch)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with one partition's run of records.

    `reread`: the reader stands in the wrong place; nothing of the run counts, and it must seek to the fence.
    """

    kept: tuple[Incoming, ...]
    fence: Fence
    reread: bool = False


def judge(fence: Fence, run: Sequence[Incoming]) -> Verdict:
    """Compare consecutive records of one partition with its locked fence.

    A higher epoch than the fence's means that the publisher writes its log anew, with everything in it: the
    fence begins again at 0, and so must the reader unless this run does, because it may have jumped over the
    new log's beginning. From then on records of lower epochs are dropped: they come again under the new one.
    """
    if fence.log != run[0].log:
        return Verdict((), fence, reread=True)
    newest = max((one.epoch for one in run if one.epoch is not None), default=fence.epoch)
    if newest > fence.epoch:
        fence = replace(fence, epoch=newest, next_offset=0)
    if run[0].read_from > fence.next_offset:
        return Verdict((), fence, reread=True)
    kept = tuple(one for one in run if one.offset >= fence.next_offset and one.epoch in (None, fence.epoch))
    return Verdict(kept, replace(fence, next_offset=max(fence.next_offset, run[-1].offset + 1)))


_PLACES = (bindparam("topics", type_=ARRAY(Text)), bindparam("partitions", type_=ARRAY(Integer)))

_CREATE = text(
    """
    insert into consumer_fence (consumer, topic, partition)
    select :consumer, topic, partition from unnest(:topics, :partitions) as place (topic, partition)
    order by topic, partition
    on conflict do nothing
    """
).bindparams(*_PLACES)

_LOCK = text(
    """
    select topic, partition, cluster_id, epoch, next_offset from consumer_fence
    where consumer = :consumer and (topic, partition) in (select * from unnest(:topics, :partitions))
    order by topic, partition
    for no key update
    """
).bindparams(*_PLACES)

_BEGIN_ANEW = text(
    """
    update consumer_fence set cluster_id = :cluster_id, next_offset = 0, caught_up_at = null,
           updated_at = statement_timestamp()
    where consumer = :consumer and (topic, partition) in (select * from unnest(:topics, :partitions))
    """
).bindparams(*_PLACES)

_ADVANCE = text(
    """
    update consumer_fence f set epoch = place.epoch, next_offset = place.next_offset,
           caught_up_at = case when f.epoch = place.epoch then f.caught_up_at end,
           updated_at = statement_timestamp()
    from unnest(:topics, :partitions, :epochs, :next_offsets) as place (topic, partition, epoch, next_offset)
    where f.consumer = :consumer and f.topic = place.topic and f.partition = place.partition
    """
).bindparams(
    *_PLACES,
    bindparam("epochs", type_=ARRAY(Integer)),
    bindparam("next_offsets", type_=ARRAY(BigInteger)),
)

_CAUGHT_UP = text(
    """
    with place as (
        select * from unnest(:topics, :partitions, :epochs, :ages)
            as place (topic, partition, epoch, age_s)
    ), locked as (
        select f.topic, f.partition, crossdock_clock() - make_interval(secs => place.age_s) as at
        from consumer_fence f join place using (topic, partition)
        where f.consumer = :consumer and f.cluster_id = :cluster_id and f.epoch = place.epoch
        order by f.topic, f.partition
        for no key update of f
    )
    update consumer_fence f set caught_up_at = greatest(f.caught_up_at, locked.at)
    from locked where f.consumer = :consumer and f.topic = locked.topic and f.partition = locked.partition
    """
).bindparams(
    *_PLACES,
    bindparam("epochs", type_=ARRAY(Integer)),
    bindparam("ages", type_=ARRAY(Float)),
)


async def ensure_rows(
    connection: AsyncConnection, consumer: str, partitions: Iterable[TopicPartition]
) -> None:
    """Give every partition a fence row, not only those assigned here: timers wait for all of them."""
    await connection.execute(_CREATE, {"consumer": consumer, **_columns(partitions)})


async def lock(
    connection: AsyncConnection, consumer: str, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, Fence]:
    """Lock the fence rows, in key order, until the transaction ends."""
    rows = await connection.execute(_LOCK, {"consumer": consumer, **_columns(partitions)})
    return {TopicPartition(row["topic"], row["partition"]): _fence(row) for row in rows.mappings()}


async def take_positions(
    connection: AsyncConnection, consumer: str, partitions: Iterable[TopicPartition], cluster_id: str
) -> dict[TopicPartition, Fence]:
    """Where to read each partition of this cluster. A fence of another cluster begins again at 0."""
    fences = await lock(connection, consumer, partitions)
    foreign = [one for one, fence in fences.items() if fence.cluster_id != cluster_id]
    if foreign:
        await connection.execute(
            _BEGIN_ANEW, {"consumer": consumer, "cluster_id": cluster_id, **_columns(foreign)}
        )
        fences |= {one: Fence(cluster_id, fences[one].epoch, 0) for one in foreign}
    return fences


async def advance(connection: AsyncConnection, consumer: str, fences: Mapping[TopicPartition, Fence]) -> None:
    """Store the fences that `judge` returned; their rows are locked."""
    places = sorted(fences)
    await connection.execute(
        _ADVANCE,
        {
            "consumer": consumer,
            **_columns(places),
            "epochs": [fences[one].epoch for one in places],
            "next_offsets": [fences[one].next_offset for one in places],
        },
    )


async def mark_caught_up(
    connection: AsyncConnection,
    consumer: str,
    cluster_id: str,
    caught_up: Mapping[TopicPartition, tuple[int, float]],
) -> None:
    """Note partitions of which nothing was left to handle: each with its epoch and how many seconds ago."""
    places = sorted(caught_up)
    await connection.execute(
        _CAUGHT_UP,
        {
            "consumer": consumer,
            "cluster_id": cluster_id,
            **_columns(places),
            "epochs": [caught_up[one][0] for one in places],
            "ages": [caught_up[one][1] for one in places],
        },
    )


def _columns(partitions: Iterable[TopicPartition]) -> dict[str, list[str] | list[int]]:
    places = sorted(partitions)
    return {"topics": [one.topic for one in places], "partitions": [one.partition for one in places]}


def _fence(row: RowMapping) -> Fence:
    return Fence(row["cluster_id"], row["epoch"], row["next_offset"])

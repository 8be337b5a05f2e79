"""The relay: takes the outbox to the broker, in order per key, and the event log too when the broker lost it.

One wave: read rows (no transaction stays open), see who the broker is, send, wait for every ack, delete what
was acknowledged. Several relays share the shards; one that dies is replaced within a second or two.
"""

import asyncio
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import structlog
from opentelemetry import metrics
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.crash_points import reached
from crossdock_chassis.database import Database
from crossdock_chassis.kafka import Kafka
from crossdock_chassis.log_epoch import (
    Position,
    adopt_cluster,
    advance_replay,
    begin_rebuild,
    lost_offsets,
    park_replayed,
    read_position,
    read_replay,
    request_rebuild,
)
from crossdock_chassis.producer import Producer, Report, require_compiled_codec
from crossdock_chassis.relay_rows import WAVE_ROWS, Row, oldest_age_s, park, read_wave, settle
from crossdock_chassis.shards import Shards
from crossdock_chassis.waiting import set_within
from crossdock_contracts.envelope import Event

_FOLLOWS = "an earlier record of this key rests here"
_IDLE_LAST_S = 0.5
_RETRY_FIRST_S, _RETRY_LAST_S = 0.1, 5.0
_UPKEEP_EVERY_S = 1.0
_TURN_S = 0.1

log = structlog.get_logger()
_meter = metrics.get_meter("crossdock")
_sent = _meter.create_counter("crossdock.relay.rows_sent", description="Records acknowledged by the broker")
_epochs = _meter.create_counter(
    "crossdock.log.epochs_raised", description="Times the log was given up and written anew"
)
_parked = _meter.create_counter("crossdock.relay.rows_parked", description="Records the broker refuses")


class _NotNow(Exception):
    """Nothing more can be done at the moment; look again after `pause_s`."""

    def __init__(self, pause_s: float) -> None:
        super().__init__(pause_s)
        self.pause_s = pause_s


class Relay:
    """One relay of a service. `run` until `stop`; both belong to one event loop."""

    def __init__(
        self,
        database: Database[Any],
        kafka: Kafka,
        *,
        direct_url: str,
        publishes: Iterable[type[Event]],
        dead_letter: str,
        look_s: float = 0.02,
    ) -> None:
        """`direct_url` reaches the database without a pooler. The topics of `publishes` and `dead_letter`
        must all exist before the first record is sent. `look_s`: how soon after a wave it looks again when
        nobody wakes it, as other processes cannot.
        """
        self._database = database
        self._engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._producer = Producer(kafka, [*(event.TOPIC for event in publishes), dead_letter])
        self._shards = Shards(direct_url)
        self._stopping = asyncio.Event()
        self._upkeep_due = 0.0
        self._oldest: tuple[float, float] = (time.monotonic(), 0.0)  # when it was looked, the age then
        self._look_s = look_s
        self._idle_s = look_s
        self._failures = 0
        _meter.create_observable_gauge(
            "crossdock.outbox.age",
            callbacks=[lambda _: [metrics.Observation(self.outbox_age_s)]],
            unit="s",
            description="Age of the oldest event not yet acknowledged by the broker",
        )

    @property
    def outbox_age_s(self) -> float:
        """How long the oldest event waits. Grows by itself when nobody looks any more."""
        looked_at, age = self._oldest
        unseen = time.monotonic() - looked_at
        return age + unseen if age or unseen > 10 * _UPKEEP_EVERY_S else 0.0

    async def run(self) -> None:
        """Send until `stop` is called, whatever database and broker do. Raises SlowRecordCodec at once."""
        require_compiled_codec()
        for counter in (_sent, _epochs, _parked):  # shown before they count: the first is an increase, too
            counter.add(0)
        try:
            while not self._stopping.is_set():
                self._database.wakeups.outbox.clear()  # before reading: later commits wake again
                try:
                    pause_s = await self._step()
                except _NotNow as reason:
                    pause_s = reason.pause_s
                except (SQLAlchemyError, OSError, TimeoutError) as error:
                    log.warning(
                        "relay.database_failed", error=type(error).__name__, sqlstate=_sqlstate(error)
                    )
                    await self._shards.lose()
                    pause_s = self._back_off()
                if pause_s is None:
                    await _wait(self._database.wakeups.outbox, self._idle_s * random.uniform(0.8, 1.2))  # noqa: S311
                    self._idle_s = min(self._idle_s * 2, _IDLE_LAST_S)
                else:
                    await _wait(self._stopping, pause_s)
        finally:
            await self._producer.close()
            await self._shards.close()

    async def stop(self) -> None:
        """Let the wave on its way end, then leave: `run` returns within the producer's limits."""
        self._stopping.set()
        self._database.wakeups.outbox.set()

    async def _step(self) -> float | None:
        """Do one wave or one part of a rebuild. Returns seconds until the next; None when idle."""
        async with self._engine.connect() as connection:
            upkeep = time.monotonic() >= self._upkeep_due
            if upkeep:
                self._oldest = (time.monotonic(), await oldest_age_s(connection))
                if (await read_position(connection)).rebuild_due:
                    await self._rebuild(connection)
                    return 0.0
                await self._shards.share()
                self._upkeep_due = time.monotonic() + _UPKEEP_EVERY_S
            owned = self._shards.owned
            rows = await read_wave(connection, random.sample(sorted(owned), len(owned)))
            if following := [row for row in rows if row.parked_key]:
                await self._park(connection, dict.fromkeys(following, _FOLLOWS), replaying=False)
                rows = [row for row in rows if not row.parked_key]
            if not rows and not upkeep:
                return None
            # Without rows too: a log that is lost while nobody writes is noticed all the same.
            report = await self._deliver(connection, rows, replaying=False)
        if not rows:
            return None
        self._idle_s = self._look_s
        return None if len(report.acked) == len(rows) < WAVE_ROWS else 0.0

    async def _deliver(self, connection: AsyncConnection, rows: Sequence[Row], *, replaying: bool) -> Report:
        """Send rows and settle what came of it. Raises _NotNow when they may not go, or a batch failed."""
        topics = frozenset(row.topic for row in rows)
        position = await read_position(connection, topics)
        cluster_id = await self._producer.look(topics)
        if cluster_id is None:
            raise _NotNow(self._back_off())
        if position.cluster_id is None:
            await adopt_cluster(connection, position.epoch, cluster_id)
            raise _NotNow(0.0)
        if position.cluster_id != cluster_id:
            await self._lost(connection, position, f"cluster {cluster_id} instead of {position.cluster_id}")
        if position.rebuild_wanted is not None or (position.rebuild_next is not None) != replaying:
            self._upkeep_due = 0.0
            raise _NotNow(0.0)
        plan = self._producer.plan(rows, position.epoch)
        if plan.batches:
            reached("relay.before_send")
        report = await self._producer.send(plan.batches)
        if report.acked:
            reached("relay.after_ack")
        report.refused |= plan.refused
        if reason := lost_offsets(position, report.offsets):
            await self._lost(connection, position, reason)
        if report.acked and not await settle(connection, position.epoch, report.acked, report.offsets):
            log.warning("relay.epoch_moved", epoch=position.epoch, rows=len(report.acked))
            raise _NotNow(0.0)
        if report.acked:
            reached("relay.after_delete")
        _sent.add(len(report.acked))
        if report.refused:
            await self._park(connection, report.refused, replaying=replaying)
        if report.failed:
            raise _NotNow(self._back_off())
        self._failures = 0
        return report

    async def _lost(self, connection: AsyncConnection, position: Position, reason: str) -> NoReturn:
        log.error("log.lost", reason=reason, epoch=position.epoch)
        await request_rebuild(connection, reason, epoch=position.epoch)
        self._upkeep_due = 0.0
        raise _NotNow(0.0)

    async def _rebuild(self, connection: AsyncConnection) -> None:
        """Do the next part of writing the log anew, once every shard is ours. Raises _NotNow."""
        if not await self._shards.take_all():
            raise _NotNow(_TURN_S)
        position = await read_position(connection)
        cluster_id = await self._producer.look()
        if cluster_id is None:
            raise _NotNow(self._back_off())
        if position.rebuild_wanted is not None or position.cluster_id != cluster_id:
            await self._raise_epoch(position, cluster_id)
            return
        if position.rebuild_next is None:
            return  # another relay has ended it
        rows = await read_replay(connection, position)
        waiting = [row for row in rows if not row.parked_key]
        await self._park(connection, {row: _FOLLOWS for row in rows if row.parked_key}, replaying=True)
        while waiting:
            report = await self._deliver(connection, waiting, replaying=True)
            if report.refused:
                return  # read again: what follows in those keys rests now
            acked = set(report.acked)
            waiting = [row for row in waiting if row not in acked]
        if rows:
            reached("rebuild.sent")
        advanced = await advance_replay(connection, position, rows)
        if rows:
            reached("rebuild.advanced")
        elif advanced:
            log.info("log.rebuilt", epoch=position.epoch, until=position.rebuild_until)

    async def _raise_epoch(self, position: Position, cluster_id: str) -> None:
        async with self._database.engine.begin() as transaction:
            raised = await begin_rebuild(transaction, position, cluster_id)
        if raised:
            reached("rebuild.begun")
            _epochs.add(1)
            log.error(
                "log.epoch_raised",
                reason=position.rebuild_wanted,
                epoch=position.epoch + 1,
                cluster=cluster_id,
                lost_cluster=position.cluster_id,
            )

    async def _park(
        self, connection: AsyncConnection, refused: Mapping[Row, str], *, replaying: bool
    ) -> None:
        if not refused:
            return
        _parked.add(await park(connection, refused))
        if replaying:
            _parked.add(await park_replayed(connection, refused))
        for row, error in refused.items():
            if error != _FOLLOWS:
                log.error(
                    "outbox.parked", topic=row.topic, event_id=str(row.event_id), key=row.key, error=error
                )

    def _back_off(self) -> float:
        pause_s: float = min(_RETRY_LAST_S, _RETRY_FIRST_S * 2 ** min(self._failures, 10))
        self._failures += 1
        return pause_s * random.uniform(0.5, 1.0)  # noqa: S311


def _sqlstate(error: Exception) -> str | None:
    found: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return found


async def _wait(event: asyncio.Event, seconds: float) -> None:
    if seconds <= 0:
        await asyncio.sleep(0)  # the loop's other tasks come to their turn
        return
    await set_within(event, seconds)

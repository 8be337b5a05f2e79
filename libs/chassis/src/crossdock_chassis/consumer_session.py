"""The life of one Kafka client inside a consumer: poll, work, commit, and give partitions up in order."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Generic

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import TopicPartition

from crossdock_chassis import consumer_telemetry as telemetry
from crossdock_chassis import fence
from crossdock_chassis.batches import Batches, Outcome
from crossdock_chassis.crash_points import reached
from crossdock_chassis.database import TX, Database
from crossdock_chassis.faults import Fault, ParkingFull
from crossdock_chassis.handlers import Handlers, topics_of
from crossdock_chassis.incoming import Incoming, LogId, receive
from crossdock_chassis.kafka import Kafka
from crossdock_chassis.progress import Look, Progress
from crossdock_chassis.reading import HIGH_WATER, LOW_WATER, Reading, Taken

log = structlog.get_logger(__name__)

BATCH_RECORDS = 500
POLL_MS = 200
COMMIT_EVERY_S = 1.0
COMMIT_EVERY_RECORDS = 1_000
MAX_RETRY_DELAY_S = 30.0

_START_LIMIT_S = 60
_TRANSACTION_LIMIT_S = 10  # of those beside the worker's
_COMMIT_LIMIT_S = 3
_FINISH_LIMIT_S = 20  # for the transaction that runs when the process is asked to stop
_END_LIMIT_S = 2
_LEAVE_LIMIT_S = 5
_STALL_LIMIT_S = 60  # fetches are answered at least once in a second, and polls end as often
_ASK_AFTER_S = 30
_BEHIND_LIMIT_MS = 5_000
_LOOKS_AHEAD = 3  # a new leader's end may lag behind for a moment


class Stalled(Exception):
    """The client is alive and brings nothing, not even empty answers, or hangs; only a new one helps."""


class Session(ConsumerRebalanceListener, Generic[TX]):  # type: ignore[misc]  # aiokafka has no types
    """One AIOKafkaConsumer, from joining the group to leaving it."""

    def __init__(
        self, name: str, database: Database[TX], handlers: Handlers, kafka: Kafka, progress: Progress
    ) -> None:
        self._name = name
        self._progress = progress
        self._database = database
        self._handlers = handlers
        self._broker = kafka
        self._topics = topics_of(handlers)
        self._batches = Batches(database, name, handlers)
        options = kafka.consumer_options()
        # What rebalance time-outs leave to us: the group waits that long for the answer to a revocation.
        self._revoke_limit_s = options["rebalance_timeout_ms"] / 2000
        # Positions come from the fence; what Kafka has committed is a hint for lag tools. Where the log does
        # not reach back to the fence, or ends before it, its beginning is next: duplicates are dropped.
        self._client = AIOKafkaConsumer(group_id=name, auto_offset_reset="earliest", **options)
        self._client.subscribe(list(self._topics), listener=self)
        self._reading = Reading(())
        self._assigned = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self._committed: dict[TopicPartition, int] = {}
        self._handled_since_commit = 0
        self._commit_now = asyncio.Event()
        self._polled_at = self._fetched_at = time.monotonic()
        self._heard = False  # of the broker, at the last look
        self.retrying_since: float | None = None
        self.parking_full = False

    @property
    def reading(self) -> Reading:
        return self._reading

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until `stopping`. Raises when the client is of no more use; then a new session is due."""
        tasks: list[asyncio.Task[None]] = []
        stop = asyncio.create_task(stopping.wait())
        try:
            started = asyncio.create_task(self._start())
            await asyncio.wait((started, stop), return_when=asyncio.FIRST_COMPLETED)
            if not started.done():
                started.cancel()
                await asyncio.wait((started,))
                return
            started.result()
            tasks = [asyncio.create_task(one()) for one in (self._poll, self._work, self._settle)]
            await asyncio.wait((stop, *tasks), return_when=asyncio.FIRST_COMPLETED)
            for one in tasks:
                if one.done():
                    one.result()
        finally:
            stop.cancel()
            await self._close(tasks)

    async def _start(self) -> None:
        try:
            async with asyncio.timeout(_START_LIMIT_S):
                await self._client.start()
        except (KafkaError, OSError, TimeoutError):
            self._progress.excuse()  # nobody answers
            raise

    async def _close(self, tasks: list[asyncio.Task[None]]) -> None:
        """Finish the running transaction, commit, leave. Each step is bounded: each is known to hang."""
        self._closing = True
        reading = self._reading
        reading.end()
        self._commit_now.set()
        reached("consumer.closing")
        await _within(_FINISH_LIMIT_S, self._idle.wait())
        if tasks:
            await asyncio.wait(tasks, timeout=_END_LIMIT_S)
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._commit(reading)
        await _within(_LEAVE_LIMIT_S, self._client.stop())

    # Rebalances. aiokafka calls these from a task of its own, while polling and handling go on.

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        reading = self._reading
        reading.end()
        await _within(self._revoke_limit_s, self._idle.wait())
        reached("consumer.revoked")
        await self._commit(reading)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        # Positions are taken by the poll task: here records may already be on their way to it.
        self._reading.end()
        self._reading = Reading(assigned)
        self._progress.assign(assigned)
        self._committed.clear()
        self._fetched_at = time.monotonic()
        self._assigned.set()
        telemetry.rebalances_total.add(1, {"consumer": self._name})
        log.info("consumer.assigned", consumer=self._name, partitions=len(assigned))

    # The poll task.

    async def _poll(self) -> None:
        """Never stop polling: who does not poll is taken for dead. Back-pressure pauses partitions."""
        delay, try_at = 0.1, 0.0
        while not self._closing:
            reading = self._reading
            if reading.alive and reading.unplaced and time.monotonic() >= try_at:
                if await self._place(reading):
                    delay, try_at = 0.1, 0.0
                else:
                    try_at = time.monotonic() + delay
                    delay = min(delay * 2, MAX_RETRY_DELAY_S)
            found = await self._client.getmany(timeout_ms=POLL_MS, max_records=BATCH_RECORDS)
            self._polled_at = time.monotonic()
            self._reading.take(found)
            self._press(self._reading)

    async def _place(self, reading: Reading) -> bool:
        """Seek to the fences. In a cluster that they do not know everything is read from the beginning."""
        partitions = reading.unplaced
        try:
            async with asyncio.timeout(_TRANSACTION_LIMIT_S):
                cluster_id = await self._broker.cluster_id()
                if cluster_id is None:
                    log.warning("consumer.not_placed", consumer=self._name, error_type="NoBroker")
                    return False
                async with self._database.transaction() as tx:
                    await fence.ensure_rows(tx.connection, self._name, self._all_partitions() | partitions)
                    fences = await fence.take_positions(tx.connection, self._name, partitions, cluster_id)
        except Exception as error:
            # Whatever it is, polling goes on and this is tried again.
            log.warning("consumer.not_placed", consumer=self._name, **_told(error))
            return False
        for partition, found in fences.items():
            if not reading.alive:
                return True
            with suppress(IllegalStateError):  # taken away meanwhile
                offset = 0 if partition in reading.shortened else found.next_offset
                self._client.seek(partition, offset)
                reading.place(partition, LogId(cluster_id, found.epoch), offset)
        log.info("consumer.placed", consumer=self._name, partitions=len(partitions), cluster_id=cluster_id)
        return True

    def _all_partitions(self) -> set[TopicPartition]:
        return {
            TopicPartition(topic, one)
            for topic in self._topics
            for one in self._client.partitions_for_topic(topic) or ()
        }

    def _press(self, reading: Reading) -> None:
        with suppress(IllegalStateError):  # taken away meanwhile
            if not reading.paused and reading.queued >= HIGH_WATER:
                self._client.pause(*reading.partitions)
                reading.paused = True
            elif reading.paused and reading.queued <= LOW_WATER and reading.alive:
                self._client.resume(*reading.partitions)
                reading.paused = False

    # The worker.

    async def _work(self) -> None:
        while not self._closing:
            reading = self._reading
            if not reading.alive:
                self._assigned.clear()
                if not self._reading.alive:
                    await self._assigned.wait()
                continue
            await reading.arrived.wait()
            batch = reading.next_batch(BATCH_RECORDS)
            if batch:
                self._press(reading)
                await self._handle(reading, batch)

    async def _handle(self, reading: Reading, batch: list[Taken]) -> None:
        """Apply one batch, for ever if need be, as long as its partitions are ours."""
        self._idle.clear()
        try:
            records = [self._receive(one) for one in batch]
            delay = 0.1
            while reading.alive:
                try:
                    outcome = await self._batches.apply(records)
                except Exception as error:
                    self._note_retry(error, delay)
                    await _within(delay, reading.ended.wait())
                    delay = min(delay * 2, MAX_RETRY_DELAY_S)
                else:
                    reading.finish(batch, outcome.reread, outcome.epochs)
                    self._note_done(batch, outcome)
                    return
        finally:
            self.retrying_since, self.parking_full = None, False
            self._idle.set()

    def _receive(self, one: Taken) -> Incoming:
        return receive(one.record, read_from=one.read_from, log=one.place.log, handlers=self._handlers)

    def _note_retry(self, error: Exception, delay: float) -> None:
        self.retrying_since = self.retrying_since or time.monotonic()
        self.parking_full = isinstance(error, ParkingFull)
        telemetry.retries_total.add(1, {"consumer": self._name})
        if self.parking_full:
            log.error("consumer.parking_full", consumer=self._name, retry_in_s=delay)
        else:
            log.warning("consumer.retrying", consumer=self._name, retry_in_s=delay, **_told(error))

    def _note_done(self, batch: list[Taken], outcome: Outcome) -> None:
        counts = {
            "applied": outcome.applied,
            "duplicate": outcome.duplicates,
            "fenced": outcome.fenced,
            "parked": outcome.parked,
        }
        for name, count in counts.items():
            if count:
                telemetry.records_total.add(count, {"consumer": self._name, "outcome": name})
        log.debug(
            "consumer.batch", consumer=self._name, records=len(batch), reread=len(outcome.reread), **counts
        )
        if outcome.duplicates or outcome.fenced:
            log.info(
                "consumer.repeated",
                consumer=self._name,
                duplicate=outcome.duplicates,
                fenced=outcome.fenced,
            )
        self._handled_since_commit += len(batch)
        if self._handled_since_commit >= COMMIT_EVERY_RECORDS:
            self._commit_now.set()

    # What follows at its own pace: Kafka's offsets, caught-up marks, and watching the client. Every step is
    # bounded, because nobody watches this one.

    async def _settle(self) -> None:
        while not self._closing:
            await _within(COMMIT_EVERY_S, self._commit_now.wait())
            self._commit_now.clear()
            reading = self._reading
            await self._commit(reading)
            self._watch(reading)
            await self._note_progress(reading)
            await self._mark_caught_up(reading)

    async def _commit(self, reading: Reading) -> None:
        """Tell Kafka how far we are. A hint, so failing is no harm: the fence knows."""
        offsets = {one: offset for one, offset in reading.done.items() if self._committed.get(one) != offset}
        self._handled_since_commit = 0
        if not offsets:
            return
        try:
            async with asyncio.timeout(_COMMIT_LIMIT_S):
                await self._client.commit(offsets)
        except (KafkaError, TimeoutError) as error:  # after a rebalance, during one, or nobody answers
            log.info("consumer.not_committed", consumer=self._name, error_type=type(error).__name__)
        else:
            self._committed |= offsets

    def _watch(self, reading: Reading) -> None:
        """Measure the lag; find logs that became shorter than we have read, and a client that is dead."""
        now_ms = time.time() * 1000
        lags = dict.fromkeys(self._topics, 0.0)
        self._heard = reading.paused
        for partition, place in list(reading.places.items()):
            if place.unfinished_ms:
                lags[partition.topic] = max(lags[partition.topic], (now_ms - place.unfinished_ms[0]) / 1000)
            age_ms = self._fetch_age_ms(partition, now_ms)
            if age_ms is None or age_ms > _BEHIND_LIMIT_MS:
                continue
            self._heard = True
            ahead = place.expected > (self._client.highwater(partition) or 0)
            place.looks_ahead = place.looks_ahead + 1 if ahead else 0
            if place.looks_ahead >= _LOOKS_AHEAD:
                log.warning(
                    "consumer.log_is_shorter",
                    consumer=self._name,
                    topic=partition.topic,
                    partition=partition.partition,
                    expected=place.expected,
                )
                reading.shorten(partition)
        for topic, seconds in lags.items():
            telemetry.lag.set(seconds, {"consumer": self._name, "topic": topic})
        now = time.monotonic()
        if self._heard or not reading.places or not reading.alive:
            self._fetched_at = now
        if now - self._fetched_at > _STALL_LIMIT_S:
            raise Stalled(f"no fetch was answered for {_STALL_LIMIT_S} s")
        if now - self._polled_at > _STALL_LIMIT_S:
            raise Stalled(f"no poll came to its end for {_STALL_LIMIT_S} s")

    async def _note_progress(self, reading: Reading) -> None:
        """Say where the partitions stand. In silence there may be work, unless nobody is there to talk."""
        if reading.alive:
            self._progress.see({one: self._look(reading, one) for one in reading.partitions})
        silent = self._progress.stalled_s() > _ASK_AFTER_S and await self._broker.cluster_id() is None
        if silent or self.parking_full:
            self._progress.excuse()

    def _look(self, reading: Reading, partition: TopicPartition) -> Look:
        place = reading.places.get(partition)
        if place is None or partition not in self._client.assignment():
            return Look(None, behind=True)
        unread = (self._client.highwater(partition) or 0) > place.expected
        return Look(
            reading.done.get(partition), behind=unread or bool(place.unfinished_ms) or not self._heard
        )

    def _fetch_age_ms(self, partition: TopicPartition, now_ms: float) -> float | None:
        if partition not in self._client.assignment():
            return None
        fetched_ms = self._client.last_poll_timestamp(partition)
        return None if fetched_ms is None else max(0.0, now_ms - fetched_ms)

    async def _mark_caught_up(self, reading: Reading) -> None:
        """Note the partitions we stand at the end of, with nothing of them left to handle."""
        now_ms = time.time() * 1000
        caught_up: dict[TopicPartition, tuple[int, float]] = {}
        clusters = {place.log.cluster_id for place in reading.places.values()}
        for partition, place in reading.places.items():
            age_ms = self._fetch_age_ms(partition, now_ms)
            if age_ms is None or place.unfinished_ms:
                continue
            position = await self._client.position(partition)
            if position == self._client.highwater(partition):
                caught_up[partition] = (place.log.epoch, age_ms / 1000)
        if not caught_up or len(clusters) != 1:
            return
        try:
            async with asyncio.timeout(_TRANSACTION_LIMIT_S), self._database.transaction() as tx:
                await fence.mark_caught_up(tx.connection, self._name, clusters.pop(), caught_up)
        except Exception as error:
            # Timers wait a little longer; the worker meets the same trouble and reports it.
            log.debug("consumer.not_marked", consumer=self._name, **_told(error))


async def _within(limit_s: float, waited: Awaitable[Any]) -> None:
    """Wait at most that long, for whatever comes of it."""
    with suppress(TimeoutError, KafkaError):
        await asyncio.wait_for(waited, limit_s)


def _told(error: BaseException) -> dict[str, str]:
    fault = Fault.of(error)
    return {"error_type": fault.error_type, "error_text": fault.error_text}

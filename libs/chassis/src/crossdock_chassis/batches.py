"""A batch of records as one database transaction: fence, inbox, parked keys, effects and what they say."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic

import structlog
from aiokafka.structs import TopicPartition

from crossdock_chassis import consumer_telemetry as telemetry
from crossdock_chassis import divert, fence, inbox
from crossdock_chassis.crash_points import reached
from crossdock_chassis.database import TX, Database
from crossdock_chassis.faults import Fault, is_transient
from crossdock_chassis.handlers import Handlers
from crossdock_chassis.incoming import Incoming
from crossdock_contracts.envelope import Event

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Outcome:
    """What became of a batch. Nothing was done in `reread`: there the reader must look where to read."""

    applied: int = 0
    duplicates: int = 0
    fenced: int = 0
    parked: int = 0
    reread: set[TopicPartition] = field(default_factory=set)
    epochs: dict[TopicPartition, int] = field(default_factory=dict)  # that began with this batch

    def add(self, other: "Outcome") -> None:
        self.applied += other.applied
        self.duplicates += other.duplicates
        self.fenced += other.fenced
        self.parked += other.parked
        self.reread |= other.reread
        self.epochs |= other.epochs


class Batches(Generic[TX]):
    """Applies batches for one consumer. Safe to repeat, in any process: what is done is not done again."""

    def __init__(self, database: Database[TX], consumer: str, handlers: Handlers) -> None:
        self._database = database
        self._consumer = consumer
        self._handlers = handlers

    async def apply(self, records: Sequence[Incoming]) -> Outcome:
        """Apply records, each partition's in order. Raises only what may pass, or a failure to park.

        When our own code fails, the batch is rolled back and its events run one by one, so that only the
        culprit's key is parked.
        """
        try:
            return await self._apply_together(records)
        except Exception as error:
            if is_transient(error):
                raise
            log.warning("consumer.batch_split", consumer=self._consumer, records=len(records), **_told(error))
        outcome = Outcome()
        for record in records:
            if record.partition in outcome.reread:
                continue
            epoch = outcome.epochs.get(record.partition, record.log.epoch)
            one = replace(record, log=record.log._replace(epoch=epoch))
            outcome.add(await self._apply_alone(one))
        return outcome

    async def _apply_alone(self, record: Incoming) -> Outcome:
        try:
            return await self._apply_together([record])
        except Exception as error:
            if is_transient(error):
                raise
            fault = Fault.of(error)
        return await self._apply_together([replace(record, event=None, fault=fault)])

    async def _apply_together(self, records: Sequence[Incoming]) -> Outcome:
        outcome = Outcome()
        faults: list[tuple[Incoming, Fault]] = []
        async with self._database.transaction() as tx:
            current = await self._pass_fence(tx, records, outcome)
            new = await self._drop_duplicates(tx, current, outcome)
            reached("consumer.claimed")
            events, parked, faults = await self._set_parked_apart(tx, new)
            if parked:
                causes: dict[str, Fault] = {}
                for one, fault in faults:
                    causes.setdefault(one.key, fault)
                    tx.outbox.add_wire(divert.dead_letter(self._consumer, one, fault))
                await divert.park(tx.connection, self._consumer, parked, causes)
            with telemetry.process_spans(self._consumer, events):
                await self._handle(tx, events)
            reached("consumer.before_commit")
        reached("consumer.after_commit")
        outcome.applied, outcome.parked = len(events), len(parked)
        self._report(faults)
        return outcome

    async def _pass_fence(self, tx: TX, records: Sequence[Incoming], outcome: Outcome) -> list[Incoming]:
        """Advance the fences over these records. Returns those that lay in front of them, in order."""
        runs: defaultdict[TopicPartition, list[Incoming]] = defaultdict(list)
        for one in records:
            runs[one.partition].append(one)
        fences = await fence.lock(tx.connection, self._consumer, runs)
        moved: dict[TopicPartition, fence.Fence] = {}
        kept: set[tuple[TopicPartition, int]] = set()
        for partition, run in runs.items():
            if partition not in fences:
                outcome.reread.add(partition)
                continue
            verdict = fence.judge(fences[partition], run)
            if verdict.reread:
                outcome.reread.add(partition)
            elif verdict.fence.epoch != fences[partition].epoch:
                outcome.epochs[partition] = verdict.fence.epoch
            if verdict.fence != fences[partition]:
                moved[partition] = verdict.fence
            kept |= {(partition, one.offset) for one in verdict.kept}
        if moved:
            await fence.advance(tx.connection, self._consumer, moved)
        outcome.fenced = len(records) - len(kept)
        return [one for one in records if (one.partition, one.offset) in kept]

    async def _drop_duplicates(self, tx: TX, records: Iterable[Incoming], outcome: Outcome) -> list[Incoming]:
        """Claim the events in the inbox. A record without an id cannot be told from another and is kept."""
        records = list(records)
        ids = [one.event_id for one in records if one.event_id is not None]
        new = await inbox.claim(tx.connection, self._consumer, ids)
        kept: list[Incoming] = []
        for one in records:
            if one.event_id is None:
                kept.append(one)
            elif one.event_id in new:
                kept.append(one)
                new.remove(one.event_id)  # a second one in this batch is a duplicate too
        outcome.duplicates = len(records) - len(kept)
        return kept

    async def _set_parked_apart(
        self, tx: TX, records: Sequence[Incoming]
    ) -> tuple[list[Incoming], list[Incoming], list[tuple[Incoming, Fault]]]:
        """Split into what is handled, what is parked, and the parked ones that are themselves at fault."""
        if not records:
            return [], [], []
        keys = await divert.parked_among(tx.connection, self._consumer, (one.key for one in records))
        events: list[Incoming] = []
        parked: list[Incoming] = []
        faults: list[tuple[Incoming, Fault]] = []
        for one in records:
            if one.fault is not None:
                faults.append((one, one.fault))
                keys.add(one.key)
            (parked if one.key in keys else events).append(one)
        return events, parked, faults

    async def _handle(self, tx: TX, records: Sequence[Incoming]) -> None:
        by_type: defaultdict[type[Event], list[Event]] = defaultdict(list)
        for one in records:
            if one.event is not None:
                by_type[type(one.event)].append(one.event)
        for event_type, handler in self._handlers.items():
            if event_type in by_type:
                began = time.monotonic()
                await handler(by_type[event_type], tx=tx)
                telemetry.handler_duration.record(
                    time.monotonic() - began, {"consumer": self._consumer, "type": event_type.TYPE}
                )
                reached("consumer.handled_some")

    def _report(self, faults: Iterable[tuple[Incoming, Fault]]) -> None:
        for one, fault in faults:
            log.error(
                "consumer.parked",
                consumer=self._consumer,
                key=one.key,
                topic=one.partition.topic,
                partition=one.partition.partition,
                offset=one.offset,
                event_id=str(one.event_id),
                error_type=fault.error_type,
                error_text=fault.error_text,
                fingerprint=fault.fingerprint,
            )


def _told(error: BaseException) -> dict[str, str]:
    fault = Fault.of(error)
    return {"error_type": fault.error_type, "error_text": fault.error_text}

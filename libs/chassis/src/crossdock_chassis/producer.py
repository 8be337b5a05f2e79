"""Owns the Kafka producer: bounds every wait, and replaces a producer that failed."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from opentelemetry import metrics

from crossdock_chassis.crash_points import reached
from crossdock_chassis.kafka import Kafka
from crossdock_chassis.relay_rows import Row
from crossdock_chassis.wire import EPOCH_HEADER

SEND_LIMIT_S = 10.0
_START_LIMIT_S = 5.0
_LOOK_LIMIT_S = 5.0
_STOP_LIMIT_S = 3.0

Partition = tuple[str, int]

log = structlog.get_logger()
_rebuilds = metrics.get_meter("crossdock").create_counter(
    "crossdock.producer.rebuilds", description="Kafka producers given up and built anew"
)


class SlowRecordCodec(RuntimeError):
    """aiokafka runs on its Python codec, about a hundred times slower than the compiled one."""


def require_compiled_codec() -> None:
    """Raise SlowRecordCodec unless aiokafka's compiled record codec is in use."""
    module = DefaultRecordBatchBuilder.__module__
    if "_crecords" not in module:
        raise SlowRecordCodec(f"aiokafka builds records with {module}")


@dataclass(slots=True)
class Batch:
    """Rows of one partition that are written by the broker together or not at all."""

    topic: str
    partition: int
    builder: Any  # aiokafka has no types
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """What of some rows can be sent now. Rows in neither field wait for the next wave."""

    batches: list[Batch] = field(default_factory=list)
    refused: dict[Row, str] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """What came of a plan. Rows in neither field may or may not be on the log: send them again."""

    acked: list[Row] = field(default_factory=list)
    refused: dict[Row, str] = field(default_factory=dict)
    #: Lowest and highest acknowledged offset of each partition whose ack told them.
    offsets: dict[Partition, tuple[int, int]] = field(default_factory=dict)
    failed: bool = False


class Producer:
    """One producer at a time, built when needed. Not for use by several tasks at once.

    aiokafka never resets the sequence numbers of an idempotent producer and its calls can hang while brokers
    are away, so any failed batch condemns the producer: it is closed and the rows are read again.
    """

    def __init__(self, kafka: Kafka, topics: Iterable[str]) -> None:
        """`topics` must exist before anything is sent: Tansu acknowledges what it then forgets."""
        self._kafka = kafka
        self._declared = frozenset(topics)
        self._producer: AIOKafkaProducer | None = None
        self._cluster_id: str | None = None
        self._partitions: dict[str, list[int]] = {}
        self._row_limits: dict[Partition, int] = {}
        self._partition_of = DefaultPartitioner()

    async def look(self, needed: Iterable[str] = ()) -> str | None:
        """Ask the broker who it is, over the connection the records take. None: nothing can be sent now.

        The topics are read with it when the broker is another one, after a failure, and when one of `needed`
        is not known yet.
        """
        try:
            async with asyncio.timeout(_START_LIMIT_S + _LOOK_LIMIT_S):
                return await self._look(needed)
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("producer.no_broker", error=type(error).__name__)
            await self.give_up("no broker")
            return None

    async def _look(self, needed: Iterable[str]) -> str | None:
        producer = self._producer or await self._build()
        # About one topic, for the sake of the cluster id: Tansu takes the empty list for all of them.
        answer = await self._metadata(producer, [min(self._declared)])
        if answer.cluster_id != self._cluster_id and self._cluster_id is not None:
            # What the old producer still holds is stamped for the lost log; a new one begins empty.
            await self.give_up("another cluster")
            producer = await self._build()
        if self._cluster_id is None or not self._partitions.keys() >= set(needed):
            answer = await self._metadata(producer, None)
            producer.client.cluster.update_metadata(answer)
            topics = producer.client.cluster.topics()
            if missing := sorted(self._declared - topics):
                log.warning("producer.topics_missing", topics=missing)
                return None
            self._partitions = {
                one: sorted(producer.client.cluster.partitions_for_topic(one)) for one in topics
            }
            self._cluster_id = answer.cluster_id
        return self._cluster_id

    def _current(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("nothing is planned or sent before look() has named a cluster")
        return self._producer

    async def _build(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(**self._kafka.producer_options())
        self._producer = producer
        async with asyncio.timeout(_START_LIMIT_S):
            await producer.start()
        return producer

    async def _metadata(self, producer: AIOKafkaProducer, topics: list[str] | None) -> Any:
        """The broker's answer about `topics`; None: all there are."""
        async with asyncio.timeout(_LOOK_LIMIT_S):
            return await producer.client.send(
                producer.client.get_random_node(), MetadataRequest(topics, allow_auto_topic_creation=False)
            )

    def plan(self, rows: Sequence[Row], epoch: int) -> Plan:
        """Sort rows into one batch per partition, in the order given. Call after `look` has named a cluster.

        One batch and no more: a second one could be accepted after the first has failed, and then a later
        event of a key would overtake an earlier one. After a refused row later rows of its key wait.
        """
        producer = self._current()
        plan = Plan()
        batches: dict[Partition, Batch] = {}
        full: set[Partition] = set()
        stopped_keys: set[str] = set()
        stamp = (EPOCH_HEADER, str(epoch).encode())
        for row in rows:
            if row.key in stopped_keys:
                continue
            partitions = self._partitions.get(row.topic)
            if partitions is None:
                plan.refused[row] = f"there is no topic {row.topic}"
                stopped_keys.add(row.key)
                continue
            key = row.key.encode()
            at = (row.topic, self._partition_of(key, partitions, partitions))
            if at in full:
                continue
            try:
                headers = [*row.header_pairs(), stamp]
                size = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, row.payload, headers)
            except (TypeError, ValueError) as error:
                plan.refused[row] = f"cannot be serialised: {type(error).__name__}"
                stopped_keys.add(row.key)
                continue
            if size > self._kafka.max_record_bytes:
                plan.refused[row] = f"{size} bytes, more than {self._kafka.max_record_bytes}"
                stopped_keys.add(row.key)
                continue
            batch = batches.get(at)
            if batch is None:
                batch = batches[at] = Batch(*at, producer.create_batch())
            if (
                len(batch.rows) >= self._row_limits.get(at, len(rows))
                or batch.builder.append(timestamp=None, key=key, value=row.payload, headers=headers) is None
            ):
                full.add(at)
            else:
                batch.rows.append(row)
        plan.batches = list(batches.values())
        return plan

    async def send(self, batches: Sequence[Batch]) -> Report:
        """Send and wait for all acks, at most SEND_LIMIT_S. Never raises for what the broker does."""
        producer = self._current()
        report = Report()
        sent: dict[asyncio.Future[Any], Batch] = {}
        try:
            async with asyncio.timeout(SEND_LIMIT_S):
                for batch in batches:
                    batch.builder.close()
                    sent[await producer.send_batch(batch.builder, batch.topic, partition=batch.partition)] = (
                        batch
                    )
                if sent:
                    reached("producer.sent")
                    await asyncio.wait(sent)
        except (KafkaError, AssertionError, TimeoutError) as error:
            # AssertionError is how aiokafka says that the partition has gone meanwhile.
            log.warning("producer.no_ack", error=type(error).__name__, batches=len(batches))
            report.failed = True
        for future, batch in sent.items():
            if not future.done():
                future.cancel()
                report.failed = True
            elif failure := future.exception():
                self._judge(failure, batch, report)
            else:
                self._count(future.result().offset, batch, report)
        if report.failed or report.refused:
            await self.give_up("failed batch")
        return report

    def _count(self, base_offset: int, batch: Batch, report: Report) -> None:
        at = (batch.topic, batch.partition)
        report.acked += batch.rows
        if base_offset >= 0:  # -1: a repetition of which the broker no longer knows the place
            report.offsets[at] = (base_offset, base_offset + len(batch.rows) - 1)
        if at in self._row_limits:
            self._row_limits[at] *= 2
            if self._row_limits[at] >= 500:  # a whole wave again
                del self._row_limits[at]

    def _judge(self, error: BaseException, batch: Batch, report: Report) -> None:
        """Refuse only what an error names. All else may be the broker's weather, and the rows stay."""
        if isinstance(error, TopicAuthorizationFailedError):
            report.refused |= dict.fromkeys(batch.rows, f"not authorised to write to {batch.topic}")
        elif isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            if len(batch.rows) == 1:
                report.refused[batch.rows[0]] = f"too large for {batch.topic}"
            else:  # one of them: halve until it stands alone
                self._row_limits[(batch.topic, batch.partition)] = len(batch.rows) // 2
        log.warning(
            "producer.batch_failed", topic=batch.topic, partition=batch.partition, error=type(error).__name__
        )
        report.failed = True

    async def give_up(self, reason: str) -> None:
        """Close the producer, whatever it still holds; the next `look` builds another."""
        producer, self._producer = self._producer, None
        self._cluster_id = None
        if producer is None:
            return
        _rebuilds.add(1, {"reason": reason})
        log.info("producer.given_up", reason=reason)
        await _close(producer)

    async def close(self) -> None:
        """Close for good. Safe to repeat."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _close(producer)


async def _close(producer: AIOKafkaProducer) -> None:
    # stop() waits for pending batches for ever while brokers are away (aiokafka #1101), not for failed ones.
    producer._message_accumulator.fail_all(KafkaError("the producer was given up"))
    try:
        async with asyncio.timeout(_STOP_LIMIT_S):
            await producer.stop()
    except (KafkaError, OSError, TimeoutError, KeyError) as error:
        # KeyError: a request that fails only now puts back a batch that is failed already (aiokafka 0.14).
        log.warning("producer.stop_failed", error=type(error).__name__)
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(_STOP_LIMIT_S):
                await producer.client.close()

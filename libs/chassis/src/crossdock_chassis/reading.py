"""What one assignment of partitions has read and not yet handled, and where it stands. No I/O."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from aiokafka.structs import ConsumerRecord, TopicPartition

from crossdock_chassis.incoming import LogId

#: With this many records waiting, partitions are paused; below the lower mark they are resumed.
HIGH_WATER = 1_000
LOW_WATER = 250


class Taken(NamedTuple):
    """A record as it was read: behind which offset, and after which placing of its partition."""

    record: ConsumerRecord
    read_from: int
    place: "Place"

    @property
    def partition(self) -> TopicPartition:
        return TopicPartition(self.record.topic, self.record.partition)


@dataclass(slots=True, eq=False)
class Place:
    """Where one partition stands."""

    log: LogId
    expected: int
    unfinished_ms: deque[int] = field(default_factory=deque)  # timestamps of records queued and in the worker
    looks_ahead: int = 0  # how often in a row the log's end was seen before where we stand


class Reading:
    """One assignment's records between the poll and the worker. Ends when the partitions are taken away.

    A partition is *placed* once its position was taken from the fence; before that its records are not kept.
    """

    def __init__(self, partitions: Iterable[TopicPartition]) -> None:
        self.partitions = frozenset(partitions)
        self.places: dict[TopicPartition, Place] = {}
        self.done: dict[TopicPartition, int] = {}  # next offset, as Kafka wants it committed
        self.shortened: set[TopicPartition] = set()  # their logs ended before the fence: read them from 0
        self.paused = False
        self.ended = asyncio.Event()
        self.arrived = asyncio.Event()
        self._queue: deque[Taken] = deque()

    @property
    def alive(self) -> bool:
        return not self.ended.is_set()

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def unplaced(self) -> set[TopicPartition]:
        return set(self.partitions - self.places.keys())

    def place(self, partition: TopicPartition, log: LogId, offset: int) -> None:
        """From now on records of this log, from this offset on, are kept."""
        self.shortened.discard(partition)
        self.places[partition] = Place(log, offset)

    def misplace(self, partition: TopicPartition) -> None:
        """Forget what was read of this partition: it has to be placed anew."""
        self.places.pop(partition, None)
        self.done.pop(partition, None)
        self._queue = deque(one for one in self._queue if one.partition != partition)

    def shorten(self, partition: TopicPartition) -> None:
        """Its log ends before where we stand, so it is another one, to be looked through from 0."""
        self.shortened.add(partition)
        self.misplace(partition)

    def take(self, found: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> None:
        """Keep what was polled."""
        for partition, records in found.items():
            place = self.places.get(partition)
            if place is None or not self.alive:
                continue
            for one in records:
                self._queue.append(Taken(one, place.expected, place))
                place.expected = one.offset + 1
            place.unfinished_ms.extend(one.timestamp for one in records)
        if self._queue:
            self.arrived.set()

    def next_batch(self, most: int) -> list[Taken]:
        """Up to `most` records over all partitions; empty when there is nothing."""
        batch = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        if not self._queue and self.alive:
            self.arrived.clear()
        return batch

    def finish(
        self, batch: Iterable[Taken], reread: Iterable[TopicPartition], epochs: Mapping[TopicPartition, int]
    ) -> None:
        """The batch is committed, except for the partitions that have to be read again.

        `epochs`: partitions whose log went over to a new epoch with this batch.
        """
        for partition in reread:
            self.misplace(partition)
        for one in batch:
            if self.places.get(one.partition) is not one.place:
                continue  # placed anew meanwhile
            self.done[one.partition] = one.record.offset + 1
            one.place.unfinished_ms.popleft()
            if one.partition in epochs:
                one.place.log = one.place.log._replace(epoch=epochs[one.partition])

    def end(self) -> None:
        """The partitions are gone. Whatever still runs for them is stopped by the fence, not by us."""
        self.ended.set()
        self.arrived.set()
        self._queue.clear()

"""Whether a consumer moves: since when each partition has had work of which nothing was done.

It outlives Kafka clients, so a consumer that gives them up again and again is seen for what it is.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from aiokafka.structs import TopicPartition


@dataclass(frozen=True, slots=True)
class Look:
    """One partition at one moment. `done`: everything below is handled; null while nobody knows.

    `behind`: there is work, or nobody can tell that there is none.
    """

    done: int | None
    behind: bool


@dataclass(slots=True)
class _Known:
    done: int | None
    since: float


class Progress:
    """Fed by looks, once a second. Without them the time goes on, so a consumer that hangs is found too."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._partitions: dict[TopicPartition, _Known] = {}

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """These are ours from now on. Those that were before keep their past."""
        now = self._clock()
        self._partitions = {one: self._partitions.get(one) or _Known(None, now) for one in partitions}

    def see(self, looks: Mapping[TopicPartition, Look]) -> None:
        now = self._clock()
        for partition, look in looks.items():
            known = self._partitions.get(partition)
            if known is None:
                continue
            moved = look.done is not None and look.done != known.done
            if moved or not look.behind:
                known.since = now
            if look.done is not None:
                known.done = look.done

    def excuse(self) -> None:
        """What holds us up is not our own sickness: the broker is away, or a person has to act first."""
        now = self._clock()
        for known in self._partitions.values():
            known.since = now

    def stalled_s(self) -> float:
        """For how long the worst partition has had work and has not moved."""
        oldest = min((one.since for one in self._partitions.values()), default=None)
        return 0.0 if oldest is None else self._clock() - oldest

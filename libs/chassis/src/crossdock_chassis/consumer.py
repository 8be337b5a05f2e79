"""The receiving half of the messaging: events take effect once, in order per key, whatever dies on the way.

One batch over all partitions is one database transaction (batches.py). A consumer outlives its Kafka clients:
each client is a session (consumer_session.py), and one that dies or stops bringing anything is replaced.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

import structlog

from crossdock_chassis import consumer_telemetry as telemetry
from crossdock_chassis.consumer_session import Session
from crossdock_chassis.database import TX, Database
from crossdock_chassis.faults import Fault
from crossdock_chassis.handlers import Handler, Handlers
from crossdock_chassis.kafka import Kafka
from crossdock_chassis.progress import Progress
from crossdock_chassis.waiting import set_within

__all__ = ["Consumer", "ConsumerStatus", "Handler", "Handlers"]

log = structlog.get_logger(__name__)

_MAX_REBUILD_DELAY_S = 5.0
_SETTLED_AFTER_S = 60


@dataclass(frozen=True, slots=True)
class ConsumerStatus:
    """For people and probes. `retrying_s`: how long a batch has been failing for reasons that may pass.

    `stalled_s`: how long some partition may have had work of which none was done, for reasons of our own.
    `parking_full`: so much is parked that nothing is consumed until somebody replays or discards.
    """

    partitions: int
    queued: int
    paused: bool
    retrying_s: float | None
    stalled_s: float
    parking_full: bool


class Consumer(Generic[TX]):
    """Consumes the topics of its handlers. `name` is the Kafka group and stands in fence, inbox and parking.

    Any number of processes may run the same consumer; the fence keeps them apart even when Kafka does not.
    """

    def __init__(
        self,
        name: str,
        database: Database[TX],
        handlers: Handlers,
        kafka: Kafka,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._database = database
        self._handlers = handlers
        self._kafka = kafka
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self._progress = Progress(clock)
        self._session: Session[TX] | None = None

    async def run(self) -> None:
        """Consume until `stop`."""
        telemetry.start_at_zero(self.name)
        delay = 0.1
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                try:
                    self._session = Session(
                        self.name, self._database, self._handlers, self._kafka, self._progress
                    )
                    await self._session.run(self._stopping)
                except Exception as error:
                    fault = Fault.of(error)
                    telemetry.rebuilds_total.add(1, {"consumer": self.name})
                    log.warning("consumer.rebuilding", consumer=self.name, error_type=fault.error_type)
                if time.monotonic() - began > _SETTLED_AFTER_S:
                    delay = 0.1
                await set_within(self._stopping, delay)
                delay = min(delay * 2, _MAX_REBUILD_DELAY_S)
        finally:
            self._stopped.set()

    async def stop(self) -> None:
        """Finish the running transaction, commit, leave the group. Returns when `run` has ended."""
        self._stopping.set()
        await self._stopped.wait()

    @property
    def status(self) -> ConsumerStatus:
        if self._session is None:
            return ConsumerStatus(0, 0, False, None, 0.0, False)
        reading = self._session.reading
        since = self._session.retrying_since
        return ConsumerStatus(
            partitions=len(reading.partitions),
            queued=reading.queued,
            paused=reading.paused,
            retrying_s=None if since is None else time.monotonic() - since,
            stalled_s=self._progress.stalled_s(),
            parking_full=self._session.parking_full,
        )

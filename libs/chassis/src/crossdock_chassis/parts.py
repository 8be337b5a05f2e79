"""What each role runs."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from crossdock_chassis.backlog import BacklogWatch
from crossdock_chassis.consumer import Consumer
from crossdock_chassis.handlers import topics_of
from crossdock_chassis.health import Probe
from crossdock_chassis.job_runner import JobRunner
from crossdock_chassis.maintenance import Maintenance
from crossdock_chassis.relay import Relay
from crossdock_chassis.service import Loop, Service
from crossdock_chassis.timer_runner import TimerRunner


@dataclass
class Part:
    """Something that runs until it is stopped. `run` ending by itself is the end of the process."""

    name: str
    run: Callable[[], Coroutine[Any, Any, None]]
    stop_it: Callable[[], Awaitable[None]]
    probe: Probe | None = None
    stopping: bool = False
    reported: bool = False

    async def stop(self) -> None:
        self.stopping = True
        await self.stop_it()


class ConsumerProbe:
    """Joined once; stalled while there is work and none of it is done."""

    def __init__(self, consumer: Consumer[Any]) -> None:
        self._consumer = consumer
        self._joined = False

    @property
    def started(self) -> bool:
        self._joined = self._joined or self._consumer.status.partitions > 0
        return self._joined

    def stalled_s(self) -> float:
        return self._consumer.status.stalled_s


def parts_of(service: Service, roles: Sequence[str]) -> list[Part]:
    """The parts of these roles; the HTTP server is not among them."""
    database, kafka = service.database, service.settings.kafka(service.name)
    parts: list[Part] = []
    if "consume" in roles and service.handlers:
        consumer = Consumer(service.name, database, service.handlers, kafka)
        parts.append(Part("consumer", consumer.run, consumer.stop, ConsumerProbe(consumer)))
    if "relay" in roles:
        relay = Relay(
            database,
            kafka,
            direct_url=service.settings.direct_url.get_secret_value(),
            publishes=service.publishes,
            dead_letter=f"{service.name}.dlq",
            look_s=service.relay_look_s,
        )
        parts.append(Part("relay", relay.run, relay.stop))
    if "work" in roles:
        maintenance = Maintenance(database)
        parts.append(Part("maintenance", maintenance.run, maintenance.stop))
        backlog = BacklogWatch(
            database,
            consumer=service.name,
            topics=topics_of(service.handlers),
            job_kinds=list(service.jobs),
            worklists=service.worklists,
        )
        parts.append(Part("backlog_watch", backlog.run, backlog.stop))
        if service.jobs:
            jobs = JobRunner(database, service.jobs, service.destinations)
            parts.append(Part("jobs", jobs.run, jobs.stop))
        if service.timers:
            listens = service.name if service.handlers else None
            timers = TimerRunner(database, service.timers, listens, topics_of(service.handlers))
            parts.append(Part("timers", timers.run, timers.stop))
        parts += [_background(name, loop) for name, loop in service.background.items()]
    return parts


def _background(name: str, loop: Loop) -> Part:
    stopped = asyncio.Event()

    async def stop() -> None:
        stopped.set()

    return Part(f"background:{name}", lambda: loop(stopped), stop)

"""What each role runs."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from crossdock_chassis.health import Probe
from crossdock_chassis.job_runner import JobRunner
from crossdock_chassis.service import Loop, Service


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


def parts_of(service: Service, roles: Sequence[str]) -> list[Part]:
    """The parts of these roles; the HTTP server is not among them."""
    parts: list[Part] = []
    if "work" in roles:
        if service.jobs:
            jobs = JobRunner(service.database, service.jobs, service.destinations)
            parts.append(Part("jobs", jobs.run, jobs.stop))
        parts += [_background(name, loop) for name, loop in service.background.items()]
    return parts


def _background(name: str, loop: Loop) -> Part:
    stopped = asyncio.Event()

    async def stop() -> None:
        stopped.set()

    return Part(f"background:{name}", lambda: loop(stopped), stop)

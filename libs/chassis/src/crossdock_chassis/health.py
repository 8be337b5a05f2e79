"""Three questions and when the answer is no. None of them asks another system for its well-being.

`/livez`: restart me. The loop is silent, a task has died, or a part has work and makes no progress while the
database answers: the sickness is ours. `/readyz`: send me requests. `/startupz`: I am through with starting.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from crossdock_chassis.loop_watch import LoopWatch

PROBE_PATHS = frozenset({"/livez", "/readyz", "/startupz", "/metrics"})

LOOP_SILENT_S = 10.0
NO_PROGRESS_S = 180.0
#: A consumer that has not joined its group by then no longer holds up a rollout.
START_PATIENCE_S = 60.0


class Probe(Protocol):
    """What a part knows about itself."""

    @property
    def started(self) -> bool:
        """It has begun its work, e.g. joined its group. Stays true."""
        ...

    def stalled_s(self) -> float:
        """Seconds for which there has been work and none of it moved; 0 while idle or moving."""
        ...


class Health:
    """Knows the process's parts. `database_answers`: False when the database does not answer in time.

    A process that takes requests is ready without Kafka, because the outbox holds what they say. Any other is
    ready when its consumer has joined, only to pace a rollout.
    """

    def __init__(
        self,
        loop: LoopWatch,
        database_answers: Callable[[], Awaitable[bool]],
        *,
        takes_requests: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._takes_requests = takes_requests
        self._loop = loop
        self._database_answers = database_answers
        self._clock = clock
        self._began = clock()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._probes: dict[str, Probe] = {}
        self.schema_current = False
        self.started = False
        self.draining = False

    def watch(self, name: str, task: asyncio.Task[None], probe: Probe | None = None) -> None:
        """From now on this task has to live and, with a probe, to move."""
        self._tasks[name] = task
        if probe is not None:
            self._probes[name] = probe

    async def not_alive(self) -> list[str]:
        """Why the process should be restarted; empty when it should not."""
        reasons = []
        if self._loop.silent_s() > LOOP_SILENT_S:
            reasons.append("the event loop is silent")
        if not self.draining:
            reasons += [f"{name} has ended" for name, task in self._tasks.items() if task.done()]
            stalled = [name for name, probe in self._probes.items() if probe.stalled_s() > NO_PROGRESS_S]
            if stalled and await self._database_answers():
                reasons += [f"{name} makes no progress" for name in stalled]
        return reasons

    def not_ready(self) -> list[str]:
        """Why no requests should come."""
        reasons = self.not_started()
        if self.draining:
            reasons.append("draining")
        return reasons

    def not_started(self) -> list[str]:
        """What the start still waits for."""
        reasons = []
        if not self.schema_current:
            reasons.append("the database lacks migrations")
        if not self.started:
            reasons.append("starting")
        if not self._takes_requests and self._clock() - self._began < START_PATIENCE_S:
            reasons += [f"{name} has not begun" for name, probe in self._probes.items() if not probe.started]
        return reasons


def add_health_routes(app: Starlette, health: Health, render_metrics: Callable[[], bytes] | None) -> None:
    """Serve the probes, and /metrics where there are some."""

    async def livez(_: Request) -> Response:
        return _answer(await health.not_alive())

    async def readyz(_: Request) -> Response:
        return _answer(health.not_ready())

    async def startupz(_: Request) -> Response:
        return _answer(health.not_started())

    app.add_route("/livez", livez, ["GET"], include_in_schema=False)
    app.add_route("/readyz", readyz, ["GET"], include_in_schema=False)
    app.add_route("/startupz", startupz, ["GET"], include_in_schema=False)
    if render_metrics is None:
        return
    render = render_metrics

    async def metrics(_: Request) -> Response:
        return Response(render(), media_type="text/plain; version=0.0.4")

    app.add_route("/metrics", metrics, ["GET"], include_in_schema=False)


def _answer(reasons: list[str]) -> Response:
    body: Mapping[str, object] = {"ok": not reasons, "reasons": reasons}
    return Response(to_json(body), 503 if reasons else 200, media_type="application/json")

"""A process's life: wait for the database, start the roles, watch them, and end in order and in time."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from starlette.applications import Starlette

from crossdock_chassis.exporters import Telemetry, setup
from crossdock_chassis.health import Health, add_health_routes
from crossdock_chassis.logging import get_logger
from crossdock_chassis.loop_watch import LoopWatch
from crossdock_chassis.parts import Part, parts_of
from crossdock_chassis.readiness import CannotStart, await_database, check_replay_window, database_answers
from crossdock_chassis.service import Service
from crossdock_chassis.serving import ConcurrencyMiddleware, HttpServer
from crossdock_chassis.shutdown import Signals, bounded, end_at_the_latest_in

log = get_logger(__name__)

ROLES = ("api", "consume", "relay", "work")

# The steps of an end, at most: drain delay (8 s), work, relay, tasks, then each thing that is closed.
# Kubernetes kills 45 s after the SIGTERM; before that we end by ourselves, and say so.
_STOP_WORK_S = 20.0
_STOP_RELAY_S = 6.0
_CLOSE_S = 2.0
OVERDUE_S = 36.0


async def run_roles(service: Service, roles: Sequence[str]) -> int:
    """Run until a signal (exit code 0) or until a part dies (1)."""
    signals = Signals()
    signals.listen()
    telemetry = setup(service.name, service.settings, version=service.version)
    try:
        await await_database(service, signals.asked)
        await check_replay_window(service, roles)
        return 0 if signals.asked.is_set() else await _Life(service, roles, telemetry, signals).run()
    except CannotStart as error:
        log.error("process.cannot_start", reason=str(error))
        return 1
    finally:
        await _close(service, telemetry, signals)
        log.info("process.ended")


class _Life:
    """From the first task to the last."""

    def __init__(
        self, service: Service, roles: Sequence[str], telemetry: Telemetry, signals: Signals
    ) -> None:
        self._service = service
        self._roles = roles
        self._signals = signals
        self._watch = LoopWatch()
        self._health = Health(self._watch, partial(database_answers, service), takes_requests="api" in roles)
        self._health.schema_current = True
        self._server = HttpServer(self._app(telemetry), service.settings, with_api="api" in roles)
        self._tasks: dict[asyncio.Task[None], Part] = {}

    def _app(self, telemetry: Telemetry) -> Starlette:
        app = self._service.build_app() if "api" in self._roles else Starlette()
        add_health_routes(app, self._health, telemetry.render_metrics)
        app.add_middleware(ConcurrencyMiddleware, at_once=self._service.settings.http_concurrency)
        return app

    async def run(self) -> int:
        self._start()
        await self._first_of(self._server.listening.wait())
        self._health.started = True
        _freeze()
        log.info("process.started", roles=list(self._roles), port=self._server.port)

        await self._first_of(self._signals.asked.wait())
        died = self._report_dead()
        await self._end(drain_s=0 if died else self._service.settings.drain_delay_s)
        return 1 if self._report_dead() or died else 0

    def _start(self) -> None:
        http = Part("http", self._server.run, self._server.stop)
        loop = Part("loop_watch", self._watch.run, self._watch.stop)
        for part in [loop, http, *parts_of(self._service, self._roles)]:
            task = asyncio.create_task(part.run(), name=part.name)
            self._tasks[task] = part
            self._health.watch(part.name, task, part.probe)

    async def _end(self, *, drain_s: float) -> None:
        end_at_the_latest_in(OVERDUE_S + drain_s)
        self._health.draining = True
        log.info("process.stopping", asked=self._signals.asked.is_set())
        if drain_s:
            await bounded(drain_s, asyncio.Event().wait(), self._signals)
        # The relay last, so that it still sends what the others committed while they ended.
        await self._stop(_STOP_WORK_S, lambda name: name not in ("relay", "loop_watch"))
        await self._stop(_STOP_RELAY_S, lambda name: name in ("relay", "loop_watch"))
        for task in self._tasks:
            task.cancel()
        await bounded(_CLOSE_S, asyncio.gather(*self._tasks, return_exceptions=True), self._signals)

    async def _stop(self, seconds: float, which: Callable[[str], bool]) -> None:
        """Ask these parts to stop and wait until they have."""
        tasks = {task: part for task, part in self._tasks.items() if which(part.name)}
        ending = asyncio.gather(*(part.stop() for part in tasks.values()), *tasks, return_exceptions=True)
        if not await bounded(seconds, ending, self._signals):
            slow = [part.name for task, part in tasks.items() if not task.done()]
            log.warning("process.stop_too_slow", parts=slow, after_s=seconds)

    async def _first_of(self, waiting: Awaitable[object]) -> None:
        """Return when `waiting` or a part has ended."""
        one = asyncio.ensure_future(waiting)
        await asyncio.wait({one, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        one.cancel()

    def _report_dead(self) -> bool:
        """One line for every part that ended with an error, or without having been asked to."""
        found = False
        for task, part in self._tasks.items():
            if not task.done() or task.cancelled() or part.reported:
                continue
            error = task.exception()
            if error is not None or not part.stopping:
                part.reported = found = True
                log.error("process.part_died", part=part.name, exc_info=error)
        return found


async def _close(service: Service, telemetry: Telemetry, signals: Signals) -> None:
    closes: list[Callable[[], Awaitable[object]]] = [
        *service.close,
        service.database.dispose,
        partial(asyncio.to_thread, telemetry.shutdown),
    ]
    for close in closes:
        if not await bounded(_CLOSE_S, close(), signals):
            log.warning("process.close_too_slow", after_s=_CLOSE_S)


def _freeze() -> None:
    """What lives now lives to the end: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)

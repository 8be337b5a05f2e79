"""A process's life: wait for the database, start the roles, watch them, and end in order and in time."""

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette

from crossdock_chassis.exporters import Telemetry, setup
from crossdock_chassis.health import Health, add_health_routes
from crossdock_chassis.logging import get_logger
from crossdock_chassis.loop_watch import LoopWatch
from crossdock_chassis.migrations import head_revision, schema_state
from crossdock_chassis.parts import Part, parts_of
from crossdock_chassis.service import Service
from crossdock_chassis.serving import HttpServer

log = get_logger(__name__)

ROLES = ("api", "consume", "relay", "work")

#: From SIGTERM, after the drain delay, to the end: Kubernetes kills 45 s after the SIGTERM.
SHUTDOWN_S = 36.0
_STOP_WORK_S = 20.0
_STOP_RELAY_S = 6.0
_CLOSE_S = 2.0
_ANSWER_S = 1.0


class CannotStart(Exception):
    """The surroundings are not as the code needs them. The text says what an operator can do."""


async def run_roles(service: Service, roles: Sequence[str]) -> int:
    """Run until a signal (exit code 0) or until a part dies (1)."""
    signals = Signals()
    signals.listen()
    telemetry = setup(service.name, service.settings, version=service.version)
    try:
        await _await_database(service, signals)
        await _await_migrations(service, signals)
        if signals.asked.is_set():
            return 0
        return await _Life(service, roles, telemetry, signals).run()
    except CannotStart as error:
        log.error("process.cannot_start", reason=str(error))
        return 1
    finally:
        await _close(service, telemetry, signals)
        log.info("process.ended")


class Signals:
    """SIGTERM and SIGINT: the first asks for the end, the second for it at once."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurry = asyncio.Event()

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._received)

    def _received(self) -> None:
        (self.hurry if self.asked.is_set() else self.asked).set()


class _Life:
    def __init__(
        self, service: Service, roles: Sequence[str], telemetry: Telemetry, signals: Signals
    ) -> None:
        self._service = service
        self._roles = roles
        self._signals = signals
        self._loop_watch = LoopWatch()
        self._health = Health(self._loop_watch, lambda: _answers(service))
        self._server = HttpServer(self._app(telemetry), service.settings, with_api="api" in roles)

    def _app(self, telemetry: Telemetry) -> Starlette:
        app = self._service.build_app() if "api" in self._roles else Starlette()
        add_health_routes(app, self._health, telemetry.render_metrics)
        return app

    async def run(self) -> int:
        self._health.schema_current = True
        parts = parts_of(self._service, self._roles)
        watch = asyncio.create_task(self._loop_watch.run(), name="loop_watch")
        self._health.watch("loop_watch", watch)
        tasks: dict[asyncio.Task[None], Part] = {}
        for part in [Part("http", self._server.run, self._server.stop), *parts]:
            task = asyncio.create_task(part.run(), name=part.name)
            tasks[task] = part
            self._health.watch(part.name, task, part.probe)
        await _first(self._server.listening.wait(), *tasks)
        self._health.started = True
        _freeze()
        log.info("process.started", roles=list(self._roles), port=self._server.port)

        await _first(self._signals.asked.wait(), *tasks)
        dead = _report_dead(tasks)
        _end_at_the_latest_in(SHUTDOWN_S + self._service.settings.drain_delay_s)
        self._health.draining = True
        log.info("process.stopping", asked=self._signals.asked.is_set())
        if not dead:
            await self._within(self._service.settings.drain_delay_s, asyncio.sleep(3600), quiet=True)
        # The relay last, so that it still sends what the others committed while they ended.
        relays = {task: part for task, part in tasks.items() if part.name == "relay"}
        others = {task: part for task, part in tasks.items() if part.name != "relay"}
        await self._within(_STOP_WORK_S, _stop(others))
        await self._within(_STOP_RELAY_S, _stop(relays))
        for task in (watch, *tasks):
            task.cancel()
        await self._within(_CLOSE_S, asyncio.gather(watch, *tasks, return_exceptions=True))
        return 1 if dead or _report_dead(tasks) else 0

    async def _within(self, seconds: float, step: Awaitable[object], *, quiet: bool = False) -> None:
        if not await _bounded(seconds, step, self._signals) and not quiet:
            log.warning("process.stop_too_slow", after_s=seconds)


async def _stop(tasks: dict[asyncio.Task[None], Part]) -> None:
    """Ask all of them to stop and wait until they have."""
    results = await asyncio.gather(*(part.stop() for part in tasks.values()), return_exceptions=True)
    for part, result in zip(tasks.values(), results, strict=True):
        if isinstance(result, BaseException):
            log.error("process.stop_failed", part=part.name, exc_info=result)
    if tasks:
        await asyncio.wait(tasks)


def _report_dead(tasks: dict[asyncio.Task[None], Part]) -> bool:
    """One line for every part that ended with an error, or without having been asked to."""
    found = False
    for task, part in tasks.items():
        if not task.done() or task.cancelled() or part.reported:
            continue
        error = task.exception()
        if error is not None or not part.stopping:
            part.reported = found = True
            log.error("process.part_died", part=part.name, exc_info=error)
    return found


async def _bounded(seconds: float, step: Awaitable[object], signals: Signals) -> bool:
    """Whether `step` ended in time. A second signal ends the waiting, too."""
    task = asyncio.ensure_future(step)
    hurry = asyncio.ensure_future(signals.hurry.wait())
    done, _ = await asyncio.wait({task, hurry}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    if task not in done:
        task.cancel()
        return False
    if not task.cancelled() and task.exception() is not None:
        log.error("process.stop_failed", exc_info=task.exception())
    return True


async def _first(waiting: Awaitable[object], *tasks: asyncio.Task[None]) -> None:
    """Return when `waiting` or one of the tasks has ended."""
    one = asyncio.ensure_future(waiting)
    await asyncio.wait({one, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    one.cancel()


async def _close(service: Service, telemetry: Telemetry, signals: Signals) -> None:
    closes: list[Callable[[], Awaitable[object]]] = [
        *service.close,
        service.database.dispose,
        partial(asyncio.to_thread, telemetry.shutdown),
    ]
    for close in closes:
        if not await _bounded(_CLOSE_S, close(), signals):
            log.warning("process.close_too_slow", after_s=_CLOSE_S)


def _end_at_the_latest_in(seconds: float) -> None:
    """A thread, because what hangs may be the event loop. What is cut off is as safe as after a crash."""

    def end() -> None:
        log.error("process.shutdown_overdue", after_s=seconds)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def _freeze() -> None:
    """What lives now lives to the end: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def _answers(service: Service) -> bool:
    with suppress(SQLAlchemyError, OSError, TimeoutError):
        async with asyncio.timeout(_ANSWER_S), service.database.engine.connect() as connection:
            await connection.execute(text("select 1"))
            return True
    return False


async def _await_database(service: Service, signals: Signals) -> None:
    """Raises CannotStart when nobody answers within the settings' patience."""

    async def look() -> str | None:
        try:
            async with asyncio.timeout(6), service.database.engine.connect() as connection:
                await connection.execute(text("select 1"))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            cause = getattr(error, "orig", None) or error
            reason = type(cause.__cause__ or cause).__name__
            return f"the database does not answer ({reason}); check DATABASE_URL"
        return None

    await _await(look, service.settings.database_wait_s, signals)


async def _await_migrations(service: Service, signals: Signals) -> None:
    """Raises CannotStart while the database is behind the code. Ahead is fine: expanded for newer code."""
    expected = head_revision(service.migrations)

    async def look() -> str | None:
        async with service.database.engine.connect() as connection:
            state = await schema_state(connection, service.migrations)
        if state.behind:
            return (
                f"the database is at migration {state.revision}, the code expects {expected}; run `migrate`"
            )
        return None

    await _await(look, service.settings.database_wait_s, signals)


async def _await(look: Callable[[], Awaitable[str | None]], seconds: float, signals: Signals) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    said = ""
    while not signals.asked.is_set():
        missing = await look()
        if missing is None:
            return
        if asyncio.get_running_loop().time() >= deadline:
            raise CannotStart(missing)
        if missing != said:
            log.warning("process.waiting", reason=missing)
            said = missing
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await signals.asked.wait()

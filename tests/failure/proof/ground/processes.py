"""One operating system process that is started again whenever it dies, and the verbs that hurt it."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import Launch, log_tail, signal_group
from crossdock_cli.embedded.supervisor import Child
from crossdock_cli.embedded.usage import usage_of

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 2.0
_HEALTHY_AFTER_S = 10.0
_READY_LOOK_S = 0.2
#: A start that takes longer waits for something else than a core.
_SLOT_S = 60.0


class ProcessState(StrEnum):
    STARTING = "starting"
    READY = "ready"
    PAUSED = "paused"
    RESUMED = "resumed"
    DIED = "died"  # started again after a moment, unless held


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEvent:
    """What has just become of a process."""

    at: datetime
    name: str
    state: ProcessState
    pid: int
    reason: str = ""  # "killed by signal 9", ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """From a death to the moment the process was ready again, the time it was held included."""

    name: str
    died_at: datetime
    seconds: float
    reason: str


class Process:
    """Its name is that of its log file. Verbs return when the deed is done, not when the process is back.

    A verb does nothing while no process runs.
    """

    def __init__(
        self,
        child: Child,
        logs: Path,
        *,
        starts: asyncio.Semaphore,
        on_event: Callable[[ProcessEvent], None],
    ) -> None:
        """Nothing runs yet. `starts`: how many processes may be starting at once."""
        self.name = child.name
        self.log = logs / f"{child.name}.log"
        #: Those that are over, the first first.
        self.outages: list[Outage] = []
        self._child = child
        self._starts = starts
        self._on_event = on_event
        self._process: asyncio.subprocess.Process | None = None
        self._life: asyncio.Task[None] | None = None
        self._let_go = asyncio.Event()
        self._let_go.set()
        self._is_up = asyncio.Event()
        self._was_ever_up = False
        self._died: tuple[datetime, float, str] | None = None  # and is not back yet
        self._paused = False
        self._stop_signal = signal.SIGTERM
        self._release: Mapping[str, str] = {}
        self._extra_env: Mapping[str, str] = {}

    @property
    def pid(self) -> int:
        """0 while nothing runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    @property
    def memory_mb(self) -> float:
        """Resident; 0 while nothing runs."""
        return usage_of([self.pid] if self.pid else []).memory_mb

    @property
    def held(self) -> bool:
        return not self._let_go.is_set()

    @property
    def paused(self) -> bool:
        return self._paused

    async def start(self) -> None:
        """The first start, tried once; returns when it is ready. Raises EmbeddedError."""
        self._life = asyncio.create_task(self._live())
        await self.wait_ready(timeout_s=self._child.ready_timeout_s)

    async def stop(self, number: signal.Signals | None = None) -> None:
        """For good: by its own stop signal or another, SIGKILL when that takes too long."""
        life, self._life = self._life, None
        if life is not None:
            life.cancel()
            await asyncio.wait([life])
        if self._process is not None:
            await self._end(self._process, number or self._stop_signal)

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            await self._end(self._process, signal.SIGKILL)

    async def terminate(self) -> None:
        """SIGTERM; returns when the process has ended by itself, or was killed after its time-out."""
        if self._process is not None:
            await self._end(self._process, signal.SIGTERM)

    async def pause(self) -> None:
        """SIGSTOP: sockets stay open, nothing answers."""
        if self.pid and not self._paused:
            self._paused = True
            os.kill(self.pid, signal.SIGSTOP)
            self._tell(ProcessState.PAUSED)

    async def resume(self) -> None:
        """SIGCONT."""
        if self.pid and self._paused:
            self._paused = False
            os.kill(self.pid, signal.SIGCONT)
            self._tell(ProcessState.RESUMED)

    def hold(self, held: bool) -> None:
        """While held, a process that dies stays dead; let go, it is started at once."""
        if held:
            self._let_go.clear()
        else:
            self._let_go.set()

    async def restart(self, *, code: Path | None = None, extra_env: Mapping[str, str] | None = None) -> None:
        """SIGTERM, then start with other code and settings; returns when it is ready. Raises EmbeddedError.

        `code`: a folder with a whole release (`git archive`), used at every start until the next call of
        this; None: the code of this checkout. `extra_env`: for this one start alone, so that a process that
        dies of an armed crash point comes back without it.
        """
        self._release = {} if code is None else {"PYTHONPATH": release_path(code)}
        self._extra_env = dict(extra_env or {})
        await self.terminate()
        self.hold(False)
        await self.wait_ready(timeout_s=self._child.ready_timeout_s)

    async def ready(self) -> bool:
        """Whether it answers that it can work, now."""
        return bool(self.pid) and not self._paused and await self._child.is_ready()

    async def wait_ready(self, *, timeout_s: float = 60) -> None:
        """Wait for the end of a start. Raises EmbeddedError with the end of its log."""
        life = self._life
        if life is None:
            raise EmbeddedError(f"{self.name} does not run")
        up = asyncio.create_task(self._is_up.wait())
        try:
            await asyncio.wait([up, life], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if not up.done():
                why = "ended" if life.done() else f"is not ready after {timeout_s:.0f} s"
                raise EmbeddedError(f"{self.name} {why}:\n{log_tail(self.log)}")
        finally:
            up.cancel()

    # -- its life

    async def _live(self) -> None:
        """Start it, see it die, start it again. Returns when it dies before it was ever ready."""
        clock, pause_s = asyncio.get_running_loop().time, _FIRST_PAUSE_S
        while True:
            await self._let_go.wait()
            began = clock()
            try:
                code = await self._run()
                reason = f"ended with code {code}" if code >= 0 else f"killed by signal {-code}"
            except (EmbeddedError, OSError) as error:
                reason = str(error)
            self._tell(ProcessState.DIED, reason)
            if not self._was_ever_up:
                return
            if self._died is None:
                self._died = (datetime.now(UTC), clock(), reason)
            pause_s = _FIRST_PAUSE_S if clock() - began > _HEALTHY_AFTER_S else pause_s * 2
            await asyncio.sleep(min(pause_s, _LONGEST_PAUSE_S))

    async def _run(self) -> int:
        """One process from its start to its exit code."""
        async with self._starts:
            launch = await asyncio.to_thread(self._next_launch)
            with self.log.open("ab") as log:  # append: its writes go to the end after the file was cut, too
                process = await asyncio.create_subprocess_exec(
                    *launch.argv, stdout=log, stderr=subprocess.STDOUT, **launch.popen_options()
                )
            self._process, self._stop_signal = process, launch.stop_signal
            self._tell(ProcessState.STARTING)
            looking = asyncio.create_task(self._look(process))
            ending = asyncio.create_task(process.wait())
            await asyncio.wait([looking, ending], timeout=_SLOT_S, return_when=asyncio.FIRST_COMPLETED)
        try:
            return await ending
        finally:
            looking.cancel()
            ending.cancel()
            self._is_up.clear()
            self._paused = False

    async def _look(self, process: asyncio.subprocess.Process) -> None:
        while not await self._child.is_ready():  # noqa: ASYNC110  another process gets ready
            await asyncio.sleep(_READY_LOOK_S)
        if process.returncode is not None:
            return
        if self._died is not None:
            died_at, then, reason = self._died
            seconds = asyncio.get_running_loop().time() - then
            self.outages.append(Outage(name=self.name, died_at=died_at, seconds=seconds, reason=reason))
        self._was_ever_up, self._died = True, None
        self._is_up.set()
        self._tell(ProcessState.READY)

    def _next_launch(self) -> Launch:
        launch = self._child.launch()
        extra, self._extra_env = self._extra_env, {}
        return replace(launch, environment={**launch.environment, **self._release, **extra})

    async def _end(self, process: asyncio.subprocess.Process, number: signal.Signals) -> None:
        self._is_up.clear()
        if number is not signal.SIGKILL:
            await self.resume()  # a stopped process meets its signals when it goes on
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(number)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._child.stop_timeout_s):
                await process.wait()
        signal_group(process.pid, signal.SIGKILL)
        await process.wait()

    def _tell(self, state: ProcessState, reason: str = "") -> None:
        now = datetime.now(UTC)
        self._on_event(ProcessEvent(at=now, name=self.name, state=state, pid=self.pid, reason=reason))


def release_path(code: Path) -> str:
    """The PYTHONPATH of a release: its members come before the installed ones. Raises EmbeddedError."""
    members = sorted([*code.glob("libs/*/src"), *code.glob("services/*/src")])
    if not members:
        raise EmbeddedError(f"{code} does not hold a release")
    return os.pathsep.join(map(str, members))

"""A small supervisor of child processes: start, wait until ready, restart on death, stop in reverse order."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import Launch, log_tail, signal_group

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
HEALTHY_AFTER_S = 30.0  # a child that lived this long begins again with the first pause
LOG_LIMIT_BYTES = 10_000_000  # per file; a child has two, `<name>.log` and `<name>.log.1`
_LOG_LOOK_S = 5.0
_READY_LOOK_S = 0.05


class ChildState(StrEnum):
    STARTING = "starting"
    READY = "ready"
    DIED = "died"  # it is started again after a pause
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep alive."""

    name: str  # also the name of its log file
    launch: Callable[
        [], Launch
    ]  # asked before every start, in a thread: it may prepare folders, it may block
    is_ready: Callable[[], Awaitable[bool]]
    after_start: Callable[[], Awaitable[None]] | None = (
        None  # at every start, before the child counts as ready
    )
    ready_timeout_s: float = 60
    stop_timeout_s: float = 15
    group: str = ""  # children of one group are stopped together


@dataclass(frozen=True, slots=True)
class ChildEvent:
    """What has just become of a child."""

    name: str
    state: ChildState
    pid: int
    restarts: int
    reason: str = ""


@dataclass(slots=True, eq=False)
class _Running:
    child: Child
    log: Path
    launch: Launch | None = None
    process: asyncio.subprocess.Process | None = None
    keeper: asyncio.Task[None] | None = None
    restarts: int = 0
    ready_at: float = 0.0


class Supervisor:
    """Keeps children alive inside `async with`; leaving the block, by cancellation too, stops them all.

    Enter it on the main thread: on Linux the kernel ends the children when the thread that started them ends,
    so none is left even when we are killed.
    """

    def __init__(
        self, log_folder: Path, *, on_event: Callable[[ChildEvent], None] = lambda event: None
    ) -> None:
        """`on_event` is called on the loop at every change of a child; it must neither block nor raise."""
        self._log_folder = log_folder
        self._on_event = on_event
        self._running: list[_Running] = []
        self._status: dict[str, ChildEvent] = {}
        self._log_watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._log_folder.mkdir(parents=True, exist_ok=True)
        self._log_watch = asyncio.create_task(self._cap_logs())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def status(self) -> Mapping[str, ChildEvent]:
        """The latest event of every child, in the order they were started."""
        return MappingProxyType(self._status)

    async def start(self, child: Child) -> None:
        """Start a child and return when it is ready; from then on it is started again whenever it dies.

        Raises EmbeddedError, with the end of its log, when this first start fails: that is not retried.
        """
        if any(running.child.name == child.name for running in self._running):
            raise EmbeddedError(f"a child named {child.name} is there already")
        running = _Running(child, self._log_folder / f"{child.name}.log")
        await self._bring_up(running)
        running.keeper = asyncio.create_task(self._keep_alive(running))
        self._running.append(running)

    async def stop(self) -> None:
        """Stop all children, the latest first, and with it those of its group. Safe to repeat."""
        while self._running:
            latest = self._running[-1]
            group = latest.child.group
            together = [one for one in self._running if one is latest or (group and one.child.group == group)]
            await asyncio.gather(*(self._stop(one) for one in together))
        await _cancel(self._log_watch)

    async def _stop(self, running: _Running) -> None:
        await _cancel(running.keeper)
        await self._end(running)
        self._tell(running, ChildState.STOPPED)
        self._running.remove(running)

    async def _bring_up(self, running: _Running) -> None:
        """Start the process and wait until it is ready. Raises EmbeddedError; then nothing runs."""
        child = running.child
        running.launch = await asyncio.to_thread(child.launch)
        before = running.log.stat().st_size if running.log.is_file() else 0
        with running.log.open("ab") as log:  # append: its writes go to the end after we cut the file, too
            running.process = await asyncio.create_subprocess_exec(
                *running.launch.argv, stdout=log, stderr=subprocess.STDOUT, **running.launch.popen_options()
            )
        self._tell(running, ChildState.STARTING)
        try:
            async with asyncio.timeout(child.ready_timeout_s):
                while not await child.is_ready():
                    if running.process.returncode is not None:
                        raise EmbeddedError(
                            f"{child.name} ended while starting:\n{log_tail(running.log, after=before)}"
                        )
                    await asyncio.sleep(_READY_LOOK_S)
                if child.after_start is not None:
                    await child.after_start()
        except TimeoutError as error:
            await self._end(running)
            raise EmbeddedError(
                f"{child.name} is not ready after {child.ready_timeout_s} s:\n"
                f"{log_tail(running.log, after=before)}"
            ) from error
        except BaseException:
            await self._end(running)
            raise
        running.ready_at = asyncio.get_running_loop().time()
        self._tell(running, ChildState.READY)

    async def _keep_alive(self, running: _Running) -> None:
        clock, pause_s = asyncio.get_running_loop().time, FIRST_PAUSE_S
        while running.process is not None:
            code = await running.process.wait()
            signal_group(running.process.pid, signal.SIGKILL)  # what it may have left behind
            if clock() - running.ready_at >= HEALTHY_AFTER_S:
                pause_s = FIRST_PAUSE_S
            self._tell(running, ChildState.DIED, _words(code))
            alive = False
            while not alive:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                running.restarts += 1
                try:
                    await self._bring_up(running)
                    alive = True
                except Exception as error:  # the edge: whatever a hook raises, the child is tried again
                    self._tell(running, ChildState.DIED, str(error) or type(error).__name__)

    async def _end(self, running: _Running) -> None:
        """End the process: its own stop signal, SIGKILL for its whole group when that takes too long."""
        process, launch = running.process, running.launch
        if process is None or launch is None:
            return
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(launch.stop_signal)
        with suppress(TimeoutError):
            async with asyncio.timeout(running.child.stop_timeout_s):
                await process.wait()
        signal_group(process.pid, signal.SIGKILL)
        await process.wait()

    def _tell(self, running: _Running, state: ChildState, reason: str = "") -> None:
        pid = running.process.pid if running.process is not None else 0
        event = ChildEvent(running.child.name, state, pid, running.restarts, reason)
        self._status[event.name] = event
        self._on_event(event)

    async def _cap_logs(self) -> None:
        while True:
            await asyncio.sleep(_LOG_LOOK_S)
            for running in list(self._running):
                await asyncio.to_thread(cap_log, running.log, LOG_LIMIT_BYTES)


def cap_log(log: Path, limit_bytes: int) -> None:
    """Move a log that grew over the limit to `<name>.1` and empty it, under a process that appends to it.

    Lines written during the copy are lost: a bounded log is worth more here than a complete one.
    """
    if log.is_file() and log.stat().st_size > limit_bytes:
        shutil.copyfile(log, log.with_name(log.name + ".1"))
        os.truncate(log, 0)


async def _cancel(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])


def _words(code: int) -> str:
    return f"ended with code {code}" if code >= 0 else f"killed by signal {-code}"

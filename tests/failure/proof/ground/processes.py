"""One operating system process that is started again whenever it dies, and the verbs that hurt it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path


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
    """From a death to the moment the process was ready again."""

    name: str
    died_at: datetime
    seconds: float
    reason: str


class Process:
    """Its name is that of its log file. Verbs return when the deed is done, not when the process is back."""

    name: str

    @property
    def pid(self) -> int:
        """0 while nothing runs."""
        return 0

    @property
    def outages(self) -> list[Outage]:
        """Those that are over, the first first."""
        return []

    async def kill(self) -> None:
        """SIGKILL."""

    async def terminate(self) -> None:
        """SIGTERM; returns when the process has ended by itself, or was killed after its time-out."""

    async def pause(self) -> None:
        """SIGSTOP: sockets stay open, nothing answers."""

    async def resume(self) -> None:
        """SIGCONT."""

    def hold(self, held: bool) -> None:
        """While held, a process that dies stays dead; let go, it is started at once."""

    async def restart(self, *, code: Path | None = None, extra_env: Mapping[str, str] | None = None) -> None:
        """SIGTERM, then start with other code and settings; returns when it is ready. Raises EmbeddedError.

        `code`: a folder with a whole release (`git archive`), used at every start until the next call of
        this; None: the code of this checkout. `extra_env`: for this one start alone, so that a process that
        dies of an armed crash point comes back without it.
        """

    async def ready(self) -> bool:
        """Whether it answers that it can work, now."""
        return False

    async def wait_ready(self, *, timeout_s: float = 60) -> None:
        """Raises EmbeddedError with the end of its log."""

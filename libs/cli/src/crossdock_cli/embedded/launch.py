"""How one operating system process of the embedded stack is started and ended."""

import asyncio
import ctypes
import os
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossdock_cli.embedded.errors import EmbeddedError

LOOPBACK = "127.0.0.1"

#: Children see this and nothing else of our environment: both Tansu and PostgreSQL take options from it.
CLEAN_ENVIRONMENT: Mapping[str, str] = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}

#: Below the range of outgoing connections, which begins at 32768 on Linux and at 49152 elsewhere.
_OWN_PORTS = range(15_000, 32_000)
#: Whoever was given one may begin to listen only after others have asked.
_given_away: deque[int] = deque(maxlen=1_000)

_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system user a child runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Launch:
    """One process to start: the same words for `subprocess.Popen` and for asyncio.

    On Linux the process gets `death_signal` when the *thread* that started it ends, so start it from a
    thread that lives as long as the process should: the main thread.
    """

    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=lambda: CLEAN_ENVIRONMENT, repr=False)
    folder: Path | None = None
    account: Account | None = None  # None: ours
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL

    def popen_options(self) -> dict[str, Any]:
        """Return keyword arguments: own process group, clean environment, death with the parent."""
        options: dict[str, Any] = {
            "env": dict(self.environment),
            "cwd": self.folder,
            "stdin": subprocess.DEVNULL,
            "process_group": 0,  # a Ctrl-C in the terminal reaches us alone; we stop the children in order
            "preexec_fn": _die_with_parent(self.death_signal),
        }
        if self.account is not None:
            options |= {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        return options


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    if _libc is None:
        return None
    prctl, parent = _libc.prctl, os.getpid()

    def ask_the_kernel() -> None:
        # Runs in the child after its user has changed, which would have cleared the setting.
        prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # the parent died before we asked
            os._exit(1)

    return ask_the_kernel


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to a child's whole process group; nothing happens when it is gone."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


async def end_process(process: subprocess.Popen[bytes], number: signal.Signals, *, patience_s: float) -> None:
    """Send a process its signal and wait for its end; SIGKILL for its group when that takes too long."""
    process.send_signal(number)
    deadline = time.monotonic() + patience_s
    while process.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110  another process ends
        await asyncio.sleep(0.01)
    signal_group(process.pid, signal.SIGKILL)
    process.wait()


def account_for(name: str) -> Account:
    """Look an account up by name. Raises EmbeddedError when this system has none."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError as error:
        raise EmbeddedError(
            f"this system has no user {name!r}; name an ordinary user that may own the data"
        ) from error
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def first_unreachable(path: Path, account: Account) -> Path | None:
    """Return the first folder on the way to `path` that `account` may not pass through.

    Folders that do not exist yet are ours to make and do not count.
    """
    for folder in [*reversed(path.resolve().parents), path.resolve()]:
        if not folder.is_dir():
            continue
        status = folder.stat()
        if account.uid == status.st_uid:
            allowed = status.st_mode & 0o100
        elif account.gid == status.st_gid:
            allowed = status.st_mode & 0o010
        else:
            allowed = status.st_mode & 0o001
        if not allowed:
            return folder
    return None


def free_port() -> int:
    """Return a loopback port nobody listens on at this moment, and that was not given away lately.

    Not one the kernel would choose: those go to outgoing connections too, and one of them could take the
    port of a server that is down between two starts.
    """
    for _ in range(100):
        port = secrets.choice(_OWN_PORTS)
        if port in _given_away:
            continue
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            _given_away.append(port)
            return port
    raise EmbeddedError(f"no free port between {_OWN_PORTS.start} and {_OWN_PORTS.stop}; end what holds them")


def refuse_taken_port(port: int, what: str) -> None:
    """Raise EmbeddedError when another process listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise EmbeddedError(
                f"{what} cannot listen on {LOOPBACK}:{port}: {error.strerror}. "
                "Stop what uses that port, or choose another port"
            ) from error


def log_tail(log: Path, lines: int = 20, *, after: int = 0) -> str:
    """Return the last lines of a log file for an error message, at most 8 KiB; none before byte `after`."""
    if not log.is_file():
        return "(no log)"
    with log.open("rb") as file:
        file.seek(max(after, log.stat().st_size - 8192))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


async def run_to_end(launch: Launch, log: Path, *, given: bytes, timeout_s: float = 120.0) -> None:
    """Run a command that reads `given`. Raises EmbeddedError with the end of its log."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *launch.argv,
            **{**launch.popen_options(), "stdin": subprocess.PIPE},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        async with asyncio.timeout(timeout_s):
            await process.communicate(given)
    except TimeoutError:
        raise EmbeddedError(f"{log.stem} is not through after {timeout_s:.0f} s:\n{log_tail(log)}") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise EmbeddedError(f"{log.stem} failed:\n{log_tail(log)}")

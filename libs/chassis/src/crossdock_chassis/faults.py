"""What an exception means to a consumer: wait and try again, or rest the record and tell a person."""

import asyncio
import hashlib
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import asyncpg
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout

MAX_TEXT_CHARS = 1_000

#: The error type, and the reason, of keys that rest because our database was restored (restore.py).
TAKEN_BACK = "TakenBack"

#: Connections, resources, an operator's intervention (time-outs of statements too), the system below.
_TRANSIENT_CLASSES = frozenset({"08", "53", "57", "58"})
#: Serialization, deadlock, lock time-out.
_LOCK_STATES = frozenset({"40001", "40P01", "55P03"})
#: Those of locks; idle and long transactions ended by the server; read-only.
_TRANSIENT_STATES = _LOCK_STATES | {"25P03", "25P04", "25006"}

_STANDARD_LIBRARY = str(Path(asyncio.__file__).parents[1])


class ParkingFull(Exception):
    """More keys or events are parked than a person can look at; the consumer waits until there is room."""


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction may succeed later, with nobody changing our code or the record."""
    if isinstance(error, OSError | asyncio.TimeoutError | PoolTimeout | DisconnectionError | ParkingFull):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig or error
    if any(_is_of_the_connection(one) for one in (error, error.__cause__)):
        return True
    state = sqlstate(error)
    return state is not None and (state[:2] in _TRANSIENT_CLASSES or state in _TRANSIENT_STATES)


def lost_a_lock(error: BaseException) -> bool:
    """Whether another transaction was at the same rows: not this one's fault, and soon over."""
    return sqlstate(error) in _LOCK_STATES


def _is_of_the_connection(error: BaseException | None) -> bool:
    """Whether the connection went away under the statement, or is about to.

    Between the server's "terminating connection" and the end of the stream asyncpg (0.32) refuses statements
    with an error that is neither PostgreSQL's nor of its interface; codecs that are missing are of that
    class, too, and ours to mend.
    """
    if isinstance(error, asyncpg.InternalClientError):
        return str(error).startswith("cannot switch to state")
    return isinstance(error, asyncpg.InterfaceError)


def sqlstate(error: BaseException) -> str | None:
    """The five characters PostgreSQL gave, from the driver's exception or SQLAlchemy's around it."""
    inner = error.orig if isinstance(error, DBAPIError) else error
    found = getattr(inner, "sqlstate", None)
    return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as it may be shown: no text of the exception, which can quote what the record held.

    `fingerprint` is the same for the same error at the same place of our code.
    """

    error_type: str
    error_text: str
    fingerprint: str

    @classmethod
    def unreadable(cls, reason: str) -> "Fault":
        """A record that cannot be read. `reason` names fields and types, never values."""
        return cls("UnreadableRecord", reason[:MAX_TEXT_CHARS], _fingerprint("UnreadableRecord", reason))

    @classmethod
    def taken_back(cls, advice: str) -> "Fault":
        """An event of ours that a restore took back. `advice`: what a person does about it."""
        return cls(TAKEN_BACK, advice[:MAX_TEXT_CHARS], TAKEN_BACK)

    @classmethod
    def of(cls, error: BaseException) -> "Fault":
        kind = type(error).__qualname__
        if isinstance(error, DBAPIError) and error.orig is not None:
            kind = f"{kind}({sqlstate(error) or type(error.orig).__qualname__})"
        frame = _our_innermost_frame(error)
        where = f"{Path(frame.filename).stem}.{frame.name}" if frame else "unknown"
        parts = [f"{kind} in {where}" + (f", line {frame.lineno}" if frame else "")]
        driver = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig is not None else None
        parts += [
            f"{name} {found}"
            for name in ("table_name", "column_name", "constraint_name")
            if (found := getattr(driver, name, None))
        ]
        return cls(kind, ", ".join(parts)[:MAX_TEXT_CHARS], _fingerprint(kind, where))


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _our_innermost_frame(error: BaseException) -> traceback.FrameSummary | None:
    """Where our code failed: the last frame outside of libraries, and of the chassis if there is one."""
    ours = [one for one in _frames(error.__traceback__) if not _of_a_library(one.filename)]
    services = [one for one in ours if "crossdock_chassis" not in one.filename]
    found = services or ours
    return found[-1] if found else None


def _frames(trace: TracebackType | None) -> Iterator[traceback.FrameSummary]:
    yield from traceback.extract_tb(trace)


def _of_a_library(filename: str) -> bool:
    return "site-packages" in filename or filename.startswith((_STANDARD_LIBRARY, "<", sys.prefix))

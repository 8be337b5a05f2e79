"""What a process waits for before it starts: its database, at the migrations its code was written for."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from crossdock_chassis.logging import get_logger
from crossdock_chassis.migrations import head_revision, schema_state
from crossdock_chassis.service import Service
from crossdock_chassis.waiting import set_within
from crossdock_chassis.windows import WindowMismatch, check_windows

log = get_logger(__name__)

_LOOK_EVERY_S = 0.5
_CONNECT_S = 6.0
_ANSWER_S = 1.0


class CannotStart(Exception):
    """The surroundings are not as the code needs them. The text says what an operator can do."""


async def await_database(service: Service, asked_to_stop: asyncio.Event) -> None:
    """Wait as long as the settings allow. Raises CannotStart.

    A database that is ahead of the code will do: it was expanded for newer code.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + service.settings.database_wait_s
    said = None
    while not asked_to_stop.is_set():
        missing = await _what_is_missing(service)
        if missing is None:
            return
        if loop.time() >= deadline:
            raise CannotStart(missing)
        if missing != said:
            log.warning("process.waiting", reason=missing)
            said = missing
        await set_within(asked_to_stop, _LOOK_EVERY_S)


async def _what_is_missing(service: Service) -> str | None:
    try:
        async with asyncio.timeout(_CONNECT_S), service.database.engine.connect() as connection:
            state = await schema_state(connection, service.migrations)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        cause = getattr(error, "orig", None) or error
        reason = type(cause.__cause__ or cause).__name__
        return f"the database does not answer ({reason}); check DATABASE_URL"
    if state.behind:
        expected = head_revision(service.migrations)
        return f"the database is at migration {state.revision}, the code expects {expected}; run `migrate`"
    return None


async def check_replay_window(service: Service, roles: Sequence[str]) -> None:
    """Raises CannotStart when topics forget sooner, or later, than the database is made for.

    A broker that is away is no reason not to start: the outbox holds what is said meanwhile.
    """
    if not {"consume", "relay"} & set(roles):
        return
    topics = {event.TOPIC for event in (*service.publishes, *service.handlers)}
    try:
        await check_windows(service.settings.kafka(service.name), topics)
    except WindowMismatch as error:
        raise CannotStart(str(error)) from error


async def database_answers(service: Service) -> bool:
    """Within a second."""
    with suppress(SQLAlchemyError, OSError, TimeoutError):
        async with asyncio.timeout(_ANSWER_S), service.database.engine.connect() as connection:
            await connection.execute(text("select 1"))
            return True
    return False

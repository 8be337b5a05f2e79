import json
from collections.abc import Iterator, MutableSequence
from pathlib import Path

import pytest
import structlog
from structlog.typing import EventDict

from crossdock_chassis.logging import hide, render_exception
from crossdock_cli.embedded.postgres import PostgresServer
from crossdock_cli.embedded.templates import DatabaseTemplates

from .members import Running
from .seeds import seed


@pytest.fixture(scope="session")
def logged() -> Iterator[MutableSequence[str]]:
    """Every line our code logs, through the processors that take out what must not be seen."""
    lines: list[str] = []

    def keep(_: object, __: str, event: EventDict) -> EventDict:
        lines.append(json.dumps(event, default=str, ensure_ascii=False))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[render_exception, hide, keep], cache_logger_on_first_use=False)
    yield lines
    structlog.configure(**before)


@pytest.fixture(scope="session")
def running(reachable_folder: Path, logged: MutableSequence[str]) -> Iterator[Running]:
    """The services, each started and seeded at its first use; one set for the whole session of a worker.

    On a PostgreSQL of their own: what other tests throw away there is not theirs.
    """
    server = PostgresServer(reachable_folder / "inputs", for_tests=True)
    server.start()
    running = Running(DatabaseTemplates(server), seed)
    yield running
    running.stop()
    server.stop()

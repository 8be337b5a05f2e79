"""Fixtures for every test: a real PostgreSQL and a real Kafka-protocol broker, fast enough to be thrown away.

With pytest-xdist each worker has its own server. All ends with the session, on Ctrl-C too; when pytest itself
is killed the kernel ends the children.
"""

import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import pytest

from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.postgres import PostgresServer
from crossdock_cli.embedded.tansu import TansuBroker


class FreshDatabase(Protocol):
    """Makes a new database for this test; see the fixture `fresh_database`."""

    def __call__(self, template_key: str, prepare: Callable[[str], object] | None = None) -> DatabaseUrls: ...


@pytest.fixture(scope="session")
def reachable_folder() -> Iterator[Path]:
    """A temporary folder an unprivileged server process can reach; pytest's own are closed to other users."""
    folder = Path(tempfile.mkdtemp(prefix="crossdock-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(reachable_folder: Path) -> Iterator[PostgresServer]:
    """A running PostgreSQL of this test worker."""
    server = PostgresServer(reachable_folder / "postgres", for_tests=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _database_templates(postgres: PostgresServer) -> dict[str, str]:
    """Template key to the name of the database that is copied; one per session."""
    return {}


@pytest.fixture(scope="session")
def _database_numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def fresh_database(
    postgres: PostgresServer, _database_templates: dict[str, str], _database_numbers: Iterator[int]
) -> Iterator[FreshDatabase]:
    """Factory `(template_key, prepare)` of databases that are dropped after the test.

    The first call of a key in a session makes a template and runs `prepare(owner_url)` on it, in a thread of
    its own, so it may run an event loop (Alembic does). Later calls copy the template and do not prepare.
    The roles are `<template_key>_owner` and `<template_key>_app`, as a service's: test as the second.
    """
    made: list[str] = []
    databases = postgres.databases

    def make(template_key: str, prepare: Callable[[str], object] | None = None) -> DatabaseUrls:
        if template_key not in _database_templates:
            template = f"template_{template_key}"
            databases.drop_database(template)  # of an earlier `prepare` that failed
            databases.ensure_roles(template_key)
            databases.ensure_database(template, template_key)
            if prepare is not None:
                with ThreadPoolExecutor(max_workers=1) as thread:
                    thread.submit(prepare, databases.urls(template, template_key).owner_url).result()
            _database_templates[template_key] = template
        name = f"test_{next(_database_numbers)}_{template_key}"
        made.append(name)
        databases.create_database(name, template_key, template=_database_templates[template_key])
        return databases.urls(name, template_key)

    yield make
    for name in made:
        databases.drop_database(name)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[TansuBroker]:
    """A fresh broker with all topics; `kill()` and `restart()` are the test's to use."""
    broker = TansuBroker(tmp_path / "broker")
    await broker.start()
    yield broker
    await broker.stop()

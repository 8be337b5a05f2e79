"""Fixtures for every test: a real PostgreSQL and a real Kafka-protocol broker, fast enough to be thrown away.

With pytest-xdist each worker has its own server. All ends with the session, on Ctrl-C too; when pytest itself
is killed the kernel ends the children.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from crossdock_cli.embedded.postgres import PostgresServer
from crossdock_cli.embedded.tansu import TansuBroker
from crossdock_cli.embedded.templates import DatabaseTemplates, FreshDatabase


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--apache-kafka",
        action="store_true",
        help="also run the tests that start a real Apache Kafka: they need Java, and Maven at the first run",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "apache_kafka: starts a JVM; runs with --apache-kafka alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--apache-kafka"):
        return
    left_out = [item for item in items if item.get_closest_marker("apache_kafka") is not None]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


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
def database_templates(postgres: PostgresServer) -> DatabaseTemplates:
    """The prepared databases of this test worker; tests use `fresh_database`."""
    return DatabaseTemplates(postgres)


@pytest.fixture
def fresh_database(database_templates: DatabaseTemplates) -> Iterator[FreshDatabase]:
    """Call it with a key and a preparation (a service's migrations) for a database of this test alone."""
    yield database_templates.fresh
    database_templates.drop_all()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[TansuBroker]:
    """A fresh broker with all topics; `kill()` and `restart()` are the test's to use."""
    broker = TansuBroker(tmp_path / "broker")
    await broker.start()
    yield broker
    await broker.stop()

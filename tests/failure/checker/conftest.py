"""One small finished run of the whole system for all tests here, and copies of its databases to break."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from crossdock_cli.embedded.postgres import PostgresServer
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.keys import load_keys
from crossdock_cli.stack.record import read_record

from ..history import History, Injected, WebhookSent
from ..system import System
from .sources import SERVICES, open_sources

ORDERS = 14  # with one of each special case of the demo


@dataclass(slots=True)
class Finished:
    """The run as it came to rest. `injected`: what tests have put on its topics since."""

    system: System  # on snapshots of the databases, which nobody writes to
    postgres: PostgresServer
    books: Path  # the sandboxes' own
    injected: list[Injected] = field(default_factory=list)


def _crossdock(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "crossdock_cli", "--data", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=290, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def finished() -> Iterator[Finished]:
    folder = Path(tempfile.mkdtemp(prefix="crossdock-checker-"))
    folder.chmod(0o711)  # PostgreSQL may run as another user, which passes through
    stack = folder / "stack"
    try:
        _crossdock(stack, "up", "--few", "--detach")  # what the checker reads the books of
        try:
            _crossdock(stack, "demo", "--orders", str(ORDERS), "--patience", "120", "--json")
            yield _snapshot(DataFolder(stack))
        finally:
            _crossdock(stack, "down")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _snapshot(folder: DataFolder) -> Finished:
    """Copies of all databases at rest. The services are kept out meanwhile, and come back by themselves."""
    record = read_record(folder)
    assert record is not None
    urls = record["urls"]
    postgres = PostgresServer(folder.path / "postgres", port=int(urls["postgres"].rpartition(":")[2]))
    databases = {}
    for service in SERVICES:
        name = f"crossdock_{service}"
        postgres.sql(
            f"alter database {name} allow_connections false;"
            f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}';"
        )
        postgres.databases.create_database(f"rest_{service}", service, template=name)
        postgres.sql(f"alter database {name} allow_connections true")
        databases[service] = postgres.databases.urls(f"rest_{service}", service).owner_url
    system = System(
        databases=databases,
        bootstrap_servers=urls["kafka"],
        kafka_profile=record["kafka"],
        services={service: urls[service] for service in SERVICES},
        sandboxes={name: urls[name] for name in ("shopify", "easypost", "mailbox")},
        api_token=load_keys(folder).api_token,
        logs=folder.logs,
    )
    return Finished(system, postgres, folder.path / "sandbox")


class Copy:
    """The finished run with databases of this test's own, made when they are written to."""

    def __init__(self, finished: Finished) -> None:
        self._finished = finished
        self._made: list[str] = []
        self._books: dict[tuple[str, str], list[tuple[object, ...]]] = {}
        self.system = finished.system
        self.history = History(injected=list(finished.injected))

    def write(self, service: str, script: str) -> None:
        """Run statements as the superuser in a copy of the service's database."""
        name = f"broken_{service}"
        if name not in self._made:
            databases = self._finished.postgres.databases
            databases.create_database(name, service, template=f"rest_{service}")
            self._made.append(name)
            changed = {**self.system.databases, service: databases.urls(name, service).owner_url}
            self.system = replace(self.system, databases=changed)
        self._finished.postgres.sql(script, database=name)

    def write_book(self, sandbox: str, table: str, statement: str) -> None:
        """Run a statement in the sandbox's own books; the table is as before when the test is over."""
        with _open_book(self._finished.books / f"{sandbox}.sqlite") as book:
            self._books[sandbox, table] = book.execute(f"select * from {table}").fetchall()
            book.execute(statement)

    def app_url(self, service: str) -> str:
        """The copy as the service's own role."""
        url = self._finished.postgres.databases.urls(f"broken_{service}", service).app_url
        return url.replace("+asyncpg", "")

    async def produce(self, topic: str, key: str, headers: dict[str, str], payload: bytes) -> None:
        """Put a record on a topic, for this test; the tests behind it know that it is there."""
        producer = AIOKafkaProducer(bootstrap_servers=self.system.bootstrap_servers)
        await producer.start()
        try:
            pairs = [(name, value.encode()) for name, value in headers.items()]
            async with asyncio.timeout(10):
                sent = await producer.send_and_wait(topic, payload, key=key.encode(), headers=pairs)
        finally:
            await producer.stop()
        self._finished.injected.append(
            Injected(
                topic=topic,
                partition=sent.partition,
                offset=sent.offset,
                key=key,
                event_id=headers.get("ce_id"),
                poison=False,
            )
        )

    def drop(self) -> None:
        for name in self._made:
            self._finished.postgres.databases.drop_database(name)
        for (sandbox, table), rows in self._books.items():
            with _open_book(self._finished.books / f"{sandbox}.sqlite") as book:
                book.execute(f"delete from {table}")
                for row in rows:
                    book.execute(f"insert into {table} values ({', '.join('?' * len(row))})", row)


@contextmanager
def _open_book(file: Path) -> Iterator[sqlite3.Connection]:
    """One transaction in an SQLite file that its sandbox has open, too."""
    with closing(sqlite3.connect(file, timeout=10)) as book, book:
        yield book


@pytest.fixture
async def copy(finished: Finished) -> AsyncIterator[Copy]:
    """With a history that knows of all webhooks that were stored."""
    copy = Copy(finished)
    async with open_sources(copy.system) as sources:
        rows = await sources.rows(
            "order",
            "select m.dedupe_key, m.topic, m.account, coalesce(o.external_id, '0') as order_id"
            " from inbound_message m left join orders o using (order_id)",
        )
    copy.history.webhooks += [
        WebhookSent(
            shop=row["account"],
            order_id=int(row["order_id"]),
            topic=row["topic"],
            webhook_id=row["dedupe_key"],
            status=200,
            at=datetime.now(UTC),
        )
        for row in rows
    ]
    yield copy
    copy.drop()

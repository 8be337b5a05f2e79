"""Outgoing webhooks as a platform sends them: kept in the books, retried, bounded in number and time."""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

import aiohttp

from crossdock_sandbox import clock
from crossdock_sandbox.books import Books, Page

ANSWER_BYTES = 16 * 1024

SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at TEXT NOT NULL,
    sender TEXT NOT NULL,
    topic TEXT NOT NULL,
    reference TEXT,
    webhook_id TEXT NOT NULL,
    url TEXT NOT NULL,
    headers_json TEXT NOT NULL,
    body BLOB NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL,
    outcome TEXT NOT NULL DEFAULT 'pending',
    last_status INTEGER,
    finished_at TEXT
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (next_at) WHERE outcome = 'pending';
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id INTEGER NOT NULL REFERENCES deliveries (id),
    at TEXT NOT NULL,
    status INTEGER,
    error TEXT,
    duration_ms REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS attempts_by_delivery ON attempts (delivery_id);
"""

PAGES = {
    "deliveries": Page(
        (
            "id",
            "created_at",
            "sender",
            "topic",
            "reference",
            "webhook_id",
            "url",
            "attempts",
            "outcome",
            "last_status",
            "finished_at",
        )
    ),
    "attempts": Page(("id", "delivery_id", "at", "status", "error", "duration_ms")),
}


class Signature(StrEnum):
    """How a delivery is signed; the control APIs can ask for a spoiled one."""

    GOOD = "good"
    BAD = "bad"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Schedule:
    """How one platform delivers. Retry n waits `retry_base_s` doubled n - 1 times."""

    retries: int
    retry_base_s: float
    connect_s: float
    total_s: float
    concurrency: int
    accepted: range = range(200, 300)  # statuses that count as delivered
    empty: bool = False  # an answer that says anything counts as none

    def wait_s(self, attempts_made: int) -> float | None:
        """Seconds until the next attempt; None when that was the last one."""
        if attempts_made > self.retries:
            return None
        wait: float = self.retry_base_s * 2 ** (attempts_made - 1)
        return wait


@dataclass(frozen=True, slots=True)
class Delivery:
    sender: str  # the shop or account it comes from
    topic: str
    reference: str | None  # the order or tracking code it is about
    webhook_id: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    not_before: float = 0.0  # seconds since the epoch


class Deliverer:
    """Works the queue off. A delivery under way when the process dies is sent again, as the originals do."""

    def __init__(
        self,
        books: Books,
        schedule: Schedule,
        *,
        settled: Callable[[sqlite3.Row, bool], None] = lambda _row, _delivered: None,
    ) -> None:
        """`settled` hears, in the transaction that notes it, of every delivery that is not tried again."""
        self._books = books
        self._schedule = schedule
        self._settled = settled
        self._wake = asyncio.Event()
        self._under_way: dict[int, asyncio.Task[None]] = {}

    def add(self, delivery: Delivery) -> int:
        """Queue it inside the caller's transaction and return its number; `wake` when that is committed."""
        cursor = self._books.execute(
            "INSERT INTO deliveries (created_at, sender, topic, reference, webhook_id, url, headers_json,"
            " body, next_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                clock.precise(clock.now()),
                delivery.sender,
                delivery.topic,
                delivery.reference,
                delivery.webhook_id,
                delivery.url,
                json.dumps(dict(delivery.headers)),
                delivery.body,
                max(delivery.not_before, time.time()),
            ),
        )
        return int(cursor.lastrowid or 0)

    def wake(self) -> None:
        self._wake.set()

    def status(self, sender: str | None = None) -> dict[str, int]:
        """How many deliveries are pending, delivered and failed, of one sender or of all."""
        where, values = (" WHERE sender = ?", (sender,)) if sender else ("", ())
        rows = self._books.all(
            f"SELECT outcome, count(*) AS n FROM deliveries{where} GROUP BY outcome",  # noqa: S608
            values,
        )
        return {"pending": 0, "delivered": 0, "failed": 0} | {row["outcome"]: row["n"] for row in rows}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        timeout = aiohttp.ClientTimeout(total=self._schedule.total_s, sock_connect=self._schedule.connect_s)
        connector = aiohttp.TCPConnector(limit=self._schedule.concurrency)
        async with aiohttp.ClientSession(
            timeout=timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            loop = asyncio.create_task(self._work(session))
            try:
                yield
            finally:
                loop.cancel()
                for task in [loop, *self._under_way.values()]:
                    task.cancel()
                await asyncio.gather(loop, *self._under_way.values(), return_exceptions=True)

    async def _work(self, session: aiohttp.ClientSession) -> None:
        while True:
            self._wake.clear()
            free = self._schedule.concurrency - len(self._under_way)
            rows = self._books.all(
                "SELECT id, next_at FROM deliveries WHERE outcome = 'pending' ORDER BY next_at, id LIMIT ?",
                (self._schedule.concurrency + 1,),
            )
            waiting = [row for row in rows if row["id"] not in self._under_way]
            now = time.time()
            due = [row for row in waiting if row["next_at"] <= now][:free]
            for row in due:
                task = asyncio.create_task(self._attempt(session, row["id"]))
                self._under_way[row["id"]] = task
            later = [row["next_at"] for row in waiting if row["next_at"] > now]
            # With every place taken only a finished attempt can change anything, and that wakes us.
            sleep_s = min(later) - now if later and len(due) < free else None
            try:
                async with asyncio.timeout(sleep_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _attempt(self, session: aiohttp.ClientSession, delivery_id: int) -> None:
        row = self._books.all("SELECT * FROM deliveries WHERE id = ?", (delivery_id,))[0]
        started, at = time.perf_counter(), clock.now()
        status, failure = None, None
        try:
            async with session.post(
                row["url"], data=row["body"], headers=json.loads(row["headers_json"]), allow_redirects=False
            ) as response:
                status = response.status
                # Read a little, so that the connection can serve the next delivery.
                if await response.content.read(ANSWER_BYTES) and self._schedule.empty:
                    failure = "answer is not empty"
        except TimeoutError:
            failure = "timeout"
        except aiohttp.ClientError as error:
            failure = type(error).__name__
        finally:
            self._under_way.pop(row["id"], None)
            self._wake.set()
        self._settle(row, at=clock.precise(at), status=status, failure=failure, started=started)

    def _settle(
        self, row: sqlite3.Row, *, at: str, status: int | None, failure: str | None, started: float
    ) -> None:
        attempts = row["attempts"] + 1
        delivered = failure is None and status in self._schedule.accepted
        wait_s = None if delivered else self._schedule.wait_s(attempts)
        outcome = "delivered" if delivered else "failed" if wait_s is None else "pending"
        with self._books.transaction():
            self._books.execute(
                "INSERT INTO attempts (delivery_id, at, status, error, duration_ms) VALUES (?, ?, ?, ?, ?)",
                (row["id"], at, status, failure, round((time.perf_counter() - started) * 1000, 1)),
            )
            self._books.execute(
                "UPDATE deliveries SET attempts = ?, next_at = ?, outcome = ?, last_status = ?,"
                " finished_at = ? WHERE id = ?",
                (
                    attempts,
                    time.time() + (wait_s or 0),
                    outcome,
                    status,
                    None if outcome == "pending" else clock.precise(clock.now()),
                    row["id"],
                ),
            )
            if outcome != "pending":
                self._settled(row, delivered)

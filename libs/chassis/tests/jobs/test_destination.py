"""Against an HTTP server that is really there, and with a process that is really killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from sqlalchemy import RowMapping, text

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.job_runner import JobBounds, JobRunner
from crossdock_chassis.jobs import Destination, Job, NotSent, OutcomeUnknown
from crossdock_chassis.lane import CircuitBounds
from crossdock_chassis.telemetry import current_trace_id
from crossdock_contracts.envelope import Cause

WORKER = Path(__file__).with_name("worker.py")


@dataclass
class Carrier:
    """Books what it is sent; `down` refuses politely, `mute` books and never answers."""

    url: str = ""
    down: bool = False
    mute: bool = False
    booked: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    refused: int = 0
    traceparents: list[str | None] = field(default_factory=list)

    async def book(self, request: web.Request) -> web.Response:
        self.traceparents.append(request.headers.get("traceparent"))
        if self.down:
            self.refused += 1
            return web.Response(status=503)
        self.booked.append((await request.json())["reference"])
        if self.mute:
            await asyncio.sleep(30)
        return web.json_response({})

    async def find(self, request: web.Request) -> web.Response:
        self.asked.append(request.match_info["reference"])
        return web.json_response({"known": self.asked[-1] in self.booked})


@pytest.fixture
async def carrier() -> AsyncIterator[Carrier]:
    carrier = Carrier()
    app = web.Application()
    app.router.add_post("/book", carrier.book)
    app.router.add_get("/book/{reference}", carrier.find)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    carrier.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield carrier
    await runner.cleanup()


def booking(
    database: Database[Transaction], carrier: Carrier, *, timeout_s: float = 0.5
) -> Callable[[Job], Awaitable[None]]:
    """As a service's handler: asks first when it has to, books, stores."""

    async def handle(job: Job) -> None:
        async with httpx.AsyncClient(base_url=carrier.url, timeout=timeout_s) as http:
            known = job.outcome_unknown and (await http.get(f"/book/{job.reference}")).json()["known"]
            if not known:
                try:
                    answer = await http.post("/book", json={"reference": job.reference})
                except httpx.TransportError as error:
                    raise OutcomeUnknown("carrier did not answer") from error
                if answer.status_code == 503:
                    raise NotSent("carrier is down")
        async with database.transaction(cause=job.cause) as tx:
            await tx.connection.execute(
                text("insert into effect (what) values (:what)"), {"what": job.reference}
            )
            await tx.jobs.done(job)

    return handle


async def ask(database: Database[Transaction], *references: str) -> None:
    async with database.transaction() as tx:
        for reference in references:
            await tx.jobs.add("book", reference, merchant_id="default", destination="carrier", payload={})


async def jobs(database: Database[Transaction]) -> list[RowMapping]:
    async with database.transaction() as tx:
        rows = await tx.connection.execute(text("select * from job order by reference"))
        return list(rows.mappings())


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110  # other processes take part
            await asyncio.sleep(0.02)


def all_done(database: Database[Transaction]) -> Callable[[], Awaitable[bool]]:
    async def done() -> bool:
        return all(one["state"] == "done" for one in await jobs(database))

    return done


@pytest.fixture
async def start(database: Database[Transaction]) -> AsyncIterator[Callable[..., JobRunner]]:
    """Starts runners that are stopped after the test."""
    started: list[tuple[JobRunner, asyncio.Task[None]]] = []

    def start(handler: Any, bounds: JobBounds, concurrency: int = 8) -> JobRunner:
        runner = JobRunner(database, {"book": handler}, [Destination("carrier", concurrency)], bounds)
        started.append((runner, asyncio.create_task(runner.run())))
        return runner

    yield start
    for runner, task in started:
        await asyncio.wait_for(runner.stop(), 10)
        await task


async def test_a_circuit_opens_while_the_carrier_is_down_and_closes_when_it_is_back(
    database: Database[Transaction], carrier: Carrier, start: Callable[..., JobRunner]
) -> None:
    carrier.down = True
    await ask(database, *(f"s-{n:02}" for n in range(30)))
    circuit = CircuitBounds(failures=3, pause_s=0.5, max_pause_s=0.5)
    bounds = JobBounds(first_retry_s=0.01, last_retry_s=0.02, last_poll_s=0.05, circuit=circuit)

    start(booking(database, carrier), bounds, concurrency=3)
    await asyncio.sleep(1.3)
    refused_while_open = carrier.refused
    carrier.down = False
    await until(all_done(database))

    assert 3 <= refused_while_open <= 8  # three to open it, then one for every half second
    assert sorted(carrier.booked) == [f"s-{n:02}" for n in range(30)]


async def test_who_puts_off_one_job_after_another_is_there_for_the_next(
    database: Database[Transaction], start: Callable[..., JobRunner]
) -> None:
    taken: list[str] = []

    async def handle(job: Job) -> None:
        if not job.reference.startswith("s-9"):
            raise NotSent("come later with this one", answered=True)
        taken.append(job.reference)
        async with database.transaction(cause=job.cause) as tx:
            await tx.jobs.done(job)

    async def last_one_taken() -> bool:
        return taken == ["s-9"]

    await ask(database, *(f"s-{n}" for n in range(10)))
    circuit = CircuitBounds(failures=3, pause_s=60, max_pause_s=60)
    start(handle, JobBounds(first_retry_s=30, last_retry_s=30, circuit=circuit), concurrency=1)

    await until(last_one_taken)

    (waiting,) = {one["state"] for one in await jobs(database) if one["reference"] != "s-9"}
    assert waiting == "ready"


async def test_who_is_put_off_for_a_time_holds_up_no_other_and_has_failed_in_nothing(
    database: Database[Transaction], start: Callable[..., JobRunner]
) -> None:
    tries = 0

    async def handle(job: Job) -> None:
        nonlocal tries
        if job.reference == "s-0" and (tries := tries + 1) <= 5:
            raise NotSent("its quota is used up", retry_after_s=0.05 if tries < 5 else 1.0, answered=True)
        async with database.transaction(cause=job.cause) as tx:
            await tx.jobs.done(job)

    await ask(database, "s-0")
    start(handle, JobBounds(last_poll_s=0.05, max_attempts_not_sent=2), concurrency=1)

    async def put_off() -> bool:
        return tries == 5

    await until(put_off)
    await ask(database, "s-1")
    await until(all_done(database))

    assert tries == 6
    assert {one["attempts"] for one in await jobs(database)} == {1}


async def test_a_call_that_was_not_answered_is_asked_about_and_not_made_again(
    database: Database[Transaction], carrier: Carrier, start: Callable[..., JobRunner]
) -> None:
    carrier.mute = True
    await ask(database, "s-1")

    start(booking(database, carrier), JobBounds(first_retry_s=0.05))
    await until(all_done(database))

    assert carrier.booked == ["s-1"]
    assert carrier.asked == ["s-1"]


async def test_jobs_of_a_killed_process_are_asked_about_when_their_lease_is_over(
    database: Database[Transaction], urls: Any, carrier: Carrier, start: Callable[..., JobRunner]
) -> None:
    references = [f"s-{n}" for n in range(8)]
    carrier.mute = True
    await ask(database, *references)
    worker = await asyncio.create_subprocess_exec(
        sys.executable, str(WORKER), carrier.url, env={**os.environ, "WORKER_DATABASE_URL": urls.app_url}
    )

    async def all_in_flight() -> bool:
        return sorted(carrier.booked) == references

    try:
        await until(all_in_flight)
    finally:
        worker.send_signal(signal.SIGKILL)
        await worker.wait()
    carrier.mute = False
    assert {one["state"] for one in await jobs(database)} == {"running"}
    start(booking(database, carrier, timeout_s=10), JobBounds(lease_s=3, last_poll_s=0.1))
    await until(all_done(database))

    assert sorted(carrier.booked) == references  # nothing was booked twice
    assert sorted(carrier.asked) == references
    assert {one["attempts"] for one in await jobs(database)} == {2}


async def test_a_handler_runs_in_the_trace_of_what_asked_for_the_job(
    database: Database[Transaction], start: Callable[..., JobRunner]
) -> None:
    seen: list[str | None] = []

    async def handle(job: Job) -> None:
        seen.append(current_trace_id())
        async with database.transaction(cause=job.cause) as tx:
            await tx.jobs.done(job)

    trace_id = "0af7651916cd43dd8448eb211c80319c"
    async with database.transaction(cause=Cause(traceparent=f"00-{trace_id}-b7ad6b7169203331-01")) as tx:
        await tx.jobs.add("book", "s-1", merchant_id="default", destination="carrier", payload={})

    start(handle, JobBounds())
    await until(all_done(database))

    assert seen == [trace_id]

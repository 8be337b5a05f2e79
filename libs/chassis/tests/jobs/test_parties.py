"""Many parties behind one destination: each has its turn, and none waits for another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from crossdock_chassis import job_table
from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.job_runner import JobBounds, JobRunner
from crossdock_chassis.jobs import Destination, Job, NotSent
from crossdock_chassis.lane import CircuitBounds
from crossdock_cli.embedded.databases import DatabaseUrls

QUICK = JobBounds(
    first_retry_s=0.01,
    last_retry_s=0.02,
    last_poll_s=0.05,
    circuit=CircuitBounds(failures=3, pause_s=60, max_pause_s=60),
)


async def ask(database: Database[Transaction], *destinations: str, prefix: str = "j") -> None:
    async with database.transaction() as tx:
        for n, destination in enumerate(destinations):
            await tx.jobs.add(
                "write", f"{prefix}{n:05}", merchant_id="default", destination=destination, payload={}
            )


async def done_at(database: Database[Transaction]) -> dict[str, int]:
    """Destination -> how many of its jobs are done."""
    async with database.engine.connect() as connection:
        rows = await connection.execute(
            text("select destination, count(*) from job where state = 'done' group by destination")
        )
        return {row[0]: row[1] for row in rows}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110  # the runner writes to the database
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(
    database: Database[Transaction],
    handle: Callable[[Job], Awaitable[None]],
    *,
    bounds: JobBounds = QUICK,
    concurrency: int = 2,
) -> AsyncIterator[None]:
    runner = JobRunner(database, {"write": handle}, [Destination("shopify", concurrency)], bounds)
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        async with asyncio.timeout(10):
            await runner.stop()
            await task


async def test_a_shop_that_is_down_holds_up_no_other(database: Database[Transaction]) -> None:
    calls: list[str] = []

    async def handle(job: Job) -> None:
        calls.append(job.destination)
        if job.destination == "shopify:dead":
            raise NotSent("not reached")
        async with database.transaction() as tx:
            await tx.jobs.done(job)

    await ask(database, *["shopify:dead"] * 50, *["shopify:live"] * 50)

    async def live_is_done() -> bool:
        return (await done_at(database)) == {"shopify:live": 50}

    async with running(database, handle):
        await until(live_is_done)

    assert 3 <= calls.count("shopify:dead") <= 5  # until its circuit opened


async def test_a_shop_that_hangs_takes_its_own_calls_and_no_other(database: Database[Transaction]) -> None:
    go_on = asyncio.Event()

    async def handle(job: Job) -> None:
        if job.destination == "shopify:slow":
            await go_on.wait()
        async with database.transaction() as tx:
            await tx.jobs.done(job)

    await ask(database, *["shopify:slow"] * 9, "shopify", "shopify:live")

    async def others_are_done() -> bool:
        return (await done_at(database)) == {"shopify": 1, "shopify:live": 1}

    async with running(database, handle):
        await until(others_are_done)
        go_on.set()


async def test_who_asks_for_a_pause_is_left_alone_with_all_its_jobs_and_alone(
    database: Database[Transaction],
) -> None:
    calls: dict[str, list[float]] = {"shopify:one": [], "shopify:two": []}

    async def handle(job: Job) -> None:
        calls[job.destination].append(asyncio.get_running_loop().time())
        if job.destination == "shopify:one" and len(calls["shopify:one"]) == 1:
            raise NotSent("asked us to slow down", retry_after_s=0.6)
        async with database.transaction() as tx:
            await tx.jobs.done(job)

    await ask(database, *["shopify:one"] * 20, *["shopify:two"] * 20)

    async def all_done() -> bool:
        return (await done_at(database)) == {"shopify:one": 20, "shopify:two": 20}

    async with running(database, handle, concurrency=1):
        await until(all_done)

    refused, again = calls["shopify:one"][:2]
    assert again - refused >= 0.6
    assert any(refused < other < again for other in calls["shopify:two"])


async def test_more_parties_than_may_run_at_once_all_have_their_turn(
    database: Database[Transaction],
) -> None:
    order: list[str] = []
    at_once: list[int] = [0, 0]

    async def handle(job: Job) -> None:
        order.append(job.destination)
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(0.01)
        at_once[0] -= 1
        async with database.transaction() as tx:
            await tx.jobs.done(job)

    parties = [f"shopify:{n:02}" for n in range(12)]
    await ask(database, *parties * 20)

    async def all_done() -> bool:
        return (await done_at(database)) == dict.fromkeys(parties, 20)

    bounds = JobBounds(at_once=3, last_poll_s=0.05)
    async with running(database, handle, bounds=bounds):
        await until(all_done)

    assert at_once[1] == 3
    assert set(order[:40]) == set(parties)  # nobody waits until another has nothing left


async def test_a_look_costs_what_there_are_parties_and_not_jobs(
    database: Database[Transaction], urls: DatabaseUrls
) -> None:
    await fill(urls, parties=job_table.PARTIES_A_LOOK + 50, jobs_each=40)
    table = job_table.JobTable(database.engine)

    first = await table.parties("")
    rest = await table.parties(first.last or "")
    found = await explained(database)

    assert (len(first.due), len(rest.due), rest.last) == (job_table.PARTIES_A_LOOK, 50, None)
    assert "job_due" in found["text"]
    assert found["rows"] <= job_table.PARTIES_A_LOOK + 1


async def fill(urls: DatabaseUrls, *, parties: int, jobs_each: int) -> None:
    engine = create_async_engine(urls.owner_url, poolclass=pool.NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(
            text(
                """
                insert into job (job_id, merchant_id, kind, reference, destination, payload, run_at)
                select gen_random_uuid(), 'default', 'write', party || '-' || n,
                       'shopify:' || lpad(party::text, 5, '0'), '{}', now() - interval '1 minute'
                from generate_series(1, :parties) as party, generate_series(1, :jobs_each) as n
                """
            ),
            {"parties": parties, "jobs_each": jobs_each},
        )
        await connection.execute(text("vacuum analyze job"))
    await engine.dispose()


async def explained(database: Database[Transaction]) -> dict[str, Any]:
    """The plan of one look, and how many rows of `job` it read."""
    async with database.engine.connect() as connection:
        rows = await connection.execute(
            text("explain (analyze, format json) " + job_table._PARTIES.text),
            {"after": "", "most": job_table.PARTIES_A_LOOK},
        )
        plan = rows.scalar_one()[0]["Plan"]

    def scans(node: dict[str, Any]) -> Sequence[dict[str, Any]]:
        below = [found for child in node.get("Plans", ()) for found in scans(child)]
        return [node, *below] if node.get("Relation Name") == "job" else below

    return {
        "text": str(plan),
        "rows": sum(one["Actual Rows"] * one["Actual Loops"] for one in scans(plan)),
    }


async def test_jobs_of_a_paused_party_wait_and_go_on_when_it_is_resumed(
    database: Database[Transaction],
) -> None:
    async def handle(job: Job) -> None:
        async with database.transaction() as tx:
            await tx.jobs.done(job)

    async with database.transaction() as tx:
        await tx.jobs.pause("shopify:sick", because="its prices are wrong")
    await ask(database, "shopify:sick", "shopify:live", prefix="old")
    async with running(database, handle):
        await ask(database, "shopify:sick", "shopify:live", prefix="new")

        async def live_is_done() -> bool:
            return (await done_at(database)).get("shopify:live") == 2

        await until(live_is_done)
        assert await done_at(database) == {"shopify:live": 2}

        async with database.transaction() as tx:
            await tx.jobs.resume("shopify:sick")

        async def all_done() -> bool:
            return (await done_at(database)).get("shopify:sick") == 2

        await until(all_done)


async def test_a_pause_that_is_there_keeps_its_reason_and_ends_for_no_other(
    database: Database[Transaction],
) -> None:
    async def reasons() -> list[str]:
        async with database.transaction() as tx:
            return list((await tx.connection.execute(text("select because from job_pause"))).scalars())

    async with database.transaction() as tx:
        await tx.jobs.pause("shopify:sick", because="a person")
    async with database.transaction() as tx:
        await tx.jobs.pause("shopify:sick", because="no token", replace=False)
    async with database.transaction() as tx:
        await tx.jobs.resume("shopify:sick", because="no token")
    kept = await reasons()
    async with database.transaction() as tx:
        await tx.jobs.resume("shopify:sick", because="a person")

    assert kept == ["a person"]
    assert await reasons() == []

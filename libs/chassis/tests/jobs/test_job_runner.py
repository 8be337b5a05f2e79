import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import RowMapping, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.testing import capture_logs

from crossdock_chassis.database import Database, Transaction, open_engine
from crossdock_chassis.job_runner import JobBounds, JobRunner
from crossdock_chassis.job_table import GiveUp, JobTable
from crossdock_chassis.jobs import Destination, Job, LeaseLost, NeedsPerson, NotSent, OutcomeUnknown
from crossdock_chassis.lane import CircuitBounds

Handler = Callable[[Job], Awaitable[None]]

QUICK = JobBounds(
    lease_s=0.6,
    attempt_s=5,
    stop_s=2,
    last_poll_s=0.1,
    first_retry_s=0.05,
    last_retry_s=0.2,
    circuit=CircuitBounds(failures=1000),
)
CARRIER = Destination("carrier")


async def ask(
    database: Database[Transaction], *references: str, and_then: str = "select 1", **more: Any
) -> None:
    async with database.transaction() as tx:
        for reference in references:
            await tx.jobs.add(
                "book",
                reference,
                merchant_id="default",
                destination="carrier",
                payload={"shipment": reference},
                **more,
            )
        await tx.jobs.flush(tx.connection)
        await tx.connection.execute(text(and_then))


async def job(database: Database[Transaction], reference: str) -> RowMapping:
    async with database.transaction() as tx:
        found = await tx.connection.execute(
            text("select * from job where reference = :reference"), {"reference": reference}
        )
        return found.mappings().one()


async def effects(database: Database[Transaction]) -> Sequence[str]:
    async with database.transaction() as tx:
        return (await tx.connection.execute(text("select what from effect order by n"))).scalars().all()


async def until(condition: Callable[[], Awaitable[bool]], *, within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110  # another process may be who changes it
            await asyncio.sleep(0.02)


async def until_asked(database: Database[Transaction], reference: str) -> None:
    """For a pool whose connections are dead: each fails once and is then made anew."""

    async def asked() -> bool:
        try:
            await ask(database, reference)
        except DBAPIError:
            return False
        return True

    await until(asked)


async def until_state(database: Database[Transaction], reference: str, state: str) -> RowMapping:
    async def reached() -> bool:
        return bool((await job(database, reference))["state"] == state)

    await until(reached)
    return await job(database, reference)


def storing(database: Database[Transaction]) -> Handler:
    """A handler whose call works at once; it writes down which job it was."""

    async def handle(job: Job) -> None:
        async with database.transaction(cause=job.cause) as tx:
            await tx.connection.execute(
                text("insert into effect (what) values (:what)"), {"what": job.reference}
            )
            await tx.jobs.done(job)

    return handle


@asynccontextmanager
async def running(
    database: Database[Transaction],
    handler: Handler,
    *,
    destination: Destination = CARRIER,
    bounds: JobBounds = QUICK,
    handlers: Mapping[str, Handler] | None = None,
) -> AsyncIterator[JobRunner]:
    runner = JobRunner(database, handlers or {"book": handler}, [destination], bounds)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        async with asyncio.timeout(10):
            await runner.stop()
            await task


async def test_a_job_is_asked_for_only_if_the_transaction_commits(database: Database[Transaction]) -> None:
    with pytest.raises(DBAPIError):
        await ask(database, "s-1", and_then="select 1 / 0")
    await ask(database, "s-2")

    async with database.transaction() as tx:
        references = (await tx.connection.execute(text("select reference from job"))).scalars().all()
    assert references == ["s-2"]
    assert database.wakeups.jobs.is_set()


async def test_the_same_reference_is_asked_for_once(database: Database[Transaction]) -> None:
    await ask(database, "s-1", "s-1")
    await ask(database, "s-1")

    async with running(database, storing(database)):
        await until_state(database, "s-1", "done")
        await ask(database, "s-1", "s-2")
        await until_state(database, "s-2", "done")

    assert await effects(database) == ["s-1", "s-2"]


async def test_a_job_reaches_its_handler_as_it_was_asked_for(database: Database[Transaction]) -> None:
    seen: list[Job] = []
    deadline = datetime.now(UTC) + timedelta(hours=1)

    async def handle(job: Job) -> None:
        seen.append(job)
        await storing(database)(job)

    async with running(database, handle):
        await ask(database, "s-1", deadline_at=deadline)
        await until_state(database, "s-1", "done")

    [one] = seen
    assert (one.kind, one.reference, one.merchant_id) == ("book", "s-1", "default")
    assert one.payload == {"shipment": "s-1"}
    assert (one.attempts, one.outcome_unknown, one.deadline_at) == (1, False, deadline)


async def test_a_commit_wakes_the_runner_before_it_would_poll(database: Database[Transaction]) -> None:
    slow_polls = JobBounds(lease_s=30, first_poll_s=20, last_poll_s=20)

    async with running(database, storing(database), bounds=slow_polls):
        await asyncio.sleep(0.1)
        await ask(database, "s-1")
        async with asyncio.timeout(3):
            await until_state(database, "s-1", "done")


async def test_a_job_of_another_process_is_found_by_polling(
    database: Database[Transaction], urls: Any
) -> None:
    other_process = Database(open_engine(urls.app_url), Transaction)

    async with running(database, storing(database)):
        await asyncio.sleep(0.1)
        await ask(other_process, "s-1")
        await until_state(database, "s-1", "done")
    await other_process.dispose()


async def test_a_job_waits_for_its_time(database: Database[Transaction]) -> None:
    await ask(database, "later", run_at=datetime.now(UTC) + timedelta(seconds=0.6))
    await ask(database, "now")

    async with running(database, storing(database)):
        await until_state(database, "now", "done")
        assert (await job(database, "later"))["state"] == "ready"
        await until_state(database, "later", "done")


async def test_a_refusal_is_settled_with_its_code(database: Database[Transaction]) -> None:
    async def handle(job: Job) -> None:
        async with database.transaction(cause=job.cause) as tx:
            await tx.jobs.refused(job, "address_not_served")

    await ask(database, "s-1")

    async with running(database, handle):
        row = await until_state(database, "s-1", "refused")

    assert row["last_error"] == "address_not_served"
    assert row["settled_at"] is not None


async def test_what_was_not_sent_is_tried_again_and_its_outcome_is_known(
    database: Database[Transaction],
) -> None:
    seen: list[Job] = []

    async def handle(job: Job) -> None:
        seen.append(job)
        if job.attempts < 4:
            raise NotSent("carrier was not reached")
        await storing(database)(job)

    await ask(database, "s-1")

    async with running(database, handle):
        await until_state(database, "s-1", "done")

    assert [one.attempts for one in seen] == [1, 2, 3, 4]
    assert not any(one.outcome_unknown for one in seen)
    waits = [later.run_at - one.run_at for one, later in pairwise(seen)]
    assert waits[1] >= timedelta(seconds=0.05)
    assert waits[2] >= timedelta(seconds=0.1)


async def test_who_asks_us_to_come_later_is_left_alone_that_long(database: Database[Transaction]) -> None:
    async def handle(job: Job) -> None:
        raise NotSent("carrier asked us to slow down", retry_after_s=3600)

    await ask(database, "s-1")

    async def was_put_off() -> bool:
        return bool((await job(database, "s-1"))["last_error"])

    async with running(database, handle):
        await until(was_put_off)

    row = await job(database, "s-1")
    assert row["state"] == "ready"
    assert row["run_at"] - row["created_at"] > timedelta(seconds=3590)


@pytest.mark.parametrize("error", [OutcomeUnknown("no answer in 5 s"), KeyError("an unexpected answer")])
async def test_the_next_attempt_sees_that_the_outcome_is_unknown(
    database: Database[Transaction], error: Exception
) -> None:
    seen: list[bool] = []

    async def handle(job: Job) -> None:
        seen.append(job.outcome_unknown)
        if job.attempts == 1:
            raise error
        if job.attempts == 2:
            raise NotSent("and now they cannot even be asked")
        await storing(database)(job)

    await ask(database, "s-1")

    async with running(database, handle):
        await until_state(database, "s-1", "done")

    assert seen == [False, True, True]


async def test_an_unexpected_error_is_stored_without_its_text(database: Database[Transaction]) -> None:
    async def handle(job: Job) -> None:
        raise ValueError("buyer@example.org")

    await ask(database, "s-1")

    async def failed() -> bool:
        return bool((await job(database, "s-1"))["last_error"])

    async with running(database, handle):
        await until(failed)

    row = await job(database, "s-1")
    assert "ValueError" in row["last_error"]
    assert "buyer" not in row["last_error"]


async def test_a_database_that_does_not_answer_in_the_middle_is_no_defect(
    database: Database[Transaction],
) -> None:
    seen: list[bool] = []
    store = storing(database)

    async def handle(job: Job) -> None:
        seen.append(job.outcome_unknown)
        if len(seen) == 1:
            raise PoolTimeout("no connection was free")
        await store(job)

    await ask(database, "s-1")
    with capture_logs() as logged:
        async with running(database, handle):
            await until_state(database, "s-1", "done")

    assert seen[:2] == [False, True]
    told = {(one["event"], one["log_level"]) for one in logged}
    assert ("job.interrupted", "warning") in told
    assert "error" not in {level for _, level in told}


async def test_a_call_that_takes_too_long_is_cancelled_and_its_outcome_unknown(
    database: Database[Transaction],
) -> None:
    cancelled: list[str] = []

    async def handle(job: Job) -> None:
        if job.attempts > 1:
            await storing(database)(job)
            return
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(job.reference)
            raise

    await ask(database, "s-1")

    async with running(database, handle, bounds=JobBounds(lease_s=0.4, attempt_s=1, first_retry_s=0.05)):
        await until_state(database, "s-1", "done")

    assert cancelled == ["s-1"]


async def test_a_lease_is_renewed_while_the_call_runs(database: Database[Transaction]) -> None:
    async def handle(job: Job) -> None:
        await asyncio.sleep(1.5)  # more than two leases
        await storing(database)(job)

    await ask(database, "s-1")

    async with running(database, handle), running(database, handle):
        row = await until_state(database, "s-1", "done")

    assert row["attempts"] == 1
    assert await effects(database) == ["s-1"]


async def test_one_that_has_ended_and_is_still_given_back_lets_nobody_elses_lease_run_out(
    database: Database[Transaction], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = JobTable.give_back

    async def slowly(*arguments: Any, **more: Any) -> Any:
        await asyncio.sleep(1)
        return await at_once(*arguments, **more)

    async def handle(job: Job) -> None:
        if job.reference == "s-1":
            raise NotSent("they are away")
        await asyncio.sleep(1.5)  # more than two leases
        await storing(database)(job)

    monkeypatch.setattr(JobTable, "give_back", slowly)
    await ask(database, "s-1", "s-2")

    async with running(database, handle):
        row = await until_state(database, "s-2", "done")

    assert row["attempts"] == 1


async def test_who_needs_a_person_waits_until_one_asks_again(database: Database[Transaction]) -> None:
    seen: list[tuple[int, bool]] = []

    async def handle(job: Job) -> None:
        seen.append((job.attempts, job.outcome_unknown))
        if len(seen) == 1:
            raise OutcomeUnknown("no answer")
        if len(seen) <= 3:
            raise NeedsPerson("they cannot be asked about a reference")
        await storing(database)(job)

    await ask(database, "s-1")

    async with running(database, handle):
        row = await until_state(database, "s-1", "needs_person")
        async with database.transaction() as tx:
            await tx.jobs.again("book", "s-1")
        await until_state(database, "s-1", "needs_person")
        async with database.transaction() as tx:
            await tx.jobs.again("book", "s-1", certainly_not_done=True)
        await until_state(database, "s-1", "done")

    assert row["last_error"] == "they cannot be asked about a reference"
    assert seen == [(1, False), (2, True), (1, True), (1, False)]


async def test_a_handler_that_settles_nothing_is_reported_to_a_person(
    database: Database[Transaction],
) -> None:
    async def handle(job: Job) -> None:
        if job.reference == "good":
            await storing(database)(job)

    await ask(database, "forgotten", "good")

    async with running(database, handle):
        row = await until_state(database, "forgotten", "needs_person")

    assert row["attempts"] == 1
    assert row["outcome_unknown"]
    assert (await job(database, "good"))["state"] == "done"


async def test_a_person_is_asked_after_too_many_attempts_without_an_outcome(
    database: Database[Transaction],
) -> None:
    async def handle(job: Job) -> None:
        raise OutcomeUnknown("no answer")

    bounds = JobBounds(first_retry_s=0.01, last_retry_s=0.02, last_poll_s=0.05, max_attempts_unknown=3)
    await ask(database, "s-1")

    async with running(database, handle, bounds=bounds):
        row = await until_state(database, "s-1", "needs_person")

    assert row["attempts"] == 3
    assert row["outcome_unknown"]


async def test_a_person_is_asked_when_the_outcome_stays_unknown_for_too_long(
    database: Database[Transaction],
) -> None:
    async def handle(job: Job) -> None:
        raise NotSent("nobody there") if job.outcome_unknown else OutcomeUnknown("no answer")

    await ask(database, "s-1")

    bounds = JobBounds(first_retry_s=0.05, last_retry_s=0.05, last_poll_s=0.05, max_unknown_s=0.3)
    async with running(database, handle, bounds=bounds):
        row = await until_state(database, "s-1", "needs_person")

    assert row["attempts"] > 2


async def test_a_passed_deadline_does_not_stop_the_trying(database: Database[Transaction]) -> None:
    async def handle(job: Job) -> None:
        if job.attempts < 3:
            raise NotSent("nobody there")
        await storing(database)(job)

    await ask(database, "s-1", deadline_at=datetime.now(UTC) - timedelta(hours=1))

    async with running(database, handle):
        await until_state(database, "s-1", "done")


async def test_an_attempt_that_lost_its_lease_cannot_settle(database: Database[Transaction]) -> None:
    zombie: list[Job] = []
    bounds = JobBounds(lease_s=0.4, attempt_s=5, first_retry_s=0.01, last_poll_s=0.05)

    async def handle(job: Job) -> None:
        if job.attempts == 1:
            zombie.append(job)
            raise OutcomeUnknown("no answer")
        await asyncio.sleep(0.3)
        await storing(database)(job)

    await ask(database, "s-1")

    async with running(database, handle, bounds=bounds):

        async def taken_again() -> bool:
            return bool((await job(database, "s-1"))["attempts"] == 2)

        await until(taken_again)
        with pytest.raises(LeaseLost):
            await storing(database)(zombie[0])
        await until_state(database, "s-1", "done")
        with pytest.raises(LeaseLost):
            await storing(database)(zombie[0])

    assert await effects(database) == ["s-1"]


async def test_nobody_knows_the_outcome_of_a_job_whose_process_died(database: Database[Transaction]) -> None:
    table = JobTable(database.engine)
    await ask(database, "s-1")
    (first,) = await table.claim({"carrier": 1}, ["book"], lease_s=0)

    await table.take_over(GiveUp(max_attempts=10, max_unknown_s=60))
    (second,) = await table.claim({"carrier": 1}, ["book"], lease_s=30)

    assert (first.outcome_unknown, second.outcome_unknown) == (False, True)


async def test_no_more_calls_run_at_once_than_the_destination_allows(
    database: Database[Transaction],
) -> None:
    now_running = most = 0

    async def handle(job: Job) -> None:
        nonlocal now_running, most
        now_running += 1
        most = max(most, now_running)
        await asyncio.sleep(0.02)
        await storing(database)(job)
        now_running -= 1

    references = [f"s-{n}" for n in range(20)]
    await ask(database, *references)

    async with running(database, handle, destination=Destination("carrier", concurrency=3)):
        for reference in references:
            await until_state(database, reference, "done")

    assert most == 3
    assert sorted(await effects(database)) == sorted(references)


async def test_no_more_calls_start_in_a_second_than_the_destination_allows(
    database: Database[Transaction],
) -> None:
    starts: list[float] = []

    async def handle(job: Job) -> None:
        starts.append(asyncio.get_running_loop().time())
        await storing(database)(job)

    references = [f"s-{n}" for n in range(9)]
    await ask(database, *references)

    async with running(database, handle, destination=Destination("carrier", rate_per_s=10)):
        for reference in references:
            await until_state(database, reference, "done")

    assert len(starts) == 9
    assert starts[-1] - starts[0] >= 0.7  # eight gaps of 0.1 s, less what the first start was late
    assert starts[-1] - starts[0] < 3


async def test_stop_lets_running_calls_end_and_claims_no_more(database: Database[Transaction]) -> None:
    began = asyncio.Event()

    async def handle(job: Job) -> None:
        began.set()
        await asyncio.sleep(0.3)
        await storing(database)(job)

    await ask(database, "s-1", "s-2")

    async with running(database, handle, destination=Destination("carrier", concurrency=1)):
        await began.wait()

    assert len(await effects(database)) == 1
    states = {(await job(database, one))["state"] for one in ("s-1", "s-2")}
    assert states == {"done", "ready"}


async def test_stop_gives_back_what_does_not_end_in_time(database: Database[Transaction]) -> None:
    began = asyncio.Event()

    async def handle(job: Job) -> None:
        began.set()
        await asyncio.sleep(60)

    await ask(database, "s-1")

    async with running(database, handle, bounds=JobBounds(stop_s=0.1)):
        await began.wait()

    row = await job(database, "s-1")
    assert (row["state"], row["outcome_unknown"], row["lease_owner"]) == ("ready", True, None)


async def test_a_kind_that_nobody_here_knows_is_left_for_who_does(database: Database[Transaction]) -> None:
    async with database.transaction() as tx:
        await tx.jobs.add("void", "s-0", merchant_id="default", destination="carrier", payload={})
    await ask(database, "s-1")

    async with running(database, storing(database)):
        await until_state(database, "s-1", "done")

    row = await job(database, "s-0")
    assert (row["state"], row["attempts"]) == ("ready", 0)


async def test_the_runner_outlives_a_database_that_goes_away(
    database: Database[Transaction], postgres: Any, urls: Any
) -> None:
    name = urls.app_url.rsplit("/", 1)[1]

    async with running(database, storing(database)):
        await ask(database, "s-1")
        await until_state(database, "s-1", "done")
        postgres.sql(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")
        await until_asked(database, "s-2")
        await until_state(database, "s-2", "done")

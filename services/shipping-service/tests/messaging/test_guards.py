"""The lease keeps an attempt that lost its job from a second effect, and so does the label that is there.

What each of them was needed for is recorded: a run in which one was taken out of the code shows whether the
other does its work.
"""

import pytest
from sqlalchemy import text

from crossdock_chassis.job_runner import JobBounds
from crossdock_chassis.job_table import GiveUp, JobTable
from crossdock_chassis.jobs import Job, LeaseLost
from shipping_service.messaging.carrier_jobs import CarrierJobs, Connected
from shipping_service.use_cases.announce import BUY_LABEL

from ..samples import AnOrder
from ..stage import Stage, names

BOUNDS = JobBounds()


async def claim(table: JobTable) -> Job:
    (job,) = await table.claim({"scripted": 1}, [BUY_LABEL], BOUNDS.lease_s)
    return job


async def test_a_label_bought_by_an_attempt_that_hung_is_told_once(
    stage: Stage, request: pytest.FixtureRequest
) -> None:
    order = AnOrder()
    await stage.hear(order.created(), order.reserved())
    jobs = CarrierJobs(
        stage.database,
        {stage.code: Connected(stage.capabilities, stage.carrier)},
        stage.outages,
        stage.printer,
    )
    table = JobTable(stage.database.engine)

    async def another_process_takes_over() -> None:
        async with stage.database.engine.begin() as connection:
            await connection.execute(
                text("update job set lease_until = statement_timestamp() - interval '1 s'")
            )
        await table.take_over(GiveUp(BOUNDS.max_attempts_unknown, BOUNDS.max_unknown_s))
        await jobs.buy_label(await claim(table))

    stage.carrier.during("buy", another_process_takes_over)
    too_late = False
    try:
        await jobs.buy_label(await claim(table))
    except LeaseLost:
        too_late = True

    said = names(await stage.said())
    request.node.user_properties += [("lease", int(too_late)), ("label", said.count("parcel.labelled"))]
    assert said.count("parcel.labelled") == 1
    assert await stage.labels(order) == ["bought"]
    assert await stage.exceptions(order) == []
    assert len(stage.carrier.bought) == 1

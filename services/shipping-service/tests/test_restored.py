"""After a restore nothing is bought that may be paid for, and what is said is newer than all before."""

from crossdock_contracts.shipping import ParcelLabelledV1

from .samples import AnOrder
from .stage import Stage

RESTORED = (
    "with done as (update restore_epoch set epoch = 1,"
    " asks_before = 'ffffffff-0000-0000-0000-000000000000' returning epoch) select epoch from done"
)


async def test_a_label_that_an_older_event_asks_for_waits_for_a_person_and_is_not_bought(
    stage: Stage,
) -> None:
    async with stage.database.engine.begin() as connection:
        await connection.exec_driver_sql(RESTORED)
    order = AnOrder()

    await stage.hear(order.created(), order.reserved(order.allocation()))
    said = await stage.work()

    assert said == []
    assert await stage.labels(order) == ["unknown"]
    assert [one.state for one in await stage.rows("select state from job")] == ["needs_person"]
    assert stage.carrier.bought == {}


async def test_what_is_said_after_a_restore_is_newer_than_all_before(stage: Stage) -> None:
    async with stage.database.engine.begin() as connection:
        await connection.exec_driver_sql("update restore_epoch set epoch = 1")
    order = AnOrder()

    await stage.hear(order.created(), order.reserved(order.allocation()))
    said = await stage.work()

    labelled = [one for one in said if isinstance(one, ParcelLabelledV1)]
    assert [one.aggregate_version > 2**32 for one in labelled] == [True]

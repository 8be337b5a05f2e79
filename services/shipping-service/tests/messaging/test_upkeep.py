import asyncio

from structlog.testing import capture_logs

from shipping_service.messaging.upkeep import erase_personal_data, watch_deferred

from ..samples import AnOrder
from ..stage import Stage


async def test_an_event_that_waits_for_too_long_is_an_error_that_names_its_order(stage: Stage) -> None:
    order = AnOrder()
    await stage.hear(order.reserved())
    stop = asyncio.Event()

    with capture_logs() as lines:
        loop = asyncio.create_task(watch_deferred(stage.database, 0.0, stop))
        async with asyncio.timeout(10):
            while True:
                if lines:
                    break
                await asyncio.sleep(0.01)
        stop.set()
        await loop

    assert [(one["log_level"], one["event"], one["order_id"]) for one in lines] == [
        ("error", "deferred.too_old", str(order.order_id))
    ]


async def test_upkeep_erases_what_is_past_its_day_and_ends_when_asked(stage: Stage) -> None:
    await stage.labelled(AnOrder())
    async with stage.database.engine.begin() as connection:
        await connection.exec_driver_sql("update consignee set personal_until = now() - interval '1 day'")
    stop = asyncio.Event()

    loop = asyncio.create_task(erase_personal_data(stage.database, stop))
    async with asyncio.timeout(10):
        while True:
            if not await stage.rows("select 1 from consignee"):
                break
            await asyncio.sleep(0.01)
    stop.set()

    await asyncio.wait_for(loop, 5)

"""Work that is done again and again outlives what fails."""

import asyncio

from crossdock_chassis.repeating import repeat


async def test_work_that_fails_is_done_again_sooner_than_its_time() -> None:
    done: list[str] = []
    stop = asyncio.Event()

    async def work() -> None:
        done.append("tried")
        if len(done) < 3:
            raise TimeoutError
        stop.set()

    await asyncio.wait_for(repeat("demo", work, stop, every_s=3600, retry_s=0.01), 5)

    assert len(done) == 3


async def test_it_ends_when_asked_and_not_after_its_time() -> None:
    stop, began = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()

    loop = asyncio.create_task(repeat("demo", work, stop, every_s=3600))
    await began.wait()
    stop.set()

    await asyncio.wait_for(loop, 5)

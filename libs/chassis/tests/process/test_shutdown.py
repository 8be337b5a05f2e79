import asyncio

from crossdock_chassis.shutdown import Signals, bounded


async def test_a_step_that_ends_in_time_is_waited_for() -> None:
    ended = asyncio.Event()

    async def step() -> None:
        await asyncio.sleep(0)
        ended.set()

    assert await bounded(5, step(), Signals())
    assert ended.is_set()


async def test_a_step_that_hangs_is_cut_off_at_its_bound() -> None:
    hanging = asyncio.ensure_future(asyncio.Event().wait())

    assert not await bounded(0.05, hanging, Signals())

    await asyncio.wait({hanging})
    assert hanging.cancelled()


async def test_a_second_signal_ends_the_waiting() -> None:
    signals = Signals()
    asyncio.get_running_loop().call_later(0.05, signals.hurry.set)

    async with asyncio.timeout(2):
        assert not await bounded(60, asyncio.Event().wait(), signals)


async def test_an_error_of_a_step_does_not_keep_the_next_from_coming() -> None:
    async def step() -> None:
        raise RuntimeError("the pool would not close")

    assert await bounded(5, step(), Signals())

"""One demo from its first order to its verdict."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from crossdock_cli.api import Api
from crossdock_cli.connection import Connection
from crossdock_cli.demo.cases import SHOPIFY
from crossdock_cli.demo.doubts import settle_doubts
from crossdock_cli.demo.driver import Driver, unreadable_webhooks
from crossdock_cli.demo.judge import Verdict, is_through, judge
from crossdock_cli.demo.merchant import set_up
from crossdock_cli.demo.reader import Reader
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.trade import find_members

LOOK_EVERY_S = 1.0
DECIDE_EVERY_S = 3.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: orders placed, and orders that are where they must end."""

    orders: int
    placed: int
    through: int


@dataclass(frozen=True, slots=True)
class Outcome:
    verdict: Verdict
    troubles: tuple[str, ...]
    seconds: float


async def play(
    run: Run,
    connection: Connection,
    *,
    save: Callable[[], None],
    tell: Callable[[Progress], None],
    patience_s: float,
) -> Outcome:
    """`patience_s`: how long a service may be away and any wait may last before it is a finding."""
    began = time.monotonic()
    async with Api(connection, patience_s=patience_s) as api:
        if not run.done and run.platforms == [SHOPIFY]:
            await find_members(run, api, connection.sandboxes)
            save()
        scenario = run.scenario
        await set_up(run, scenario, api, connection)
        driver = Driver(run, api, save=save, patience_s=patience_s)
        reader = Reader(api, run, scenario.cases)
        playing = asyncio.create_task(driver.play(scenario.cases))
        deciding = asyncio.create_task(_decide_doubts(run, reader, api))
        try:
            verdict = await _watch(run, reader, driver, playing, deciding, tell=tell, patience_s=patience_s)
        finally:
            for task in (playing, deciding):
                task.cancel()
            await asyncio.wait([playing, deciding])
    return Outcome(verdict, tuple(driver.troubles), time.monotonic() - began)


async def _watch(
    run: Run,
    reader: Reader,
    driver: Driver,
    playing: asyncio.Task[None],
    deciding: asyncio.Task[None],
    *,
    tell: Callable[[Progress], None],
    patience_s: float,
) -> Verdict:
    """Until nothing differs, or nothing has moved for `patience_s` since the last step."""
    cases = run.scenario.cases
    deadline, before = time.monotonic() + patience_s, -1
    while True:
        for task in (playing, deciding):
            if task.done():
                task.result()
        statuses = await reader.statuses()
        through = sum(is_through(case, statuses.get(case.number)) for case in cases)
        tell(Progress(len(cases), driver.placed, through))
        now = time.monotonic()
        if through != before:
            driver.moved()
        if through != before or not playing.done():
            before, deadline = through, now + patience_s
        if playing.done() and (through == len(cases) or now > deadline):
            verdict = await _judge(run, reader)
            if verdict.holds or now > deadline:
                return verdict
        await asyncio.sleep(LOOK_EVERY_S)


async def _decide_doubts(run: Run, reader: Reader, api: Api) -> None:
    """What is left to people: they come by every few seconds."""
    while True:
        await asyncio.sleep(DECIDE_EVERY_S)
        await settle_doubts(run, api, await reader.order_ids())


async def _judge(run: Run, reader: Reader) -> Verdict:
    scenario = run.scenario
    return judge(scenario, await reader.read(), unreadable=unreadable_webhooks(run, scenario.cases))

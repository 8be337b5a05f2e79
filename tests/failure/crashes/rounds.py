"""The rounds: `make crashes`. Its name keeps it out of a run of every test, because it takes minutes."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from crossdock_cli.api import Api
from crossdock_cli.demo.judge import Verdict
from crossdock_cli.demo.play import play
from crossdock_cli.demo.run import Run
from crossdock_faults.armed import InjectedFault

from ..checker import judge, quiesced
from ..history import History
from .arming import CRASHES, EXCEPTIONS
from .stage import Stage, armed_stack, until
from .troubles import (
    Trouble,
    ask_to_end,
    disturb_the_group,
    hurry_a_timer,
    look_after_parked,
    lose_the_broker,
)

ORDERS = 30
#: A quiet machine takes about a minute for a round; the rest is for busy ones, where a start takes as long.
PATIENCE_S = 300.0
REST_S = 400.0
LONGEST_S = 1_500


@pytest.mark.timeout(LONGEST_S)
async def test_whatever_point_the_services_die_at_nothing_is_lost_and_nothing_is_done_twice() -> None:
    async with armed_stack(CRASHES) as stage:
        verdict, history = await day_of_orders(stage, [hurry_a_timer, ask_to_end, disturb_the_group])

        assert differing(verdict) == []
        assert await findings(stage, history) == []
        assert await doubtful_mails(stage) >= 2
        print(f"deaths: {sum(stage.restarts(process) for process in CRASHES)}")


@pytest.mark.timeout(LONGEST_S)
async def test_what_breaks_blocks_or_loses_its_log_loses_no_order_and_repeats_no_deed() -> None:
    async with armed_stack(EXCEPTIONS) as stage:
        verdict, history = await day_of_orders(
            stage, [hurry_a_timer, ask_to_end, disturb_the_group, lose_the_broker]
        )

        assert differing(verdict) == []
        assert await findings(stage, history) == []
        await stage.sql("inventory", ONE_UNIT_LESS)
        assert await findings(stage, history) != []


#: What a lost `parcel.shipped` would leave: the parcel has left, the unit is on the shelf.
ONE_UNIT_LESS = """
    update stock_level set on_hand = on_hand + 1 where (merchant_id, warehouse, sku) in (
        select merchant_id, warehouse, sku from stock_level order by sku limit 1)
"""


async def day_of_orders(stage: Stage, troubles: Sequence[Trouble]) -> tuple[Verdict, History]:
    """Play a day in trouble, wait until all that is armed was hit and all rests, and look at every book."""
    run, history = Run.new(ORDERS, seed=1), History()
    history.shops[run.account] = f"{run.shop}.myshopify.com"
    began = time.monotonic()
    async with Api(stage.connection, patience_s=PATIENCE_S) as api:
        people = asyncio.create_task(look_after_parked(stage, api))
        try:
            async with asyncio.TaskGroup() as group:
                playing = group.create_task(_play(run, stage))
                for trouble in troubles:
                    group.create_task(trouble(stage, history))
            print(f"played after {time.monotonic() - began:.1f} s")
            await stage.until_all_is_hit(limit_s=REST_S)
            await at_rest(stage)
        finally:
            people.cancel()
            await asyncio.wait([people])
    print(f"at rest after {time.monotonic() - began:.1f} s")
    assert playing.result()[1] == ()
    return (await _play(run, stage))[0], history


async def _play(run: Run, stage: Stage) -> tuple[Verdict, tuple[str, ...]]:
    outcome = await play(
        run, stage.connection, save=lambda: None, tell=lambda progress: None, patience_s=PATIENCE_S
    )
    return outcome.verdict, outcome.troubles


async def at_rest(stage: Stage) -> None:
    moving: list[str] = []

    async def rests() -> bool:
        moving[:] = await quiesced(stage.system)
        return not moving

    await until(lambda: "; ".join(moving), rests, limit_s=REST_S)


def differing(verdict: Verdict) -> list[str]:
    return [
        f"{row.what}: expected {row.expected}, seen {row.seen}"
        for row in (*verdict.orders, *verdict.balances)
        if not row.holds
    ]


async def findings(stage: Stage, history: History) -> list[str]:
    """What the checker finds. That a handler's injected failure has parked a key is what was armed."""
    judgement = await judge(stage.system, history)
    return [
        f"{one.invariant}: {one.text}"
        for one in judgement.findings
        if not (one.invariant == "INV-15" and InjectedFault.__name__ in one.text)
    ]


async def doubtful_mails(stage: Stage) -> int:
    """Mails that nobody could say whether they were taken, and that were shown to a person for it."""
    found = await stage.sql(
        "notify", "select count(distinct message_id) from delivery_log where what = 'outcome_unknown'"
    )
    count: int = found[0][0]
    return count

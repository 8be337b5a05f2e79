"""The demo finds out from the sandboxes who sells and who ships, and buys in words that all of them know."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from crossdock_cli.api import Api
from crossdock_cli.connection import Connection
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.trade import Trade, find_members
from crossdock_cli.stack.sandboxes import all_sandboxes, with_role
from crossdock_sandbox.process import by_default


async def test_whoever_can_be_bought_at_and_shipped_with_takes_part(tmp_path: Path) -> None:
    run = Run.new(0, 1)
    async with AsyncExitStack() as running:
        sandboxes = {
            kind: (await running.enter_async_context(by_default(kind, tmp_path))).base_url
            for kind in all_sandboxes()
        }
        connection = Connection({"order": "http://127.0.0.1:1", "smtp": "127.0.0.1:2", **sandboxes}, "token")
        async with Api(connection) as api:
            await find_members(run, api, connection.sandboxes)

    assert sorted(run.platforms) == with_role(all_sandboxes(), "marketplace")
    assert sorted(run.carriers) == with_role(all_sandboxes(), "carrier")
    assert run.silent == ["shopee"]
    assert sorted(run.issuing) == ["shopee", "tiktok_shop"]


@pytest.mark.parametrize("times", [1, 2])
async def test_an_order_that_is_bought_again_is_the_same(times: int, tmp_path: Path) -> None:
    run = Run.new(0, 1)
    run.platforms.append("generic")
    case = next(one for one in run.scenario.cases if one.platform == "generic")
    async with (
        by_default("generic", tmp_path) as sandbox,
        Api(Connection({"generic": sandbox.base_url}, "token")) as api,
    ):
        trade = Trade(run, api)
        await trade.open_shop("generic", "http://127.0.0.1:1/webhooks")
        for _ in range(times):
            await trade.buy(case)
        ids, known = await trade.order_ids("generic"), await trade.orders("generic")
        ours = await trade.order_id(case)

    assert list(ids.values()) == [run.trade_number(case)]
    assert list(ids) == [ours] == [one["order_id"] for one in known]

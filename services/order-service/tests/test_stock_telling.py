"""Marketplaces are told the newest numbers of what they sell, on the real database."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from crossdock_chassis.job_table import GiveUp, JobTable
from crossdock_chassis.jobs import NotSent
from crossdock_contracts.inventory import StockLevelChangedV1
from order_service.domain.lines import Component, Mapped
from order_service.domain.stock import Dials
from order_service.messaging.stock_jobs import StockJobs
from order_service.persistence import stock
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases import tell_stock
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
)
from order_service.use_cases.ports import Account, Shop
from order_service.use_cases.stock_ports import DialsSet

from .samples import INVENTORY, NOON, an_account, read, shopify_body
from .scripted_marketplace import ScriptedMarketplace, raising
from .test_journeys import SAMPLE_SKUS, a_sku, column, connect, receive, say

STAND, CABLE = SAMPLE_SKUS
SHOP = Shop("default", "lumo")
VERSIONS = count(2, 2)


def a_level(sku: str, units: int, *, version: int, **more: Any) -> StockLevelChangedV1:
    values: dict[str, Any] = {"warehouse": "W1", "on_hand": max(units, 0), "reserved": 0, "short": 0, **more}
    event: StockLevelChangedV1 = read(
        StockLevelChangedV1(
            merchant_id="default",
            aggregate_version=version,
            actor=INVENTORY,
            sku=sku,
            available_to_promise=units,
            as_of=NOON,
            **values,
        )
    )
    return event


async def selling(
    database: OrderDatabase, dials: Dials | None = None, account: Account | None = None
) -> None:
    """An account that has sold both sample SKUs and tells of stock."""
    account = account or an_account()
    await connect(database, account)
    await receive(database, account, shopify_body())
    async with database.transaction() as tx:
        await tell_stock.set_dials(SHOP, DialsSet(True, dials or Dials()), tx=tx)


async def rounds(database: OrderDatabase, shop: ScriptedMarketplace, *, batch: int = 10) -> list[str]:
    """Run every round that is asked for, whenever it is due; the codes with which attempts were put off."""
    jobs, table = StockJobs(database, shop.offered(batch=batch)), JobTable(database.engine)
    put_off: list[str] = []
    for _ in range(200):
        async with database.transaction() as tx:
            await tx.connection.execute(text("update job set run_at = '2020-01-01' where state = 'ready'"))
        claimed = await table.claim({"shopify:lumo": 10}, list(jobs.handlers()), 60)
        if not claimed:
            return put_off
        assert len(claimed) == 1, "an account has one round at a time"
        try:
            await jobs.tell_stock(claimed[0])
        except NotSent as error:
            put_off.append(str(error))
            await table.give_back(
                claimed[0],
                error=str(error),
                delay_s=0,
                unknown=False,
                needs_person=False,
                give_up=GiveUp(50, 3600),
            )
    raise AssertionError("it goes on and on")


def saying(database: OrderDatabase, *events: Any) -> Callable[[], Awaitable[None]]:
    return lambda: say(database, *events)


async def test_a_burst_of_changes_is_one_call_with_the_newest_number(database: OrderDatabase) -> None:
    await selling(database)
    shop = ScriptedMarketplace()

    await say(database, *(a_level(STAND, units, version=units) for units in range(1, 31)))
    await rounds(database, shop)

    assert shop.calls == [{STAND: 30}]


async def test_levels_that_come_in_any_order_end_as_the_newest_says(database: OrderDatabase) -> None:
    await selling(database)
    shop = ScriptedMarketplace()

    await say(database, a_level(STAND, 3, version=9), a_level(STAND, 8, version=4))
    await rounds(database, shop)

    assert shop.stock == {STAND: 3}


async def test_goods_that_cannot_be_sold_and_other_warehouses_do_not_count(database: OrderDatabase) -> None:
    await selling(database, Dials(warehouses=frozenset({"W1", "W2"})))
    shop = ScriptedMarketplace()

    await say(
        database,
        a_level(STAND, 3, version=1),
        a_level(STAND, 4, version=2, warehouse="W2", lot="L7"),
        a_level(STAND, 50, version=3, condition="damaged"),
        a_level(STAND, 60, version=4, warehouse="W3"),
    )
    await rounds(database, shop)

    assert shop.stock == {STAND: 7}


async def test_a_change_during_a_call_is_told_by_the_call_after_it(database: OrderDatabase) -> None:
    await selling(database)
    await say(database, a_level(STAND, 5, version=1))
    shop = ScriptedMarketplace(script=[saying(database, a_level(STAND, 4, version=2))])

    await rounds(database, shop)

    assert shop.calls == [{STAND: 5}, {STAND: 4}]


async def test_a_number_whose_outcome_is_unknown_is_told_again_as_it_is_then(database: OrderDatabase) -> None:
    await selling(database)
    await say(database, a_level(STAND, 5, version=1))

    async def sells_one_and_loses_the_answer() -> None:
        await say(database, a_level(STAND, 4, version=2))
        raise MarketplaceOutcomeUnknown("no answer")

    shop = ScriptedMarketplace(script=[sells_one_and_loses_the_answer])

    put_off = await rounds(database, shop)

    assert put_off == ["no answer"]
    assert shop.calls == [{STAND: 5}, {STAND: 4}]


async def test_a_marketplace_that_asks_for_time_holds_up_no_other_call_of_its_account(
    database: OrderDatabase,
) -> None:
    await selling(database)
    await say(database, a_level(STAND, 5, version=1))
    shop = ScriptedMarketplace(script=[raising(MarketplaceUnavailable("slow down", retry_after_s=40))])
    jobs = StockJobs(database, shop.offered())
    async with database.transaction() as tx:
        await tx.connection.execute(text("update job set run_at = '2020-01-01'"))
    (job,) = await JobTable(database.engine).claim({"shopify:lumo": 10}, list(jobs.handlers()), 60)

    with pytest.raises(NotSent) as put_off:
        await jobs.tell_stock(job)

    assert (put_off.value.retry_after_s, put_off.value.answered) == (40, True)


async def test_many_skus_go_by_batches_and_a_refused_one_stops_no_other(database: OrderDatabase) -> None:
    await selling(database)
    async with database.transaction() as tx:
        for number in range(5):
            await tx.skus.map("default", "lumo", f"X{number}", Mapped((Component(STAND, number + 1),)))
            await tell_stock.listing_changed(SHOP, f"X{number}", tx=tx)
    await say(database, a_level(STAND, 60, version=1))
    shop = ScriptedMarketplace(refuses={"X1": "no_such_sku"})

    await rounds(database, shop, batch=2)

    assert [len(call) for call in shop.calls] == [2, 2, 2]
    assert shop.stock == {STAND: 60, "X0": 60, "X2": 20, "X3": 15, "X4": 12}
    assert await column(
        database, "select external_sku || ':' || refused from stock_listing where refused is not null"
    ) == ["X1:no_such_sku"]


async def test_a_refused_number_is_tried_again_when_it_changes(database: OrderDatabase) -> None:
    await selling(database)
    shop = ScriptedMarketplace(refuses={STAND: "locked"})
    await say(database, a_level(STAND, 5, version=1))
    await rounds(database, shop)

    shop.refuses = {}
    await say(database, a_level(STAND, 6, version=2))
    await rounds(database, shop)

    assert shop.stock == {STAND: 6}
    assert await column(database, "select refused from stock_listing where refused is not null") == []


async def test_a_refused_call_refuses_all_that_was_in_it_and_ends_the_round(database: OrderDatabase) -> None:
    await selling(database)
    shop = ScriptedMarketplace(script=[raising(MarketplaceRefused("http_401"))])
    await say(database, a_level(STAND, 5, version=1))

    await rounds(database, shop)

    assert await column(database, "select refused from stock_listing where refused is not null") == [
        "http_401"
    ]
    assert "refused" in await column(database, "select state from job")


async def test_a_kit_follows_its_scarcest_component(database: OrderDatabase) -> None:
    await selling(database)
    parts = Mapped((Component(STAND, 1), Component(CABLE, 2)))
    async with database.transaction() as tx:
        await tx.skus.map("default", "lumo", "KIT", parts)
        await tell_stock.listing_changed(SHOP, "KIT", tx=tx)
    shop = ScriptedMarketplace()

    await say(database, a_level(STAND, 9, version=1), a_level(CABLE, 7, version=1))
    await rounds(database, shop)
    await say(database, a_level(CABLE, 3, version=2))
    await rounds(database, shop)

    assert shop.stock == {STAND: 9, CABLE: 3, "KIT": 1}


async def test_a_sku_that_is_given_up_is_not_offered_any_more(database: OrderDatabase) -> None:
    await selling(database)
    shop = ScriptedMarketplace()
    await say(database, a_level(STAND, 9, version=1))
    await rounds(database, shop)

    gone = read(a_sku(STAND, version=2).model_copy(update={"active": False}))
    await say(database, gone)
    await rounds(database, shop)

    assert shop.stock == {STAND: 0}


async def test_nothing_is_told_by_an_account_whose_dials_are_off(database: OrderDatabase) -> None:
    await connect(database, an_account())
    await receive(database, an_account(), shopify_body())

    await say(database, a_level(STAND, 9, version=1))

    assert await column(database, "select kind from job") == []


async def test_turned_dials_and_a_resend_tell_the_numbers_anew(
    database: OrderDatabase, client: httpx.AsyncClient
) -> None:
    await selling(database)
    shop = ScriptedMarketplace()
    await say(database, a_level(STAND, 10, version=1))
    await rounds(database, shop)

    shown = await client.put("/v1/accounts/lumo/stock/dials", json={"enabled": True, "percent": 50})
    await rounds(database, shop)
    resent = await client.post("/v1/accounts/lumo/stock/resend")
    await rounds(database, shop)

    assert (shown.status_code, resent.status_code) == (200, 202)
    assert shop.calls == [{STAND: 10}, {STAND: 5}, {STAND: 5}]


async def test_a_preview_shows_numbers_and_reasons_and_tells_nobody(
    database: OrderDatabase, client: httpx.AsyncClient
) -> None:
    await connect(database, an_account())
    await receive(database, an_account(), shopify_body())
    await say(database, a_level(STAND, 10, version=1))

    answer = await client.post("/v1/accounts/lumo/stock/preview", json={"buffer": 4})

    assert answer.json()["items"] == [
        {
            "external_sku": STAND,
            "told": None,
            "units": 6,
            "why": ["10 available", "6 after a buffer of 4"],
        },
        {
            "external_sku": CABLE,
            "told": None,
            "units": None,
            "why": [f"no level was heard of {CABLE}"],
        },
    ]
    assert await column(database, "select kind from job") == []


@pytest.mark.parametrize("wrong", [{"percent": 101}, {"buffer": -1}, {"warehouses": []}, {"speed": 3}])
async def test_a_dial_that_cannot_be_is_refused(
    client: httpx.AsyncClient, database: OrderDatabase, wrong: dict[str, Any]
) -> None:
    await connect(database, an_account())

    answer = await client.put("/v1/accounts/lumo/stock/dials", json=wrong)

    assert answer.status_code == 422


async def test_the_backlog_and_what_was_refused_can_be_seen(
    database: OrderDatabase, client: httpx.AsyncClient
) -> None:
    await selling(database)
    await say(database, a_level(STAND, 10, version=1))
    waiting = (await client.get("/v1/accounts/lumo/stock/dials")).json()
    await rounds(database, ScriptedMarketplace(refuses={STAND: "locked"}))

    refused = (await client.get("/v1/accounts/lumo/stock", params={"state": "refused"})).json()["items"]

    assert (waiting["waiting"], waiting["refused"]) == (2, 0)
    assert waiting["waiting_since"] is not None
    assert [(one["external_sku"], one["wanted"], one["told"], one["refused"]) for one in refused] == [
        (STAND, 10, None, "locked")
    ]


async def test_an_account_that_comes_back_is_told_what_it_missed(database: OrderDatabase) -> None:
    await selling(database)
    shop = ScriptedMarketplace()
    async with database.transaction() as tx:
        await tx.accounts.put(an_account(active=False))
    await say(database, a_level(STAND, 10, version=1))
    await rounds(database, shop)
    told_meanwhile = dict(shop.stock)

    async with database.transaction() as tx:
        await tx.accounts.put(an_account())
    await StockJobs(database, shop.offered()).ask_again()
    await rounds(database, shop)

    assert (told_meanwhile, shop.stock) == ({}, {STAND: 10})


async def test_changes_of_both_parts_of_a_kit_at_once_lose_none(database: OrderDatabase) -> None:
    await selling(database)
    parts = Mapped((Component(STAND, 1), Component(CABLE, 1)))
    async with database.transaction() as tx:
        await tx.skus.map("default", "lumo", "KIT", parts)
        await tell_stock.listing_changed(SHOP, "KIT", tx=tx)
    shop = ScriptedMarketplace()
    busy = True

    async def changing(sku: str) -> None:
        for version in range(1, 21):
            await say(database, a_level(sku, version, version=version))

    async def telling() -> None:
        while busy:
            await rounds(database, shop)

    teller = asyncio.create_task(telling())
    await asyncio.gather(changing(STAND), changing(CABLE))
    busy = False
    await teller
    await rounds(database, shop)

    assert shop.stock == {STAND: 20, CABLE: 20, "KIT": 20}


UNITS = st.integers(-3, 40)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("level"), st.sampled_from(SAMPLE_SKUS), UNITS),
        st.tuples(st.just("level during a call"), st.sampled_from(SAMPLE_SKUS), UNITS),
        st.tuples(st.sampled_from(["lost answer", "busy", "rounds"]), st.just(""), st.just(0)),
        st.tuples(st.just("percent"), st.just(""), st.integers(0, 100)),
    ),
    max_size=12,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, batch=st.integers(1, 3))
async def test_whatever_happens_the_last_number_told_is_the_newest(
    database: OrderDatabase, steps: list[tuple[str, str, int]], batch: int
) -> None:
    async with database.transaction() as tx:
        for table in ("stock_listing", "stock_level", "stock_dial", "job"):
            await tx.connection.execute(text(f"delete from {table}"))
    await connect(database, an_account())
    async with database.transaction() as tx:
        await tx.skus.sells({SHOP: set(SAMPLE_SKUS)})
    shop, newest, percent = ScriptedMarketplace(), dict[str, int](), 100

    async def level(sku: str, units: int) -> None:
        newest[sku] = units
        version = next(VERSIONS)
        await say(database, a_level(sku, units, version=version), a_level(sku, 99, version=version - 1))

    await turn(database, percent)
    for what, sku, value in steps:
        match what:
            case "level":
                await level(sku, value)
            case "level during a call":
                shop.script.append(partial(level, sku, value))
            case "lost answer":
                shop.script.append(raising(MarketplaceOutcomeUnknown("lost")))
            case "busy":
                shop.script.append(raising(MarketplaceUnavailable("busy")))
            case "percent":
                percent = value
                await turn(database, percent)
            case _:
                await rounds(database, shop, batch=batch)
    await rounds(database, shop, batch=batch)

    assert shop.stock == {sku: max(units, 0) * percent // 100 for sku, units in newest.items()}
    assert await column(database, "select external_sku from stock_listing where waits") == []


async def turn(database: OrderDatabase, percent: int) -> None:
    async with database.transaction() as tx:
        await tell_stock.set_dials(SHOP, DialsSet(True, Dials(percent=percent)), tx=tx)


async def test_a_round_that_waits_for_its_lock_keeps_nobody_out(
    database: OrderDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "_PAUSES_S", (0.02,) * 500)

    async def hold() -> None:
        async with database.transaction() as tx:
            await tx.stock.hold(SHOP.merchant_id)

    async with database.transaction() as first:
        await first.stock.share([SHOP.merchant_id])
        holding = asyncio.create_task(hold())
        await asyncio.sleep(0.1)
        async with database.transaction() as second:
            await second.stock.share([SHOP.merchant_id])
        assert not holding.done()

    await holding

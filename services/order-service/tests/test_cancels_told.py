"""Cancels that we start reach the marketplace; those that it started do not."""

from collections.abc import Mapping

import pytest
from sqlalchemy import text

from crossdock_chassis.job_table import JobTable
from crossdock_chassis.jobs import OutcomeUnknown
from crossdock_contracts.envelope import Cause
from order_service.domain.order import Order
from order_service.messaging.obligation_jobs import ObligationJobs
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases import obligations
from order_service.use_cases.marketplace import (
    Marketplace,
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceRefusedInPart,
)
from order_service.use_cases.obligations import warn_overdue
from order_service.use_cases.steer_order import Command, cancel_order, expire_unpaid

from .samples import PERSON, Inventory, Shipping, an_account, shopify_body
from .scripted_marketplace import ScriptedMarketplace, raising
from .test_journeys import column, connect, receive, say, the_order

EXTERNAL_ID = "6120045566771"


async def answered(database: OrderDatabase, inventory: Inventory | None = None) -> None:
    """Inventory and shipping let the order go."""
    order = await the_order(database)
    inventory = inventory or Inventory(order)
    await say(database, inventory.releases(answers=order.version), Shipping(order).cancels([]))


async def cancelled(database: OrderDatabase) -> Order:
    """An order that a person cancels, and everybody agrees."""
    await connect(database, an_account())
    await receive(database, an_account(), shopify_body())
    await a_person_cancels(database)
    await answered(database)
    return await the_order(database)


async def a_person_cancels(database: OrderDatabase) -> None:
    order_id = (await the_order(database)).identity.order_id
    async with database.transaction() as tx:
        await cancel_order(Command("default", order_id, PERSON, "a word of ours"), tx=tx)


async def run(database: OrderDatabase, marketplaces: Mapping[str, Marketplace]) -> None:
    jobs = ObligationJobs(database, marketplaces).handlers()
    async with database.transaction() as tx:
        await tx.connection.execute(text("update job set run_at = '2020-01-01' where state = 'ready'"))
    for job in await JobTable(database.engine).claim({"shopify:lumo": 10}, list(jobs), 60):
        await jobs[job.kind](job)


async def test_a_merchants_cancel_is_told_once_it_went_through_here(database: OrderDatabase) -> None:
    await connect(database, an_account())
    await receive(database, an_account(), shopify_body())
    await a_person_cancels(database)
    while_cancelling = await column(database, "select kind from obligation")
    shop = ScriptedMarketplace()

    await answered(database)
    await run(database, shop.offered())

    assert while_cancelling == []
    assert shop.calls == [(EXTERNAL_ID, "merchant")]
    assert await column(database, "select kind || ' ' || state from obligation") == ["cancel confirmed"]
    assert await column(database, "select state from job") == ["done"]
    assert (await column(database, "select what from order_history order by n"))[
        -1
    ] == "cancel_there.confirmed"


async def test_a_cancel_for_want_of_stock_says_so(database: OrderDatabase) -> None:
    await connect(database, an_account())
    await receive(database, an_account(), shopify_body())
    inventory = Inventory(await the_order(database))
    await say(database, inventory.rejects([inventory.lacks(0, 2, waiting=False)]))
    await a_person_cancels(database)
    shop = ScriptedMarketplace()

    await answered(database, inventory)
    await run(database, shop.offered())

    assert shop.calls == [(EXTERNAL_ID, "out_of_stock")]


async def test_an_order_that_nobody_paid_is_cancelled_there_before_it_can_be_paid(
    database: OrderDatabase,
) -> None:
    await connect(database, an_account())
    await receive(database, an_account(), shopify_body(financial_status="pending"))
    async with database.transaction() as tx:
        tx.now = tx.now.replace(year=2031)
        await expire_unpaid("default", (await the_order(database)).identity.order_id, tx=tx)
    shop = ScriptedMarketplace()

    await answered(database)
    await run(database, shop.offered())

    assert shop.calls == [(EXTERNAL_ID, "unpaid")]


@pytest.mark.parametrize("when", ["before", "during"])
async def test_the_marketplace_is_not_told_of_its_own_cancel(database: OrderDatabase, when: str) -> None:
    await connect(database, an_account())
    await receive(database, an_account(), shopify_body())
    if when == "during":
        await a_person_cancels(database)
    at = "2026-02-12T05:00:00Z"

    await receive(database, an_account(), shopify_body(cancelled_at=at, updated_at=at))
    await answered(database)

    assert (await the_order(database)).status == "cancelled"
    assert await column(database, "select kind from obligation") == []


async def test_a_cancel_that_shipping_refuses_is_not_told(database: OrderDatabase) -> None:
    await connect(database, an_account())
    await receive(database, an_account(), shopify_body())
    order = await the_order(database)
    reserved = Inventory(order).reserves()
    await say(database, reserved)
    await a_person_cancels(database)

    ids = [one.allocation_id for one in reserved.allocations]
    await say(database, Shipping(await the_order(database)).refuses(ids))

    assert (await the_order(database)).status == "open"
    assert await column(database, "select kind from obligation") == []


async def test_a_refused_cancel_is_shown_to_a_person_who_tries_again(database: OrderDatabase) -> None:
    await cancelled(database)
    shop = ScriptedMarketplace(script=[raising(MarketplaceRefused("order_has_fulfillments"))])
    await run(database, shop.offered())
    shown = await column(database, "select code || ': ' || detail from order_exception")
    (obligation_id,) = await column(database, "select obligation_id from obligation")

    async with database.transaction(Cause()) as tx:
        await obligations.retry(obligation_id, "default", PERSON, "mended there", tx=tx)
    await run(database, shop.offered())

    assert shown == ["cancel_there_refused: order_has_fulfillments"]
    assert await column(database, "select state from obligation") == ["confirmed"]
    assert await column(database, "select code from order_exception where resolved_at is null") == []


async def test_a_cancel_that_is_refused_in_part_is_a_task_with_the_platforms_own_reason(
    database: OrderDatabase,
) -> None:
    await cancelled(database)
    shop = ScriptedMarketplace(script=[raising(MarketplaceRefusedInPart("line 2: already_packed"))])
    await run(database, shop.offered())
    shown = await column(database, "select code || ': ' || detail from order_exception")
    (obligation_id,) = await column(database, "select obligation_id from obligation")

    async with database.transaction(Cause()) as tx:
        await obligations.retry(obligation_id, "default", PERSON, "taken out of the box", tx=tx)
    await run(database, shop.offered())

    assert shown == ["cancel_there_in_part: line 2: already_packed"]
    assert await column(database, "select state from obligation") == ["confirmed"]
    assert await column(database, "select code from order_exception where resolved_at is null") == []


@pytest.mark.parametrize("heard", ["before", "after"])
async def test_a_refund_that_was_refused_stays_a_task_when_the_marketplace_tells_of_the_cancel(
    database: OrderDatabase, heard: str
) -> None:
    await cancelled(database)
    at = "2026-02-12T05:00:00Z"

    async def told() -> None:
        await receive(database, an_account(), shopify_body(cancelled_at=at, updated_at=at))

    async def refuse_the_refund() -> None:
        if heard == "before":
            await told()
        raise MarketplaceRefusedInPart("refund: no_gateway")

    await run(database, ScriptedMarketplace(script=[refuse_the_refund]).offered())
    if heard == "after":
        await told()

    assert await column(database, "select detail from order_exception where resolved_at is null") == [
        "refund: no_gateway"
    ]


async def test_where_no_cancel_is_taken_a_person_cancels_in_the_console(database: OrderDatabase) -> None:
    await cancelled(database)
    await run(database, ScriptedMarketplace().offered(open_canceller=None))
    shown = await column(database, "select code from order_exception where resolved_at is null")
    state = await column(database, "select state from obligation")
    at = "2026-02-12T05:00:00Z"

    await receive(database, an_account(), shopify_body(cancelled_at=at, updated_at=at))

    assert (shown, state) == (["cancel_there_by_hand"], ["needs_person"])
    assert await column(database, "select state from obligation") == ["confirmed"]
    assert await column(database, "select code from order_exception where resolved_at is null") == []


async def test_an_unknown_outcome_is_asked_for_again(database: OrderDatabase) -> None:
    await cancelled(database)
    shop = ScriptedMarketplace(script=[raising(MarketplaceOutcomeUnknown("no answer"))])

    with pytest.raises(OutcomeUnknown):
        await run(database, shop.offered())

    assert await column(database, "select state from obligation") == ["open"]


async def test_a_cancel_past_its_deadline_is_shown(database: OrderDatabase) -> None:
    order = await cancelled(database)

    async with database.transaction() as tx:
        await tx.connection.execute(text("update obligation set deadline_at = '2020-01-01'"))
        await warn_overdue(order.identity.order_id, "default", tx=tx)

    assert await column(database, "select code from order_exception") == ["cancel_there_overdue"]

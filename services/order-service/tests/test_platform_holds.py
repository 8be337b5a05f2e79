"""Orders that were paid and that their marketplace keeps back: they wait, for as long as it takes."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from order_service.adapters.marketplaces.shopify.mapping import to_canonical
from order_service.adapters.marketplaces.shopify.wire import Order as ShopifyOrder
from order_service.domain.canonical import CanonicalOrder, PaymentStatus
from order_service.domain.errors import HoldNotReleasable
from order_service.domain.holds import HoldReason
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Import, Retention, import_orders
from order_service.use_cases.steer_order import Command, release_order

from .samples import PERSON, an_account, shopify_body
from .test_journeys import column, connect, published, the_order

PLACED = to_canonical(ShopifyOrder.model_validate(shopify_body()))
HELD = replace(PLACED, platform_hold="fraud_review")


def later(order: CanonicalOrder, **minutes: float) -> datetime:
    return order.updated_at + timedelta(**minutes)


async def take(database: OrderDatabase, order: CanonicalOrder) -> None:
    async with database.transaction() as tx:
        await import_orders([Import(order, an_account())], retention=Retention(), tx=tx)


async def timers(database: OrderDatabase) -> list[str]:
    return await column(database, "select name from timer")


async def test_a_paid_order_waits_without_a_deadline_until_its_marketplace_lets_it_go(
    database: OrderDatabase,
) -> None:
    await connect(database, an_account())
    await take(database, HELD)
    held, waiting = await the_order(database), await timers(database)

    await take(database, replace(PLACED, updated_at=later(PLACED, minutes=5)))

    (hold,) = held.process.holds.values()
    assert (held.status, hold.reason) == ("held", HoldReason.PLATFORM)
    assert (hold.detail or "").endswith("fraud_review")
    assert waiting == []
    assert (await the_order(database)).status == "open"
    assert [
        (topic, one["fulfilment"]["state"], one["fulfilment"]["holds"])
        for topic, one in await published(database)
    ] == [("order.created", "held", []), ("order.changed", "open", [])]


async def test_an_open_order_that_is_kept_back_later_stops(database: OrderDatabase) -> None:
    await connect(database, an_account())
    await take(database, PLACED)

    await take(database, replace(HELD, updated_at=later(PLACED, minutes=5)))

    assert (await the_order(database)).status == "held"
    assert "platform's hold" in await column(
        database, "select detail from order_history where what = 'marketplace.changed'"
    )


async def test_a_payment_ends_the_deadline_of_an_order_that_is_kept_back_all_the_same(
    database: OrderDatabase,
) -> None:
    await connect(database, an_account())
    await take(database, replace(HELD, payment_status=PaymentStatus.PENDING))
    before = await timers(database)

    await take(database, replace(HELD, updated_at=later(HELD, minutes=5)))

    assert (before, await timers(database)) == (["unpaid_expires"], [])
    assert set((await the_order(database)).process.holds) == {HoldReason.PLATFORM}


async def test_no_word_of_a_person_sends_what_the_marketplace_keeps_back(database: OrderDatabase) -> None:
    await connect(database, an_account())
    await take(database, HELD)
    command = Command("default", (await the_order(database)).identity.order_id, PERSON, "the buyer waits")

    with pytest.raises(HoldNotReleasable):
        async with database.transaction() as tx:
            await release_order(command, HoldReason.PLATFORM, tx=tx)

    assert (await the_order(database)).status == "held"


def test_orders_that_are_not_kept_back_are_no_news_to_rows_from_before_there_was_such_a_hold() -> None:
    stored = "5de6b675822ebf73536e1ed891f15c7909d2876838a5148f81ce8615170c0389"

    assert PLACED.fingerprint() == stored
    assert HELD.fingerprint() != stored

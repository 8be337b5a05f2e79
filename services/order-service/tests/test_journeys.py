"""Whole journeys on the real database: what comes in, what is said, what is kept."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from crossdock_chassis.ids import new_id
from crossdock_contracts.inventory import SkuChangedV1, SkuFacts
from crossdock_contracts.shipping import ParcelDeliveredV1, ParcelLabelledV1, ParcelShippedV1
from order_service.adapters.marketplaces.shopify.mapping import read_order
from order_service.domain.holds import HoldReason
from order_service.domain.order import Order
from order_service.messaging import inventory_events, shipping_events
from order_service.persistence.erasing import erase_expired
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.ports import Account, Message, OrderRef
from order_service.use_cases.receive_message import Received, receive_messages
from order_service.use_cases.steer_order import Command, cancel_order, expire_unpaid, retry_order

from .samples import INVENTORY, PERSON, Inventory, Shipping, an_account, read, shopify_body

HANDLERS = {**inventory_events.HANDLERS, **shipping_events.HANDLERS}
SAMPLE_SKUS = ("CN-STAND-AL-SLV", "CN-USBC-2M-BLK")


async def connect(database: OrderDatabase, account: Account, skus: tuple[str, ...] = SAMPLE_SKUS) -> None:
    async with database.transaction() as tx:
        await tx.accounts.put(account)
    await say(database, *(a_sku(name) for name in skus))


def a_sku(name: str, *, customs: bool = True, version: int = 1) -> SkuChangedV1:
    facts = SkuFacts(
        sku=name,
        title=name,
        hs_code="847330" if customs else None,
        origin_country="CN" if customs else None,
        customs_description="stand" if customs else None,
    )
    event: SkuChangedV1 = read(
        SkuChangedV1(
            merchant_id="default", aggregate_version=version, actor=INVENTORY, facts=facts, active=True
        )
    )
    return event


async def receive(database: OrderDatabase, account: Account, body: dict[str, Any], *, key: str = "") -> bool:
    raw = json.dumps(body).encode()
    message = Message(
        message_id=new_id(),
        merchant_id=account.merchant_id,
        platform="shopify",
        account=account.account,
        dedupe_key=key or str(new_id()),
        topic="orders/updated",
        headers={},
        body=raw,
    )
    canonical = read_order("orders/updated", raw)
    async with database.transaction() as tx:
        received = [Received(message, canonical, account)]
        return bool(await receive_messages(received, retention=Retention(), tx=tx))


async def say(database: OrderDatabase, *events: Any) -> None:
    """Each event as a batch of its own, as the consumer would."""
    for event in events:
        async with database.transaction() as tx:
            await HANDLERS[type(event)]([event], tx=tx)


async def the_order(database: OrderDatabase, external_id: str = "6120045566771") -> Order:
    async with database.transaction() as tx:
        (order,) = (
            await tx.orders.lock_external([OrderRef("shopify", an_account().shop_ref, external_id)])
        ).values()
    return order


async def published(database: OrderDatabase) -> list[tuple[str, dict[str, Any]]]:
    """Topic and payload of everything in the event log, in order."""
    async with database.transaction() as tx:
        rows = await tx.connection.execute(text("select topic, payload from event_log order by seq"))
        return [(row.topic, json.loads(row.payload)) for row in rows]


async def column(database: OrderDatabase, statement: str) -> list[Any]:
    async with database.transaction() as tx:
        return list((await tx.connection.execute(text(statement))).scalars())


async def test_a_paid_order_of_known_goods_is_told_open_and_closes_when_all_has_left(
    database: OrderDatabase,
) -> None:
    account = an_account()
    await connect(database, account)
    await receive(database, account, shopify_body())
    order = await the_order(database)
    inventory, shipping, parcel_id = Inventory(order), Shipping(order), new_id()

    reserved = inventory.reserves()
    await say(
        database,
        reserved,
        shipping.parcel(ParcelLabelledV1, reserved.allocations, parcel_id=parcel_id),
        shipping.parcel(ParcelShippedV1, reserved.allocations, parcel_id=parcel_id),
    )

    order = await the_order(database)
    said = await published(database)
    assert order.status == "closed"
    assert [(topic, one["fulfilment"]["state"], one["aggregate_version"]) for topic, one in said] == [
        ("order.created", "open", 1),
        ("order.changed", "closed", 2),
    ]
    assert await column(database, "select details -> 'units' ->> '16090122345601' from obligation") == ["2"]
    assert await column(database, "select kind from job") == ["marketplace.write_tracking"]


async def test_an_unknown_sku_holds_the_order_until_inventory_tells_of_it(database: OrderDatabase) -> None:
    account = an_account()
    await connect(database, account, skus=SAMPLE_SKUS[:1])
    await receive(database, account, shopify_body())
    held = await the_order(database)

    await say(database, a_sku(SAMPLE_SKUS[1]))

    order = await the_order(database)
    assert held.status == "held"
    assert set(held.process.holds) == {HoldReason.UNKNOWN_SKU}
    assert order.status == "open"
    assert [line.sku for line in order.lines] == list(SAMPLE_SKUS)
    assert [line.line_id for line in order.lines] == [line.line_id for line in held.lines]


async def test_goods_for_abroad_wait_for_their_customs_data(database: OrderDatabase) -> None:
    account = an_account(domestic_countries=frozenset({"CN"}))
    async with database.transaction() as tx:
        await tx.accounts.put(account)
    await say(database, *(a_sku(name, customs=False) for name in SAMPLE_SKUS))
    await receive(database, account, shopify_body())
    held = await the_order(database)

    await say(database, *(a_sku(name, version=2) for name in SAMPLE_SKUS))

    assert set(held.process.holds) == {HoldReason.CUSTOMS_DATA}
    assert (await the_order(database)).status == "open"


async def test_the_same_delivery_twice_is_one_message_and_one_order(database: OrderDatabase) -> None:
    account = an_account()
    await connect(database, account)

    first = await receive(database, account, shopify_body(), key="delivery-1")
    second = await receive(database, account, shopify_body(), key="delivery-1")

    assert (first, second) == (True, False)
    assert len(await published(database)) == 1


async def test_an_older_update_never_overwrites_a_newer_one(database: OrderDatabase) -> None:
    account = an_account()
    await connect(database, account)
    await receive(database, account, shopify_body(updated_at="2026-02-12T10:00:00Z", name="#new"))

    await receive(
        database, account, shopify_body(updated_at="2026-02-12T09:00:00Z", financial_status="voided")
    )

    assert (await the_order(database)).status == "open"
    assert await column(database, "select state from inbound_message order by message_id") == [
        "imported",
        "stale",
    ]


async def test_two_versions_of_one_second_are_decided_by_the_platform(database: OrderDatabase) -> None:
    account = an_account()
    await connect(database, account)
    await receive(database, account, shopify_body())

    await receive(database, account, shopify_body(financial_status="voided"))

    assert (await the_order(database)).status == "open"
    assert await column(database, "select kind from job") == ["marketplace.fetch_order"]
    assert await column(database, "select state from inbound_message order by message_id") == [
        "imported",
        "fetching",
    ]


async def test_a_cancel_before_anything_was_reserved_ends_with_both_answers(database: OrderDatabase) -> None:
    account = an_account()
    await connect(database, account)
    await receive(database, account, shopify_body())
    order_id = (await the_order(database)).identity.order_id
    async with database.transaction() as tx:
        await cancel_order(Command("default", order_id, PERSON, "buyer asked"), tx=tx)
    order = await the_order(database)
    asked = order.status

    await say(database, Inventory(order).releases(), Shipping(order).cancels([]))

    assert asked == "cancelling"
    assert (await the_order(database)).status == "cancelled"
    assert [topic for topic, _ in await published(database)] == [
        "order.created",
        "order.cancelled",
        "order.changed",
    ]


async def test_a_cancel_that_one_of_two_legs_refuses_keeps_that_leg_and_says_so(
    database: OrderDatabase,
) -> None:
    account = an_account()
    await connect(database, account)
    await receive(database, account, shopify_body())
    order = await the_order(database)
    inventory = Inventory(order)
    reserved = inventory.reserves(warehouses=("W1", "W2"))
    await say(database, reserved)
    one, two = (allocation.allocation_id for allocation in reserved.allocations)
    async with database.transaction() as tx:
        await cancel_order(Command("default", order.identity.order_id, PERSON, "buyer asked"), tx=tx)
    shipping = Shipping(await the_order(database))

    await say(database, shipping.cancels([one], pending=[two]), shipping.refuses([two]))

    order = await the_order(database)
    assert order.status == "open"
    assert [line.units for line in order.lines] == [0, 1]
    assert order.label_revision == 1
    assert await column(database, "select code from order_exception") == ["cancel_refused"]


async def test_news_of_a_leg_nobody_knows_rests_until_the_leg_is_known(database: OrderDatabase) -> None:
    account = an_account()
    await connect(database, account)
    await receive(database, account, shopify_body())
    order = await the_order(database)
    reserved = Inventory(order).reserves()
    early = Shipping(order).cancels([one.allocation_id for one in reserved.allocations])
    await say(database, early)
    resting = await column(database, "select type from deferred_event")

    await say(database, reserved)

    order = await the_order(database)
    assert resting == ["crossdock.shipment.cancelled.v1"]
    assert await column(database, "select type from deferred_event") == []
    assert {leg.state for leg in order.process.legs.values()} == {"cancelled"}


async def test_an_unpaid_order_is_cancelled_when_its_time_is_over(database: OrderDatabase) -> None:
    account = an_account()
    await connect(database, account)
    await receive(database, account, shopify_body(financial_status="pending"))
    order = await the_order(database)
    timers = await column(database, "select name from timer")
    async with database.transaction() as tx:
        await tx.connection.execute(text("set local crossdock.now = '2031-01-01T00:00:00Z'"))
        tx.now = tx.now.replace(year=2031)
        await expire_unpaid("default", order.identity.order_id, tx=tx)

    order = await the_order(database)
    assert timers == ["unpaid_expires"]
    assert order.status == "cancelling"
    assert (await published(database))[-1][1]["reason"] == "unpaid"


async def test_a_rejected_order_waits_for_a_person_who_asks_again(database: OrderDatabase) -> None:
    account = an_account()
    await connect(database, account)
    await receive(database, account, shopify_body())
    order = await the_order(database)
    inventory = Inventory(order)
    await say(database, inventory.rejects([inventory.lacks(0, 2, waiting=False)]))
    held = await the_order(database)

    async with database.transaction() as tx:
        await retry_order(Command("default", order.identity.order_id, PERSON, "stock came"), tx=tx)

    order = await the_order(database)
    assert set(held.process.holds) == {HoldReason.OUT_OF_STOCK}
    assert (order.status, order.version) == ("open", 3)


async def test_two_deliveries_at_once_make_one_order(database: OrderDatabase) -> None:
    account = an_account()
    await connect(database, account)

    results = await asyncio.gather(
        receive(database, account, shopify_body()),
        receive(database, account, shopify_body()),
        return_exceptions=True,
    )

    assert sum(result is True for result in results) >= 1
    assert await column(database, "select count(*) from orders") == [1]


async def test_a_parcel_whose_delivery_is_told_before_its_hand_over_is_still_owed_to_the_marketplace(
    database: OrderDatabase,
) -> None:
    account = an_account()
    await connect(database, account)
    await receive(database, account, shopify_body())
    order = await the_order(database)
    reserved, shipping, parcel_id = Inventory(order).reserves(), Shipping(order), new_id()
    shipped = shipping.parcel(ParcelShippedV1, reserved.allocations, parcel_id=parcel_id)
    delivered = shipping.parcel(
        ParcelDeliveredV1, reserved.allocations, parcel_id=parcel_id, delivered_at="2026-11-22T00:00:00Z"
    )

    await say(database, delivered, reserved, shipped, shipped)

    assert await column(database, "select count(*) from obligation") == [1]
    assert await column(database, "select count(*) from job") == [1]


async def test_an_event_of_an_order_nobody_knows_is_shown_to_a_person(database: OrderDatabase) -> None:
    account = an_account()
    await connect(database, account)
    await receive(database, account, shopify_body())
    stranger = Inventory(await the_order(database)).releases().model_copy(update={"order_id": new_id()})

    await say(database, read(stranger))

    assert await column(database, "select code from order_exception") == ["unknown_order"]


async def test_a_batch_of_many_orders_is_taken_in_one_transaction(database: OrderDatabase) -> None:
    account = an_account()
    await connect(database, account)
    for number in (1, 2, 3):
        await receive(database, account, shopify_body(id=number))
    orders = [await the_order(database, str(number)) for number in (1, 2, 3)]

    async with database.transaction() as tx:
        await inventory_events.on_stock([Inventory(order).reserves() for order in orders], tx=tx)

    states = [
        {leg.state.value for leg in (await the_order(database, str(number))).process.legs.values()}
        for number in (1, 2, 3)
    ]
    assert states == [{"planned"}] * 3


async def test_the_timeline_cannot_be_rewritten_by_the_service(database: OrderDatabase) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        await column(database, "delete from order_history returning n")


async def test_what_is_past_its_day_loses_its_personal_data_and_nothing_else(database: OrderDatabase) -> None:
    account = an_account()
    await connect(database, account)
    await receive(
        database,
        account,
        shopify_body(cancelled_at="2026-02-12T05:00:00Z", updated_at="2026-02-12T05:00:00Z"),
    )
    async with database.transaction() as tx:
        await tx.connection.execute(text("update orders set personal_until = '2020-01-01'"))
        await tx.connection.execute(text("update inbound_message set personal_until = '2020-01-01'"))

    erased = await erase_expired(database)

    order = await the_order(database)
    assert erased == 2
    assert (order.people.consignee, order.people.buyer.email) == (None, None)
    assert await column(database, "select count(*) from inbound_message where body is not null") == [0]


@pytest.mark.parametrize("field", ["cancelled_at", "fulfillment_status"])
async def test_an_order_that_was_over_before_it_was_imported_is_told_to_nobody(
    database: OrderDatabase, field: str
) -> None:
    account = an_account()
    await connect(database, account)
    value = "2026-02-12T03:20:00Z" if field == "cancelled_at" else "fulfilled"

    await receive(database, account, shopify_body(**{field: value}))

    assert (await the_order(database)).status in {"cancelled", "closed"}
    assert await published(database) == []

"""Labels that the marketplace issues: asked for, waited for, provided once, withdrawn."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text

from crossdock_chassis.ids import new_id
from crossdock_chassis.job_table import GiveUp, JobTable
from crossdock_chassis.jobs import NotSent, OutcomeUnknown
from crossdock_contracts.inventory import StockReservedV1
from crossdock_contracts.shipping import Content, ParcelShippedV1, Request, ShipmentLabelRequestedV1
from order_service.domain.lines import Component, Mapped
from order_service.domain.order import LabelSource
from order_service.messaging.obligation_jobs import ObligationJobs
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.issue_label import MOST_BYTES
from order_service.use_cases.marketplace import (
    IssuedLabel,
    LabelWish,
    Marketplace,
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    NotReadyYet,
)
from order_service.use_cases.steer_order import Command, cancel_order, hold_order

from .samples import PERSON, SHIPPING, Inventory, Shipping, an_account, read, shopify_body
from .scripted_marketplace import ScriptedMarketplace, raising
from .test_journeys import column, connect, published, receive, say, the_order

PDF = b"%PDF-1.7 of the marketplace"
LABEL = IssuedLabel("SPX", "Standard", "SPX001", "application/pdf", PDF)


async def reserved(database: OrderDatabase) -> StockReservedV1:
    account = an_account(label_source=LabelSource.MARKETPLACE)
    await connect(database, account)
    await receive(database, account, shopify_body())
    stock = Inventory(await the_order(database)).reserves()
    await say(database, stock)
    return stock


async def a_request(
    database: OrderDatabase, stock: StockReservedV1, *, version: int = 1, **changes: Any
) -> ShipmentLabelRequestedV1:
    order = await the_order(database)
    external = {line.line_id: line.external_line_ids for line in order.lines}
    values: dict[str, Any] = {
        "shipment_id": new_id(),
        "parcel_id": new_id(),
        "label_revision": 1,
        "warehouse": "W1",
        "weight_g": 700,
        "contents": tuple(
            Content(
                allocation_id=one.allocation_id,
                line_id=one.line_id,
                external_line_ids=external[one.line_id],
                sku=one.sku,
                units=one.units,
            )
            for one in stock.allocations
        ),
        **changes,
    }
    event: ShipmentLabelRequestedV1 = read(
        ShipmentLabelRequestedV1(
            merchant_id="default",
            aggregate_version=version,
            actor=SHIPPING,
            order_id=order.identity.order_id,
            order_version=order.version,
            **values,
        )
    )
    return event


async def requested(database: OrderDatabase) -> ShipmentLabelRequestedV1:
    request = await a_request(database, await reserved(database))
    await say(database, request)
    return request


async def run(database: OrderDatabase, marketplaces: Mapping[str, Marketplace]) -> None:
    """Make one attempt at everything that is asked for."""
    jobs, table = ObligationJobs(database, marketplaces).handlers(), JobTable(database.engine)
    async with database.transaction() as tx:
        await tx.connection.execute(text("update job set run_at = '2020-01-01' where state = 'ready'"))
    for job in await table.claim({"shopify:lumo": 10}, list(jobs), 60):
        try:
            await jobs[job.kind](job)
        except (NotSent, OutcomeUnknown) as error:
            await table.give_back(
                job,
                error=str(error),
                delay_s=0,
                unknown=isinstance(error, OutcomeUnknown),
                needs_person=False,
                give_up=GiveUp(50, 3600),
            )
            raise


async def provided(database: OrderDatabase) -> list[dict[str, Any]]:
    return [one for topic, one in await published(database) if topic == "order.label_provided"]


async def exceptions(database: OrderDatabase) -> list[str]:
    return await column(database, "select code from order_exception where resolved_at is null order by code")


async def test_the_label_is_asked_for_by_their_line_ids_and_provided_once(database: OrderDatabase) -> None:
    request = await requested(database)
    shop = ScriptedMarketplace(label=LABEL)

    await run(database, shop.offered())
    await say(database, request)
    await run(database, shop.offered())

    (said,) = await provided(database)
    units = {"16090122345601": 2, "16090122345602": 1}
    assert shop.calls == [LabelWish("6120045566771", str(request.parcel_id), units, 700)]
    assert (said["parcel_id"], said["shipment_id"]) == (str(request.parcel_id), str(request.shipment_id))
    assert (said["carrier"], said["tracking_number"]) == ("SPX", "SPX001")
    assert base64.b64decode(said["label"]["content_base64"]) == PDF
    assert await column(database, "select state from obligation") == ["confirmed"]
    assert await exceptions(database) == []


async def test_a_label_that_is_not_ready_waits_alone_as_long_as_the_platform_says(
    database: OrderDatabase,
) -> None:
    await requested(database)
    shop = ScriptedMarketplace(script=[raising(NotReadyYet("being made", retry_after_s=30))], label=LABEL)

    with pytest.raises(NotSent) as put_off:
        await run(database, shop.offered())
    await run(database, shop.offered())

    assert (put_off.value.retry_after_s, put_off.value.answered) == (30, True)
    assert len(await provided(database)) == 1


@pytest.mark.parametrize(
    ("label", "code"),
    [
        (IssuedLabel("SPX", "S", "N1", "application/pdf", b"x" * (MOST_BYTES + 1)), "label_too_large"),
        (IssuedLabel("SPX", "S", "N1", "application/pdf", b""), "label_is_empty"),
        (IssuedLabel("SPX", "S", "", "application/pdf", PDF), "label_without_number"),
        (IssuedLabel("S" * 65, "S", "N1", "application/pdf", PDF), "label_names_too_long"),
    ],
)
async def test_a_label_that_shipping_could_not_use_is_shown_to_a_person(
    database: OrderDatabase, label: IssuedLabel, code: str
) -> None:
    await requested(database)

    await run(database, ScriptedMarketplace(label=label).offered())

    assert await column(database, "select code || ' ' || detail from order_exception") == [
        f"label_refused {code}"
    ]
    assert await provided(database) == []


async def test_the_largest_label_fits_into_its_event(database: OrderDatabase) -> None:
    await requested(database)
    label = IssuedLabel("SPX", "S", "N1", "application/pdf", b"x" * MOST_BYTES)

    await run(database, ScriptedMarketplace(label=label).offered())

    assert len(await provided(database)) == 1
    assert await column(database, "select max(octet_length(payload)) < 262144 from event_log") == [True]


async def test_a_refusal_is_shown_to_a_person(database: OrderDatabase) -> None:
    await requested(database)
    shop = ScriptedMarketplace(script=[raising(MarketplaceRefused("no_pickup_address"))])

    await run(database, shop.offered())

    assert await exceptions(database) == ["label_refused"]
    assert await column(database, "select state from obligation") == ["refused"]


async def test_a_platform_without_labels_needs_a_person(database: OrderDatabase) -> None:
    await requested(database)

    await run(database, ScriptedMarketplace().offered(open_issuer=None))

    assert await exceptions(database) == ["labels_not_configured"]
    assert await column(database, "select state from obligation") == ["needs_person"]


async def test_an_order_that_is_being_cancelled_asks_for_no_label(database: OrderDatabase) -> None:
    stock = await reserved(database)
    request = await a_request(database, stock)
    await say(database, request)
    await cancel(database)
    shop = ScriptedMarketplace(label=LABEL)

    await run(database, shop.offered())
    await say(database, await a_request(database, stock, version=2))
    await run(database, shop.offered())

    assert shop.calls == []
    assert await column(database, "select state from obligation") == ["withdrawn"]


async def test_what_shipping_gave_back_needs_no_label(database: OrderDatabase) -> None:
    request = await requested(database)
    ids = [one.allocation_id for one in request.contents]
    gone = Shipping(await the_order(database)).cancels(ids, request=Request.WITHDRAW)
    await say(database, read(gone.model_copy(update={"shipment_ids": (request.shipment_id,)})))
    shop = ScriptedMarketplace(label=LABEL)

    await run(database, shop.offered())

    assert shop.calls == []
    assert await column(database, "select state from obligation") == ["withdrawn"]


async def test_a_request_heard_after_its_withdrawal_is_not_owed(database: OrderDatabase) -> None:
    stock = await reserved(database)
    request = await a_request(database, stock)
    ids = [one.allocation_id for one in request.contents]
    gone = Shipping(await the_order(database)).cancels(ids, request=Request.WITHDRAW)
    await say(database, read(gone.model_copy(update={"shipment_ids": (request.shipment_id,)})), request)

    assert await column(database, "select kind from obligation") == []


async def test_a_second_request_for_a_shipment_withdraws_the_first(database: OrderDatabase) -> None:
    stock = await reserved(database)
    first = await a_request(database, stock)
    second = await a_request(database, stock, version=2, shipment_id=first.shipment_id, label_revision=2)
    shop = ScriptedMarketplace(label=LABEL)

    await say(database, first, second)
    await run(database, shop.offered())

    assert [one["parcel_id"] for one in await provided(database)] == [str(second.parcel_id)]
    assert await column(database, "select state from obligation order by obligation_id") == [
        "withdrawn",
        "confirmed",
    ]


async def test_a_label_issued_while_the_cancel_came_goes_to_shipping_which_voids_it(
    database: OrderDatabase,
) -> None:
    request = await requested(database)

    async def cancelled_meanwhile() -> None:
        await cancel(database)
        gone = Shipping(await the_order(database)).cancels([one.allocation_id for one in request.contents])
        await say(database, read(gone.model_copy(update={"shipment_ids": (request.shipment_id,)})))

    await run(database, ScriptedMarketplace(script=[cancelled_meanwhile], label=LABEL).offered())

    assert len(await provided(database)) == 1
    assert "confirmed" in await column(database, "select state from obligation")


async def test_a_label_given_up_in_doubt_is_looked_for_by_a_person(database: OrderDatabase) -> None:
    await requested(database)
    shop = ScriptedMarketplace(script=[raising(MarketplaceOutcomeUnknown("no answer"))], label=LABEL)
    with pytest.raises(OutcomeUnknown):
        await run(database, shop.offered())
    await cancel(database)

    await run(database, shop.offered())

    assert len(shop.calls) == 1
    assert await exceptions(database) == ["label_in_doubt"]


async def test_a_held_order_waits_with_its_label(database: OrderDatabase) -> None:
    await requested(database)
    order_id = (await the_order(database)).identity.order_id
    async with database.transaction() as tx:
        await hold_order(Command("default", order_id, PERSON, "a question"), tx=tx)
    shop = ScriptedMarketplace(label=LABEL)

    with pytest.raises(NotSent, match="held"):
        await run(database, shop.offered())

    assert shop.calls == []


async def test_half_a_kit_is_nothing_the_marketplace_knows(database: OrderDatabase) -> None:
    account = an_account(label_source=LabelSource.MARKETPLACE)
    await connect(database, account)
    parts = Mapped((Component("CN-STAND-AL-SLV", 1), Component("CN-USBC-2M-BLK", 1)))
    async with database.transaction() as tx:
        for name in ("CN-STAND-AL-SLV", "CN-USBC-2M-BLK"):
            await tx.skus.map("default", "lumo", name, parts)
    await receive(database, account, shopify_body())
    stock = Inventory(await the_order(database)).reserves({0: 2})
    await say(database, stock)
    shop = ScriptedMarketplace(label=LABEL)

    await say(database, await a_request(database, stock))
    await run(database, shop.offered())

    assert shop.calls == []
    assert await column(database, "select detail from order_exception") == ["only_part_of_a_kit"]


async def test_the_marketplace_is_not_told_a_number_that_it_gave(database: OrderDatabase) -> None:
    stock = await reserved(database)
    await say(database, await a_request(database, stock))

    order = await the_order(database)
    await say(database, Shipping(order).parcel(ParcelShippedV1, stock.allocations, parcel_id=new_id()))

    assert await column(database, "select kind from obligation") == ["label"]


async def cancel(database: OrderDatabase) -> None:
    order_id = (await the_order(database)).identity.order_id
    async with database.transaction() as tx:
        await cancel_order(Command("default", order_id, PERSON, "not wanted"), tx=tx)

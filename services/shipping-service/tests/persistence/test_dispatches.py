"""What the database itself holds, and what the statements cost."""

import asyncio
from contextlib import suppress
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, IntegrityError

from crossdock_chassis.ids import new_id
from crossdock_contracts.inventory import HandOver
from crossdock_contracts.shipping import ShipmentCancelledV1, ShipmentRefusedV1
from shipping_service.domain.errors import HandOverRefused
from shipping_service.domain.leaving import hand_over
from shipping_service.use_cases.announce import announce, terms_of
from shipping_service.use_cases.ports import NotFound

from ..samples import AnOrder
from ..stage import Stage, names


async def test_an_order_comes_back_as_it_was_saved(stage: Stage) -> None:
    order = AnOrder(skus=("mug", "cap"), units=3, hand_over=HandOver.MANUAL)
    await stage.labelled(order)
    shipment = await stage.shipment(order)

    async with stage.database.transaction() as tx:
        first = await tx.dispatches.read("default", shipment)
        (locked,) = await tx.dispatches.lock_shipments({shipment: "default"})
        locked.leg(shipment).plan_revision += 1
        await tx.dispatches.save([locked])
    async with stage.database.transaction() as tx:
        second = await tx.dispatches.read("default", shipment)

    first.leg(shipment).plan_revision += 1
    assert second == first


async def test_a_parcel_never_has_two_live_labels_whatever_the_code_believes(stage: Stage) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)

    with pytest.raises(IntegrityError, match="label_live"):
        async with stage.database.engine.begin() as connection:
            await connection.exec_driver_sql(
                "insert into label (label_id, merchant_id, shipment_id, parcel_id, number, state, carrier,"
                " service, plan_revision, label_revision, order_version, weight_g, asked_at)"
                " select gen_random_uuid(), merchant_id, shipment_id, parcel_id, 2, 'asked', carrier,"
                " service, 1, 1, 1, 1, now() from label"
            )


@pytest.mark.parametrize(
    "statement",
    ["update shipment_history set what = 'x'", "delete from shipment_history", "delete from shipment"],
)
async def test_the_service_itself_cannot_rewrite_what_happened(stage: Stage, statement: str) -> None:
    await stage.labelled(AnOrder())

    with pytest.raises(DBAPIError, match="permission denied"):
        async with stage.database.engine.begin() as connection:
            await connection.exec_driver_sql(statement)


async def test_a_hundred_orders_are_planned_in_as_many_statements_as_one(stage: Stage) -> None:
    counts: list[int] = []
    for size in (1, 100):
        orders = [AnOrder() for _ in range(size)]
        await stage.hear(*[one.created() for one in orders])
        statements = 0

        def count(*_: object) -> None:
            nonlocal statements
            statements += 1

        event.listen(stage.database.engine.sync_engine, "before_cursor_execute", count)
        said = await stage.hear(*[one.reserved() for one in orders])
        event.remove(stage.database.engine.sync_engine, "before_cursor_execute", count)
        counts.append(statements)
        assert said == []

    assert counts[0] == counts[1]
    assert len(await stage.rows("select 1 from job where kind = 'buy_label'")) == 101


async def test_a_cancel_and_a_hand_over_at_once_end_as_one_of_both(stage: Stage) -> None:
    for _ in range(5):
        order = AnOrder(hand_over=HandOver.MANUAL)
        await stage.labelled(order)
        shipment = await stage.shipment(order)

        async def leave(shipment_id: UUID = shipment) -> None:
            async with stage.database.transaction() as tx:
                (dispatch,) = await tx.dispatches.lock_shipments({shipment_id: "default"})
                with suppress(HandOverRefused):
                    hand_over(dispatch, dispatch.leg(shipment_id), await terms_of(tx, "default"))
                await announce(dispatch, tx=tx)
                await tx.dispatches.save([dispatch])

        wish = order.cancelled()
        _, heard = await asyncio.gather(leave(), stage.hear(wish))
        said = [*heard, *await stage.said()]

        answers = [one for one in said if isinstance(one, ShipmentCancelledV1 | ShipmentRefusedV1)]
        left = "parcel.shipped" in names(said)
        assert [type(one) for one in answers] == [ShipmentRefusedV1 if left else ShipmentCancelledV1]
        versions = sorted(one.aggregate_version for one in said)
        assert versions == list(range(2, 2 + len(said)))  # 1 was parcel.labelled


async def test_what_is_not_there_or_anothers_is_not_found(stage: Stage) -> None:
    order = AnOrder()
    await stage.labelled(order)

    async with stage.database.transaction() as tx:
        with pytest.raises(NotFound):
            await tx.dispatches.lock_shipments({new_id(): "default"})
        with pytest.raises(NotFound):
            await tx.dispatches.lock_shipments({await stage.shipment(order): "other"})


async def test_an_older_consignee_does_not_overwrite_a_newer_one(stage: Stage) -> None:
    order = AnOrder()
    created = order.created()
    changed = order.changed()
    await stage.hear(changed)

    await stage.hear(created)

    assert [one.version for one in await stage.rows("select version from consignee")] == [2]


async def test_personal_data_stays_in_its_two_tables(stage: Stage) -> None:
    order = AnOrder()
    await stage.labelled(order)
    tables = await stage.rows(
        "select table_name from information_schema.tables where table_schema = 'public'"
        " and table_name not in ('consignee', 'document')"
    )

    for (table,) in tables:
        found = await stage.rows(
            f"select 1 from {table} t where to_jsonb(t)::text ~* 'beispiel|musterstr|10115|49301234567'"
        )
        assert (table, list(found)) == (table, [])

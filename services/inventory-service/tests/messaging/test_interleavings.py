"""The orders in which events of different topics may come, and what has to come of each."""

from datetime import timedelta

import pytest

from crossdock_chassis.ids import new_id
from crossdock_contracts.inventory import (
    ReleaseCause,
    StockRejectedV1,
    StockReleasedV1,
    StockReservedV1,
    UnfilledReason,
)
from crossdock_contracts.orders import FulfilmentPolicy, FulfilmentState
from crossdock_contracts.shipping import Request
from inventory_service.domain.because import Because
from inventory_service.use_cases.put_catalogue import put_warehouse

from ..samples import MERCHANT, NOON, AnOrder
from ..stage import Stage, a_warehouse, all_of, allocated, only


async def test_2_1_a_cancel_that_overtakes_the_hand_over_frees_nothing(stage: Stage) -> None:
    await stage.receive("mug", 1)
    first = AnOrder(lines={"mug": 1})
    reserved = only(await stage.hear(first.created()), StockReservedV1)

    cancelled = await stage.hear(first.cancelled())
    second = only(await stage.hear(AnOrder(lines={"mug": 1}).created()), StockRejectedV1)
    shipped = await stage.hear(
        first.shipped(*reserved.allocations), first.refused(reserved.allocations[0].allocation_id)
    )

    assert cancelled == []
    assert second.unfilled[0].reason is UnfilledReason.NO_STOCK
    answer = only(shipped, StockReleasedV1)
    assert (answer.order_version, answer.released_because) == (2, ReleaseCause.CANCELLED)
    assert answer.released_allocation_ids == ()
    assert await stage.level("mug") == (0, 0, 0)
    assert await stage.drift() == []


async def test_2_2_a_cancel_before_the_create_is_answered_and_the_create_ignored(stage: Stage) -> None:
    await stage.receive("mug", 1)
    order = AnOrder(lines={"mug": 1})
    created = order.created()

    cancelled = only(await stage.hear(order.cancelled()), StockReleasedV1)
    late = await stage.hear(created)

    assert (cancelled.order_version, cancelled.released_because) == (2, ReleaseCause.CANCELLED)
    assert late == []
    assert await stage.level("mug") == (1, 0, 0)


async def test_2_2_shippings_answer_before_the_cancel_itself_still_ends_in_one_answer(stage: Stage) -> None:
    await stage.receive("mug", 1)
    order = AnOrder(lines={"mug": 1}, policy=FulfilmentPolicy.BACKORDER)
    reserved = only(await stage.hear(order.created()), StockReservedV1)
    ids = [one.allocation_id for one in reserved.allocations]
    cancel = order.cancelled()

    freed = await stage.hear(order.let_go(*ids))
    answer = only(await stage.hear(cancel), StockReleasedV1)

    assert all_of(freed, StockReservedV1) == []
    assert answer.released_allocation_ids == tuple(ids)
    assert await stage.level("mug") == (1, 0, 0)


async def test_a_published_cancel_is_answered_when_the_last_leg_has_answered(stage: Stage) -> None:
    await stage.receive("mug", 1)
    await stage.receive("mug", 1, "POZ")
    order = AnOrder(lines={"mug": 2})
    reserved = only(await stage.hear(order.created()), StockReservedV1)
    one, other = (found.allocation_id for found in reserved.allocations)

    asked = await stage.hear(order.cancelled())
    half = await stage.hear(order.let_go(one, pending=[other]))
    whole = await stage.hear(order.let_go(other))

    assert asked == []
    assert all_of(half, StockReleasedV1) == []
    released = only(whole, StockReleasedV1)
    assert (released.order_version, set(released.released_allocation_ids)) == (2, {one, other})


async def test_an_empty_answer_does_not_end_a_cancel_while_units_are_published(stage: Stage) -> None:
    await stage.receive("mug", 1)
    order = AnOrder(lines={"mug": 1})
    reserved = only(await stage.hear(order.created()), StockReservedV1)
    await stage.hear(order.cancelled())

    tombstone = await stage.hear(order.let_go())
    late = await stage.hear(order.let_go(reserved.allocations[0].allocation_id))

    assert tombstone == []
    assert only(late, StockReleasedV1).released_because is ReleaseCause.CANCELLED


async def test_the_end_of_a_cancel_may_overtake_shippings_answer(stage: Stage) -> None:
    await stage.receive("mug", 1)
    order = AnOrder(lines={"mug": 1})
    reserved = only(await stage.hear(order.created()), StockReservedV1)
    await stage.hear(order.cancelled())

    ended = await stage.hear(order.changed(FulfilmentState.CANCELLED))
    answered = only(await stage.hear(order.let_go(reserved.allocations[0].allocation_id)), StockReleasedV1)

    assert ended == []
    assert answered.order_version == 3
    assert await stage.level("mug") == (1, 0, 0)


async def test_2_3_units_of_a_cancelled_leg_go_to_who_waits_for_them(stage: Stage) -> None:
    await stage.receive("mug", 1)
    first = AnOrder(lines={"mug": 1})
    waiting = AnOrder(lines={"mug": 1}, policy=FulfilmentPolicy.BACKORDER)
    reserved = only(await stage.hear(first.created()), StockReservedV1)
    await stage.hear(waiting.created(), first.cancelled())

    said = await stage.hear(first.let_go(reserved.allocations[0].allocation_id))

    filled = only(said, StockReservedV1)
    assert (filled.order_id, filled.complete) == (waiting.order_id, True)
    assert await stage.level("mug") == (1, 1, 0)


async def test_2_4_another_country_takes_back_what_cannot_serve_it_and_sources_after_the_answer(
    stage: Stage,
) -> None:
    async with stage.database.transaction() as tx:
        only_germany = a_warehouse("BER", priority=1, serves=frozenset({"DE"}))
        await put_warehouse(MERCHANT, only_germany, because=Because("person", "anna"), tx=tx)
    await stage.receive("mug", 5)
    await stage.receive("mug", 5, "POZ")
    order = AnOrder(lines={"mug": 2})
    old = only(await stage.hear(order.created()), StockReservedV1).allocations[0].allocation_id
    order.country = "CH"

    changed = only(await stage.hear(order.changed()), StockReservedV1)
    answered = only(await stage.hear(order.let_go(old, request=Request.WITHDRAW)), StockReservedV1)

    assert (changed.allocations, changed.withdrawn_allocation_ids) == ((), (old,))
    assert [(one.units, one.reason) for one in changed.unfilled] == [(2, UnfilledReason.WITHDRAWING)]
    assert allocated(answered) == {("mug", "POZ"): 2}
    assert (answered.order_version, answered.complete) == (2, True)
    assert await stage.level("mug") == (5, 0, 0)


async def test_2_4_fewer_units_withdraw_the_allocation_and_more_units_add_one(stage: Stage) -> None:
    await stage.receive("mug", 9)
    order = AnOrder(lines={"mug": 2})
    first = only(await stage.hear(order.created()), StockReservedV1)

    order.lines = {"mug": 5}
    more = only(await stage.hear(order.changed()), StockReservedV1)
    order.lines = {"mug": 3}
    fewer = only(await stage.hear(order.changed()), StockReservedV1)

    assert first.allocations[0] in more.allocations
    assert allocated(more) == {("mug", "BER"): 5}
    assert fewer.allocations == first.allocations
    assert len(fewer.withdrawn_allocation_ids) == 1
    assert [(one.units, one.reason) for one in fewer.unfilled] == [(1, UnfilledReason.WITHDRAWING)]


async def test_a_refused_withdrawal_stays_in_the_set_and_is_an_exception(stage: Stage) -> None:
    await stage.receive("mug", 9)
    order = AnOrder(lines={"mug": 3})
    first = only(await stage.hear(order.created()), StockReservedV1)
    order.lines = {"mug": 1}
    await stage.hear(order.changed())
    allocation_id = first.allocations[0].allocation_id

    refused = only(await stage.hear(order.refused(allocation_id, request=Request.WITHDRAW)), StockReservedV1)
    await stage.hear(order.shipped(*first.allocations))

    assert (refused.allocations, refused.withdrawn_allocation_ids) == (first.allocations, ())
    assert refused.complete
    assert await stage.exceptions() == ["withdrawal_refused"]
    assert await stage.level("mug") == (6, 0, 0)


async def test_2_13_only_an_unpaid_held_order_loses_its_units_by_time(stage: Stage) -> None:
    await stage.receive("mug", 2)
    until = NOON + timedelta(hours=1)
    paid, unpaid = AnOrder(lines={"mug": 1}), AnOrder(lines={"mug": 1})
    await stage.hear(
        paid.created(FulfilmentState.HELD, reserve_until=until),
        unpaid.created(FulfilmentState.HELD, reserve_until=until),
    )
    await stage.hear(paid.changed())
    await stage.set_clock(until)

    timers = await stage.rows("select key from timer")
    released = only(await stage.fire("reservation_expiry", str(unpaid.order_id)), StockReleasedV1)

    assert [one.key for one in timers] == [str(unpaid.order_id)]
    assert (released.order_id, released.released_because) == (unpaid.order_id, ReleaseCause.EXPIRED)
    assert await stage.level("mug") == (2, 1, 0)


async def test_2_13_units_that_shipping_knows_of_do_not_expire_when_the_payment_is_taken_back(
    stage: Stage,
) -> None:
    await stage.receive("mug", 1)
    order = AnOrder(lines={"mug": 1})
    await stage.hear(order.created())
    await stage.hear(order.changed(FulfilmentState.HELD, reserve_until=NOON))
    await stage.set_clock(NOON)

    said = await stage.fire("reservation_expiry", str(order.order_id))

    assert said == []
    assert await stage.level("mug") == (1, 1, 0)


async def test_2_13_an_expired_order_is_sourced_again_when_it_is_paid_after_all(stage: Stage) -> None:
    await stage.receive("mug", 1)
    order = AnOrder(lines={"mug": 1}, policy=FulfilmentPolicy.BACKORDER)
    await stage.hear(order.created(FulfilmentState.HELD, reserve_until=NOON))
    await stage.set_clock(NOON)
    await stage.fire("reservation_expiry", str(order.order_id))
    arrived = await stage.receive("mug", 1)

    opened = only(await stage.hear(order.changed()), StockReservedV1)

    assert all_of(arrived, StockReservedV1) == []
    assert opened.complete
    assert [one.state for one in await stage.rows("select state from allocation order by created_at")] == [
        "expired",
        "published",
    ]


async def test_2_18_a_timer_that_fires_after_the_deadline_moved_does_nothing(stage: Stage) -> None:
    await stage.receive("mug", 1)
    order = AnOrder(lines={"mug": 1})
    await stage.set_clock(NOON)
    await stage.hear(order.created(FulfilmentState.HELD, reserve_until=NOON))
    await stage.hear(order.changed(FulfilmentState.HELD, reserve_until=NOON + timedelta(days=1)))

    said = await stage.fire("reservation_expiry", str(order.order_id))

    assert said == []
    assert await stage.level("mug") == (1, 1, 0)


async def test_2_14_a_count_below_the_promises_is_booked_and_asks_the_newest_back(stage: Stage) -> None:
    await stage.receive("mug", 5)
    orders = [AnOrder(lines={"mug": 1}) for _ in range(5)]
    sets = [only(await stage.hear(one.created()), StockReservedV1) for one in orders]

    adjusted = await stage.count("mug", 3)
    said = await stage.said_since()

    assert (adjusted.change, adjusted.freed, adjusted.asked_back) == (-2, 0, 2)
    assert {one.order_id for one in all_of(said, StockReservedV1)} == {one.order_id for one in orders[3:]}
    assert await stage.level("mug") == (3, 5, 2)
    assert await stage.exceptions() == ["short"]

    asked_back = sets[4].allocations[0].allocation_id
    refilled = await stage.hear(orders[4].let_go(asked_back, request=Request.WITHDRAW))

    assert only(refilled, StockReservedV1).unfilled[0].reason is UnfilledReason.NO_STOCK
    assert await stage.level("mug") == (3, 4, 1)
    assert await stage.drift() == []


async def test_2_14_the_same_low_count_again_asks_nobody_else_back(stage: Stage) -> None:
    await stage.receive("mug", 2)
    for _ in range(2):
        await stage.hear(AnOrder(lines={"mug": 1}).created())
    await stage.count("mug", 1)

    again = await stage.count("mug", 1)

    assert (again.change, again.asked_back) == (0, 0)


async def test_2_14_units_nobody_was_told_of_go_first_and_at_once(stage: Stage) -> None:
    await stage.receive("mug", 2)
    await stage.hear(AnOrder(lines={"mug": 1}).created(FulfilmentState.HELD))
    await stage.hear(AnOrder(lines={"mug": 1}).created())

    adjusted = await stage.count("mug", 1)

    assert (adjusted.freed, adjusted.asked_back) == (1, 0)
    assert await stage.level("mug") == (1, 1, 0)
    assert await stage.exceptions() == []


async def test_2_14_a_dry_run_tells_and_changes_nothing(stage: Stage) -> None:
    await stage.receive("mug", 2)
    await stage.hear(AnOrder(lines={"mug": 2}).created())

    adjusted = await stage.count("mug", 1, dry_run=True)

    assert (adjusted.change, adjusted.asked_back) == (-1, 2)
    assert await stage.said_since() == []
    assert await stage.level("mug") == (2, 2, 0)


async def test_2_14_a_parcel_leaves_although_the_books_have_nothing(stage: Stage) -> None:
    await stage.receive("mug", 1)
    order = AnOrder(lines={"mug": 1})
    reserved = only(await stage.hear(order.created()), StockReservedV1)
    await stage.count("mug", 0)

    await stage.hear(order.shipped(*reserved.allocations))

    assert await stage.level("mug") == (0, 0, 0)
    assert sorted(await stage.exceptions()) == ["books_were_wrong", "short"]
    assert await stage.drift() == []


async def test_a_parcel_is_booked_once_however_often_it_is_told(stage: Stage) -> None:
    await stage.receive("mug", 5)
    order = AnOrder(lines={"mug": 2})
    reserved = only(await stage.hear(order.created()), StockReservedV1)
    parcel_id = new_id()

    for _ in range(2):
        twice = order.shipped(*reserved.allocations, parcel_id=parcel_id)
        await stage.hear(twice, order.shipped(*reserved.allocations, parcel_id=parcel_id))

    assert await stage.level("mug") == (3, 0, 0)
    assert await stage.exceptions() == []


async def test_an_allocation_leaves_in_two_parcels(stage: Stage) -> None:
    await stage.receive("mug", 5)
    order = AnOrder(lines={"mug": 2})
    reserved = only(await stage.hear(order.created()), StockReservedV1)

    await stage.hear(order.shipped(*reserved.allocations, units=1))
    half = await stage.level("mug")
    await stage.hear(order.shipped(*reserved.allocations, units=1))

    assert half == (4, 1, 0)
    assert await stage.level("mug") == (3, 0, 0)
    assert [one.state for one in await stage.rows("select state from allocation")] == ["consumed"]


async def test_a_returned_parcel_waits_apart_until_somebody_has_looked(stage: Stage) -> None:
    await stage.receive("mug", 2)
    order = AnOrder(lines={"mug": 2})
    reserved = only(await stage.hear(order.created()), StockReservedV1)
    shipped = order.shipped(*reserved.allocations)
    await stage.hear(shipped)

    await stage.hear(order.returned(shipped))
    await stage.hear(order.returned(shipped))

    assert await stage.level("mug") == (0, 0, 0)
    assert await stage.level("mug", condition="returned_pending") == (2, 0, 0)
    assert await stage.exceptions() == ["returned"]
    assert await stage.drift() == []


async def test_units_of_an_unknown_allocation_leave_the_books_with_an_exception(stage: Stage) -> None:
    await stage.receive("mug", 5)
    known = AnOrder(lines={"mug": 2})
    reserved = only(await stage.hear(known.created()), StockReservedV1)
    unknown = AnOrder(lines={"mug": 1}, version=1)
    strange = reserved.allocations[0].model_copy(update={"allocation_id": new_id()})

    await stage.hear(unknown.shipped(strange))

    assert await stage.level("mug") == (3, 2, 0)
    assert await stage.exceptions() == ["shipped_without_reservation"]


@pytest.mark.parametrize("held_first", [True, False])
async def test_published_units_stay_while_an_order_is_held_and_are_sorted_out_when_it_opens(
    stage: Stage, held_first: bool
) -> None:
    await stage.receive("mug", 5)
    order = AnOrder(lines={"mug": 3})
    await stage.hear(order.created())
    order.lines = {"mug": 1}

    held = await stage.hear(order.changed(FulfilmentState.HELD)) if held_first else []
    opened = only(await stage.hear(order.changed()), StockReservedV1)

    assert held == []
    assert len(opened.withdrawn_allocation_ids) == 1
    assert await stage.level("mug") == (5, 3, 0)

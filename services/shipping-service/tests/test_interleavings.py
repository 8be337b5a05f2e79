"""What may overtake what, case by case; the numbers are those of the list of interleavings."""

from crossdock_contracts.inventory import HandOver
from crossdock_contracts.orders import FulfilmentState
from crossdock_contracts.shipping import (
    ParcelLabelledV1,
    ParcelShippedV1,
    Request,
    ShipmentCancelledV1,
    ShipmentRefusedV1,
    VoidState,
)
from shipping_service.domain.consignment import VoidOutcome
from shipping_service.use_cases.ports import CarrierRejected

from .samples import HAMBURG, AnOrder
from .scripted_carrier import Lost
from .stage import Stage, names, only


async def test_the_happy_path_says_labelled_and_shipped_with_the_platforms_line_ids(stage: Stage) -> None:
    order = AnOrder(skus=("mug", "cap"), units=2)

    said = await stage.labelled(order)

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    shipped = said[1]
    assert isinstance(shipped, ParcelShippedV1)
    assert sorted((one.sku, one.units, one.external_line_ids) for one in shipped.contents) == [
        ("cap", 2, ("ext-cap",)),
        ("mug", 2, ("ext-mug",)),
    ]
    assert [one.aggregate_version for one in said] == [1, 2]
    assert stage.carrier.calls == ["prepare", "buy"]
    assert await stage.states(order) == ["handed_over"]


async def test_2_1_a_cancel_after_the_hand_over_is_refused_and_shown(stage: Stage) -> None:
    order = AnOrder()
    await stage.labelled(order)

    refused = only(ShipmentRefusedV1, await stage.hear(order.cancelled()))

    assert (refused.request, refused.code) == (Request.CANCEL, "handed_over")
    assert (len(refused.allocation_ids), refused.pending_allocation_ids) == (1, ())
    assert await stage.states(order) == ["handed_over"]
    assert await stage.exceptions(order) == ["cancel_refused"]


async def test_2_1_a_cancel_before_the_hand_over_frees_the_units_and_takes_the_label_back(
    stage: Stage,
) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)

    cancelled = only(ShipmentCancelledV1, await stage.hear(order.cancelled()))
    said_later = await stage.work()

    assert (cancelled.void, len(cancelled.allocation_ids)) == (VoidState.PENDING, 1)
    assert said_later == []
    assert await stage.labels(order) == ["voided"]


async def test_2_2_a_cancel_of_an_order_nobody_planned_is_answered_at_once(stage: Stage) -> None:
    order = AnOrder()
    created, cancelled = order.created(), order.cancelled()

    answer = only(ShipmentCancelledV1, await stage.hear(cancelled))
    late = await stage.hear(created)

    assert (answer.allocation_ids, answer.pending_allocation_ids) == ((), ())
    assert late == []


async def test_2_2_stock_that_comes_after_the_cancel_is_answered_at_once_and_never_planned_again(
    stage: Stage,
) -> None:
    order = AnOrder()
    await stage.hear(order.created(), order.cancelled())
    late = order.reserved(order_version=1)

    answer = only(ShipmentCancelledV1, await stage.hear(late))
    reopened = await stage.hear(order.changed())
    again = await stage.hear(order.reserved(*late.allocations))

    assert answer.allocation_ids == tuple(one.allocation_id for one in late.allocations)
    assert (reopened, again) == ([], [])
    assert await stage.states(order) == ["cancelled"]
    assert stage.carrier.calls == []


async def test_2_2_a_wish_that_a_newer_snapshot_of_the_same_cancel_overtook_is_answered_once(
    stage: Stage,
) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)
    wish, newer = order.cancelled(), order.changed(FulfilmentState.CANCELLING)

    first = await stage.hear(newer)
    second = await stage.hear(wish)

    assert names([*first, *second]) == ["shipment.cancelled"]


async def test_2_3_a_label_bought_while_the_cancel_comes_is_taken_back_and_never_leaves(
    stage: Stage,
) -> None:
    order = AnOrder()
    stage.carrier.during("buy", lambda: stage.hear(order.cancelled()))

    said = await stage.labelled(order)

    cancelled = only(ShipmentCancelledV1, said)
    assert (cancelled.void, cancelled.pending_allocation_ids) == (VoidState.PENDING, ())
    assert await stage.states(order) == ["cancelled"]
    assert await stage.labels(order) == ["voided"]


async def test_2_3_a_cancel_before_money_is_spent_means_that_none_is(stage: Stage) -> None:
    order = AnOrder()
    stage.carrier.during("prepare", lambda: stage.hear(order.cancelled()))

    cancelled = only(ShipmentCancelledV1, await stage.labelled(order))

    assert cancelled.void is VoidState.NONE
    assert stage.carrier.calls == ["prepare"]
    assert await stage.labels(order) == ["dropped"]


async def test_2_3_a_void_that_the_carrier_rejects_is_abandoned_and_shown(stage: Stage) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)
    stage.carrier.on("void", VoidOutcome.REJECTED)

    await stage.hear(order.cancelled())
    await stage.work()

    assert await stage.labels(order) == ["abandoned"]
    assert await stage.exceptions(order) == ["label_not_voided"]


async def test_2_4_a_changed_address_before_the_label_is_simply_used(stage: Stage) -> None:
    order = AnOrder()
    await stage.hear(order.created(FulfilmentState.HELD), order.reserved())
    await stage.hear(order.moved_to(HAMBURG))

    said = await stage.work()

    assert [(one.TOPIC, getattr(one, "label_revision", 0)) for one in said] == [
        ("parcel.labelled", 2),
        ("parcel.shipped", 2),
    ]
    assert [one.ship_to.city for one in stage.carrier.requests] == ["Hamburg", "Hamburg"]
    assert await stage.labels(order) == ["bought"]


async def test_2_4_an_address_changed_while_buying_voids_that_label_and_buys_another(stage: Stage) -> None:
    order = AnOrder()
    stage.carrier.during("buy", lambda: stage.hear(order.moved_to(HAMBURG)))

    said = await stage.labelled(order)

    assert [(one.TOPIC, getattr(one, "label_revision", 0)) for one in said] == [
        ("parcel.labelled", 2),
        ("parcel.shipped", 2),
    ]
    assert await stage.labels(order) == ["voided", "bought"]
    assert stage.carrier.requests[-1].ship_to.city == "Hamburg"


async def test_2_4_an_address_changed_after_the_label_voids_it_and_buys_another(stage: Stage) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)

    at_once = await stage.hear(order.moved_to(HAMBURG))
    labelled = only(ParcelLabelledV1, await stage.work())

    assert at_once == []
    assert labelled.label_revision == 2
    assert await stage.labels(order) == ["voided", "bought"]


async def test_2_4_an_address_changed_after_the_hand_over_is_refused_once_and_shown(stage: Stage) -> None:
    order = AnOrder()
    await stage.labelled(order)

    refused = only(ShipmentRefusedV1, await stage.hear(order.moved_to(HAMBURG)))
    again = await stage.hear(order.changed())

    assert refused.request is Request.CHANGE
    assert again == []
    assert await stage.exceptions(order) == ["change_refused"]


async def test_2_5_a_backorder_that_fills_later_is_a_leg_of_its_own(stage: Stage) -> None:
    order = AnOrder(skus=("mug", "cap"))
    mug, cap = order.allocation("mug"), order.allocation("cap")
    await stage.hear(order.created(), order.reserved(mug))
    await stage.work()

    await stage.hear(order.reserved(mug, cap))
    said = await stage.work()

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    assert await stage.states(order) == ["handed_over", "handed_over"]
    shipped = said[1]
    assert isinstance(shipped, ParcelShippedV1)
    assert [one.allocation_id for one in shipped.contents] == [cap.allocation_id]


async def test_2_5_an_allocation_set_read_twice_or_late_plans_nothing_twice(stage: Stage) -> None:
    order = AnOrder(skus=("mug", "cap"))
    mug, cap = order.allocation("mug"), order.allocation("cap")
    first, second = order.reserved(mug, order_version=1), order.reserved(mug, cap, order_version=1)

    await stage.hear(order.created(), second)
    await stage.hear(first)
    await stage.hear(second)
    said = await stage.work()

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    assert await stage.states(order) == ["handed_over"]


async def test_2_6_one_leg_may_be_refused_and_the_other_cancelled_by_one_wish(stage: Stage) -> None:
    order = AnOrder(skus=("mug", "cap"))
    mug, cap = order.allocation("mug"), order.allocation("cap", warehouse="POZ")
    stage.carrier.on("buy", None, CarrierRejected("bad_day"))
    await stage.hear(order.created(), order.reserved(mug, cap))
    await stage.work()

    cancelled, refused = await stage.hear(order.cancelled())

    assert isinstance(cancelled, ShipmentCancelledV1)
    assert isinstance(refused, ShipmentRefusedV1)
    assert cancelled.pending_allocation_ids == refused.allocation_ids
    assert refused.pending_allocation_ids == ()
    assert {*cancelled.allocation_ids, *refused.allocation_ids} == {mug.allocation_id, cap.allocation_id}
    assert sorted(await stage.states(order)) == ["cancelled", "handed_over"]


async def test_2_16_a_lost_answer_is_asked_after_and_the_label_is_bought_once(stage: Stage) -> None:
    order = AnOrder()
    stage.carrier.on("buy", Lost(done=True))

    said = await stage.labelled(order)

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    assert stage.carrier.calls == ["prepare", "buy", "find"]
    assert len(stage.carrier.bought) == 1
    assert await stage.exceptions(order) == []


async def test_stock_that_comes_before_its_order_waits_for_it(stage: Stage) -> None:
    order = AnOrder()
    created, reserved = order.created(), order.reserved()

    early = await stage.hear(reserved)
    waiting = await stage.rows("select order_id from deferred_event")
    await stage.hear(created)
    said = await stage.work()

    assert early == []
    assert [one.order_id for one in waiting] == [order.order_id]
    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    assert await stage.rows("select 1 from deferred_event") == []


async def test_stock_for_an_order_version_that_has_not_come_waits_for_it(stage: Stage) -> None:
    order = AnOrder()
    created, changed = order.created(), order.moved_to(HAMBURG)
    await stage.hear(created)

    await stage.hear(order.reserved(order_version=2))
    assert await stage.states(order) == []
    await stage.hear(changed)
    await stage.work()

    assert [one.ship_to.city for one in stage.carrier.requests] == ["Hamburg", "Hamburg"]

"""Inventory asks for units back: answered at every stage, by leg and by part of a leg."""

import pytest

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
from shipping_service.use_cases.ports import CarrierRejected

from .samples import AnOrder
from .stage import Stage, names, only


async def test_a_planned_leg_is_given_back_whole(stage: Stage) -> None:
    order = AnOrder()
    mug = order.allocation()
    await stage.hear(order.created(FulfilmentState.HELD), order.reserved(mug))

    cancelled = only(ShipmentCancelledV1, await stage.hear(order.reserved(withdrawn=[mug])))

    assert cancelled.request is Request.WITHDRAW
    assert (cancelled.allocation_ids, cancelled.void) == ((mug.allocation_id,), VoidState.NONE)
    assert await stage.states(order) == ["cancelled"]


async def test_a_labelled_leg_is_given_back_at_once_and_its_label_taken_back(stage: Stage) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    mug = order.allocation()
    await stage.hear(order.created(), order.reserved(mug))
    await stage.work()

    cancelled = only(ShipmentCancelledV1, await stage.hear(order.reserved(withdrawn=[mug])))
    await stage.work()

    assert cancelled.void is VoidState.PENDING
    assert await stage.labels(order) == ["voided"]


async def test_what_has_left_is_refused_once(stage: Stage) -> None:
    order = AnOrder()
    mug = order.allocation()
    await stage.hear(order.created(), order.reserved(mug))
    await stage.work()

    refused = only(ShipmentRefusedV1, await stage.hear(order.reserved(withdrawn=[mug])))
    again = await stage.hear(order.reserved(withdrawn=[mug]))

    assert (refused.request, refused.allocation_ids) == (Request.WITHDRAW, (mug.allocation_id,))
    assert again == []
    assert await stage.exceptions(order) == ["withdraw_refused"]


async def test_an_allocation_that_was_never_planned_is_given_back_at_once(stage: Stage) -> None:
    order = AnOrder()
    mug = order.allocation()

    said = await stage.hear(order.created(), order.reserved(withdrawn=[mug]))

    assert only(ShipmentCancelledV1, said).allocation_ids == (mug.allocation_id,)
    assert await stage.states(order) == []


async def test_a_labelled_leg_that_shrinks_is_labelled_anew_for_what_is_left(stage: Stage) -> None:
    order = AnOrder(skus=("mug", "cap"), hand_over=HandOver.MANUAL)
    mug, cap = order.allocation("mug"), order.allocation("cap")
    await stage.hear(order.created(), order.reserved(mug, cap))
    await stage.work()

    cancelled = only(ShipmentCancelledV1, await stage.hear(order.reserved(mug, withdrawn=[cap])))
    labelled = only(ParcelLabelledV1, await stage.work())

    assert (cancelled.allocation_ids, cancelled.void) == ((cap.allocation_id,), VoidState.PENDING)
    assert [one.allocation_id for one in labelled.contents] == [mug.allocation_id]
    assert labelled.weight_g == 320
    assert await stage.labels(order) == ["voided", "bought"]


async def test_a_leg_that_shrinks_while_its_label_is_bought_answers_when_that_is_known(stage: Stage) -> None:
    order = AnOrder(skus=("mug", "cap"))
    mug, cap = order.allocation("mug"), order.allocation("cap")
    stage.carrier.during("buy", lambda: stage.hear(order.reserved(mug, withdrawn=[cap])))
    await stage.hear(order.created(), order.reserved(mug, cap))

    said = await stage.work()

    assert names(said) == ["shipment.cancelled", "parcel.labelled", "parcel.shipped"]
    cancelled, _, shipped = said
    assert isinstance(cancelled, ShipmentCancelledV1)
    assert (cancelled.allocation_ids, cancelled.void) == ((cap.allocation_id,), VoidState.PENDING)
    assert isinstance(shipped, ParcelShippedV1)
    assert [one.allocation_id for one in shipped.contents] == [mug.allocation_id]
    assert await stage.labels(order) == ["voided", "bought"]


async def test_a_leg_withdrawn_while_its_label_is_bought_says_so_as_withdrawn(stage: Stage) -> None:
    order = AnOrder()
    mug = order.allocation()
    stage.carrier.during("buy", lambda: stage.hear(order.reserved(withdrawn=[mug])))
    await stage.hear(order.created(), order.reserved(mug))

    cancelled = only(ShipmentCancelledV1, await stage.work())

    assert (cancelled.request, cancelled.void) == (Request.WITHDRAW, VoidState.PENDING)


async def test_a_cancel_takes_a_withdrawal_that_waits_into_its_own_answer(stage: Stage) -> None:
    order = AnOrder()
    mug = order.allocation()

    async def both() -> None:
        assert await stage.hear(order.reserved(withdrawn=[mug])) == []
        assert await stage.hear(order.cancelled()) == []

    stage.carrier.during("buy", both)
    await stage.hear(order.created(), order.reserved(mug))

    cancelled = only(ShipmentCancelledV1, await stage.work())

    assert (cancelled.request, cancelled.pending_allocation_ids) == (Request.CANCEL, ())


async def test_two_legs_answer_one_cancel_in_two_events_until_nothing_is_pending(stage: Stage) -> None:
    order = AnOrder(skus=("mug", "cap"))
    mug, cap = order.allocation("mug"), order.allocation("cap", warehouse="POZ")
    stage.carrier.on("prepare", CarrierRejected("bad_day"))
    during: list[list[object]] = []

    async def cancel() -> None:
        during.append(list(await stage.hear(order.cancelled())))

    stage.carrier.during("buy", cancel)
    await stage.hear(order.created(), order.reserved(mug, cap))
    later = await stage.work()

    said = [*during[0], *later]
    answers = [one for one in said if isinstance(one, ShipmentCancelledV1)]
    assert [len(one.allocation_ids) for one in answers] == [1, 1]
    assert answers[0].pending_allocation_ids == answers[1].allocation_ids
    assert answers[1].pending_allocation_ids == ()


async def test_a_leg_waiting_for_repair_tries_again_when_it_shrinks(stage: Stage) -> None:
    order = AnOrder(skus=("mug", "bare"))
    mug, bare = order.allocation("mug"), order.allocation("bare")
    await stage.hear(order.created(), order.reserved(mug, bare))
    assert await stage.states(order) == ["needs_repair"]

    answered = await stage.hear(order.reserved(mug, withdrawn=[bare]))
    said = await stage.work()

    assert only(ShipmentCancelledV1, answered).allocation_ids == (bare.allocation_id,)
    assert names(said) == ["parcel.labelled", "parcel.shipped"]


@pytest.mark.parametrize(
    ("hand_over", "exceptions", "state"),
    [
        (HandOver.MANUAL, ["released_without_cancel"], "cancelled"),
        (HandOver.AUTOMATIC, ["released_after_hand_over"], "handed_over"),
    ],
)
async def test_units_that_inventory_freed_by_itself_are_shown_and_do_not_leave(
    stage: Stage, hand_over: HandOver, exceptions: list[str], state: str
) -> None:
    order = AnOrder(hand_over=hand_over)
    mug = order.allocation()
    await stage.hear(order.created(), order.reserved(mug))
    await stage.work()

    said = await stage.hear(order.released(mug))

    assert said == []
    assert await stage.exceptions(order) == exceptions
    assert await stage.states(order) == [state]


async def test_the_release_that_answers_our_own_cancel_changes_nothing(stage: Stage) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    mug = order.allocation()
    await stage.hear(order.created(), order.reserved(mug))
    await stage.hear(order.cancelled())

    await stage.hear(order.released(mug))

    assert await stage.exceptions(order) == []

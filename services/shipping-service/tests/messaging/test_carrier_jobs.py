"""Every way a carrier's answer can go, at every step, on the real job runner."""

import pytest

from crossdock_contracts.envelope import Event
from crossdock_contracts.inventory import HandOver
from crossdock_contracts.orders import FulfilmentState
from crossdock_contracts.shipping import ShipmentCancelledV1, ShipmentRejectedV1, VoidState
from shipping_service.domain.consignment import VoidOutcome
from shipping_service.domain.refusal import Remedy
from shipping_service.use_cases.ports import (
    Capabilities,
    CarrierMisconfigured,
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    LabelPending,
    Prepared,
)

from ..samples import HAMBURG, AnOrder
from ..scripted_carrier import PDF, Lost
from ..stage import Stage, names, only

DONE = ["parcel.labelled", "parcel.shipped"]


@pytest.mark.parametrize("step", ["prepare", "buy"])
async def test_a_refusal_waits_for_a_person_and_tells_the_others_why(stage: Stage, step: str) -> None:
    order = AnOrder()
    stage.carrier.on(step, CarrierRejected("ADDRESS.INVALID", "ship_to.postal_code"))

    rejected = only(ShipmentRejectedV1, await stage.labelled(order))

    assert (rejected.code, rejected.field) == ("ADDRESS.INVALID", "ship_to.postal_code")
    assert rejected.carrier == "scripted"
    assert await stage.states(order) == ["needs_repair"]
    assert await stage.exceptions(order) == ["shipment_rejected"]
    assert [one.state for one in await stage.rows("select state from job")] == ["refused"]


async def test_a_corrected_address_tries_again_by_itself(stage: Stage) -> None:
    order = AnOrder()
    stage.carrier.on("buy", CarrierRejected("ADDRESS.INVALID"))
    await stage.labelled(order)

    await stage.hear(order.moved_to(HAMBURG))
    said = await stage.work()

    assert names(said) == DONE
    assert await stage.exceptions(order) == []
    assert await stage.labels(order) == ["rejected", "bought"]


@pytest.mark.parametrize("step", ["prepare", "buy"])
async def test_what_was_not_sent_is_sent_again(stage: Stage, step: str) -> None:
    order = AnOrder()
    stage.carrier.on(step, CarrierUnavailable("not reached"), CarrierUnavailable("busy", 0.01))

    said = await stage.labelled(order)

    assert names(said) == DONE
    assert stage.carrier.calls.count(step) == 3
    assert len(stage.carrier.bought) == 1


@pytest.mark.parametrize("step", ["prepare", "buy"])
async def test_a_carrier_that_says_later_is_asked_again(stage: Stage, step: str) -> None:
    order = AnOrder()
    stage.carrier.on(step, CarrierRejected("CLOSED", remedy=Remedy.TRY_LATER))

    said = await stage.labelled(order)

    assert names(said) == DONE
    assert len(stage.carrier.bought) == 1


async def test_a_label_that_is_still_being_made_is_looked_for_where_it_was_booked(stage: Stage) -> None:
    order = AnOrder()
    stage.carrier.on("buy", LabelPending("no number yet", 0.01), LabelPending("no label yet", 0.01))

    said = await stage.labelled(order)

    assert names(said) == DONE
    assert (stage.carrier.calls.count("prepare"), stage.carrier.calls.count("buy")) == (1, 3)
    assert len(stage.carrier.bought) == 1


async def pending(stage: Stage, order: AnOrder, *following: object) -> None:
    """Its label is booked and not made; `following`: what asking for it comes to."""
    stage.carrier.on("buy", LabelPending("no number yet", 3600))
    await stage.labelled(order)
    assert await stage.labels(order) == ["paying"]
    stage.carrier.on("find", *following)


async def later(stage: Stage) -> list[Event]:
    async with stage.database.engine.begin() as connection:
        await connection.exec_driver_sql("update job set run_at = crossdock_clock() where state = 'ready'")
    return await stage.work()


@pytest.mark.parametrize(
    ("made", "label", "voided"), [(True, "voided", 1), (False, "voided", 1), (None, "dropped", 0)]
)
async def test_a_label_that_nobody_wants_while_it_is_being_made_is_taken_back(
    stage: Stage, made: bool | None, label: str, voided: int
) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await pending(stage, order, *([LabelPending("no number yet", 3600)] if made is False else []))
    request = stage.carrier.requests[-1]
    if made:
        await stage.carrier.buy(request, Prepared(f"shp_{request.reference}"))
    await stage.hear(order.cancelled())

    answered = only(ShipmentCancelledV1, await later(stage))

    assert answered.void is (VoidState.NONE if made is None else VoidState.PENDING)
    assert (await stage.labels(order), await stage.states(order)) == ([label], ["cancelled"])
    assert len(stage.carrier.voided) == voided


async def test_a_label_that_a_change_overtakes_while_it_is_being_made_is_taken_back_and_bought_anew(
    stage: Stage,
) -> None:
    order = AnOrder()
    await pending(stage, order, LabelPending("no number yet", 3600))
    await stage.hear(order.moved_to(HAMBURG))

    said = await later(stage)

    assert names(said) == DONE
    assert await stage.labels(order) == ["voided", "bought"]


async def test_a_booked_label_is_waited_for_also_while_its_carrier_is_away(stage: Stage) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await pending(stage, order)
    stage.carrier.on("buy", CarrierUnavailable("not reached", 3600))
    await later(stage)
    assert await stage.labels(order) == ["paying"]
    stage.carrier.on("find", CarrierUnavailable("not reached"), LabelPending("no number yet", 3600))

    await stage.hear(order.cancelled())
    await later(stage)

    assert await stage.labels(order) == ["voided"]


async def test_an_account_without_funds_waits_for_a_person_and_refuses_no_shipment(stage: Stage) -> None:
    order = AnOrder()
    stage.carrier.on("buy", CarrierRejected("NO.FUNDS", remedy=Remedy.FIX_ACCOUNT))

    said = await stage.labelled(order)

    assert said == []
    assert await stage.states(order) == ["buying"]
    assert await stage.exceptions(order) == ["carrier_account_refused"]


async def test_a_prepared_shipment_is_used_again_after_a_purchase_that_was_not_sent(stage: Stage) -> None:
    order = AnOrder()
    stage.carrier.on("buy", CarrierUnavailable("not reached"))

    await stage.labelled(order)

    assert stage.carrier.calls == ["prepare", "buy", "buy"]


async def test_every_call_for_a_label_names_the_same_reference(stage: Stage) -> None:
    stage.carrier.on("prepare", CarrierUnavailable("not reached"))
    stage.carrier.on("buy", Lost(done=False))

    await stage.labelled(AnOrder())

    assert stage.carrier.calls == ["prepare", "prepare", "buy", "find", "buy"]
    assert len({one.reference for one in stage.carrier.requests}) == 1


async def test_a_lost_answer_to_creating_costs_nothing_and_is_created_anew(stage: Stage) -> None:
    order = AnOrder()
    stage.carrier.on("prepare", Lost(done=True))

    said = await stage.labelled(order)

    assert names(said) == DONE
    assert stage.carrier.calls == ["prepare", "prepare", "buy"]
    assert await stage.exceptions(order) == []


async def test_a_lost_purchase_that_did_not_happen_is_made_once(stage: Stage) -> None:
    order = AnOrder()
    stage.carrier.on("buy", Lost(done=False))

    said = await stage.labelled(order)

    assert names(said) == DONE
    assert stage.carrier.calls == ["prepare", "buy", "find", "buy"]
    assert len(stage.carrier.bought) == 1


async def test_asking_may_get_lost_or_be_too_early_as_well(stage: Stage) -> None:
    order = AnOrder()
    stage.carrier.on("buy", Lost(done=True))
    stage.carrier.on("find", Lost(done=True), CarrierUnavailable("not reached"))

    said = await stage.labelled(order)

    assert names(said) == DONE
    assert stage.carrier.calls == ["prepare", "buy", "find", "find", "find"]


async def test_while_nobody_knows_the_leg_says_so_and_a_person_sees_it(stage: Stage) -> None:
    order = AnOrder()
    stage.carrier.on("buy", Lost(done=True))
    stage.carrier.on("find", CarrierRejected("NOT.FOUND"))

    said = await stage.labelled(order)

    assert said == []
    assert await stage.states(order) == ["outcome_unknown"]
    assert await stage.exceptions(order) == ["label_outcome_unknown"]
    assert [one.state for one in await stage.rows("select state from job")] == ["needs_person"]


async def test_a_carrier_that_cannot_be_asked_leaves_it_to_a_person(stage: Stage) -> None:
    order = AnOrder()
    stage.capabilities = Capabilities(can_find=False, can_void=True, void_is_async=False)
    stage.carrier.on("buy", Lost(done=True))

    said = await stage.labelled(order)

    assert said == []
    assert stage.carrier.calls == ["prepare", "buy"]
    assert await stage.states(order) == ["outcome_unknown"]
    assert [one.state for one in await stage.rows("select state from job")] == ["needs_person"]


async def test_a_cancel_of_an_unknown_outcome_is_answered_when_it_is_known(stage: Stage) -> None:
    order = AnOrder()
    stage.carrier.on("buy", Lost(done=True))
    stage.carrier.during("find", lambda: stage.hear(order.cancelled()))

    cancelled = only(ShipmentCancelledV1, await stage.labelled(order))

    assert cancelled.void is VoidState.PENDING
    assert await stage.labels(order) == ["voided"]
    assert await stage.exceptions(order) == []


async def test_a_cancel_of_a_purchase_that_did_not_happen_frees_the_units_without_a_void(
    stage: Stage,
) -> None:
    order = AnOrder()
    stage.carrier.on("buy", Lost(done=False))
    stage.carrier.during("find", lambda: stage.hear(order.cancelled()))

    cancelled = only(ShipmentCancelledV1, await stage.labelled(order))

    assert cancelled.void is VoidState.NONE
    assert await stage.labels(order) == ["dropped"]


async def test_refused_credentials_are_nobodys_parcel_and_settle_themselves(stage: Stage) -> None:
    order = AnOrder()
    stage.carrier.on("prepare", CarrierMisconfigured())
    await stage.labelled(order)
    assert await stage.exceptions(order) == ["carrier_account_refused"]
    assert await stage.states(order) == ["buying"]

    async with stage.database.transaction() as tx:
        await tx.jobs.again("buy_label", f"{await stage.shipment(order)}/1")
    said = await stage.work()

    assert names(said) == DONE
    assert await stage.exceptions(order) == []


async def test_nothing_is_bought_for_an_order_that_is_held_meanwhile(stage: Stage) -> None:
    order = AnOrder()
    await stage.hear(order.created(), order.reserved())
    await stage.hear(order.changed(FulfilmentState.HELD))

    held = await stage.work()
    await stage.hear(order.changed())
    said = await stage.work()

    assert held == []
    assert names(said) == DONE
    assert stage.carrier.calls == ["prepare", "buy"]


async def test_an_attempt_that_lost_its_job_notes_nothing_and_buys_nothing(stage: Stage) -> None:
    order = AnOrder()

    async def another_ends_it() -> None:
        async with stage.database.engine.begin() as connection:
            await connection.exec_driver_sql(
                "update job set state = 'done', lease_owner = null, lease_until = null, settled_at = now()"
            )

    stage.carrier.during("prepare", another_ends_it)

    await stage.labelled(order)

    assert stage.carrier.calls == ["prepare"]
    assert [one.carrier_ref for one in await stage.rows("select carrier_ref from label")] == [None]


async def test_a_label_bought_while_the_order_was_held_leaves_when_it_is_open_again(stage: Stage) -> None:
    order = AnOrder()
    stage.carrier.during("buy", lambda: stage.hear(order.changed(FulfilmentState.HELD)))

    while_held = await stage.labelled(order)
    after = await stage.hear(order.changed())

    assert names(while_held) == ["parcel.labelled"]
    assert names(after) == ["parcel.shipped"]


async def test_a_label_that_turns_up_after_it_was_given_up_is_taken_back_and_shown(stage: Stage) -> None:
    order = AnOrder()

    async def decide() -> None:
        await stage.rows("select 1")
        async with stage.database.engine.begin() as connection:
            await connection.exec_driver_sql("update label set state = 'dropped'")
            await connection.exec_driver_sql("update shipment set state = 'cancelled'")

    stage.carrier.during("buy", decide)

    said = await stage.labelled(order)

    assert said == []
    assert await stage.labels(order) == ["voided"]
    assert await stage.exceptions(order) == ["label_came_late"]


async def test_a_void_is_asked_about_until_the_carrier_has_decided(stage: Stage) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)
    stage.carrier.on("void", VoidOutcome.SUBMITTED)
    await stage.hear(order.cancelled())
    await stage.work()
    assert await stage.labels(order) == ["void_submitted"]

    async with stage.database.transaction() as tx:
        await tx.jobs.again("check_void", f"{await stage.shipment(order)}/1/1")
    await stage.work()

    assert await stage.labels(order) == ["voided"]
    assert stage.carrier.calls[-2:] == ["void", "void_state"]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (CarrierRejected("TOO.LATE"), "abandoned"),
        (CarrierUnavailable("busy"), "voided"),
        (CarrierOutcomeUnknown("1"), "voided"),
    ],
)
async def test_a_void_is_repeated_unless_it_is_refused(stage: Stage, error: Exception, state: str) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)
    stage.carrier.on("void", error)

    await stage.hear(order.cancelled())
    await stage.work()

    assert await stage.labels(order) == [state]


async def test_the_label_is_stored_with_its_hash_and_the_tracker(stage: Stage) -> None:
    order = AnOrder()

    await stage.labelled(order)

    (document,) = await stage.rows(
        "select content, media_type, encode(sha256(content), 'hex') = sha256 from document"
    )
    (label,) = await stage.rows("select tracker_ref, cost_minor, carried_by from label")
    assert document[0].startswith(PDF)
    assert tuple(document[1:]) == ("application/pdf", True)
    assert tuple(label) == ("trk_1", 499, "Scripted Post")

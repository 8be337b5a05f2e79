from crossdock_contracts.inventory import StockReservedV1
from crossdock_contracts.orders import FulfilmentState
from crossdock_contracts.shipping import ShipmentRejectedV1
from crossdock_contracts.subscriptions import LISTENS
from shipping_service.domain.rules import Conditions, Rule
from shipping_service.messaging import HANDLERS
from shipping_service.use_cases.take_snapshots import take_snapshots
from shipping_service.use_cases.take_stock import take_reservations

from ..fakes import FakeTransaction
from ..samples import HAMBURG, AnOrder


def test_the_service_handles_just_what_it_listens_to() -> None:
    assert set(HANDLERS) == LISTENS["shipping"]


async def test_legs_are_one_per_warehouse(tx: FakeTransaction) -> None:
    order = AnOrder(skus=("mug", "cap"))
    mug, cap, more = (
        order.allocation("mug"),
        order.allocation("cap", warehouse="POZ"),
        order.allocation("cap"),
    )

    await take_snapshots([order.created()], tx=tx)
    await take_reservations([order.reserved(mug, cap, more)], tx=tx)

    legs = tx.dispatches.known[order.order_id].legs
    assert [(leg.origin.warehouse, len(leg.items)) for leg in legs] == [("BER", 2), ("POZ", 1)]
    assert tx.jobs.kinds == ["buy_label", "buy_label"]


async def test_a_set_that_comes_while_the_leg_is_only_planned_joins_it(tx: FakeTransaction) -> None:
    order = AnOrder(skus=("mug", "cap"))
    mug, cap = order.allocation("mug"), order.allocation("cap")
    await take_snapshots([order.created(FulfilmentState.HELD)], tx=tx)
    await take_reservations([order.reserved(mug)], tx=tx)

    await take_reservations([order.reserved(mug, cap)], tx=tx)

    (leg,) = tx.dispatches.known[order.order_id].legs
    assert set(leg.allocation_ids) == {mug.allocation_id, cap.allocation_id}
    assert tx.jobs.kinds == []


async def test_what_follows_from_an_event_names_it_as_its_cause(tx: FakeTransaction) -> None:
    order = AnOrder()
    cancelled = order.cancelled()

    await take_snapshots([cancelled], tx=tx)

    assert [one and one.event_id for one in tx.outbox.causes] == [cancelled.meta.event_id]


async def test_an_older_snapshot_changes_nothing(tx: FakeTransaction) -> None:
    order = AnOrder()
    created, moved = order.created(), order.moved_to(HAMBURG)

    await take_snapshots([moved], tx=tx)
    await take_snapshots([created], tx=tx)

    assert tx.people.known[order.order_id].city == "Hamburg"
    known = tx.dispatches.known[order.order_id].snapshot
    assert known is not None
    assert known.version == 2


async def test_of_two_waiting_sets_the_older_is_taken_first(tx: FakeTransaction) -> None:
    order = AnOrder(skus=("mug", "cap"))
    mug, cap = order.allocation("mug"), order.allocation("cap")
    created = order.created()
    first, second = order.reserved(mug), order.reserved(mug, cap)
    await take_reservations([second], tx=tx)
    await take_reservations([first], tx=tx)

    await take_snapshots([created], tx=tx)

    assert tx.deferred.events == []
    dispatch = tx.dispatches.known[order.order_id]
    assert dispatch.planned_ids == {mug.allocation_id, cap.allocation_id}
    assert dispatch.allocation_version == 2


async def test_without_a_rule_that_fits_a_person_is_asked(tx: FakeTransaction) -> None:
    (only,) = tx.rules.rules
    tx.rules.rules = [
        Rule(
            only.rule_id,
            only.merchant_id,
            1,
            "abroad",
            Conditions(countries={"US"}),
            "scripted",
            only.service,
        )
    ]
    order = AnOrder()

    await take_snapshots([order.created()], tx=tx)
    await take_reservations([order.reserved()], tx=tx)

    (rejected,) = tx.outbox.events
    assert isinstance(rejected, ShipmentRejectedV1)
    assert rejected.code == "no_service_rule"
    (leg,) = tx.dispatches.known[order.order_id].legs
    assert [(one.name, one.because) for one in leg.tried] == [("abroad", "country")]


async def test_an_order_without_an_address_is_rejected_and_goes_on_when_it_has_one(
    tx: FakeTransaction,
) -> None:
    order = AnOrder(consignee=None)
    await take_snapshots([order.created()], tx=tx)
    await take_reservations([order.reserved()], tx=tx)
    assert tx.exceptions.codes == ["shipment_rejected"]

    await take_snapshots([order.moved_to(HAMBURG)], tx=tx)

    assert tx.exceptions.codes == []
    assert tx.jobs.kinds == ["buy_label"]


async def test_a_closed_order_closes_what_has_left_and_shows_what_has_not(tx: FakeTransaction) -> None:
    order = AnOrder()
    await take_snapshots([order.created()], tx=tx)
    await take_reservations([order.reserved()], tx=tx)

    await take_snapshots([order.changed(FulfilmentState.CLOSED)], tx=tx)

    assert tx.exceptions.codes == ["order_closed_before_hand_over"]


async def test_a_set_of_a_closed_order_is_answered_and_not_planned(tx: FakeTransaction) -> None:
    order = AnOrder()
    reserved: StockReservedV1 = order.reserved()
    await take_snapshots([order.changed(FulfilmentState.CLOSED)], tx=tx)

    await take_reservations([reserved], tx=tx)

    assert [one.TOPIC for one in tx.outbox.events] == ["shipment.cancelled"]
    assert tx.jobs.kinds == []

from uuid import uuid4

from crossdock_contracts.shipping import ParcelStatus
from crossdock_contracts.subscriptions import LISTENS
from notify_service.domain.messages import Delay, Template
from notify_service.messaging import HANDLERS
from notify_service.use_cases.follow_parcels import tell_delayed, tell_rejected, tell_shipped
from notify_service.use_cases.ports import Policy
from notify_service.use_cases.take_snapshots import take_snapshots

from ..fakes import FakeTransaction
from ..samples import ALL, CABLE, STAND, a_snapshot, in_trouble, rejected, shipped


def told(tx: FakeTransaction) -> list[tuple[Template, str]]:
    return [(one.template, one.subject) for one in tx.messages.rows.values()]


async def test_of_several_snapshots_in_one_batch_the_newest_is_kept_and_the_opening_is_told() -> None:
    tx, order_id = FakeTransaction(), uuid4()
    events = [a_snapshot(order_id, 3), a_snapshot(order_id, 1, state="held", holds=("unpaid",))]

    await take_snapshots(events, tx=tx)

    assert tx.orders.rows[order_id].version == 3
    assert told(tx) == [(Template.ORDER_CONFIRMED, str(order_id))]


async def test_an_order_that_opens_again_after_a_refused_cancel_is_not_confirmed_again() -> None:
    tx, order_id = FakeTransaction(), uuid4()

    for version, state in enumerate(("open", "cancelling", "open"), 1):
        await take_snapshots([a_snapshot(order_id, version, state=state)], tx=tx)

    assert told(tx) == [(Template.ORDER_CONFIRMED, str(order_id))]


async def test_parcels_that_come_before_the_order_say_each_what_follows() -> None:
    tx, order_id, first, second = FakeTransaction(), uuid4(), uuid4(), uuid4()

    await tell_shipped(
        [shipped(order_id, second, {CABLE: 2}, minutes=5), shipped(order_id, first, {STAND: 2})], tx=tx
    )
    await take_snapshots([a_snapshot(order_id, 2, state="closed")], tx=tx)

    partial = {one.subject: one.facts.partial for one in tx.messages.rows.values()}
    assert partial == {str(first): True, str(second): False}
    assert tx.deferred.rows == []


async def test_a_rejected_shipment_is_told_only_where_that_is_wished() -> None:
    order_id, shipment_id = uuid4(), uuid4()
    silent, telling = FakeTransaction(), FakeTransaction(policy=Policy(tell_rejected_shipments=True))

    for tx in (silent, telling):
        await take_snapshots([a_snapshot(order_id, state="closed")], tx=tx)
        await tell_rejected([rejected(order_id, shipment_id)], tx=tx)

    assert told(silent) == []
    assert told(telling) == [(Template.DELAYED, str(shipment_id))]
    assert telling.only_message.facts.delay is Delay.PREPARATION


async def test_only_delays_are_told_of_all_the_troubles_a_parcel_can_have() -> None:
    tx, order_id = FakeTransaction(), uuid4()
    await take_snapshots([a_snapshot(order_id, state="closed")], tx=tx)
    parcels = {status: uuid4() for status in ParcelStatus}

    await tell_delayed([in_trouble(order_id, parcels[one], one) for one in ParcelStatus], tx=tx)

    reasons = {one.subject: one.facts.delay for one in tx.messages.rows.values()}
    assert reasons == {
        str(parcels[ParcelStatus.DELAYED]): Delay.CARRIER,
        str(parcels[ParcelStatus.CUSTOMS_HOLD]): Delay.CUSTOMS,
    }


async def test_every_channel_is_asked_for_its_own_message() -> None:
    tx = FakeTransaction(policy=Policy(channels=("email", "sms")))

    await take_snapshots([a_snapshot(uuid4())], tx=tx)

    assert [one.channel for one in tx.messages.rows.values()] == ["email", "sms"]
    assert len(tx.jobs.asked) == 2


async def test_one_parcel_with_everything_says_nothing_of_more() -> None:
    tx, order_id = FakeTransaction(), uuid4()
    await take_snapshots([a_snapshot(order_id, state="closed")], tx=tx)

    await tell_shipped([shipped(order_id, uuid4(), ALL)], tx=tx)

    assert not tx.only_message.facts.partial


def test_the_service_listens_to_what_it_is_said_to_listen_to() -> None:
    heard = set(HANDLERS)

    assert heard == LISTENS["notify"]

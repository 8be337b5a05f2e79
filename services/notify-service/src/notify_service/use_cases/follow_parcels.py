"""Parcels as shipping-service tells of them: on their way, late, arrived, or without a label."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from uuid import UUID

from crossdock_contracts.shipping import (
    ParcelDeliveredV1,
    ParcelEvent,
    ParcelExceptionV1,
    ParcelShippedV1,
    ParcelStatus,
    ShipmentRejectedV1,
)
from notify_service.domain.messages import Delay, Facts, Template
from notify_service.domain.order import KnownOrder, Parcel, more_to_come
from notify_service.use_cases.plan_messages import plan_messages
from notify_service.use_cases.ports import Telling, Transaction

#: What a buyer is told is late. Other troubles (a loss, a return, a failed delivery) need a person first:
#: what the buyer should then read depends on what that person decides.
DELAYS: Mapping[ParcelStatus, Delay] = MappingProxyType(
    {ParcelStatus.DELAYED: Delay.CARRIER, ParcelStatus.CUSTOMS_HOLD: Delay.CUSTOMS}
)


async def tell_shipped(events: Sequence[ParcelShippedV1], *, tx: Transaction) -> None:
    """One message per parcel; before the order's snapshot it is kept until that comes."""
    known = await _lock(events, tx=tx)
    before = await tx.parcels.of_orders(known.keys())
    parcels = {one.parcel_id: replace(_parcel(one), shipped_at=one.handed_over_at) for one in events}
    await tx.parcels.save(list(parcels.values()))
    shipped = {
        order_id: {one.parcel_id: one for one in before.get(order_id, ()) if one.shipped_at is not None}
        for order_id in known
    }
    tellings = []
    for event in sorted(events, key=lambda one: one.handed_over_at):
        so_far = shipped[event.order_id]
        so_far[event.parcel_id] = parcels[event.parcel_id]
        facts = Facts(event.parcel_id, partial=more_to_come(known[event.order_id], list(so_far.values())))
        tellings.append(_telling(event, Template.SHIPPED, facts))
    await _tell_or_defer(tellings, known, tx=tx)


async def tell_delayed(events: Sequence[ParcelExceptionV1], *, tx: Transaction) -> None:
    """Once per parcel, for what the buyer has to know of without a person's decision."""
    late = [one for one in events if one.scan.status in DELAYS]
    if not late:
        return
    known = await _lock(late, tx=tx)
    await tx.parcels.save(list({one.parcel_id: _parcel(one) for one in late}.values()))
    tellings = [
        _telling(one, Template.DELAYED, Facts(one.parcel_id, delay=DELAYS[one.scan.status])) for one in late
    ]
    await _tell_or_defer(tellings, known, tx=tx)


async def note_delivered(events: Sequence[ParcelDeliveredV1], *, tx: Transaction) -> None:
    """What still waits about an arrived parcel is not said any more."""
    await _lock(events, tx=tx)
    delivered = {one.parcel_id: replace(_parcel(one), delivered_at=one.delivered_at) for one in events}
    await tx.parcels.save(list(delivered.values()))


async def tell_rejected(events: Sequence[ShipmentRejectedV1], *, tx: Transaction) -> None:
    """Where that is switched on: the order takes longer. By default a person repairs it without a word."""
    if not tx.policy.tell_rejected_shipments:
        return
    known = await tx.orders.lock({one.order_id: one.merchant_id for one in events})
    facts = Facts(delay=Delay.PREPARATION)
    tellings = [
        Telling(one.merchant_id, one.order_id, Template.DELAYED, str(one.shipment_id), facts, cause=one.cause)
        for one in events
    ]
    await _tell_or_defer(tellings, known, tx=tx)


async def _lock(events: Sequence[ParcelEvent], *, tx: Transaction) -> Mapping[UUID, KnownOrder]:
    return await tx.orders.lock({one.order_id: one.merchant_id for one in events})


async def _tell_or_defer(
    tellings: Sequence[Telling], known: Mapping[UUID, KnownOrder], *, tx: Transaction
) -> None:
    unknown = [one for one in tellings if known[one.order_id].version == 0]
    if unknown:
        await tx.deferred.add(unknown)
    await plan_messages([one for one in tellings if known[one.order_id].version > 0], known, tx=tx)


def _parcel(event: ParcelEvent) -> Parcel:
    contents: dict[UUID, int] = {}
    for one in event.contents:
        contents[one.line_id] = contents.get(one.line_id, 0) + one.units
    return Parcel(
        parcel_id=event.parcel_id,
        merchant_id=event.merchant_id,
        order_id=event.order_id,
        carrier=event.carrier,
        service=event.service,
        tracking_number=event.tracking_number,
        tracking_url=event.tracking_url,
        contents=contents,
    )


def _telling(event: ParcelEvent, template: Template, facts: Facts) -> Telling:
    return Telling(
        event.merchant_id, event.order_id, template, str(event.parcel_id), facts, cause=event.cause
    )

"""What inventory and shipping tell, a batch at a time: one read, the domain's verbs, one write."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from crossdock_contracts.envelope import Actor, ActorKind, OrderKeyed
from crossdock_contracts.inventory import StockRejectedV1, StockReleasedV1, StockReservedV1
from crossdock_contracts.inventory import Unfilled as UnfilledWord
from crossdock_contracts.shipping import (
    ParcelDeliveredV1,
    ParcelEvent,
    ParcelExceptionV1,
    ParcelLabelledV1,
    ParcelReturnedV1,
    ParcelShippedV1,
    ParcelStatus,
    ParcelTrackedV1,
    ShipmentCancelledV1,
    ShipmentLabelRequestedV1,
    ShipmentRefusedV1,
    ShipmentRejectedV1,
)
from order_service.domain import news
from order_service.domain.leg import LegEvent, Packed
from order_service.domain.order_table import OrderEvent
from order_service.domain.process import Unfilled
from order_service.use_cases.issue_label import owe_label, shipment_cancelled
from order_service.use_cases.ports import Transaction
from order_service.use_cases.tell import Change, save_all
from order_service.use_cases.write_back import owe_tracking

DEFERRED_TIMER = "deferred_too_long"
DEFERRED_FOR = timedelta(minutes=10)

#: Takes an event into its order; False: it came too early and has to wait.
Take = Callable[[Any, Change, datetime], bool]


async def follow_events(events: Sequence[OrderKeyed], *, tx: Transaction) -> None:
    """Take the events into their orders. Safe to repeat; an event that comes too early rests as a row."""
    orders = await tx.orders.lock({one.order_id for one in events})
    resting = await tx.deferred.of(orders.keys())
    changes: dict[UUID, Change] = {}
    early: list[OrderKeyed] = []
    for event in events:
        order = orders.get(event.order_id)
        if order is None:
            continue
        change = changes.setdefault(event.order_id, Change(order, _publisher(event)))
        change.cause, change.actor, change.reason = event.cause, _publisher(event), event.reason
        if not _TAKES[type(event)](event, change, tx.now):
            early.append(event)
        if isinstance(event, ParcelShippedV1):
            await owe_tracking(event, order, tx=tx)
        elif isinstance(event, ShipmentLabelRequestedV1):
            await owe_label(event, order, tx=tx)
        elif isinstance(event, ShipmentCancelledV1):
            await shipment_cancelled(event, order, tx=tx)
    await tx.deferred.drop(_offer_again(changes, resting, tx.now))
    await _rest(early, tx=tx)
    await save_all([changes[order_id] for order_id in sorted(changes)], tx=tx)
    await tx.exceptions.raise_all(
        [
            (one.merchant_id, one.order_id, "unknown_order", str(one.order_id), one.TYPE)
            for one in events
            if one.order_id not in orders
        ]
    )


def _offer_again(
    changes: Mapping[UUID, Change], resting: Mapping[UUID, Sequence[OrderKeyed]], now: datetime
) -> list[UUID]:
    """The ids of the resting events that could be taken now."""
    return [
        event.meta.event_id
        for order_id, change in changes.items()
        for event in resting.get(order_id, ())
        if _TAKES[type(event)](event, change, now)
    ]


async def warn_deferred(order_id: UUID, merchant_id: str, *, tx: Transaction) -> None:
    """The timer's: news that has waited for other news for too long is shown to a person."""
    resting = (await tx.deferred.of([order_id])).get(order_id, [])
    await tx.exceptions.raise_all(
        [(merchant_id, order_id, "deferred_too_long", str(one.meta.event_id), one.TYPE) for one in resting]
    )


async def _rest(early: Sequence[OrderKeyed], *, tx: Transaction) -> None:
    await tx.deferred.add(early)
    for event in early:
        await tx.timers.set(
            DEFERRED_TIMER,
            event.key,
            merchant_id=event.merchant_id,
            due_at=tx.now + DEFERRED_FOR,
            caused_by=event.cause,
        )


def _publisher(event: OrderKeyed) -> Actor:
    return Actor(kind=ActorKind.SERVICE, name=event.SOURCE.rsplit("/", 1)[-1])


def _unfilled(given: Sequence[UnfilledWord]) -> tuple[Unfilled, ...]:
    return tuple(Unfilled(one.line_id, one.units, one.reason.value, one.waiting) for one in given)


# -- one function per kind of word; each leaves its line in the timeline


def _reserved(event: StockReservedV1, change: Change, now: datetime) -> bool:
    said = news.AllocationSet(
        version=event.aggregate_version,
        answers=event.order_version,
        complete=event.complete,
        allocations=[
            news.AllocationFact(one.allocation_id, one.line_id, one.sku, one.units, one.warehouse)
            for one in event.allocations
        ],
        withdrawn=event.withdrawn_allocation_ids,
        unfilled=_unfilled(event.unfilled),
    )
    news.stock_reserved(change.order, said)
    where = ", ".join(sorted({one.warehouse for one in event.allocations})) or "nowhere"
    units = sum(one.units for one in event.allocations)
    complete = "complete" if event.complete else "not complete"
    change.happened.append(("stock.reserved", f"{units} units at {where}, {complete}"))
    return True


def _rejected(event: StockRejectedV1, change: Change, now: datetime) -> bool:
    news.stock_rejected(
        change.order,
        version=event.aggregate_version,
        answers=event.order_version,
        unfilled=_unfilled(event.unfilled),
        now=now,
    )
    reasons = ", ".join(sorted({one.reason.value for one in event.unfilled}))
    change.happened.append(("stock.rejected", reasons or None))
    return True


def _released(event: StockReleasedV1, change: Change, now: datetime) -> bool:
    news.stock_released(
        change.order,
        version=event.aggregate_version,
        answers=event.order_version,
        released=event.released_allocation_ids,
        still=[one.allocation_id for one in event.still_allocated],
    )
    change.happened.append(("stock.released", event.released_because.value))
    return True


def _parcel(event: ParcelEvent, change: Change, now: datetime) -> bool:
    kind, scan = _PARCEL_EVENTS[type(event)], None
    if isinstance(event, ParcelTrackedV1 | ParcelExceptionV1):
        scan = event.scan.status.value
        if kind is LegEvent.TROUBLE and event.scan.status in {ParcelStatus.LOST, ParcelStatus.DESTROYED}:
            kind = LegEvent.LOST
    facts = news.ParcelFacts(
        version=event.aggregate_version,
        parcel_id=event.parcel_id,
        shipment_id=event.shipment_id,
        warehouse=event.warehouse,
        carrier=event.carrier,
        service=event.service,
        tracking_number=event.tracking_number,
        tracking_url=event.tracking_url,
        label_revision=event.label_revision,
        contents=tuple(
            Packed(one.allocation_id, one.line_id, one.external_line_ids, one.sku, one.units)
            for one in event.contents
        ),
    )
    news.parcel_news(change.order, kind, facts, scan=scan)
    shown = f"{event.carrier} {event.tracking_number}" + (f": {scan}" if scan else "")
    change.happened.append((event.TOPIC, shown))
    return True


def _shipment_rejected(event: ShipmentRejectedV1, change: Change, now: datetime) -> bool:
    detail = event.code + (f" ({event.field})" if event.field else "")
    absent = news.shipment_rejected(change.order, event.allocation_ids, detail)
    change.happened.append(("shipment.rejected", detail))
    return not absent


def _answered(event: ShipmentCancelledV1 | ShipmentRefusedV1, change: Change, now: datetime) -> bool:
    absent = news.shipment_answered(
        change.order,
        request=event.request.value,
        refused=isinstance(event, ShipmentRefusedV1),
        allocation_ids=event.allocation_ids,
        pending=event.pending_allocation_ids,
        version=event.aggregate_version,
        answers=event.order_version,
    )
    word = event.void.value if isinstance(event, ShipmentCancelledV1) else event.code
    change.happened.append((event.TOPIC, f"{event.request.value}, {len(event.allocation_ids)} legs, {word}"))
    return not absent


def _label_requested(event: ShipmentLabelRequestedV1, change: Change, now: datetime) -> bool:
    change.order.meet(OrderEvent.LABEL_REQUESTED, subject=str(event.parcel_id))
    change.happened.append(("shipment.label_requested", event.warehouse))
    return True


_PARCEL_EVENTS: Final[Mapping[type[OrderKeyed], LegEvent]] = MappingProxyType(
    {
        ParcelLabelledV1: LegEvent.LABELLED,
        ParcelShippedV1: LegEvent.SHIPPED,
        ParcelTrackedV1: LegEvent.TRACKED,
        ParcelDeliveredV1: LegEvent.DELIVERED,
        ParcelExceptionV1: LegEvent.TROUBLE,
        ParcelReturnedV1: LegEvent.RETURNED,
    }
)
_TAKES: Final[Mapping[type[OrderKeyed], Take]] = MappingProxyType(
    {
        StockReservedV1: _reserved,
        StockRejectedV1: _rejected,
        StockReleasedV1: _released,
        **dict.fromkeys(_PARCEL_EVENTS, _parcel),
        ShipmentRejectedV1: _shipment_rejected,
        ShipmentCancelledV1: _answered,
        ShipmentRefusedV1: _answered,
        ShipmentLabelRequestedV1: _label_requested,
    }
)

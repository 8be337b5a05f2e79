"""What other services tell of an order, taken into it. Safe to repeat, and in any order of arrival."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from order_service.domain.holds import HoldReason
from order_service.domain.leg import GONE, Leg, LegEvent, LegState, Packed, Parcel, ParcelState
from order_service.domain.order import Order
from order_service.domain.order_table import OrderEvent, OrderStatus
from order_service.domain.process import Stock, Unfilled


@dataclass(frozen=True, slots=True)
class AllocationFact:
    allocation_id: UUID
    line_id: UUID
    sku: str
    units: int
    warehouse: str


@dataclass(frozen=True, slots=True)
class AllocationSet:
    """`version` is inventory's aggregate version, `answers` the order version."""

    version: int
    answers: int
    complete: bool
    allocations: Sequence[AllocationFact]
    withdrawn: Sequence[UUID]
    unfilled: tuple[Unfilled, ...]


def stock_reserved(order: Order, said: AllocationSet) -> None:
    """Take over an allocation set. An older one only makes known the allocations it names."""
    process = order.process
    newer = said.version > process.stock.version
    wanted = frozenset(one.allocation_id for one in said.allocations)
    if newer and (_live(order) or _has_fresh(order, wanted)):
        order.meet(OrderEvent.STOCK_RESERVED)
    for fact in said.allocations:
        leg = process.legs.setdefault(
            fact.allocation_id, Leg(fact.allocation_id, fact.line_id, fact.sku, fact.units, fact.warehouse)
        )
        order.move_leg(leg, LegEvent.RESERVED)
        if not newer and fact.allocation_id not in process.stock.wanted:
            order.move_leg(leg, LegEvent.WITHDRAWN)
        if process.wish is not None:
            order.move_leg(leg, LegEvent.CANCEL_ASKED)
    if not newer:
        return
    for leg in process.known(said.withdrawn):
        order.move_leg(leg, LegEvent.WITHDRAWN)
    process.stock = Stock(
        version=said.version,
        answers=max(said.answers, process.stock.answers),
        complete=said.complete,
        wanted=wanted,
        unfilled=said.unfilled,
    )
    if wanted:
        order.lift(HoldReason.OUT_OF_STOCK)
    if any(not one.waiting for one in said.unfilled) and _live(order):
        order.surprised("unfilled")
    elif said.complete:
        order.settled.append(("unfilled", order.key))


def stock_rejected(
    order: Order, *, version: int, answers: int, unfilled: tuple[Unfilled, ...], now: datetime
) -> None:
    """Nothing is promised to this version: it waits for a person, unless arriving stock fills it."""
    process = order.process
    if version <= process.stock.version:
        return
    process.stock = Stock(
        version=version, answers=max(answers, process.stock.answers), rejected=True, unfilled=unfilled
    )
    if not order.meet(OrderEvent.STOCK_REJECTED):
        return
    if process.wish is not None:
        process.wish.inventory_done |= answers >= process.wish.version
        return
    if answers < order.version:
        return  # a newer version is on its way to inventory and is answered for itself
    if unfilled and all(one.waiting for one in unfilled):
        return
    reasons = ", ".join(sorted({one.reason for one in unfilled})) or "rejected"
    order.set_hold(HoldReason.OUT_OF_STOCK, reasons, now)


def stock_released(
    order: Order, *, version: int, answers: int, released: Sequence[UUID], still: Sequence[UUID]
) -> None:
    """Units are free again. Ends a cancel that nobody refused."""
    process = order.process
    order.meet(OrderEvent.STOCK_RELEASED)
    for leg in process.known(released):
        order.move_leg(leg, LegEvent.RELEASED)
    if process.wish is not None and answers >= process.wish.version:
        process.wish.inventory_done = True
    if version > process.stock.version:
        process.stock = Stock(
            version=version, answers=max(answers, process.stock.answers), wanted=frozenset(still)
        )


@dataclass(frozen=True, slots=True)
class ParcelFacts:
    """What every word about a parcel carries. `version` is shipping's aggregate version."""

    version: int
    parcel_id: UUID
    shipment_id: UUID
    warehouse: str
    carrier: str
    service: str
    tracking_number: str
    tracking_url: str | None
    label_revision: int
    contents: tuple[Packed, ...]


_PARCEL_STATES = {
    LegEvent.SHIPPED: ParcelState.SHIPPED,
    LegEvent.TROUBLE: ParcelState.TROUBLE,
    LegEvent.DELIVERED: ParcelState.DELIVERED,
    LegEvent.RETURNED: ParcelState.RETURNED,
    LegEvent.LOST: ParcelState.LOST,
}
#: How far along a parcel is: news of an earlier stage that comes late does not move it back.
_STAGE = {
    ParcelState.LABELLED: 0,
    ParcelState.SHIPPED: 1,
    ParcelState.TROUBLE: 2,
    ParcelState.LOST: 3,
    ParcelState.DELIVERED: 4,
    ParcelState.RETURNED: 5,
}


def parcel_news(order: Order, event: LegEvent, facts: ParcelFacts, *, scan: str | None = None) -> None:
    """One word about one parcel; the legs inside it move by their own table."""
    subject = str(facts.parcel_id)
    order.meet(
        OrderEvent.PARCEL_SHIPPED if event is LegEvent.SHIPPED else OrderEvent.PARCEL_NEWS, subject=subject
    )
    parcel = _parcel(order, facts)
    state = _PARCEL_STATES.get(event)
    if state is not None:
        parcel.left = True
        if _STAGE[state] > _STAGE[parcel.state]:
            parcel.state = state
    if scan is not None:
        parcel.last_scan = scan
    for packed in facts.contents:
        leg = order.process.legs.setdefault(
            packed.allocation_id,
            Leg(packed.allocation_id, packed.line_id, packed.sku, packed.units, facts.warehouse),
        )
        order.move_leg(leg, event, subject=subject)
        if event is LegEvent.LABELLED:
            order.settled.append(("shipment_rejected", str(packed.allocation_id)))
    if event is LegEvent.DELIVERED:
        order.settled += [("parcel_trouble", subject), ("parcel_lost", subject)]


def _parcel(order: Order, facts: ParcelFacts) -> Parcel:
    parcel = order.process.parcels.get(facts.parcel_id)
    if parcel is None:
        parcel = Parcel(
            parcel_id=facts.parcel_id,
            shipment_id=facts.shipment_id,
            warehouse=facts.warehouse,
            carrier=facts.carrier,
            service=facts.service,
            tracking_number=facts.tracking_number,
            tracking_url=facts.tracking_url,
            label_revision=facts.label_revision,
            label_version=facts.version,
            contents=facts.contents,
        )
        order.process.parcels[facts.parcel_id] = parcel
    elif facts.version > parcel.label_version:
        parcel.carrier, parcel.service = facts.carrier, facts.service
        parcel.tracking_number, parcel.tracking_url = facts.tracking_number, facts.tracking_url
        parcel.label_revision, parcel.label_version = facts.label_revision, facts.version
        parcel.contents = facts.contents
    return parcel


def shipment_rejected(order: Order, allocation_ids: Sequence[UUID], detail: str) -> list[UUID]:
    """No label could be had. Returns the allocations nobody has told us of yet: the news waits for them."""
    if order.meet(OrderEvent.SHIPMENT_REJECTED):
        for leg in order.process.known(allocation_ids):
            order.move_leg(leg, LegEvent.REJECTED)
            if leg.state is LegState.NEEDS_REPAIR:
                order.surprises = [one for one in order.surprises if one.subject != str(leg.allocation_id)]
                order.surprised("shipment_rejected", str(leg.allocation_id), detail)
        return _absent(order, allocation_ids)
    return []


def shipment_answered(
    order: Order,
    *,
    request: str,
    refused: bool,
    allocation_ids: Sequence[UUID],
    pending: Sequence[UUID],
    version: int,
    answers: int,
) -> list[UUID]:
    """Shipping's word on a cancel, a change or a withdrawal. Returns the allocations the news has to wait
    for.

    The answer to the order's own wish counts at once; only what it means for single legs can wait.
    """
    order.meet(OrderEvent.SHIPMENT_REFUSED if refused else OrderEvent.SHIPMENT_CANCELLED)
    event = LegEvent.CANCELLED
    if refused:
        event = LegEvent.CHANGE_REFUSED if request == "change" else LegEvent.REFUSED
    for leg in order.process.known(allocation_ids):
        order.move_leg(leg, event)
        if refused and request == "withdraw":
            order.surprised("withdraw_refused", str(leg.allocation_id))
    wish = order.process.wish
    if request == "cancel" and wish is not None and answers >= wish.version:
        if refused:
            wish.refused |= set(allocation_ids)
        if version > wish.shipping_version:
            wish.shipping_version = version
            wish.shipping_done = not pending
    return _absent(order, allocation_ids)


def _absent(order: Order, allocation_ids: Sequence[UUID]) -> list[UUID]:
    return [one for one in allocation_ids if one not in order.process.legs]


def _live(order: Order) -> bool:
    return order.status not in {OrderStatus.CANCELLED, OrderStatus.CLOSED}


def _has_fresh(order: Order, wanted: frozenset[UUID]) -> bool:
    """Whether a set names units that have neither left nor been given up."""
    legs = order.process.legs
    return any(one not in legs or legs[one].state not in GONE | {LegState.CANCELLED} for one in wanted)

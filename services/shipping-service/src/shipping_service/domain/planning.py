"""What other services tell, applied to the legs: snapshots, allocation sets, withdrawals."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from uuid import UUID

from shipping_service.domain.customs import Packed, SkuFacts
from shipping_service.domain.dispatch import (
    Answer,
    Dispatch,
    Item,
    ItemState,
    Leg,
    Origin,
    Terms,
    react,
    stop,
    take_back,
)
from shipping_service.domain.effects import Noted, Wish
from shipping_service.domain.ids import derived_id
from shipping_service.domain.label import MARKETPLACE, LabelState
from shipping_service.domain.labelling import advance, not_bought, waiting_for
from shipping_service.domain.leg_table import ASKED, LegEvent, LegState, Reaction
from shipping_service.domain.order import STOPPED, OrderState, Snapshot


@dataclass(frozen=True, slots=True)
class Allocated:
    allocation_id: UUID
    line_id: UUID
    sku: str
    units: int
    warehouse: str


@dataclass(frozen=True, slots=True)
class AllocationSet:
    """All that is allocated to an order now. `origins` by warehouse, `skus` by SKU."""

    version: int
    order_version: int
    allocations: tuple[Allocated, ...]
    withdrawn: tuple[UUID, ...]
    origins: Mapping[str, Origin]
    skus: Mapping[str, SkuFacts]


def learn(dispatch: Dispatch, snapshot: Snapshot, *, is_wish: bool, terms: Terms) -> bool:
    """Take note of a snapshot and do what it asks for. False: it is older than what is known.

    `is_wish`: it came as order.cancelled. Such a wish is answered even when a newer snapshot of the same
    cancel overtook it, but once.
    """
    known = dispatch.snapshot
    if known is not None and snapshot.version <= known.version:
        overtaken = known.state is OrderState.CANCELLING and snapshot.version > dispatch.cancel_version
        if is_wish and overtaken:
            _cancel(dispatch, snapshot.version, terms)
        return False
    dispatch.snapshot = snapshot
    ending = (OrderState.CANCELLING, OrderState.CANCELLED)
    if snapshot.state in ending:
        if is_wish or known is None or known.state not in ending:
            _cancel(dispatch, snapshot.version, terms)
    elif snapshot.state is OrderState.CLOSED:
        for leg in dispatch.legs:
            react(dispatch, leg, LegEvent.ORDER_CLOSED)
    else:
        _change(dispatch, snapshot, terms)
        for leg in dispatch.legs:
            advance(dispatch, leg, terms)
    return True


def must_wait(dispatch: Dispatch, allocated: AllocationSet) -> bool:
    """A set for an order version that has not come yet is a deferred row: its consignee may be another."""
    return dispatch.snapshot is None or dispatch.snapshot.version < allocated.order_version


def allocate(dispatch: Dispatch, allocated: AllocationSet, terms: Terms) -> bool:
    """Plan what is not planned yet, withdraw what is asked back. False: an older set, ignored.

    The caller has asked `must_wait` first.
    """
    snapshot = dispatch.snapshot
    if snapshot is None or allocated.version <= dispatch.allocation_version:
        return False
    dispatch.allocation_version = allocated.version
    fresh = _plan(dispatch, allocated, snapshot, terms)
    if snapshot.state in STOPPED:
        answer = Answer(Wish.CANCEL)
        for leg in fresh:
            _ask_to_stop(dispatch, leg, LegEvent.CANCEL_ASKED, answer, terms)
        answer.waiting += _ids(waiting_for(dispatch, Wish.CANCEL))
        answer.say(dispatch)
    _withdraw(dispatch, set(allocated.withdrawn), terms)
    for leg in dispatch.legs:
        advance(dispatch, leg, terms)
    return True


def _plan(dispatch: Dispatch, allocated: AllocationSet, snapshot: Snapshot, terms: Terms) -> list[Leg]:
    """One leg per warehouse for what is not planned yet; a leg that is still only planned takes it in."""
    planned = dispatch.planned_ids | set(allocated.withdrawn)
    by_warehouse: dict[str, list[Allocated]] = {}
    for one in allocated.allocations:
        if one.allocation_id not in planned:
            by_warehouse.setdefault(one.warehouse, []).append(one)
    touched: list[Leg] = []
    for warehouse, allocations in sorted(by_warehouse.items()):
        leg = _joinable(dispatch, warehouse)
        if leg is None:
            shipment_id = derived_id(min(one.allocation_id for one in allocations), "shipment")
            leg = Leg(
                shipment_id=shipment_id,
                parcel_id=derived_id(shipment_id, "parcel", 1),
                origin=allocated.origins[warehouse],
                order_version=snapshot.version,
                label_revision=snapshot.label_revision,
                planned_at=terms.now,
            )
            dispatch.legs.append(leg)
            dispatch.effects.append(Noted(leg.shipment_id, "planned", warehouse))
        leg.plan_revision += bool(leg.items)
        leg.items += [_item(one, allocated.skus, snapshot) for one in allocations]
        touched.append(leg)
    return touched


def _joinable(dispatch: Dispatch, warehouse: str) -> Leg | None:
    return next(
        (leg for leg in dispatch.legs if leg.state is LegState.PLANNED and leg.origin.warehouse == warehouse),
        None,
    )


def _item(one: Allocated, skus: Mapping[str, SkuFacts], snapshot: Snapshot) -> Item:
    line = snapshot.lines.get(one.line_id)
    return Item(
        packed=Packed(
            allocation_id=one.allocation_id,
            sku=one.sku,
            units=one.units,
            facts=skus.get(one.sku, SkuFacts(title=one.sku)),
            unit_value=None if line is None else line.unit_value,
            currency=None if line is None else line.currency,
        ),
        line_id=one.line_id,
        external_line_ids=() if line is None else line.external_line_ids,
    )


def _cancel(dispatch: Dispatch, version: int, terms: Terms) -> None:
    dispatch.cancel_version = version
    answer = Answer(Wish.CANCEL)
    for leg in dispatch.legs:
        _ask_to_stop(dispatch, leg, LegEvent.CANCEL_ASKED, answer, terms)
    answer.waiting += _ids(waiting_for(dispatch, Wish.CANCEL))
    answer.say(dispatch, even_if_empty=True)


def _ask_to_stop(dispatch: Dispatch, leg: Leg, event: LegEvent, answer: Answer, terms: Terms) -> None:
    """The whole leg is not wanted any more; what comes of it goes into the answer, now or later."""
    move = react(dispatch, leg, event)
    match move.reaction:
        case Reaction.IGNORE:
            return
        case Reaction.EXCEPTION:
            if answer.wish is Wish.WITHDRAW:
                _mark(leg.going, ItemState.KEPT)
            answer.refused.append((leg.shipment_id, leg.allocation_ids))
            return
        case Reaction.COMPENSATE:
            _void_live(dispatch, leg, answer, terms)
    label = leg.label
    if leg.state is LegState.CANCELLING and label is not None and label.carrier == MARKETPLACE:
        label.state = LabelState.DROPPED  # nobody pays for a request, so there is no outcome to wait for
        react(dispatch, leg, LegEvent.NOT_BOUGHT)
    if leg.state is LegState.CANCELLED:
        answer.stopped.append((leg.shipment_id, stop(leg, answer.wish)))
    else:
        leg.wish = answer.wish


def _void_live(dispatch: Dispatch, leg: Leg, answer: Answer, terms: Terms) -> None:
    label = leg.label
    if label is not None:
        answer.voiding(take_back(dispatch, leg, label, terms))


def _change(dispatch: Dispatch, snapshot: Snapshot, terms: Terms) -> None:
    """A higher label revision: the label gets it, is bought anew, or it is too late and we say so."""
    answer = Answer(Wish.CHANGE)
    for leg in dispatch.legs:
        if snapshot.label_revision <= leg.label_revision:
            continue
        leg.label_revision, leg.order_version = snapshot.label_revision, snapshot.version
        move = react(dispatch, leg, LegEvent.CHANGED, f"label revision {snapshot.label_revision}")
        if move.reaction is Reaction.EXCEPTION:
            answer.refused.append((leg.shipment_id, leg.allocation_ids))
        elif move.reaction is not Reaction.IGNORE:
            _refresh(leg, snapshot)
            _replan(dispatch, leg, answer, terms, compensate=move.reaction is Reaction.COMPENSATE)
    if answer.refused:
        going = [leg for leg in dispatch.legs if leg.label_revision == snapshot.label_revision and leg.going]
        refused = {shipment_id for shipment_id, _ in answer.refused}
        answer.waiting += [
            id_ for leg in going if leg.shipment_id not in refused for id_ in leg.allocation_ids
        ]
    answer.say(dispatch)


def _replan(dispatch: Dispatch, leg: Leg, answer: Answer, terms: Terms, *, compensate: bool) -> None:
    leg.plan_revision += 1
    label = leg.label
    if compensate:
        _void_live(dispatch, leg, answer, terms)
    elif leg.state in ASKED and label is not None and label.carrier == MARKETPLACE:
        not_bought(dispatch, leg, label, terms)


def _refresh(leg: Leg, snapshot: Snapshot) -> None:
    for item in leg.items:
        line = snapshot.lines.get(item.line_id)
        if line is not None:
            item.packed = replace(item.packed, unit_value=line.unit_value, currency=line.currency)
            item.external_line_ids = line.external_line_ids


def _withdraw(dispatch: Dispatch, withdrawn: Set[UUID], terms: Terms) -> None:
    if not withdrawn:
        return
    answer = Answer(Wish.WITHDRAW, never_planned=tuple(sorted(withdrawn - dispatch.planned_ids)))
    for leg in dispatch.legs:
        asked = [one for one in leg.items if one.state is ItemState.PACKED and one.allocation_id in withdrawn]
        if not asked:
            continue
        if len(asked) == len([one for one in leg.going if one.state is not ItemState.WITHDRAWING]):
            _ask_to_stop(dispatch, leg, LegEvent.WITHDRAWN, answer, terms)
        else:
            _shrink(dispatch, leg, asked, answer, terms)
    answer.waiting += _ids(waiting_for(dispatch, Wish.WITHDRAW))
    answer.say(dispatch)


def _shrink(dispatch: Dispatch, leg: Leg, asked: list[Item], answer: Answer, terms: Terms) -> None:
    move = react(dispatch, leg, LegEvent.SHRUNK)
    ids = tuple(one.allocation_id for one in asked)
    match move.reaction:
        case Reaction.IGNORE:
            return
        case Reaction.EXCEPTION:
            _mark(asked, ItemState.KEPT)
            answer.refused.append((leg.shipment_id, ids))
            return
    if leg.state in ASKED:
        _mark(asked, ItemState.WITHDRAWING)
    else:
        _mark(asked, ItemState.CANCELLED)
        answer.stopped.append((leg.shipment_id, ids))
    _replan(dispatch, leg, answer, terms, compensate=move.reaction is Reaction.COMPENSATE)


def _mark(items: Iterable[Item], state: ItemState) -> None:
    for item in items:
        item.state = state


def _ids(items: Iterable[Item]) -> list[UUID]:
    return [one.allocation_id for one in items]


def stock_released(dispatch: Dispatch, released: Set[UUID], terms: Terms) -> None:
    """Inventory freed units. Of a leg that is still going it should not have: it is stopped, and shown."""
    for leg in dispatch.legs:
        if not released & set(leg.allocation_ids):
            continue
        move = react(dispatch, leg, LegEvent.STOCK_RELEASED)
        if move.reaction is Reaction.COMPENSATE:
            if leg.state is LegState.CANCELLED:
                _void_live(dispatch, leg, Answer(Wish.CANCEL), terms)
                stop(leg, Wish.CANCEL)
            leg.wish = Wish.CANCEL

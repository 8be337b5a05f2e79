"""An order as shipping sees it: the newest snapshot, its legs, and the one way each of them moves."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shipping_service.domain.consignment import Address, Box
from shipping_service.domain.customs import Packed
from shipping_service.domain.effects import (
    AskVoid,
    Cancelled,
    Cleared,
    Effect,
    Noted,
    Raised,
    Refused,
    Void,
    Wish,
)
from shipping_service.domain.label import Label, LabelState
from shipping_service.domain.leg_table import ASKED, LEG_TABLE, LegEvent, LegState, Move, Reaction
from shipping_service.domain.order import Snapshot
from shipping_service.domain.refusal import Remedy
from shipping_service.domain.rules import Rule, Tried


class ItemState(StrEnum):
    PACKED = "packed"
    WITHDRAWING = "withdrawing"  # asked back while a label is being bought
    CANCELLED = "cancelled"
    KEPT = "kept"  # asked back too late


@dataclass(slots=True)
class Item:
    """Units of one allocation; `packed` is frozen at planning but for the line's value and repairs."""

    packed: Packed
    line_id: UUID
    external_line_ids: tuple[str, ...]
    state: ItemState = ItemState.PACKED

    @property
    def allocation_id(self) -> UUID:
        return self.packed.allocation_id

    @property
    def going(self) -> bool:
        return self.state is not ItemState.CANCELLED


@dataclass(frozen=True, slots=True)
class Origin:
    """The warehouse as it was when the leg was planned."""

    warehouse: str
    address: Address
    hands_over_itself: bool


@dataclass(slots=True)
class Leg:
    """One shipment: what leaves one warehouse for one order, in one parcel so far.

    `plan_revision` counts up whenever something its label depends on changes; a label asked for at a lower
    one is out of date. `label_revision` and `order_version` are those of the newest snapshot it took note of.
    """

    shipment_id: UUID
    parcel_id: UUID
    origin: Origin
    order_version: int
    label_revision: int
    planned_at: datetime
    items: list[Item] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    state: LegState = LegState.PLANNED
    wish: Wish | None = None  # why it is cancelling or cancelled
    plan_revision: int = 1
    parcel_number: int = 1
    repaired_box: Box | None = None
    repaired_carrier: str | None = None
    repaired_service: str | None = None
    carrier: str | None = None
    service: str | None = None
    rule_id: UUID | None = None
    tried: tuple[Tried, ...] = ()
    trouble_code: str | None = None
    trouble_field: str | None = None
    trouble_remedy: Remedy | None = None
    handed_over_at: datetime | None = None

    @property
    def going(self) -> list[Item]:
        return [one for one in self.items if one.going]

    @property
    def allocation_ids(self) -> tuple[UUID, ...]:
        return tuple(one.allocation_id for one in self.going)

    @property
    def label(self) -> Label | None:
        """The live one."""
        return next((one for one in self.labels if one.live), None)

    @property
    def passed_over(self) -> Mapping[tuple[str, str | None], str]:
        """(carrier, service) that turned this plan down, and why; a service None stands for all of them."""
        over: dict[tuple[str, str | None], str] = {}
        for one in self.labels:
            if one.live or one.plan_revision != self.plan_revision:
                continue
            if one.remedy is Remedy.TRY_LATER:
                over[one.carrier, None] = "carrier_unavailable"
            elif one.remedy is Remedy.CHOOSE_ANOTHER_SERVICE:
                over[one.carrier, one.service] = "service_refused"
        return over

    @property
    def packed(self) -> list[Packed]:
        return [one.packed for one in self.items if one.state in (ItemState.PACKED, ItemState.KEPT)]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a decision needs besides the order: the time, the merchant's rules, the carriers.

    `carriers`: code -> whether it takes labels back.
    """

    now: datetime
    rules: Sequence[Rule]
    carriers: Mapping[str, bool]


@dataclass(slots=True)
class Dispatch:
    """Everything that is decided together, under the lock of the order's row.

    `allocation_version`: of the newest set taken. `cancel_version`: of the newest order.cancelled answered.
    `said_version` counts what shipping has published about the order. `effects` is emptied by who publishes.
    """

    order_id: UUID
    merchant_id: str
    snapshot: Snapshot | None = None
    allocation_version: int = 0
    cancel_version: int = 0
    said_version: int = 0
    legs: list[Leg] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def leg(self, shipment_id: UUID) -> Leg:
        return next(one for one in self.legs if one.shipment_id == shipment_id)

    def label(self, shipment_id: UUID, label_id: UUID) -> Label:
        return next(one for one in self.leg(shipment_id).labels if one.label_id == label_id)

    @property
    def planned_ids(self) -> Set[UUID]:
        return {item.allocation_id for leg in self.legs for item in leg.items}


def react(dispatch: Dispatch, leg: Leg, event: LegEvent, detail: str | None = None) -> Move:
    """Look the pair up, move the leg, and leave the line of the timeline and the row for a person.

    What else an event brings with it is its caller's business, who looks at the reaction.
    """
    before = leg.state
    move = LEG_TABLE[before][event]
    if move.reaction is Reaction.IGNORE:
        return move
    if move.target is not None and move.target is not before:
        leg.state = move.target
        _clear(dispatch, leg, before)
        dispatch.effects.append(Noted(leg.shipment_id, str(leg.state), detail or str(event)))
    elif move.reaction is not Reaction.EXCEPTION:
        dispatch.effects.append(Noted(leg.shipment_id, str(event), detail))
    if move.code is not None:
        dispatch.effects.append(Raised(move.code, str(leg.shipment_id), leg.shipment_id, detail))
    return move


def _clear(dispatch: Dispatch, leg: Leg, before: LegState) -> None:
    """A row for a person is closed by the leg that leaves the state it was about."""
    subject = str(leg.shipment_id)
    if before is LegState.NEEDS_REPAIR:
        leg.trouble_code = leg.trouble_field = leg.trouble_remedy = None
        dispatch.effects.append(Cleared("shipment_rejected", subject))
    if before in ASKED and leg.state not in ASKED:
        dispatch.effects.append(Cleared("carrier_account_refused", subject))
        if any(one.lost_at is not None for one in leg.labels):
            dispatch.effects.append(Cleared("label_outcome_unknown", subject))


def take_back(dispatch: Dispatch, leg: Leg, label: Label, terms: Terms) -> Void:
    """Void a bought label, or give it up where the carrier takes none back."""
    if terms.carriers.get(label.carrier, False):
        label.state = LabelState.VOID_PENDING
        dispatch.effects.append(AskVoid(leg.shipment_id, label.label_id))
        return Void.PENDING
    abandon(dispatch, leg, label, "not_voidable")
    return Void.ABANDONED


def abandon(dispatch: Dispatch, leg: Leg, label: Label, code: str) -> None:
    """The money is not coming back by itself: somebody has to reconcile the carrier's invoice."""
    label.state, label.void_code = LabelState.ABANDONED, code
    dispatch.effects.append(Noted(leg.shipment_id, "label_abandoned", code))
    dispatch.effects.append(Raised("label_not_voided", str(label.label_id), leg.shipment_id, code))


def stop(leg: Leg, wish: Wish) -> tuple[UUID, ...]:
    """The leg is over: none of its allocations is shipped. Returns those that were still going."""
    stopped = leg.allocation_ids
    leg.wish = wish
    for item in leg.items:
        item.state = ItemState.CANCELLED
    return stopped


@dataclass(slots=True)
class Answer:
    """What one wish came to, over all legs; `say` puts it into events whose `pending` runs empty."""

    wish: Wish
    stopped: list[tuple[UUID, tuple[UUID, ...]]] = field(default_factory=list)
    refused: list[tuple[UUID, tuple[UUID, ...]]] = field(default_factory=list)
    waiting: list[UUID] = field(default_factory=list)
    never_planned: tuple[UUID, ...] = ()
    void: Void = Void.NONE
    code: str = "handed_over"

    def voiding(self, void: Void) -> None:
        order = list(Void)
        self.void = max(self.void, void, key=order.index)

    def say(self, dispatch: Dispatch, *, even_if_empty: bool = False) -> None:
        stopped = (*_flat(self.stopped), *self.never_planned)
        refused = _flat(self.refused)
        nothing = not stopped and not refused and not self.waiting
        if stopped or (nothing and even_if_empty):
            ids = tuple(one for one, _ in self.stopped)
            pending = (*refused, *self.waiting)
            dispatch.effects.append(Cancelled(self.wish, ids, stopped, pending, self.void))
        if refused:
            ids = tuple(one for one, _ in self.refused)
            dispatch.effects.append(Refused(self.wish, ids, refused, tuple(self.waiting), self.code))


def _flat(answered: Iterable[tuple[UUID, tuple[UUID, ...]]]) -> tuple[UUID, ...]:
    return tuple(allocation_id for _, ids in answered for allocation_id in ids)

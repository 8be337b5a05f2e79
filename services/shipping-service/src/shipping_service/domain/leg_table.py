"""What a leg does with what happens to it: every pair of state and event, in one table.

- apply: it moves (or takes note and stays).
- ignore: said before, or of no consequence any more.
- defer: it waits as a row and is offered again after each transition of the order.
- compensate: it moves, and what was bought is taken back.
- exception: a person has to see it. For a person's own command it is the refusal they are told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final


class LegState(StrEnum):
    ABSENT = "absent"  # not planned; never stored
    PLANNED = "planned"
    BUYING = "buying"
    OUTCOME_UNKNOWN = "outcome_unknown"
    LABELLED = "labelled"
    HANDED_OVER = "handed_over"
    CANCELLING = "cancelling"  # asked to stop while nobody knows yet whether a label is bought
    CANCELLED = "cancelled"
    NEEDS_REPAIR = "needs_repair"
    CLOSED = "closed"


class LegEvent(StrEnum):
    ALLOCATED = "allocated"  # in an allocation set of an order we know
    ALLOCATED_EARLY = "allocated_early"  # in a set for an order version that has not come yet
    READY = "ready"  # the order is open, our own checks pass and a rule chose a service
    UNFIT = "unfit"  # our own checks say no
    CHANGED = "changed"  # a snapshot with a higher label revision
    SHRUNK = "shrunk"  # some of its allocations are withdrawn
    WITHDRAWN = "withdrawn"  # all of them are
    CANCEL_ASKED = "cancel_asked"
    BOUGHT = "bought"  # a label exists
    NOT_BOUGHT = "not_bought"  # it certainly does not, and this attempt will not make one
    OUTCOME_LOST = "outcome_lost"  # nobody knows
    CARRIER_REJECTED = "carrier_rejected"
    REPAIRED = "repaired"  # by a person
    HAND_OVER = "hand_over"  # by a person, or because the warehouse hands over automatically
    ORDER_CLOSED = "order_closed"
    STOCK_RELEASED = "stock_released"  # inventory freed its units without an answer of ours
    SCANNED = "scanned"  # the carrier has the parcel
    JOURNEY_ENDED = "journey_ended"  # delivered, returned, lost or destroyed, as the carrier says


class Reaction(StrEnum):
    APPLY = "apply"
    IGNORE = "ignore"
    DEFER = "defer"
    COMPENSATE = "compensate"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True)
class Move:
    """`target` None: it stays. `code` names the exception."""

    reaction: Reaction
    target: LegState | None = None
    code: str | None = None


S = LegState
_ignore: Final = Move(Reaction.IGNORE)


def _apply(target: LegState | None = None) -> Move:
    return Move(Reaction.APPLY, target)


def _compensate(target: LegState | None = None, code: str | None = None) -> Move:
    return Move(Reaction.COMPENSATE, target, code)


def _exception(code: str, target: LegState | None = None) -> Move:
    return Move(Reaction.EXCEPTION, target, code)


def _row(
    *,
    allocated: Move = _ignore,
    allocated_early: Move = _ignore,
    ready: Move = _ignore,
    unfit: Move = _ignore,
    changed: Move,
    shrunk: Move,
    withdrawn: Move,
    cancel_asked: Move,
    bought: Move,
    not_bought: Move,
    outcome_lost: Move,
    carrier_rejected: Move,
    repaired: Move,
    hand_over: Move,
    order_closed: Move,
    stock_released: Move,
    scanned: Move = _ignore,
    journey_ended: Move = _ignore,
) -> Mapping[LegEvent, Move]:
    given: dict[str, Any] = locals()
    return MappingProxyType({event: given[event.value] for event in LegEvent})


_late_label: Final = _compensate(code="label_came_late")
_not_repairable: Final = _exception("not_repairable")
_closed_early: Final = _exception("order_closed_before_hand_over")

LEG_TABLE: Final[Mapping[LegState, Mapping[LegEvent, Move]]] = MappingProxyType(
    {
        S.ABSENT: _row(
            allocated=_apply(S.PLANNED),
            allocated_early=Move(Reaction.DEFER),
            changed=_ignore,
            shrunk=_ignore,
            withdrawn=_apply(),  # answered at once: what was never planned is not shipped
            cancel_asked=_apply(),  # the same; the newest snapshot stays as the tombstone
            bought=_exception("label_for_unknown_shipment"),
            not_bought=_ignore,
            outcome_lost=_ignore,
            carrier_rejected=_ignore,
            repaired=_not_repairable,
            hand_over=_exception("not_labelled"),
            order_closed=_ignore,
            stock_released=_ignore,
        ),
        S.PLANNED: _row(
            ready=_apply(S.BUYING),
            unfit=_exception("shipment_rejected", S.NEEDS_REPAIR),
            changed=_apply(),
            shrunk=_apply(),
            withdrawn=_apply(S.CANCELLED),
            cancel_asked=_apply(S.CANCELLED),
            bought=_late_label,
            not_bought=_ignore,
            outcome_lost=_ignore,
            carrier_rejected=_ignore,
            repaired=_apply(),
            hand_over=_exception("not_labelled"),
            order_closed=_closed_early,
            stock_released=_compensate(S.CANCELLED, "released_without_cancel"),
        ),
        S.BUYING: _row(
            changed=_apply(),  # the label is found to be out of date when the outcome is known
            shrunk=_apply(),
            withdrawn=_apply(S.CANCELLING),
            cancel_asked=_apply(S.CANCELLING),
            bought=_apply(S.LABELLED),
            not_bought=_apply(S.PLANNED),
            outcome_lost=_exception("label_outcome_unknown", S.OUTCOME_UNKNOWN),
            carrier_rejected=_exception("shipment_rejected", S.NEEDS_REPAIR),
            repaired=_not_repairable,
            hand_over=_exception("not_labelled"),
            order_closed=_closed_early,
            stock_released=_compensate(S.CANCELLING, "released_without_cancel"),
        ),
        S.OUTCOME_UNKNOWN: _row(
            changed=_apply(),
            shrunk=_apply(),
            withdrawn=_apply(S.CANCELLING),
            cancel_asked=_apply(S.CANCELLING),
            bought=_apply(S.LABELLED),
            not_bought=_apply(S.PLANNED),
            outcome_lost=_ignore,
            carrier_rejected=_exception("shipment_rejected", S.NEEDS_REPAIR),
            repaired=_not_repairable,
            hand_over=_exception("outcome_unknown"),
            order_closed=_closed_early,
            stock_released=_compensate(S.CANCELLING, "released_without_cancel"),
        ),
        S.LABELLED: _row(
            changed=_compensate(S.PLANNED),
            shrunk=_compensate(S.PLANNED),
            withdrawn=_compensate(S.CANCELLED),
            cancel_asked=_compensate(S.CANCELLED),
            bought=_late_label,
            not_bought=_ignore,
            outcome_lost=_ignore,
            carrier_rejected=_ignore,
            repaired=_not_repairable,
            hand_over=_apply(S.HANDED_OVER),
            order_closed=_closed_early,
            stock_released=_compensate(S.CANCELLED, "released_without_cancel"),
            scanned=_exception("scanned_before_hand_over"),
            journey_ended=_exception("scanned_before_hand_over"),
        ),
        S.HANDED_OVER: _row(
            changed=_exception("change_refused"),
            shrunk=_exception("withdraw_refused"),
            withdrawn=_exception("withdraw_refused"),
            cancel_asked=_exception("cancel_refused"),
            bought=_late_label,
            not_bought=_ignore,
            outcome_lost=_ignore,
            carrier_rejected=_ignore,
            repaired=_not_repairable,
            hand_over=_ignore,
            order_closed=_apply(S.CLOSED),
            stock_released=_exception("released_after_hand_over"),
            journey_ended=_apply(S.CLOSED),
        ),
        S.CANCELLING: _row(
            changed=_ignore,
            shrunk=_ignore,
            withdrawn=_ignore,
            cancel_asked=_apply(),  # a withdrawal becomes part of the cancel
            bought=_compensate(S.CANCELLED),
            not_bought=_apply(S.CANCELLED),
            outcome_lost=_exception("label_outcome_unknown"),
            carrier_rejected=_apply(S.CANCELLED),
            repaired=_not_repairable,
            hand_over=_exception("cancelling"),
            order_closed=_closed_early,
            stock_released=_ignore,
        ),
        S.CANCELLED: _row(
            changed=_ignore,
            shrunk=_ignore,
            withdrawn=_ignore,
            cancel_asked=_ignore,
            bought=_late_label,
            not_bought=_ignore,
            outcome_lost=_ignore,
            carrier_rejected=_ignore,
            repaired=_not_repairable,
            hand_over=_exception("cancelled"),
            order_closed=_ignore,
            stock_released=_ignore,
            scanned=_exception("scanned_after_cancel"),
            journey_ended=_exception("scanned_after_cancel"),
        ),
        S.NEEDS_REPAIR: _row(
            changed=_apply(S.PLANNED),
            shrunk=_apply(S.PLANNED),
            withdrawn=_apply(S.CANCELLED),
            cancel_asked=_apply(S.CANCELLED),
            bought=_late_label,
            not_bought=_ignore,
            outcome_lost=_ignore,
            carrier_rejected=_ignore,
            repaired=_apply(S.PLANNED),
            hand_over=_exception("not_labelled"),
            order_closed=_closed_early,
            stock_released=_compensate(S.CANCELLED, "released_without_cancel"),
        ),
        S.CLOSED: _row(
            changed=_exception("change_refused"),
            shrunk=_exception("withdraw_refused"),
            withdrawn=_exception("withdraw_refused"),
            cancel_asked=_exception("cancel_refused"),
            bought=_late_label,
            not_bought=_ignore,
            outcome_lost=_ignore,
            carrier_rejected=_ignore,
            repaired=_not_repairable,
            hand_over=_ignore,
            order_closed=_ignore,
            stock_released=_exception("released_after_hand_over"),
        ),
    }
)

#: A label was asked for and nobody knows yet what came of it.
ASKED: Final = frozenset({S.BUYING, S.OUTCOME_UNKNOWN, S.CANCELLING})
#: Its units have left.
GONE: Final = frozenset({S.HANDED_OVER, S.CLOSED})

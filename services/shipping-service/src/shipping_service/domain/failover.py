"""When a carrier says no or not now: to the next service that the rules allow, or to a person.

Never after a lost answer, because the label may be paid for; never when every carrier would say the same; and
never away from a service that a person chose.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from shipping_service.domain import customs
from shipping_service.domain.dispatch import Dispatch, Leg, Terms, react
from shipping_service.domain.effects import Noted, Void
from shipping_service.domain.label import Label, LabelState
from shipping_service.domain.labelling import (
    advance,
    end_cancel,
    give_back_withdrawn,
    needs_repair,
    not_bought,
    rule_facts,
)
from shipping_service.domain.leg_table import LegEvent, LegState
from shipping_service.domain.refusal import Refusal, Remedy
from shipping_service.domain.rules import Rule, choose

UNAVAILABLE: Final = Refusal("carrier_unavailable", None, Remedy.TRY_LATER)


def rejected(dispatch: Dispatch, leg: Leg, label: Label, refusal: Refusal, terms: Terms) -> None:
    """The carrier said no. When the plan has changed meanwhile, it said no to what nobody wants any more."""
    if not label.live:
        return
    if label.plan_revision != leg.plan_revision and leg.state is not LegState.CANCELLING:
        not_bought(dispatch, leg, label, terms)
        return
    following = _following(dispatch, leg, label, refusal, terms)
    label.refused(refusal)
    label.state = LabelState.REJECTED
    if leg.state is LegState.CANCELLING:
        react(dispatch, leg, LegEvent.CARRIER_REJECTED, refusal.code)
        end_cancel(dispatch, leg, Void.NONE)
    elif following is not None:
        _pass_on(dispatch, leg, label, terms)
    else:
        needs_repair(dispatch, leg, LegEvent.CARRIER_REJECTED, refusal)


def put_off(
    dispatch: Dispatch, leg: Leg, label: Label, refusal: Refusal, terms: Terms, after: timedelta
) -> None:
    """Nothing was bought, and later may help. A carrier that has been saying so for `after` is left; what it
    has booked is waited for.
    """
    if label.state is LabelState.PAYING and label.booked_at is None:
        label.state = LabelState.ASKED
    if label.state is not LabelState.ASKED:
        return
    label.refused(refusal)
    label.put_off_at = label.put_off_at or terms.now
    if refusal.remedy is Remedy.TRY_LATER and terms.now - label.put_off_at >= after:
        leave(dispatch, leg, label, terms)


def leave(dispatch: Dispatch, leg: Leg, label: Label, terms: Terms) -> None:
    """The carrier is down: on to the next, where there is one. Without one the label goes on waiting."""
    if label.state is not LabelState.ASKED or label.plan_revision != leg.plan_revision:
        return
    if _following(dispatch, leg, label, UNAVAILABLE, terms) is None:
        return
    if label.remedy is not Remedy.TRY_LATER:
        label.refused(UNAVAILABLE)
    label.state = LabelState.DROPPED
    _pass_on(dispatch, leg, label, terms)


def _following(dispatch: Dispatch, leg: Leg, label: Label, refusal: Refusal, terms: Terms) -> Rule | None:
    """The rule that would be next if the label ended with this refusal."""
    snapshot, box = dispatch.snapshot, customs.box_of(leg.packed, leg.repaired_box)
    may = leg.state is LegState.BUYING and label.lost_at is None and leg.repaired_service is None
    if not may or snapshot is None or snapshot.from_marketplace or box is None:
        return None
    ended = replace(label, state=LabelState.REJECTED, remedy=refusal.remedy)
    over = replace(leg, labels=[*leg.labels, ended]).passed_over
    if over == leg.passed_over:
        return None  # no refusal that another service would not repeat
    return choose(terms.rules, rule_facts(leg, snapshot, box), terms.carriers.keys(), over).rule


def _pass_on(dispatch: Dispatch, leg: Leg, label: Label, terms: Terms) -> None:
    why = f"{label.carrier} {label.service}: {label.remedy} {label.refusal_code}"
    dispatch.effects.append(Noted(leg.shipment_id, "passed_on", why))
    react(dispatch, leg, LegEvent.NOT_BOUGHT, str(label.remedy))
    give_back_withdrawn(dispatch, leg, Void.NONE)
    advance(dispatch, leg, terms)

"""From a planned leg to its label, with every way the carrier's answer can go."""

from shipping_service.domain import customs, leaving
from shipping_service.domain.consignment import Box, VoidOutcome
from shipping_service.domain.customs import Missing
from shipping_service.domain.dispatch import (
    Answer,
    Dispatch,
    Item,
    ItemState,
    Leg,
    Terms,
    abandon,
    react,
    stop,
    take_back,
)
from shipping_service.domain.effects import (
    AskBuy,
    AskVoidState,
    Labelled,
    LabelRequested,
    Noted,
    Raised,
    Rejected,
    Void,
    Wish,
)
from shipping_service.domain.errors import NotUnknown
from shipping_service.domain.ids import derived_id
from shipping_service.domain.label import MARKETPLACE, Label, LabelState, Paid
from shipping_service.domain.leg_table import ASKED, LegEvent, LegState, Reaction
from shipping_service.domain.order import OrderState, Snapshot
from shipping_service.domain.refusal import Refusal
from shipping_service.domain.rules import Facts, choose

#: A carrier that has not decided about a void after so many questions is not going to.
MAX_VOID_CHECKS = 40


def advance(dispatch: Dispatch, leg: Leg, terms: Terms) -> None:
    """Go as far as the leg can go by itself: ask for its label, hand it over where that is automatic."""
    snapshot = dispatch.snapshot
    if snapshot is None or snapshot.state is not OrderState.OPEN:
        return
    if leg.state is LegState.PLANNED:
        _ask_for_label(dispatch, leg, snapshot, terms)
    elif (
        leg.state is LegState.LABELLED
        and leg.origin.hands_over_itself
        and leaving.refusal(dispatch, leg) is None
    ):
        leaving.hand_over(dispatch, leg, terms)


def needs_customs(leg: Leg, country: str | None) -> bool:
    return country is not None and customs.crosses_border(leg.origin.address.country, country)


def rule_facts(leg: Leg, snapshot: Snapshot, box: Box) -> Facts:
    return Facts(
        country=snapshot.country,
        warehouse=leg.origin.warehouse,
        method=snapshot.shipping_method,
        cross_border=needs_customs(leg, snapshot.country),
        weight_g=box.weight_g,
        value=customs.value_of(leg.packed),
    )


def _ask_for_label(dispatch: Dispatch, leg: Leg, snapshot: Snapshot, terms: Terms) -> None:
    box = customs.box_of(leg.packed, leg.repaired_box)
    missing = _missing(leg, snapshot, box)
    if missing is None and box is not None:
        missing = _choose_service(leg, snapshot, box, terms)
    if missing is not None or box is None or leg.carrier is None or leg.service is None:
        found = missing or Missing("missing_weight")
        needs_repair(dispatch, leg, LegEvent.UNFIT, Refusal(found.code, found.field, found.remedy))
        return
    react(dispatch, leg, LegEvent.READY, f"{leg.carrier} {leg.service}")
    if snapshot.from_marketplace and leg.labels:
        leg.parcel_number += 1
        leg.parcel_id = derived_id(
            leg.shipment_id, "parcel", leg.parcel_number
        )  # an answer to the earlier request must not pass for this one's
    number = 1 + max((one.number for one in leg.labels), default=0)
    label = Label(
        label_id=derived_id(leg.shipment_id, "label", number),
        parcel_id=leg.parcel_id,
        number=number,
        carrier=leg.carrier,
        service=leg.service,
        plan_revision=leg.plan_revision,
        label_revision=snapshot.label_revision,
        order_version=snapshot.version,
        weight_g=box.weight_g,
        asked_at=terms.now,
    )
    leg.labels.append(label)
    ask = LabelRequested if snapshot.from_marketplace else AskBuy
    dispatch.effects.append(ask(leg.shipment_id, label.label_id))


def _missing(leg: Leg, snapshot: Snapshot, box: Box | None) -> Missing | None:
    if not snapshot.has_address or snapshot.country is None:
        return Missing("missing_address", "ship_to")
    if snapshot.from_marketplace:  # it declares to customs what it knows from its own listing
        return None if box is not None else Missing("missing_weight")
    return customs.missing(
        leg.packed, customs=needs_customs(leg, snapshot.country), repaired=leg.repaired_box
    )


def _choose_service(leg: Leg, snapshot: Snapshot, box: Box, terms: Terms) -> Missing | None:
    """Settle carrier and service: the marketplace's, a person's, or the first rule's that matches."""
    if snapshot.from_marketplace:
        leg.carrier, leg.service, leg.rule_id, leg.tried = MARKETPLACE, MARKETPLACE, None, ()
        return None
    choice = choose(terms.rules, rule_facts(leg, snapshot, box), terms.carriers.keys(), leg.passed_over)
    leg.tried = choice.tried
    if leg.repaired_carrier is not None and leg.repaired_service is not None:
        leg.carrier, leg.service, leg.rule_id = leg.repaired_carrier, leg.repaired_service, None
        return None
    if choice.rule is None:
        return Missing("no_service_rule")
    leg.carrier, leg.service, leg.rule_id = choice.rule.carrier, choice.rule.service, choice.rule.rule_id
    return None


def needs_repair(dispatch: Dispatch, leg: Leg, event: LegEvent, refusal: Refusal) -> None:
    """A person has to change something; the leg and the row for them say what."""
    code, field = refusal.code, refusal.field
    react(dispatch, leg, event, code if field is None else f"{code} {field}")
    leg.trouble_code, leg.trouble_field, leg.trouble_remedy = code, field, refusal.remedy
    dispatch.effects.append(Rejected(leg.shipment_id, leg.carrier, code, field))


def wanted(dispatch: Dispatch, leg: Leg, label: Label) -> bool:
    """Whether the label may be paid for now: asked again right before every call that costs money."""
    return (
        label.live
        and leg.state in (LegState.BUYING, LegState.OUTCOME_UNKNOWN)
        and label.plan_revision == leg.plan_revision
        and dispatch.snapshot is not None
        and dispatch.snapshot.state is OrderState.OPEN
    )


def paying(label: Label, carrier_ref: str | None) -> None:
    """The call that costs money comes next; from here on a lost answer is an unknown outcome."""
    label.carrier_ref = carrier_ref
    if label.state is LabelState.ASKED:
        label.state = LabelState.PAYING


def lost(dispatch: Dispatch, leg: Leg, label: Label, terms: Terms) -> bool:
    """An answer got lost. True: money may have been spent, and nobody knows. Safe to repeat."""
    if label.state is LabelState.PAYING:
        label.state, label.lost_at = LabelState.UNKNOWN, terms.now
        react(dispatch, leg, LegEvent.OUTCOME_LOST)
    return label.state is LabelState.UNKNOWN


def not_bought(dispatch: Dispatch, leg: Leg, label: Label, terms: Terms) -> None:
    """The label certainly does not exist, and this attempt will not make one."""
    if not label.live:
        return
    label.state = LabelState.DROPPED
    _without_label(dispatch, leg, Void.NONE, terms)


def not_made_yet(dispatch: Dispatch, leg: Leg, label: Label, terms: Terms) -> bool:
    """The carrier has booked the label and is making it. True: nobody wants it, it is taken back unmade."""
    if not label.live:
        return True
    if wanted(dispatch, leg, label) or label.carrier_ref is None:
        return False
    _without_label(dispatch, leg, take_back(dispatch, leg, label, terms), terms)
    return True


def _without_label(dispatch: Dispatch, leg: Leg, void: Void, terms: Terms) -> None:
    move = react(dispatch, leg, LegEvent.NOT_BOUGHT)
    if move.target is LegState.CANCELLED:
        end_cancel(dispatch, leg, void)
    else:
        give_back_withdrawn(dispatch, leg, void)
    advance(dispatch, leg, terms)


def bought(dispatch: Dispatch, leg: Leg, label: Label, paid: Paid, terms: Terms) -> None:
    """A label exists and is stored. Safe to repeat. One that nobody waits for any more is taken back."""
    if label.bought_at is not None:
        return
    expected = label.live
    _keep(label, paid, terms)
    if not expected or leg.state not in ASKED:
        dispatch.effects.append(
            Raised("label_came_late", str(label.label_id), leg.shipment_id, label.tracking_number)
        )
        take_back(dispatch, leg, label, terms)
        return
    move = react(dispatch, leg, LegEvent.BOUGHT, f"{paid.carried_by} {paid.tracking_number}")
    if move.reaction is Reaction.COMPENSATE:
        end_cancel(dispatch, leg, take_back(dispatch, leg, label, terms))
    elif label.plan_revision == leg.plan_revision:
        dispatch.effects.append(Labelled(leg.shipment_id, label.label_id))
    else:
        event = LegEvent.SHRUNK if _withdrawing(leg) else LegEvent.CHANGED
        react(dispatch, leg, event, "label_out_of_date")
        give_back_withdrawn(dispatch, leg, take_back(dispatch, leg, label, terms))
    advance(dispatch, leg, terms)


def _keep(label: Label, paid: Paid, terms: Terms) -> None:
    label.state = LabelState.BOUGHT
    label.bought_at = terms.now
    label.carrier_ref, label.document_id = paid.carrier_ref, paid.document_id
    label.carried_by, label.carried_as = paid.carried_by, paid.carried_as
    label.tracking_number, label.tracking_url = paid.tracking_number, paid.tracking_url
    label.cost_minor, label.cost_currency = paid.cost_minor, paid.cost_currency
    label.cost_exponent, label.tracker_ref = paid.cost_exponent, paid.tracker_ref
    label.refusal_code = label.refusal_field = label.remedy = label.put_off_at = None


def void_answered(dispatch: Dispatch, leg: Leg, label: Label, outcome: VoidOutcome, terms: Terms) -> None:
    """What the carrier says about taking the label back. Safe to repeat."""
    if label.state not in (LabelState.VOID_PENDING, LabelState.VOID_SUBMITTED):
        return
    match outcome:
        case VoidOutcome.VOIDED | VoidOutcome.NOT_APPLICABLE:
            label.state, label.void_code, label.voided_at = LabelState.VOIDED, str(outcome), terms.now
            dispatch.effects.append(Noted(leg.shipment_id, "label_voided", str(outcome)))
        case VoidOutcome.REJECTED:
            abandon(dispatch, leg, label, "void_rejected")
        case VoidOutcome.SUBMITTED if label.void_checks >= MAX_VOID_CHECKS:
            abandon(dispatch, leg, label, "void_never_answered")
        case VoidOutcome.SUBMITTED:
            label.state = LabelState.VOID_SUBMITTED
            label.void_checks += 1
            dispatch.effects.append(AskVoidState(leg.shipment_id, label.label_id, label.void_checks))


def unknown_label(leg: Leg) -> Label:
    """The label whose outcome a person may decide. Raises NotUnknown."""
    label = leg.label
    if label is None or label.state is not LabelState.UNKNOWN:
        raise NotUnknown(leg.shipment_id, str(leg.state))
    return label


def waiting_for(dispatch: Dispatch, wish: Wish, *, besides: Leg | None = None) -> list[Item]:
    """Items whose answer to the wish has to wait for the outcome of a purchase."""
    return [
        item
        for leg in dispatch.legs
        if leg is not besides
        for item in leg.going
        if (leg.state is LegState.CANCELLING and leg.wish is wish)
        or (wish is Wish.WITHDRAW and leg.state is not LegState.CANCELLING and item in _withdrawing(leg))
    ]


def give_back_withdrawn(dispatch: Dispatch, leg: Leg, void: Void) -> None:
    """Answer for the items that were asked back while the label was being bought."""
    items = _withdrawing(leg)
    if not items:
        return
    for item in items:
        item.state = ItemState.CANCELLED
    answer = Answer(Wish.WITHDRAW, void=void)
    answer.stopped.append((leg.shipment_id, tuple(one.allocation_id for one in items)))
    answer.waiting += [one.allocation_id for one in waiting_for(dispatch, Wish.WITHDRAW, besides=leg)]
    answer.say(dispatch)


def _withdrawing(leg: Leg) -> list[Item]:
    return [one for one in leg.items if one.state is ItemState.WITHDRAWING]


def end_cancel(dispatch: Dispatch, leg: Leg, void: Void) -> None:
    wish = leg.wish or Wish.CANCEL
    answer = Answer(wish, void=void)
    answer.stopped.append((leg.shipment_id, stop(leg, wish)))
    answer.waiting += [one.allocation_id for one in waiting_for(dispatch, wish, besides=leg)]
    answer.say(dispatch)

"""The hand-over: the one moment after which nothing can be taken back."""

from shipping_service.domain.dispatch import Dispatch, Leg, Terms, react
from shipping_service.domain.effects import Shipped
from shipping_service.domain.errors import HandOverRefused
from shipping_service.domain.leg_table import LEG_TABLE, LegEvent, LegState, Reaction
from shipping_service.domain.order import OrderState


def refusal(dispatch: Dispatch, leg: Leg) -> str | None:
    """Why the leg must not leave now; None when it may, or has left already.

    Called under the order's lock: no cancel asked for, the newest snapshot open, and the label bought for the
    newest label revision there is.
    """
    move = LEG_TABLE[leg.state][LegEvent.HAND_OVER]
    if move.reaction is Reaction.EXCEPTION:
        return move.code
    if move.reaction is Reaction.IGNORE:
        return None
    if dispatch.snapshot is None or dispatch.snapshot.state is not OrderState.OPEN:
        return "order_unknown" if dispatch.snapshot is None else f"order_{dispatch.snapshot.state}"
    label = leg.label
    if (
        label is None
        or label.plan_revision != leg.plan_revision
        or label.label_revision != dispatch.snapshot.label_revision
    ):
        return "label_out_of_date"
    return None


def hand_over(dispatch: Dispatch, leg: Leg, terms: Terms) -> bool:
    """Hand the leg over. False: it has left already, and nothing happens. Raises HandOverRefused."""
    code = refusal(dispatch, leg)
    if code is not None:
        raise HandOverRefused(leg.shipment_id, code)
    label = leg.label
    move = react(dispatch, leg, LegEvent.HAND_OVER)
    if move.target is not LegState.HANDED_OVER or label is None:
        return False
    leg.handed_over_at = terms.now
    dispatch.effects.append(Shipped(leg.shipment_id, label.label_id))
    return True

"""A person decides what nobody can tell us: whether a label was bought."""

from dataclasses import dataclass
from uuid import UUID

from crossdock_contracts.envelope import Actor
from shipping_service.domain import labelling
from shipping_service.domain.consignment import BoughtLabel
from shipping_service.domain.effects import Noted
from shipping_service.domain.errors import UnusableRepair
from shipping_service.use_cases.announce import BUY_LABEL, announce, reference_of, terms_of
from shipping_service.use_cases.buy_labels import LabelRef, Sale, take_steps
from shipping_service.use_cases.ports import Transaction


@dataclass(frozen=True, slots=True)
class Decision:
    """`bought`: the label as the person has it. `carrier_ref` alone: ask the carrier for it by that id.

    Neither: it was not bought.
    """

    merchant_id: str
    shipment_id: UUID
    actor: Actor
    reason: str | None = None
    carrier_ref: str | None = None
    bought: BoughtLabel | None = None


async def decide_outcome(decision: Decision, *, tx: Transaction) -> None:
    """Raises NotFound, NotUnknown, UnusableRepair (the carrier cannot be asked by an id)."""
    (dispatch,) = await tx.dispatches.lock_shipments({decision.shipment_id: decision.merchant_id})
    leg = dispatch.leg(decision.shipment_id)
    label = labelling.unknown_label(leg)
    dispatch.effects.append(Noted(leg.shipment_id, "outcome_decided", _what(decision)))
    if decision.bought is None and decision.carrier_ref is None:
        labelling.not_bought(dispatch, leg, label, await terms_of(tx, decision.merchant_id))
    elif decision.bought is None:
        capabilities = tx.settings.carriers.get(label.carrier)
        if capabilities is None or not capabilities.can_find:
            raise UnusableRepair(leg.shipment_id, "carrier_cannot_be_asked")
        label.carrier_ref = decision.carrier_ref
    await announce(dispatch, tx=tx, actor=decision.actor, reason=decision.reason)
    await tx.dispatches.save([dispatch])
    if decision.bought is not None:
        ref = LabelRef(decision.merchant_id, leg.shipment_id, label.label_id)
        await take_steps([Sale(ref, decision.bought, decision.actor)], tx=tx)
    # The job runs once more in any case: to ask, or to find that nothing is left to do.
    await tx.jobs.again(BUY_LABEL, reference_of(leg, label))


def _what(decision: Decision) -> str:
    if decision.bought is not None:
        return f"bought as {decision.bought.tracking_number}"
    return "not bought" if decision.carrier_ref is None else f"ask for {decision.carrier_ref}"

"""Taking labels back: what to ask the carrier, and what its answer means."""

from shipping_service.domain import labelling
from shipping_service.domain.consignment import VoidOutcome
from shipping_service.domain.label import LabelState
from shipping_service.use_cases.announce import announce, terms_of
from shipping_service.use_cases.buy_labels import LabelRef
from shipping_service.use_cases.ports import Transaction


async def begin_void(ref: LabelRef, *, tx: Transaction) -> str | None:
    """The carrier's id to take back; None when there is nothing to ask any more."""
    (dispatch,) = await tx.dispatches.lock_shipments({ref.shipment_id: ref.merchant_id})
    label = dispatch.label(ref.shipment_id, ref.label_id)
    waiting = label.state in (LabelState.VOID_PENDING, LabelState.VOID_SUBMITTED)
    return label.carrier_ref if waiting else None


async def settle_void(ref: LabelRef, outcome: VoidOutcome, *, tx: Transaction) -> None:
    """Keep the carrier's answer; ask again later where it is not final. Safe to repeat."""
    (dispatch,) = await tx.dispatches.lock_shipments({ref.shipment_id: ref.merchant_id})
    leg, label = dispatch.leg(ref.shipment_id), dispatch.label(ref.shipment_id, ref.label_id)
    labelling.void_answered(dispatch, leg, label, outcome, await terms_of(tx, ref.merchant_id))
    await announce(dispatch, tx=tx, cause=ref.cause)
    await tx.dispatches.save([dispatch])

"""A person changes what a carrier, or our own check, did not take; the leg tries again."""

from uuid import UUID

from crossdock_contracts.envelope import Actor
from shipping_service.domain import repairing
from shipping_service.domain.repairing import Repair
from shipping_service.use_cases.announce import announce, terms_of
from shipping_service.use_cases.ports import Transaction


async def repair_shipment(
    merchant_id: str,
    shipment_id: UUID,
    repair: Repair,
    *,
    actor: Actor,
    reason: str | None,
    tx: Transaction,
) -> None:
    """Raises NotFound, NotRepairable, UnusableRepair."""
    (dispatch,) = await tx.dispatches.lock_shipments({shipment_id: merchant_id})
    terms = await terms_of(tx, merchant_id)
    repairing.repair(dispatch, dispatch.leg(shipment_id), repair, terms)
    await announce(dispatch, tx=tx, actor=actor, reason=reason)
    await tx.dispatches.save([dispatch])

"""A person or a warehouse says that shipments have left."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from crossdock_contracts.envelope import Actor
from shipping_service.domain import leaving
from shipping_service.domain.errors import HandOverRefused
from shipping_service.use_cases.announce import announce, terms_of
from shipping_service.use_cases.ports import Transaction


@dataclass(frozen=True, slots=True)
class HandOver:
    merchant_id: str
    shipment_ids: Sequence[UUID]
    actor: Actor


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What came of one shipment. `refused`: the reason it must not leave; it stays where it is."""

    shipment_id: UUID
    refused: str | None


async def hand_over(command: HandOver, *, tx: Transaction) -> list[HandedOver]:
    """Hand over every shipment that may leave, and say of the others why not. Safe to repeat.

    Raises NotFound for the whole list when one of them does not exist.
    """
    dispatches = await tx.dispatches.lock_shipments(dict.fromkeys(command.shipment_ids, command.merchant_id))
    terms = await terms_of(tx, command.merchant_id)
    refused: dict[UUID, str] = {}
    for dispatch in dispatches:
        for leg in dispatch.legs:
            if leg.shipment_id not in command.shipment_ids:
                continue
            try:
                leaving.hand_over(dispatch, leg, terms)
            except HandOverRefused as error:
                refused[leg.shipment_id] = error.code
        await announce(dispatch, tx=tx, actor=command.actor)
    await tx.dispatches.save(dispatches)
    return [HandedOver(one, refused.get(one)) for one in dict.fromkeys(command.shipment_ids)]

"""order.*: take note of how orders stand, and do with their legs what that asks for."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from crossdock_contracts.orders import LabelSource, OrderCancelledV1, OrderSnapshot
from shipping_service.domain import planning
from shipping_service.domain.dispatch import Terms
from shipping_service.domain.order import Line, OrderState, Snapshot
from shipping_service.use_cases.announce import announce, terms_of
from shipping_service.use_cases.ports import Transaction
from shipping_service.use_cases.take_stock import offer_deferred


async def take_snapshots(events: Sequence[OrderSnapshot], *, tx: Transaction) -> None:
    """Learn the snapshots, in the order they came. Older ones than what is known are ignored."""
    dispatches = await tx.dispatches.lock({one.order_id: one.merchant_id for one in events})
    waiting = await tx.deferred.of(dispatches)
    terms: dict[str, Terms] = {}
    newest: dict[UUID, OrderSnapshot] = {}
    for event in events:
        dispatch = dispatches[event.order_id]
        if event.merchant_id not in terms:
            terms[event.merchant_id] = await terms_of(tx, event.merchant_id)
        snapshot = to_snapshot(event)
        is_wish = isinstance(event, OrderCancelledV1)
        if planning.learn(dispatch, snapshot, is_wish=is_wish, terms=terms[event.merchant_id]):
            newest[event.order_id] = event
        await announce(dispatch, tx=tx, actor=event.actor, reason=event.reason, cause=event.cause)
        if event.order_id in waiting:
            taken = await offer_deferred(dispatch, waiting[event.order_id], terms[event.merchant_id], tx=tx)
            waiting[event.order_id] = [one for one in waiting[event.order_id] if one not in taken]
            await tx.deferred.drop(taken)
    await tx.dispatches.save(list(dispatches.values()))
    people = [
        (one.order_id, one.merchant_id, one.aggregate_version, one.consignee)
        for one in newest.values()
        if one.consignee is not None
    ]
    if people:
        await tx.people.keep(people, until=tx.now + tx.settings.personal_for)


def to_snapshot(event: OrderSnapshot) -> Snapshot:
    """The part of an order that shipping decides with: without the people in it."""
    to = event.consignee
    place = to or event.destination
    return Snapshot(
        version=event.aggregate_version,
        label_revision=event.label_revision,
        state=OrderState(event.fulfilment.state),
        from_marketplace=event.fulfilment.label_source is LabelSource.MARKETPLACE,
        country=None if place is None else place.country,
        has_address=to is not None and bool(to.lines) and to.city is not None,
        shipping_method=event.fulfilment.shipping_method,
        incoterm=event.fulfilment.incoterm,
        order_number=event.order_number,
        lines={
            line.line_id: Line(Decimal(line.unit_value), line.line_total.currency, line.external_line_ids)
            for line in event.lines
        },
    )

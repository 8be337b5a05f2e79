"""What we owe the marketplace once a parcel has left: its tracking number, until it is confirmed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from crossdock_contracts.envelope import Actor, ActorKind
from crossdock_contracts.shipping import ParcelShippedV1, ShipmentLabelRequestedV1
from order_service.domain.order import Order
from order_service.domain.order_table import OrderStatus
from order_service.domain.write_back import owed_units
from order_service.use_cases.marketplace import Tracking
from order_service.use_cases.ports import Note, NotFound, Obligation, Transaction

TRACKING_JOB = "marketplace.write_tracking"
OVERDUE_TIMER = "obligation_overdue"
AT_LEAST = timedelta(hours=24)


async def owe_tracking(event: ParcelShippedV1, order: Order, *, tx: Transaction) -> None:
    """Note the debt and ask for the call. A cancelled order's marketplace wants no tracking number."""
    units = owed_units(order, event.parcel_id)
    if not units or order.status is OrderStatus.CANCELLED:
        return
    ship_by = order.terms.ship_by
    deadline = ship_by if ship_by is not None and ship_by > tx.now else tx.now + AT_LEAST
    obligation = Obligation(
        obligation_id=tx.new_id(),
        merchant_id=event.merchant_id,
        order_id=event.order_id,
        kind="tracking",
        subject=str(event.parcel_id),
        platform=order.identity.platform,
        account=order.identity.account,
        deadline_at=deadline,
        details={
            "external_id": order.identity.external_id,
            "tracking_number": event.tracking_number,
            "tracking_url": event.tracking_url,
            "carrier": event.carrier,
            "units": dict(units),
        },
    )
    await tx.obligations.add(obligation)
    await tx.jobs.add(
        TRACKING_JOB,
        str(obligation.obligation_id),
        merchant_id=event.merchant_id,
        destination=f"{order.identity.platform}:{order.identity.account}",
        payload={"obligation_id": str(obligation.obligation_id)},
        deadline_at=deadline,
        caused_by=event.cause,
    )
    await _watch(order.identity.order_id, event.merchant_id, deadline, tx=tx)


async def owe_label(event: ShipmentLabelRequestedV1, order: Order, *, tx: Transaction) -> None:
    """A label of the marketplace was asked for. No platform here issues any, so a person has to act."""
    await tx.obligations.add(
        Obligation(
            obligation_id=tx.new_id(),
            merchant_id=event.merchant_id,
            order_id=event.order_id,
            kind="label",
            subject=str(event.parcel_id),
            platform=order.identity.platform,
            account=order.identity.account,
            deadline_at=order.terms.ship_by or tx.now + AT_LEAST,
            details={"shipment_id": str(event.shipment_id), "warehouse": event.warehouse},
            state="needs_person",
        )
    )


def tracking_of(obligation: Obligation) -> Tracking:
    """The call an obligation asks for."""
    details = obligation.details
    return Tracking(
        external_id=details["external_id"],
        tracking_number=details["tracking_number"],
        tracking_url=details["tracking_url"],
        carrier=details["carrier"],
        units=details["units"],
    )


async def confirm(told: Sequence[tuple[Obligation, str]], *, tx: Transaction) -> None:
    """The platform has them: with each obligation its reference there."""
    await tx.obligations.settle({one.obligation_id: ref for one, ref in told}, state="confirmed")
    codes = ("write_back_overdue", "write_back_refused")
    await tx.exceptions.settle(
        [(one.order_id, code, one.subject) for one, _ in told for code in codes], by="order-service"
    )
    await tx.orders.note([_note(one, "write_back.confirmed", ref) for one, ref in told])


async def refuse(obligation: Obligation, code: str, *, tx: Transaction) -> None:
    """The platform said no: a person sees why."""
    await tx.obligations.settle({obligation.obligation_id: None}, state="refused", error=code)
    await tx.exceptions.raise_all(
        [(obligation.merchant_id, obligation.order_id, "write_back_refused", obligation.subject, code)]
    )
    await tx.orders.note([_note(obligation, "write_back.refused", code)])


async def retry(obligation_id: UUID, merchant_id: str, actor: Actor, reason: str, *, tx: Transaction) -> None:
    """A person says: once more. Raises NotFound. Confirmed ones stay as they are."""
    obligation = (await tx.obligations.lock([obligation_id]))[obligation_id]
    if obligation.merchant_id != merchant_id:
        raise NotFound("obligation", str(obligation_id))
    if obligation.state == "confirmed" or obligation.kind != "tracking":
        return
    await tx.obligations.settle({obligation_id: None}, state="open")
    await tx.jobs.again(TRACKING_JOB, str(obligation_id))
    await tx.orders.note([_note(obligation, "write_back.retried", None, actor=actor, reason=reason)])


async def warn_overdue(order_id: UUID, merchant_id: str, *, tx: Transaction) -> None:
    """The timer's: what is still owed past its deadline becomes an exception."""
    late = await tx.obligations.overdue(order_id, tx.now)
    await tx.exceptions.raise_all(
        [(one.merchant_id, order_id, "write_back_overdue", one.subject, one.state) for one in late]
    )
    following = await tx.obligations.next_deadline(order_id, tx.now)
    if following is not None:
        await _watch(order_id, merchant_id, following, tx=tx)


async def _watch(order_id: UUID, merchant_id: str, due_at: datetime, *, tx: Transaction) -> None:
    await tx.timers.set(OVERDUE_TIMER, str(order_id), merchant_id=merchant_id, due_at=due_at)


def _note(
    obligation: Obligation,
    what: str,
    detail: str | None,
    *,
    actor: Actor | None = None,
    reason: str | None = None,
) -> Note:
    return Note(
        order_id=obligation.order_id,
        merchant_id=obligation.merchant_id,
        what=what,
        detail=detail,
        actor=actor or Actor(kind=ActorKind.MARKETPLACE, name=obligation.platform),
        version=0,
        reason=reason,
    )

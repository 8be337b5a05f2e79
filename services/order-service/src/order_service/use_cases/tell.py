"""The end of every change: fold the state, publish what is due, keep timeline and exceptions."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from crossdock_contracts.envelope import Actor, Cause
from order_service.domain.order import Order, Saying
from order_service.domain.order_table import OrderStatus
from order_service.use_cases.cancel_there import owe_cancel
from order_service.use_cases.ports import Note, Transaction
from order_service.use_cases.snapshot import snapshot

UNPAID_TIMER = "unpaid_expires"


@dataclass(slots=True)
class Change:
    """One order with what happened to it in this transaction: (what, detail) pairs for the timeline."""

    order: Order
    actor: Actor
    reason: str | None = None
    cause: Cause = field(default_factory=Cause)
    happened: list[tuple[str, str | None]] = field(default_factory=list)


async def conclude(change: Change, *, tx: Transaction) -> tuple[list[Note], Saying | None]:
    """Fold the order and publish it if that is due. Notes and order are the caller's to store."""
    order = change.order
    before, held = order.status, set(order.process.holds)
    saying = order.conclude(tx.version_floor)
    if saying is not None:
        event = snapshot(order, saying, actor=change.actor, reason=change.reason)
        await tx.outbox.add(event, caused_by=change.cause)
    await _keep_timer(change, saying, tx=tx)
    happened = list(change.happened)
    if order.status is not before and order.status is OrderStatus.CANCELLED:
        await owe_cancel(order, cause=change.cause, tx=tx)
    if order.status is not before:
        happened.append((f"order.{order.status.value}", _because(order)))
    elif saying is not None and set(order.process.holds) != held:
        happened.append(("order.holds", _because(order)))
    happened += [(f"exception.{one.code}", one.detail) for one in order.surprises]
    return [note(change, what, detail) for what, detail in happened], saying


async def save_all(changes: Sequence[Change], *, tx: Transaction) -> None:
    """Conclude and store many orders that were locked by this transaction."""
    notes: list[Note] = []
    for change in changes:
        found, _ = await conclude(change, tx=tx)
        notes += found
    await tx.orders.save([one.order for one in changes])
    await tx.orders.note(notes)
    await keep_exceptions([one.order for one in changes], tx=tx)


async def keep_exceptions(orders: Sequence[Order], *, tx: Transaction) -> None:
    """Close what came right, then open what went wrong."""
    await tx.exceptions.settle(
        [(one.identity.order_id, code, subject) for one in orders for code, subject in one.settled],
        by="order-service",
    )
    await tx.exceptions.raise_all(
        [
            (one.identity.merchant_id, one.identity.order_id, found.code, found.subject, found.detail)
            for one in orders
            for found in one.surprises
        ]
    )


async def _keep_timer(change: Change, saying: Saying | None, *, tx: Transaction) -> None:
    """An order that waits for its money has a timer; one that does not has none."""
    order, process = change.order, change.order.process
    if saying is None:
        return
    if process.reserve_until is not None and order.status is OrderStatus.HELD:
        await tx.timers.set(
            UNPAID_TIMER,
            order.key,
            merchant_id=order.identity.merchant_id,
            due_at=process.reserve_until,
            caused_by=change.cause,
        )
        process.has_timer = True
    elif process.has_timer:
        await tx.timers.clear(UNPAID_TIMER, order.key)
        process.has_timer = False


def _because(order: Order) -> str | None:
    return ", ".join(sorted(order.process.holds)) or None


def note(change: Change, what: str, detail: str | None) -> Note:
    """One line of the timeline."""
    identity = change.order.identity
    return Note(
        order_id=identity.order_id,
        merchant_id=identity.merchant_id,
        what=what,
        detail=detail,
        actor=change.actor,
        version=change.order.version,
        reason=change.reason,
        cause=change.cause,
    )

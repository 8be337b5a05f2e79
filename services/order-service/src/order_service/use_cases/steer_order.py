"""What a person or a timer may do to one order: hold, release, cancel, correct the address, try again."""

from dataclasses import dataclass
from uuid import UUID

from crossdock_contracts.envelope import Actor, ActorKind
from order_service.domain.canonical import Address
from order_service.domain.holds import HoldReason, look
from order_service.domain.order import Order
from order_service.domain.order_table import OrderEvent, OrderStatus
from order_service.use_cases.ports import Transaction
from order_service.use_cases.tell import Change, save_all


@dataclass(frozen=True, slots=True)
class Command:
    """Who wants what of which order, and why."""

    merchant_id: str
    order_id: UUID
    actor: Actor
    reason: str


async def hold_order(command: Command, *, tx: Transaction) -> Order:
    """Nothing more leaves. Raises NotFound or IllegalMove."""
    change = await _begin(command, "person.held", tx=tx)
    change.order.hold(HoldReason.MANUAL, command.reason, tx.now)
    return await _end(change, tx=tx)


async def release_order(command: Command, reason: HoldReason, *, tx: Transaction) -> Order:
    """Go on in spite of one hold. Raises NotFound, IllegalMove, HoldNotFound or HoldNotReleasable."""
    change = await _begin(command, "person.released", reason.value, tx=tx)
    change.order.release(reason)
    return await _end(change, tx=tx)


async def cancel_order(command: Command, *, tx: Transaction) -> Order:
    """Ask for the order to stop; the others decide. Safe to repeat. Raises NotFound or IllegalMove."""
    change = await _begin(command, "person.cancelled", tx=tx)
    change.order.ask_cancel(command.reason)
    return await _end(change, tx=tx)


async def change_address(command: Command, consignee: Address, *, tx: Transaction) -> Order:
    """Correct where it goes; holds that were about the address or the border are looked at again.

    Raises NotFound or IllegalMove.
    """
    change = await _begin(command, "person.corrected_address", tx=tx)
    order = change.order
    order.correct_address(consignee)
    account = await tx.accounts.get(command.merchant_id, order.identity.account)
    names = {sku for line in order.lines for sku in (line.sku, line.external_sku) if sku}
    catalog = await tx.skus.catalog(command.merchant_id, account.account, names)
    order.take_findings(
        look(
            payment=order.content.payment,
            platform_hold=order.content.platform_hold,
            test=order.content.test,
            address=consignee,
            lines=order.lines,
            catalog=catalog,
            domestic_countries=account.domestic_countries,
        ),
        tx.now,
    )
    return await _end(change, tx=tx)


async def retry_order(command: Command, *, tx: Transaction) -> Order:
    """Ask inventory and shipping once more, as a new version. Raises NotFound or IllegalMove."""
    change = await _begin(command, "person.retried", tx=tx)
    change.order.retry()
    return await _end(change, tx=tx)


async def expire_unpaid(merchant_id: str, order_id: UUID, *, tx: Transaction) -> None:
    """The timer's: an order that is still not paid is cancelled. Does nothing when it has moved on."""
    orders = await tx.orders.lock([order_id])
    order = orders.get(order_id)
    if order is None or order.status is not OrderStatus.HELD or HoldReason.UNPAID not in order.process.holds:
        return
    until = order.process.reserve_until
    if until is None or until > tx.now:
        return
    change = Change(
        order,
        Actor(kind=ActorKind.TIMER, name="unpaid_expires"),
        reason="unpaid",
        happened=[("timer.unpaid_expired", None)],
    )
    order.process.has_timer = False
    order.ask_cancel("unpaid", OrderEvent.UNPAID_EXPIRED)
    await save_all([change], tx=tx)


async def _begin(command: Command, what: str, detail: str | None = None, *, tx: Transaction) -> Change:
    order = await tx.orders.lock_one(command.merchant_id, command.order_id)
    return Change(order, command.actor, reason=command.reason, happened=[(what, detail)])


async def _end(change: Change, *, tx: Transaction) -> Order:
    await save_all([change], tx=tx)
    return change.order

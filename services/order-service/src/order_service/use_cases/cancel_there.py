"""A cancel of ours that went through here reaches the marketplace, too."""

from crossdock_contracts.envelope import Cause
from order_service.domain.cancelling import cancel_reason
from order_service.domain.order import Order
from order_service.use_cases import obligations
from order_service.use_cases.ports import Obligation, Transaction

#: Their reference of a cancel that they told us of.
TOLD_BY_THEM = "told by the marketplace"


async def owe_cancel(order: Order, *, cause: Cause, tx: Transaction) -> None:
    """To be called when the order has become cancelled. Nothing is owed for a cancel of the marketplace's."""
    if order.process.cancel_is_ours and not order.process.platform_cancelled:
        details = {"reason": cancel_reason(order).value}
        await obligations.owe(order, "cancel", order.key, details, cause=cause, tx=tx)


async def heard_of_cancel(order: Order, *, tx: Transaction) -> None:
    """The marketplace says that the order is cancelled there, whoever did it."""
    if order.process.cancel_is_ours:
        owed = await tx.obligations.lock_of_order(order.identity.order_id, "cancel")
        unconfirmed = [(one, TOLD_BY_THEM) for one in owed if one.state != "confirmed"]
        await obligations.confirm(unconfirmed, wholly=False, tx=tx)  # they say nothing of a refund


def call_of(obligation: Obligation) -> tuple[str, str]:
    """The order as they call it, and why it is cancelled."""
    return obligation.details["external_id"], obligation.details["reason"]

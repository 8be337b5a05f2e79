"""An unpaid order's stock is kept until a time and no longer."""

from uuid import UUID

from crossdock_contracts.inventory import ReleaseCause
from inventory_service.domain.allocation import AllocationState
from inventory_service.domain.because import Because
from inventory_service.domain.order import Order, OrderState
from inventory_service.domain.promising import free_unpublished
from inventory_service.use_cases.answer_order import publish_release
from inventory_service.use_cases.ports import Transaction
from inventory_service.use_cases.wake_waiting import wake_waiting

BECAUSE = Because("timer", "reservation_expiry", "not paid in time")


async def expire_reservation(merchant_id: str, order_id: UUID, *, tx: Transaction) -> None:
    """Free what nobody was told of. Nothing happens when the order was paid, cancelled or given more time."""
    await tx.books.lock_orders({order_id: merchant_id})
    order = tx.book.orders[order_id]
    named = {line.sku for line in order.lines.values() if line.sku} | {one.key.sku for one in order.live}
    await tx.books.lock_skus({(merchant_id, sku) for sku in named})
    if order.state is OrderState.HELD and order.reserve_until is not None and order.reserve_until <= tx.now:
        await _expire(order, tx=tx)
    await wake_waiting(because=BECAUSE, cause=tx.cause, tx=tx)


async def _expire(order: Order, *, tx: Transaction) -> None:
    freed = free_unpublished(order, tx.book, BECAUSE, end=AllocationState.EXPIRED)
    order.expired = True
    order.changed = True
    order.stop_waiting()
    if freed:
        order.answered_version = order.seen_version
        ids = tuple(one.allocation_id for one in freed)
        await publish_release(order, ReleaseCause.EXPIRED, ids, because=BECAUSE, cause=tx.cause, tx=tx)
    await tx.books.save()

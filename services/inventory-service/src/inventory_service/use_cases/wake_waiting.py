"""Give units that came free to who has waited longest for them."""

from collections.abc import Iterable

from crossdock_contracts.envelope import Cause
from inventory_service.domain.because import Because
from inventory_service.domain.book import Book, SkuKey
from inventory_service.domain.order import Order, OrderState
from inventory_service.domain.promising import fill
from inventory_service.use_cases.answer_order import publish_set
from inventory_service.use_cases.ports import Transaction

#: Lines served in one transaction; a timer serves the rest.
WAKE_LIMIT = 200
WAKE_TIMER = "wake_waiting"


async def wake_waiting(*, because: Because, cause: Cause, tx: Transaction) -> None:
    """Fill waiting lines of the SKUs that were freed in this transaction, which holds their locks.

    An open order's larger set is published at once, a held order's stays silent. The last step of whoever
    locked orders: while it waited for the SKUs another may have freed units and skipped its orders.
    """
    book = tx.book
    for order in book.orders.values():
        book.freed |= {
            (order.merchant_id, one.sku) for one in order.lines.values() if one.sku and one.waiting
        }
    keys = book.freed & _available(book)
    book.freed.clear()
    if not keys:
        return
    waiting = await tx.books.lock_waiting(keys, WAKE_LIMIT)
    if not waiting:
        return
    filled: dict[object, Order] = {}
    for order, line in waiting:
        if fill(order, line, book, because):
            filled[order.order_id] = order
    for order in filled.values():
        if order.state is OrderState.OPEN:
            await publish_set(order, because=because, cause=cause, tx=tx)
    await tx.books.save()
    if len(waiting) == WAKE_LIMIT:
        await wake_later(keys & _available(book), cause=cause, tx=tx)


async def wake_sku(merchant_id: str, sku: str, *, because: Because, tx: Transaction) -> None:
    """Go on with one SKU where an earlier transaction stopped. Safe to repeat."""
    await tx.books.lock_skus({(merchant_id, sku)})
    tx.book.freed.add((merchant_id, sku))
    await wake_waiting(because=because, cause=tx.cause, tx=tx)


async def wake_later(keys: Iterable[SkuKey], *, cause: Cause, tx: Transaction) -> None:
    """Let a timer look at what waits for these SKUs, one transaction each."""
    for merchant_id, sku in sorted(keys):
        await tx.timers.set(
            WAKE_TIMER,
            f"{merchant_id}/{sku}",
            merchant_id=merchant_id,
            due_at=tx.now,
            payload={"sku": sku},
            caused_by=cause,
        )


def _available(book: Book) -> set[SkuKey]:
    """The SKUs of the book of which some warehouse has units to promise."""
    return {
        (level.key.merchant_id, level.key.sku)
        for level in book.levels.values()
        if book.available(level.key.merchant_id, level.key.warehouse, level.key.sku)
    }

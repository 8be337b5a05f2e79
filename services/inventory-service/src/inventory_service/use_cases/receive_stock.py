"""Goods arrived: a fact. Waiting demand gets its units in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from inventory_service.domain.because import Because
from inventory_service.domain.book import Movement
from inventory_service.domain.errors import AlreadyReceived, UnknownSku, UnknownWarehouse
from inventory_service.domain.level import NO_LOT, SELLABLE, Level, LevelKey
from inventory_service.use_cases.ports import Transaction
from inventory_service.use_cases.wake_waiting import wake_waiting


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """`reference` names the delivery note: a SKU's units of one note are booked once."""

    reference: str
    warehouse: str
    sku: str
    units: int
    condition: str = SELLABLE

    def key(self, merchant_id: str) -> LevelKey:
        return LevelKey(merchant_id, self.sku, self.warehouse, NO_LOT, self.condition)


async def receive_stock(
    merchant_id: str, lines: Sequence[ReceiptLine], *, because: Because, tx: Transaction
) -> Sequence[Level]:
    """Book all lines or none. Returns the levels as they stand then, waiting demand served.

    Raises UnknownWarehouse, UnknownSku or AlreadyReceived.
    """
    await tx.books.lock_skus({(merchant_id, line.sku) for line in lines})
    booked = await tx.books.received_before(merchant_id, {line.reference for line in lines})
    codes = {one.code for one in tx.book.warehouses[merchant_id]}
    for line in lines:
        key = line.key(merchant_id)
        if line.warehouse not in codes:
            raise UnknownWarehouse(line.warehouse)
        if (merchant_id, line.sku) not in tx.book.skus:
            raise UnknownSku(line.sku)
        if (line.reference, key) in booked:
            raise AlreadyReceived(line.reference, line.sku)
        booked.add((line.reference, key))
        tx.book.move(Movement(key, "receipt", line.units, because, line.reference))
        tx.book.freed.add((merchant_id, line.sku))
    await tx.books.save()
    await wake_waiting(because=because, cause=tx.cause, tx=tx)
    return [tx.book.level(key) for key in dict.fromkeys(line.key(merchant_id) for line in lines)]

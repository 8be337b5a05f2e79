"""The seller enters and changes warehouses and SKUs. They are deactivated, never deleted."""

from collections.abc import Sequence
from dataclasses import replace

from crossdock_contracts.inventory import SkuChangedV1
from inventory_service.domain.because import Because
from inventory_service.domain.catalogue import Sku, Warehouse
from inventory_service.domain.errors import UnknownSku, UnknownWarehouse
from inventory_service.use_cases.ports import Transaction
from inventory_service.use_cases.said import actor_of, sku_facts
from inventory_service.use_cases.wake_waiting import wake_later, wake_waiting

#: SKUs looked at again when a warehouse changes; receipts wake the others.
MOST_WOKEN = 1000


async def put_warehouse(merchant_id: str, warehouse: Warehouse, *, because: Because, tx: Transaction) -> None:
    """Create or replace. Orders keep their warehouse; new sourcing sees the change. Safe to repeat.

    Who waits for stock that this warehouse has may be served from it now; timers see to that.
    """
    await tx.catalogue.put_warehouse(merchant_id, warehouse, because)
    waited_for = await tx.books.waited_for(merchant_id, warehouse.code, MOST_WOKEN)
    await wake_later(waited_for, cause=tx.cause, tx=tx)


async def deactivate_warehouse(merchant_id: str, code: str, *, because: Because, tx: Transaction) -> None:
    """No new promise is made from it; what is promised leaves from it. Raises UnknownWarehouse."""
    for one in await tx.catalogue.warehouses(merchant_id):
        if one.code == code:
            await tx.catalogue.put_warehouse(merchant_id, replace(one, active=False), because)
            return
    raise UnknownWarehouse(code)


async def put_skus(merchant_id: str, skus: Sequence[Sku], *, because: Because, tx: Transaction) -> int:
    """Create or replace; publishes `sku.changed` for those that are different now. Returns how many were.

    What waits for a SKU that is sold (again) gets what there is of it.
    """
    keys = {(merchant_id, one.sku) for one in skus}
    await tx.books.lock_skus(keys)
    changed = [one for one in skus if tx.book.skus.get((merchant_id, one.sku)) != one]
    if not changed:
        return 0
    await tx.catalogue.put_skus(merchant_id, changed, because)
    versions = await tx.books.next_versions({(merchant_id, one.sku): 1 for one in changed})
    for one in changed:
        event = SkuChangedV1(
            merchant_id=merchant_id,
            aggregate_version=versions[merchant_id, one.sku],
            actor=actor_of(because),
            reason=because.reason,
            facts=sku_facts(one),
            active=one.active,
        )
        await tx.outbox.add(event)
        tx.book.skus[merchant_id, one.sku] = one
        tx.book.freed.add((merchant_id, one.sku))
    await wake_waiting(because=because, cause=tx.cause, tx=tx)
    return len(changed)


async def deactivate_sku(merchant_id: str, sku: str, *, because: Because, tx: Transaction) -> None:
    """No new promise is made of it. Raises UnknownSku."""
    known = (await tx.catalogue.skus(merchant_id, [sku])).get(sku)
    if known is None:
        raise UnknownSku(sku)
    await put_skus(merchant_id, [replace(known, active=False)], because=because, tx=tx)

"""Levels against the rows they are derived from."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from inventory_service.domain.drift import Drift
from inventory_service.domain.level import LevelKey

_DIFFERENCES = text(
    """
    with ledger as (
        select sku, warehouse, lot, condition, sum(units) as units
        from stock_movement where merchant_id = :merchant_id group by 1, 2, 3, 4
    ), promised as (
        select sku, warehouse, '-' as lot, 'sellable' as condition, sum(units - consumed) as units
        from allocation
        where merchant_id = :merchant_id and state in ('reserved', 'published', 'withdrawing') group by 1, 2
    ), level as (
        select sku, warehouse, lot, condition, on_hand, reserved, short
        from stock_level where merchant_id = :merchant_id
    ), compared as (
        select sku, warehouse, lot, condition,
               coalesce(level.on_hand, 0) as on_hand, coalesce(ledger.units, 0) as ledger,
               coalesce(level.reserved, 0) as reserved, coalesce(promised.units, 0) as allocated,
               coalesce(level.short, 0) as short
        from level
        full join ledger using (sku, warehouse, lot, condition)
        full join promised using (sku, warehouse, lot, condition)
    )
    select * from compared
    where on_hand <> ledger or reserved <> allocated or short <> greatest(0, reserved - on_hand)
    order by sku, warehouse, lot, condition limit :limit
    """
)


class Drifts:
    """See `use_cases.ports.Drifts`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def differences(self, merchant_id: str, limit: int) -> Sequence[Drift]:
        rows = await self._connection.execute(_DIFFERENCES, {"merchant_id": merchant_id, "limit": limit})
        return [
            Drift(
                key=LevelKey(merchant_id, row.sku, row.warehouse, row.lot, row.condition),
                on_hand=row.on_hand,
                ledger=int(row.ledger),
                reserved=row.reserved,
                allocated=int(row.allocated),
                short=row.short,
            )
            for row in rows
        ]

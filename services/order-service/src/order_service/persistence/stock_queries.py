"""What the pages about told stock show."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from order_service.use_cases.ports import Shop

_STATES = {None: "true", "waiting": "waits", "refused": "refused is not null"}
_LISTINGS = """
    select external_sku, wanted, told, told_at, dirty_since as waiting_since, refused from stock_listing
    where merchant_id = :merchant_id and account = :account and external_sku > :after and {state}
    order by external_sku limit :limit
"""


async def listings(
    connection: AsyncConnection, shop: Shop, *, state: str | None, after: str, limit: int
) -> Sequence[RowMapping]:
    """By the marketplace's SKU. `state`: waiting, refused, or all."""
    statement = text(_LISTINGS.format(state=_STATES[state]))
    values = {"merchant_id": shop.merchant_id, "account": shop.account, "after": after, "limit": limit}
    return (await connection.execute(statement, values)).mappings().all()

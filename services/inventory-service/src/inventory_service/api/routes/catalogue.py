"""Warehouses and SKUs."""

from typing import Annotated

from fastapi import APIRouter, Query

from crossdock_chassis.http import Page, Paging, page_of
from inventory_service.api.dependencies import (
    Database,
    Reader,
    Reason,
    SkuName,
    WarehouseCode,
    Writer,
    because_of,
)
from inventory_service.api.models import SkuGiven, SkuShown, WarehouseGiven, Warehouses, WarehouseShown
from inventory_service.domain.errors import UnknownSku, UnknownWarehouse
from inventory_service.persistence import reading
from inventory_service.use_cases.put_catalogue import (
    deactivate_sku,
    deactivate_warehouse,
    put_skus,
    put_warehouse,
)

router = APIRouter(prefix="/v1", tags=["catalogue"])


@router.get("/warehouses")
async def get_warehouses(principal: Reader, database: Database) -> Warehouses:
    """All of them, the most preferred first."""
    async with database.transaction() as tx:
        found = await tx.catalogue.warehouses(principal.merchant_id)
    return Warehouses(items=[WarehouseShown.model_validate(one) for one in found])


@router.get("/warehouses/{code}")
async def get_warehouse(code: WarehouseCode, principal: Reader, database: Database) -> WarehouseShown:
    """One warehouse."""
    async with database.transaction() as tx:
        found = await tx.catalogue.warehouses(principal.merchant_id)
    for one in found:
        if one.code == code:
            return WarehouseShown.model_validate(one)
    raise UnknownWarehouse(code)


@router.put("/warehouses/{code}")
async def put_one_warehouse(
    code: WarehouseCode, body: WarehouseGiven, principal: Writer, database: Database, reason: Reason = None
) -> WarehouseShown:
    """Create or replace."""
    warehouse = body.warehouse(code)
    async with database.transaction() as tx:
        because = because_of(principal, reason)
        await put_warehouse(principal.merchant_id, warehouse, because=because, tx=tx)
    return WarehouseShown.model_validate(warehouse)


@router.post("/warehouses/{code}/deactivation", status_code=204)
async def post_warehouse_deactivation(
    code: WarehouseCode, principal: Writer, database: Database, reason: Reason = None
) -> None:
    """No new promise is made from it; what is promised leaves from it. PUT activates it again."""
    async with database.transaction() as tx:
        because = because_of(principal, reason)
        await deactivate_warehouse(principal.merchant_id, code, because=because, tx=tx)


@router.get("/skus")
async def get_skus(
    principal: Reader,
    database: Database,
    paging: Paging,
    active: bool | None = None,
    search: Annotated[str | None, Query(min_length=1, max_length=128, description="in SKU or title")] = None,
) -> Page[SkuShown]:
    """SKUs by name, deactivated ones too unless `active` says otherwise."""
    after = paging.key(str)
    async with database.transaction() as tx:
        rows = await reading.skus(
            tx.connection,
            principal.merchant_id,
            after=after[0] if after else None,
            limit=paging.limit + 1,
            active=active,
            search=search,
        )
    return page_of(rows, paging, item=SkuShown.model_validate, key=lambda row: (row.sku,))


@router.post("/skus/{sku:path}/deactivation", status_code=204)
async def post_sku_deactivation(
    sku: SkuName, principal: Writer, database: Database, reason: Reason = None
) -> None:
    """No new promise is made of it; what is promised leaves. PUT activates it again."""
    async with database.transaction() as tx:
        await deactivate_sku(principal.merchant_id, sku, because=because_of(principal, reason), tx=tx)


@router.get("/skus/{sku:path}")
async def get_sku(sku: SkuName, principal: Reader, database: Database) -> SkuShown:
    """One SKU with the facts that customs and carriers ask for."""
    async with database.transaction() as tx:
        found = (await tx.catalogue.skus(principal.merchant_id, [sku])).get(sku)
    if found is None:
        raise UnknownSku(sku)
    return SkuShown.model_validate(found)


@router.put("/skus/{sku:path}")
async def put_sku(
    sku: SkuName, body: SkuGiven, principal: Writer, database: Database, reason: Reason = None
) -> SkuShown:
    """Create or replace; the other services are told when something is different."""
    wanted = body.as_sku(sku)
    async with database.transaction() as tx:
        await put_skus(principal.merchant_id, [wanted], because=because_of(principal, reason), tx=tx)
    return SkuShown.model_validate(wanted)

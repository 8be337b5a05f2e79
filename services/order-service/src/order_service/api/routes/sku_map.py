"""/v1/accounts/{account}/sku-map: what a marketplace's SKUs are made of."""

import json
from typing import Annotated

from fastapi import APIRouter, Path, Response

from crossdock_chassis.http import Idempotent, Page, Paging, page_of
from order_service.api.dependencies import Database, Reader, Writer
from order_service.api.models import ComponentGiven, MapEntry, MapEntryShown
from order_service.domain.lines import Component, Mapped
from order_service.persistence import queries
from order_service.use_cases.learn_skus import look_again
from order_service.use_cases.ports import NotFound, Shop
from order_service.use_cases.tell_stock import listing_changed

router = APIRouter(prefix="/v1/accounts/{account}/sku-map", tags=["accounts"])

ExternalSku = Annotated[str, Path(min_length=1, max_length=128)]


@router.get("")
async def get_sku_map(
    account: str, principal: Reader, database: Database, paging: Paging
) -> Page[MapEntryShown]:
    """What the marketplace's SKUs are made of. A SKU that is one of ours needs no entry."""
    after = paging.key(str)
    async with database.transaction() as tx:
        await tx.accounts.get(principal.merchant_id, account)
        rows = await queries.list_sku_map(
            tx.connection,
            merchant_id=principal.merchant_id,
            account=account,
            after=after[0] if after else "",
            limit=paging.limit + 1,
        )
    return page_of(
        rows,
        paging,
        item=lambda row: MapEntryShown(
            external_sku=row["external_sku"],
            components=tuple(ComponentGiven(**one) for one in json.loads(row["components"])),
            updated_at=row["updated_at"],
        ),
        key=lambda row: (row["external_sku"],),
    )


@router.put("/{external_sku}", response_model=MapEntry)
async def put_map_entry(
    account: str,
    external_sku: ExternalSku,
    body: MapEntry,
    principal: Writer,
    database: Database,
    call: Idempotent,
) -> Response:
    """Say what a marketplace's SKU is made of. Orders that waited for it go on; others stay as they are."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        await tx.accounts.get(principal.merchant_id, account)
        mapped = Mapped(tuple(Component(one.sku, one.units) for one in body.components))
        await tx.skus.map(principal.merchant_id, account, external_sku, mapped)
        await listing_changed(Shop(principal.merchant_id, account), external_sku, tx=tx)
        await look_again(
            principal.merchant_id,
            [external_sku],
            actor=principal.actor,
            reason="the SKU map was changed",
            tx=tx,
        )
        return await call.answer(tx, 200, body)


@router.delete("/{external_sku}", status_code=204)
async def delete_map_entry(
    account: str, external_sku: ExternalSku, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Forget an entry: later orders of this SKU are unknown, unless it is one of ours."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        if not await queries.unmap(tx.connection, principal.merchant_id, account, external_sku):
            raise NotFound("sku-map entry", external_sku)
        await listing_changed(Shop(principal.merchant_id, account), external_sku, tx=tx)
        return await call.answer(tx, 204)

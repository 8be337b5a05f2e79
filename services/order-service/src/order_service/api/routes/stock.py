"""/v1/accounts/{account}/stock: what a marketplace is told of stock, and how much of it."""

from typing import Literal

from fastapi import APIRouter, Response

from crossdock_chassis.http import Idempotent, Page, Paging, page_of
from order_service.api.dependencies import Database, Reader, Writer
from order_service.api.stock_models import DialsGiven, DialsShown, ListingShown, PreviewShown
from order_service.persistence import stock_queries
from order_service.use_cases import tell_stock
from order_service.use_cases.ports import Shop
from order_service.use_cases.stock_ports import Listing

router = APIRouter(prefix="/v1/accounts/{account}/stock", tags=["stock"])


@router.get("")
async def get_listings(
    account: str,
    principal: Reader,
    database: Database,
    paging: Paging,
    state: Literal["waiting", "refused"] | None = None,
) -> Page[ListingShown]:
    """What the account sells, with what its marketplace was told; `state` shows what waits or was refused."""
    after = paging.key(str)
    shop = Shop(principal.merchant_id, account)
    async with database.transaction() as tx:
        await tx.accounts.get(*shop)
        rows = await stock_queries.listings(
            tx.connection, shop, state=state, after=after[0] if after else "", limit=paging.limit + 1
        )
    return page_of(rows, paging, item=lambda row: ListingShown(**row), key=lambda row: (row["external_sku"],))


@router.get("/dials")
async def get_dials(account: str, principal: Reader, database: Database) -> DialsShown:
    """How much of the stock the marketplace may sell, and what is still to be told."""
    shop = Shop(principal.merchant_id, account)
    async with database.transaction() as tx:
        await tx.accounts.get(*shop)
        return DialsShown.of(await tx.stock.dials(shop), await tx.stock.backlog(shop))


@router.put("/dials", response_model=DialsShown)
async def put_dials(
    account: str, body: DialsGiven, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Set them all; what is left out is as in the beginning. Numbers that change are told."""
    shop = Shop(principal.merchant_id, account)
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        await tell_stock.set_dials(shop, body.kept(), tx=tx)
        shown = DialsShown.of(await tx.stock.dials(shop), await tx.stock.backlog(shop))
        return await call.answer(tx, 200, shown)


@router.post("/preview")
async def post_preview(
    account: str, body: DialsGiven, principal: Reader, database: Database, paging: Paging
) -> Page[PreviewShown]:
    """The numbers that would be told with these dials, and why. Nothing is kept and nobody is told."""
    after = paging.key(str)
    shop = Shop(principal.merchant_id, account)
    async with database.transaction() as tx:
        await tx.accounts.get(*shop)
        rows = await stock_queries.listings(
            tx.connection, shop, state=None, after=after[0] if after else "", limit=paging.limit + 1
        )
        listings = [Listing(row["external_sku"], row["told"]) for row in rows]
        found = await tell_stock.preview(shop, listings, body.kept().dials, tx=tx)
    return page_of(
        found,
        paging,
        item=lambda one: PreviewShown(
            external_sku=one.external_sku, told=one.told, units=one.offer.units, why=one.offer.why
        ),
        key=lambda one: (one.external_sku,),
    )


@router.post("/resend", status_code=202, response_class=Response)
async def post_resend(account: str, principal: Writer, database: Database, call: Idempotent) -> Response:
    """Tell every number anew, also those that were told or refused: after somebody changed them there."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        await tell_stock.resend(Shop(principal.merchant_id, account), tx=tx)
        return await call.answer(tx, 202)

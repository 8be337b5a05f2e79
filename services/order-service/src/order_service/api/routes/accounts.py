"""/v1/accounts and their SKU maps."""

import json
from dataclasses import asdict, replace
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from crossdock_chassis.http import Idempotent, Page, Paging, Problem, page_of
from order_service.api.dependencies import Database, Reader, Writer
from order_service.api.models import (
    AccountGiven,
    AccountShown,
    ComponentGiven,
    MapEntry,
    MapEntryShown,
    Name,
)
from order_service.domain.lines import Component, Mapped
from order_service.persistence import queries
from order_service.use_cases.learn_skus import look_again
from order_service.use_cases.ports import Account, NotFound, Secrets

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])

ExternalSku = Annotated[str, Path(min_length=1, max_length=128)]


@router.get("")
async def get_accounts(principal: Reader, database: Database, paging: Paging) -> Page[AccountShown]:
    """The merchant's marketplace accounts, by name, without their secrets."""
    after = paging.key(str)
    async with database.transaction() as tx:
        rows = await tx.accounts.page(
            principal.merchant_id, after=after[0] if after else "", limit=paging.limit + 1
        )
    return page_of(rows, paging, item=_shown, key=lambda row: (row.account,))


@router.get("/{account}")
async def get_account(account: str, principal: Reader, database: Database) -> AccountShown:
    """One account, without its secrets."""
    async with database.transaction() as tx:
        return _shown(await tx.accounts.get(principal.merchant_id, account))


@router.put("/{account}", response_model=AccountShown)
async def put_account(
    account: Name,
    body: AccountGiven,
    request: Request,
    principal: Writer,
    database: Database,
    call: Idempotent,
) -> Response:
    """Connect an account, or change it. Its platform and shop stay what they are."""
    if body.platform not in request.app.state.marketplaces:
        raise Problem(422, "unknown-platform", "There is no such platform here")
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        try:
            secrets = (await tx.accounts.get(principal.merchant_id, account)).secrets
        except NotFound:
            secrets = Secrets()
        if body.webhook_secrets is not None:
            given = tuple(one.get_secret_value() for one in body.webhook_secrets)
            secrets = Secrets(given, secrets.access_token)
        if body.access_token is not None:
            secrets = Secrets(secrets.webhook, body.access_token.get_secret_value())
        if not secrets.webhook:
            raise Problem(
                422, "no-webhook-secret", "An account needs the secret its webhooks are signed with"
            )
        values = {name: value for name, value in body if name not in {"webhook_secrets", "access_token"}}
        made = Account(merchant_id=principal.merchant_id, account=account, secrets=secrets, **values)
        await tx.accounts.put(made)
        return await call.answer(tx, 200, _shown(made))


@router.delete("/{account}", status_code=204)
async def delete_account(account: str, principal: Writer, database: Database, call: Idempotent) -> Response:
    """Deactivate it: its webhooks are refused from now on, its orders stay and go on."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        found = await tx.accounts.get(principal.merchant_id, account)
        await tx.accounts.put(replace(found, active=False))
        return await call.answer(tx, 204)


@router.get("/{account}/sku-map")
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


@router.put("/{account}/sku-map/{external_sku}", response_model=MapEntry)
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
        await look_again(
            principal.merchant_id,
            [external_sku],
            actor=principal.actor,
            reason="the SKU map was changed",
            tx=tx,
        )
        return await call.answer(tx, 200, body)


@router.delete("/{account}/sku-map/{external_sku}", status_code=204)
async def delete_map_entry(
    account: str, external_sku: ExternalSku, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Forget an entry: later orders of this SKU are unknown, unless it is one of ours."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        if not await queries.unmap(tx.connection, principal.merchant_id, account, external_sku):
            raise NotFound("sku-map entry", external_sku)
        return await call.answer(tx, 204)


def _shown(account: Account) -> AccountShown:
    values = {
        name: value for name, value in asdict(account).items() if name not in {"secrets", "merchant_id"}
    }
    return AccountShown(
        **{**values, "domestic_countries": sorted(account.domestic_countries)},
        webhook_secrets=len(account.secrets.webhook),
        has_access_token=account.secrets.access_token is not None,
    )

"""/v1/accounts, and the platforms they may be of."""

from collections.abc import Mapping
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from crossdock_chassis.http import Idempotent, Page, Paging, Problem, page_of
from order_service.api.account_models import (
    AccountGiven,
    AccountShown,
    CheckShown,
    PlatformShown,
    Rotation,
)
from order_service.api.dependencies import Database, Reader, Writer
from order_service.api.models import Name, Why
from order_service.use_cases import accounts
from order_service.use_cases.marketplace import Marketplace

router = APIRouter(prefix="/v1", tags=["accounts"])


@router.get("/platforms")
async def get_platforms(principal: Reader, request: Request) -> list[PlatformShown]:
    """The platforms that accounts can be connected of, and what each asks for."""
    return [PlatformShown.of(one) for _, one in sorted(_platforms(request).items())]


@router.get("/accounts")
async def get_accounts(principal: Reader, database: Database, paging: Paging) -> Page[AccountShown]:
    """The merchant's marketplace accounts, by name, without their secrets."""
    after = paging.key(str)
    async with database.transaction() as tx:
        rows = await tx.accounts.page(
            principal.merchant_id, after=after[0] if after else "", limit=paging.limit + 1
        )
    return page_of(rows, paging, item=AccountShown.of, key=lambda row: (row.account,))


@router.get("/accounts/{account}")
async def get_account(account: str, principal: Reader, database: Database) -> AccountShown:
    """One account, without its secrets."""
    async with database.transaction() as tx:
        return AccountShown.of(await tx.accounts.get(principal.merchant_id, account))


@router.put("/accounts/{account}", response_model=AccountShown)
async def put_account(
    account: Name,
    body: AccountGiven,
    request: Request,
    principal: Writer,
    database: Database,
    call: Idempotent,
) -> Response:
    """Connect an account, or change it. Its platform and shop stay what they are."""
    platform = _platforms(request).get(body.platform)
    if platform is None:
        there_are = ", ".join(sorted(_platforms(request)))
        raise Problem(422, "unknown-platform", f"There is no such platform here; there are: {there_are}")
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        given = body.account(principal.merchant_id, account)
        made = await accounts.keep_account(given, body.taken(), platform, tx=tx)
        return await call.answer(tx, 200, AccountShown.of(made))


@router.delete("/accounts/{account}", status_code=204)
async def delete_account(account: str, principal: Writer, database: Database, call: Idempotent) -> Response:
    """Deactivate it: its webhooks are refused from now on, its orders stay and go on."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        found = await tx.accounts.get(principal.merchant_id, account)
        await tx.accounts.put(replace(found, active=False))
        return await call.answer(tx, 204)


@router.post("/accounts/{account}/rotation", response_model=AccountShown)
async def post_rotation(
    account: str,
    body: Rotation,
    request: Request,
    principal: Writer,
    database: Database,
    call: Idempotent,
) -> Response:
    """Put new secrets in the place of old ones. The webhook secret of before is taken beside the new one."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        changed = await accounts.rotate_secrets(
            principal.merchant_id,
            account,
            body.taken(),
            _platforms(request),
            keep_old=body.keep_old,
            tx=tx,
        )
        return await call.answer(tx, 200, AccountShown.of(changed))


@router.post("/accounts/{account}/pause", response_model=AccountShown)
async def post_pause(
    account: str, body: Why, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Make no more calls to its platform: what is owed waits. What the platform sends is still taken."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        paused = await accounts.pause_account(principal.merchant_id, account, body.reason, tx=tx)
        return await call.answer(tx, 200, AccountShown.of(paused))


@router.post("/accounts/{account}/resumption", response_model=AccountShown)
async def post_resumption(account: str, principal: Writer, database: Database, call: Idempotent) -> Response:
    """Let the calls that waited go on."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        resumed = await accounts.resume_account(principal.merchant_id, account, tx=tx)
        return await call.answer(tx, 200, AccountShown.of(resumed))


@router.post("/accounts/{account}/check", status_code=202, response_model=CheckShown)
async def post_check(
    account: str, request: Request, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Ask the platform whether the account's credentials open its shop; `GET` tells the answer."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        await accounts.ask_for_check(principal.merchant_id, account, _platforms(request), tx=tx)
        check = await tx.accounts.last_check(principal.merchant_id, account)
        return await call.answer(tx, 202, CheckShown.of(check))


@router.get("/accounts/{account}/check")
async def get_check(account: str, principal: Reader, database: Database) -> CheckShown:
    """The newest check of an account."""
    async with database.transaction() as tx:
        return CheckShown.of(await tx.accounts.last_check(principal.merchant_id, account))


def _platforms(request: Request) -> Mapping[str, Marketplace]:
    platforms: Mapping[str, Marketplace] = request.app.state.marketplaces
    return platforms

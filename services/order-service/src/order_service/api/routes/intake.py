"""/v1/accounts/{account}: how its orders come in."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, timedelta
from typing import Final

from fastapi import APIRouter, Request, Response

from crossdock_chassis.http import Idempotent, Problem
from order_service.api.dependencies import Database, Reader, Writer
from order_service.api.models import (
    AccountStatus,
    BackfillGiven,
    BackfillShown,
    BacklogShown,
    PollShown,
    TokensGiven,
)
from order_service.persistence import polls, quotas
from order_service.use_cases.marketplace import Marketplace

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])

#: Polls shown: those that go on for ever, and the newest backfills.
POLLS_SHOWN: Final = 20
LONGEST_BACKFILL: Final = timedelta(days=366)


@router.get("/{account}/status")
async def get_account_status(
    account: str, request: Request, principal: Reader, database: Database
) -> AccountStatus:
    """How far the account's platform was asked for orders, and what waits for its quotas."""
    async with database.transaction() as tx:
        found = await tx.accounts.get(principal.merchant_id, account)
        rows = await polls.of_account(tx.connection, found.merchant_id, found.account, POLLS_SHOWN)
        marketplace = _platforms(request).get(found.platform)
        limits = {} if marketplace is None else marketplace.quotas
        jobs = await quotas.waiting(tx.connection, found, limits)
        rates = await quotas.rates_per_s(tx.connection, found, limits)
    return AccountStatus(
        paused=found.paused,
        refused_because=found.refused_because,
        tokens_expire_at=None if found.tokens is None else found.tokens.expires_at,
        backlog=[
            BacklogShown(operation=name, jobs=jobs[name], seconds_left=jobs[name] / rate)
            for name, rate in sorted(rates.items())
        ],
        polls=[PollShown.model_validate(asdict(one)) for one in rows],
    )


@router.put("/{account}/tokens", status_code=204)
async def put_tokens(
    account: str, body: TokensGiven, principal: Writer, database: Database, call: Idempotent
) -> Response:
    """Give the tokens that the seller's authorisation has brought. Calls that waited for them go on."""
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        await tx.tokens.give(await tx.accounts.get(principal.merchant_id, account), body.tokens())
        return await call.answer(tx, 204)


@router.post("/{account}/backfill", status_code=202, response_model=BackfillShown)
async def post_backfill(
    account: str,
    body: BackfillGiven,
    request: Request,
    principal: Writer,
    database: Database,
    call: Idempotent,
) -> Response:
    """Ask the marketplace once more for the orders that changed in a span. What is known already stays as it
    is; the account's status shows how far it has come.
    """
    async with database.transaction() as tx:
        await call.claim(tx, principal)
        found = await tx.accounts.get(principal.merchant_id, account)
        marketplace = _platforms(request).get(found.platform)
        if marketplace is None or marketplace.polling is None:
            raise Problem(422, "not-polled", "This platform cannot be asked what has changed")
        if not marketplace.polling.applies(found):
            raise Problem(422, "not-polled", "This account lacks what its platform is asked with")
        since, until = body.since.astimezone(UTC), (body.until or tx.now).astimezone(UTC)
        if not since < until <= tx.now or until - since > LONGEST_BACKFILL:
            raise Problem(
                422,
                "bad-span",
                "`since` has to be before `until`, at most a year, and `until` not in the future",
            )
        poll_id = await polls.add_backfill(tx.connection, found.merchant_id, found.account, since, until)
        return await call.answer(tx, 202, BackfillShown(poll_id=poll_id, since=since, until=until))


def _platforms(request: Request) -> Mapping[str, Marketplace]:
    platforms: Mapping[str, Marketplace] = request.app.state.marketplaces
    return platforms

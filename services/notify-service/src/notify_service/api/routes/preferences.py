"""How shops sign, and who wants no messages."""

from typing import Annotated

from fastapi import APIRouter, Path

from crossdock_chassis.http import Page, Paging, page_of
from crossdock_chassis.logging import get_logger
from notify_service.api.dependencies import Database, Reader, Writer
from notify_service.api.models import OptOut, ProfileGiven, ProfileShown
from notify_service.persistence import preferences
from notify_service.use_cases.ports import Profile

router = APIRouter(prefix="/v1", tags=["preferences"])
log = get_logger(__name__)

Account = Annotated[
    str,
    Path(
        max_length=64,
        pattern=r"^(\*|[A-Za-z0-9][A-Za-z0-9._-]*)$",
        description="A marketplace account, or * for all without a profile of their own.",
    ),
]


@router.get("/profiles")
async def get_profiles(principal: Reader, database: Database, paging: Paging) -> Page[ProfileShown]:
    """How the merchant's shops sign, by account."""
    after = paging.key(str)
    async with database.transaction() as tx:
        rows = await preferences.list_profiles(
            tx.connection,
            principal.merchant_id,
            after=after[0] if after else "",
            limit=paging.limit + 1,
        )
    return page_of(rows, paging, item=lambda row: ProfileShown(**row), key=lambda row: (row["account"],))


@router.put("/profiles/{account}", status_code=204)
async def put_profile(account: Account, body: ProfileGiven, principal: Writer, database: Database) -> None:
    """Say how a shop signs. It holds from the next message on."""
    profile = Profile(body.display_name, body.default_locale, body.reply_to)
    async with database.transaction() as tx:
        await preferences.put_profile(
            tx.connection, principal.merchant_id, account, profile, by=principal.token_name
        )


@router.post("/opt-outs", status_code=204)
async def post_opt_out(body: OptOut, principal: Writer, database: Database) -> None:
    """Write to this address no more. What waits is not sent either."""
    async with database.transaction() as tx:
        await preferences.opt_out(
            tx.connection,
            principal.merchant_id,
            body.channel,
            body.address,
            by=principal.token_name,
            reason=body.reason,
        )


@router.post("/opt-outs/removal", status_code=204)
async def post_opt_out_removal(body: OptOut, principal: Writer, database: Database) -> None:
    """Write to this address again."""
    async with database.transaction() as tx:
        await preferences.opt_in(tx.connection, principal.merchant_id, body.channel, body.address)
    log.info("opt_out.removed", merchant_id=principal.merchant_id, by=principal.token_name)

"""Whether an account's credentials open its shop: asked of the platform by the work role."""

from collections.abc import Mapping
from uuid import UUID

from crossdock_chassis.jobs import Job, JobHandler, NotSent
from order_service.persistence.quotas import AccountMeter
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.accounts import CHECK_JOB
from order_service.use_cases.marketplace import (
    Marketplace,
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    TokenExpired,
)
from order_service.use_cases.ports import Account


class CheckJobs:
    """A check is asked once: whoever asked waits for the answer, and "not reached" is one."""

    def __init__(self, database: OrderDatabase, marketplaces: Mapping[str, Marketplace]) -> None:
        self._database = database
        self._marketplaces = marketplaces

    def handlers(self) -> Mapping[str, JobHandler]:
        return {CHECK_JOB: self.check}

    async def check(self, job: Job) -> None:
        """Safe to repeat: nothing is changed there."""
        async with self._database.transaction(job.cause) as tx:
            account = await tx.accounts.get(job.merchant_id, job.payload["account"])
        trouble = await self._trouble(account)
        async with self._database.transaction(job.cause) as tx:
            await tx.accounts.end_check(UUID(job.reference), trouble=trouble)
            await tx.jobs.done(job)

    async def _trouble(self, account: Account) -> str | None:
        marketplace = self._marketplaces[account.platform]
        if marketplace.open_checker is None:
            raise NotSent("a release that could check this platform has been taken back")
        meter = AccountMeter(self._database, account, marketplace.quotas)
        try:
            shop_ref = await marketplace.open_checker(account, meter).shop_of_credentials()
        except TokenExpired:
            async with self._database.transaction() as tx:
                await tx.tokens.await_next(account)
            return "the access token has run out and is being refreshed: check again in a minute"
        except MarketplaceRefused as refused:
            return f"the platform refuses the credentials: {refused.args[0]}"
        except (MarketplaceUnavailable, MarketplaceOutcomeUnknown) as away:
            return f"the platform could not be asked: {away}"
        if shop_ref.lower() != account.shop_ref.lower():
            return f"the credentials open another shop than {account.shop_ref}"
        return None

"""Access tokens that run out are replaced: one refresh at a time for an account, over all processes."""

from collections.abc import Mapping

from crossdock_chassis.jobs import Job, JobHandler, NotSent
from crossdock_chassis.logging import get_logger
from crossdock_chassis.telemetry import meter
from order_service.messaging.calls import MarketplaceCalls, translated
from order_service.persistence.tokens import REFRESH_JOB
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.marketplace import MarketplaceRefused, QuotaUsedUp, TokenExpired
from order_service.use_cases.ports import Account

log = get_logger(__name__)
_refused = meter.create_counter(
    "crossdock.account.authorisation_refused", description="Accounts that need a new authorisation"
)


class TokenJobs:
    """The handler of the jobs that buy the next tokens of an account."""

    def __init__(self, database: OrderDatabase, calls: MarketplaceCalls) -> None:
        self._database = database
        self._calls = calls

    def handlers(self) -> Mapping[str, JobHandler]:
        return {REFRESH_JOB: self.refresh}

    async def refresh(self, job: Job) -> None:
        """Buy the pair that follows, and store it before anybody uses it.

        When the answer is lost it is asked for again. Where a refresh token is good for one time, that may be
        refused: then only a person can help, and sees it.
        """
        async with self._database.transaction(job.cause) as tx:
            account = await tx.accounts.get(job.merchant_id, job.payload["account"])
            if account.token_version != job.payload["version"]:
                await tx.jobs.done(job)
                return
            await tx.jobs.keep(job)
        try:
            async with translated():
                open_refresher = self._calls.marketplace(account).open_refresher
                if open_refresher is None:
                    raise MarketplaceRefused("tokens_cannot_be_refreshed")
                tokens = await open_refresher(account, self._calls.meter(account)).refresh()
        except QuotaUsedUp as error:
            raise NotSent(str(error), retry_after_s=error.retry_after_s, answered=True) from error
        except TokenExpired:
            await self._refuse(job, account, "refresh_token_expired")
            return
        except MarketplaceRefused as refused:
            await self._refuse(job, account, str(refused.args[0]))
            return
        async with self._database.transaction(job.cause) as tx:
            await tx.tokens.store(account, tokens)
            await tx.jobs.done(job)
        log.info("account.tokens_refreshed", account=account.account, platform=account.platform)

    async def _refuse(self, job: Job, account: Account, code: str) -> None:
        async with self._database.transaction(job.cause) as tx:
            await tx.tokens.refuse(account, code)
            await tx.jobs.refused(job, code)
        _refused.add(1, {"platform": account.platform})
        log.error(
            "account.authorisation_refused", account=account.account, platform=account.platform, code=code
        )

"""How calls to marketplaces are made by jobs: with the account's quotas, and with their errors in the words
of the job runner.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from crossdock_chassis.jobs import NotSent, OutcomeUnknown
from order_service.persistence import quotas
from order_service.persistence.quotas import AccountMeter
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.marketplace import (
    Gateway,
    Marketplace,
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    Meter,
    NotReadyYet,
    QuotaUsedUp,
    TokenExpired,
)
from order_service.use_cases.ports import Account

#: What has begun waits so long for its next call, and gives way where it would take longer.
LONGEST_PAUSE_S = 10.0


class PatientMeter:
    """An account's quota as one attempt sees it: the first call may have to wait for another attempt, later
    ones wait here. An attempt begins anew each time, so if many gave way in the middle, none would ever end.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._has_begun = False

    async def take(self, operation: str) -> None:
        """Raises QuotaUsedUp before anything was done, or where the next call is a long time off."""
        while True:
            try:
                await self._meter.take(operation)
            except QuotaUsedUp as error:
                pause_s = error.retry_after_s or 0.0
                if not self._has_begun or pause_s > LONGEST_PAUSE_S:
                    raise
            else:
                self._has_begun = True
                return
            await asyncio.sleep(pause_s)

    async def learn(self, operation: str, rate_per_s: float) -> None:
        await self._meter.learn(operation, rate_per_s)


class MarketplaceCalls:
    """What every handler opens its calls with."""

    def __init__(self, database: OrderDatabase, marketplaces: Mapping[str, Marketplace]) -> None:
        self._database = database
        self._marketplaces = marketplaces

    def marketplace(self, account: Account) -> Marketplace:
        """Raises MarketplaceRefused: there is no folder for it any more."""
        marketplace = self._marketplaces.get(account.platform)
        if marketplace is None:
            raise MarketplaceRefused("platform_not_supported")
        return marketplace

    def meter(self, account: Account) -> Meter:
        """For one attempt."""
        return PatientMeter(AccountMeter(self._database, account, self.marketplace(account).quotas))

    def gateway(self, account: Account) -> Gateway:
        return self.marketplace(account).open_gateway(account, self.meter(account))

    @asynccontextmanager
    async def calling(self, account: Account) -> AsyncIterator[None]:
        """Around a call. Raises NotSent or OutcomeUnknown; MarketplaceRefused is the caller's to deal with.

        A quota that is used up keeps back this call alone, until those had their turn that wait already. A
        token that has run out keeps back the account's calls until there is another.
        """
        try:
            async with translated():
                yield
        except QuotaUsedUp as error:
            async with self._database.transaction() as tx:
                before = (await quotas.waiting(tx.connection, account, [error.operation]))[error.operation]
            wait_s = (error.retry_after_s or 0.0) + before / error.rate_per_s
            raise NotSent(str(error), retry_after_s=wait_s, answered=True) from error
        except TokenExpired as error:
            async with self._database.transaction() as tx:
                awaited = await tx.tokens.await_next(account)
            if not awaited:
                raise NotSent("an access token just bought is refused", answered=True) from error
            raise NotSent("the access token has run out", retry_after_s=0.0, answered=True) from error


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """A marketplace's errors as the job runner knows them, but for those that say more about the account."""
    try:
        yield
    except QuotaUsedUp:
        raise
    except NotReadyYet as error:
        raise NotSent(str(error), retry_after_s=error.retry_after_s, answered=True) from error
    except MarketplaceUnavailable as error:
        raise NotSent(str(error), retry_after_s=error.retry_after_s) from error
    except MarketplaceOutcomeUnknown as error:
        raise OutcomeUnknown(str(error)) from error

"""Telling marketplaces of stock: rounds of an account's numbers, made by the work role."""

from collections.abc import Mapping, Sequence

from crossdock_chassis.jobs import Job, JobHandler, NotSent, OutcomeUnknown
from crossdock_chassis.logging import get_logger
from crossdock_chassis.telemetry import meter
from order_service.messaging.calls import MarketplaceCalls
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.marketplace import Marketplace, MarketplaceRefused, StockNumber, StockTelling
from order_service.use_cases.ports import Account, Shop
from order_service.use_cases.tell_stock import STOCK_JOB, ask_again, end_round, take_batch

log = get_logger(__name__)
_numbers = meter.create_counter(
    "crossdock.stock.numbers", description="Numbers of stock told to marketplaces, and refused by them"
)


class StockJobs:
    """Handles `STOCK_JOB`."""

    def __init__(self, database: OrderDatabase, marketplaces: Mapping[str, Marketplace]) -> None:
        self._database = database
        self._marketplaces = marketplaces
        self._calls = MarketplaceCalls(database, marketplaces)

    def handlers(self) -> Mapping[str, JobHandler]:
        return {STOCK_JOB: self.tell_stock}

    async def tell_stock(self, job: Job) -> None:
        """One round. Safe to repeat: a number is absolute, and one whose outcome is unknown is told again."""
        shop = Shop(job.merchant_id, str(job.payload["account"]))
        async with self._database.transaction(job.cause) as tx:
            account = await tx.accounts.get(*shop)
            marketplace = self._marketplaces.get(account.platform)
            telling = marketplace.stock if marketplace else None
            numbers = await take_batch(shop, telling.batch if telling else 0, tx=tx)
            if not numbers or telling is None:
                await end_round(shop, [], {}, tx=tx)
                await tx.jobs.done(job)
                return
            await tx.jobs.keep(job)
        refused, whole = await self._tell(telling, account, numbers)
        async with self._database.transaction(job.cause) as tx:
            await end_round(shop, numbers, refused, full=len(numbers) == telling.batch, tx=tx)
            await (tx.jobs.done(job) if whole is None else tx.jobs.refused(job, whole))
        _count(account, len(numbers), refused)

    async def _tell(
        self, telling: StockTelling, account: Account, numbers: Sequence[StockNumber]
    ) -> tuple[Mapping[str, str], str | None]:
        """Refused SKUs with their codes; the code when all of it was refused.

        Raises NotSent for this job alone: numbers can wait, and hold up no call for an order.
        """
        try:
            async with self._calls.calling(account):
                teller = telling.open_teller(account, self._calls.meter(account))
                return await teller.tell_stock(numbers), None
        except MarketplaceRefused as error:
            code = str(error.args[0])
            return {one.external_sku: code for one in numbers}, code
        except NotSent as error:
            raise NotSent(str(error), retry_after_s=error.retry_after_s, answered=True) from error
        except OutcomeUnknown as error:
            raise NotSent(str(error)) from error

    async def ask_again(self) -> None:
        """Ask for the rounds that are due and that nobody has asked for. Safe to repeat."""
        async with self._database.transaction() as tx:
            await ask_again(tx=tx)


def _count(account: Account, numbers: int, refused: Mapping[str, str]) -> None:
    labels = {"platform": account.platform}
    _numbers.add(numbers - len(refused), {**labels, "outcome": "told"})
    if refused:
        _numbers.add(len(refused), {**labels, "outcome": "refused"})
        log.warning(
            "stock.refused", account=account.account, skus=len(refused), codes=sorted(set(refused.values()))
        )

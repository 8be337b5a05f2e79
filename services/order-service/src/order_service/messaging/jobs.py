"""Calls to marketplaces, made by the work role outside of any transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from crossdock_chassis.crash_points import reached
from crossdock_chassis.group_commit import GroupCommit
from crossdock_chassis.jobs import Job, JobHandler, NotSent, OutcomeUnknown
from order_service.domain.errors import NotAnOrder
from order_service.messaging.measures import measure_confirmed, measure_refused
from order_service.persistence.quotas import AccountMeter
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases import write_back
from order_service.use_cases.import_order import Import, Retention, import_orders
from order_service.use_cases.marketplace import (
    Gateway,
    Marketplace,
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
)
from order_service.use_cases.ports import Account, Obligation, Settled
from order_service.use_cases.receive_message import FETCH_JOB

#: An obligation, and whose it is.
Owed = tuple[Obligation, Account]


@dataclass(frozen=True, slots=True)
class _Told:
    """What the marketplace has, and what it calls it."""

    job: Job
    obligation: Obligation
    ref: str


class MarketplaceJobs:
    """The handlers of the jobs that call marketplaces. Write-backs begin, and are confirmed, in transactions
    that they share (ADR 17).
    """

    def __init__(
        self, database: OrderDatabase, marketplaces: Mapping[str, Marketplace], retention: Retention
    ) -> None:
        self._database = database
        self._marketplaces = marketplaces
        self._retention = retention
        self._steps: GroupCommit[Job | _Told, Owed | None] = GroupCommit(self._commit, key=_obligation_of)

    def handlers(self) -> Mapping[str, JobHandler]:
        return {write_back.TRACKING_JOB: self.write_tracking, FETCH_JOB: self.fetch_order}

    async def write_tracking(self, job: Job) -> None:
        """Tell one parcel's tracking number. Safe to repeat: the gateway looks before it writes."""
        owed = await self._steps.add(job)
        if owed is None:
            return
        obligation, account = owed
        try:
            ref = await self._gateway(account).write_back(write_back.tracking_of(obligation))
            reached("marketplace.told")
        except MarketplaceRefused as error:
            code = str(error.args[0])
            async with self._database.transaction(job.cause) as tx:
                await write_back.refuse(obligation, code, tx=tx)
                await tx.jobs.refused(job, code)
            measure_refused()
            return
        except MarketplaceUnavailable as error:
            raise NotSent(str(error), retry_after_s=error.retry_after_s) from error
        except MarketplaceOutcomeUnknown as error:
            raise OutcomeUnknown(str(error)) from error
        await self._steps.add(_Told(job, obligation, ref))

    async def _commit(
        self, steps: Sequence[Job | _Told], /, *, longest_lock_wait_s: float | None
    ) -> Sequence[Owed | None]:
        """What was told is confirmed, and what is asked for is looked up; None: nothing is to be told."""
        told = [one for one in steps if isinstance(one, _Told)]
        asked = [one for one in steps if isinstance(one, Job)]
        owed: dict[UUID, Owed] = {}
        async with self._database.transaction(longest_lock_wait_s=longest_lock_wait_s) as tx:
            await write_back.confirm([(one.obligation, one.ref) for one in told], tx=tx)
            for one in told:
                await tx.jobs.done(one.job)
            obligations = await tx.obligations.lock([_obligation_of(job) for job in asked])
            shops = {(one.merchant_id, one.account) for one in obligations.values()}
            accounts = {shop: await tx.accounts.get(*shop) for shop in shops}
            for job in asked:
                found = obligations[_obligation_of(job)]
                if found.state == "confirmed":
                    await tx.jobs.done(job)
                else:
                    await tx.jobs.keep(job)
                    owed[found.obligation_id] = found, accounts[found.merchant_id, found.account]
        measure_confirmed(one.job for one in told)
        return [owed.get(_obligation_of(one)) for one in steps]

    async def fetch_order(self, job: Job) -> None:
        """Ask the platform which of two versions of one second is the order, and import its answer."""
        payload = job.payload
        async with self._database.transaction(job.cause) as tx:
            account = await tx.accounts.get(job.merchant_id, payload["account"])
        order_id, message_id = UUID(payload["order_id"]), UUID(payload["message_id"])
        try:
            body = await self._gateway(account).fetch_order(payload["external_id"])
            marketplace = self._marketplaces[account.platform]
            canonical = marketplace.read(marketplace.fetched_topic, body)
        except (MarketplaceRefused, NotAnOrder) as error:
            code = type(error).__name__ if isinstance(error, NotAnOrder) else str(error.args[0])
            async with self._database.transaction(job.cause) as tx:
                await tx.exceptions.raise_all(
                    [(job.merchant_id, order_id, "fetch_refused", str(message_id), code)]
                )
                await tx.messages.settle([Settled(message_id, "failed", order_id, code)])
                await tx.jobs.refused(job, code)
            return
        except (MarketplaceUnavailable, MarketplaceOutcomeUnknown) as error:
            raise NotSent(str(error), retry_after_s=getattr(error, "retry_after_s", None)) from error
        async with self._database.transaction(job.cause) as tx:
            outcome = "ignored"
            if canonical is not None:
                asked = Import(canonical, account, job.cause, asked=True)
                (imported,) = await import_orders([asked], retention=self._retention, tx=tx)
                outcome = imported.outcome.value
            await tx.messages.settle([Settled(message_id, outcome, order_id)])
            await tx.jobs.done(job)

    def _gateway(self, account: Account) -> Gateway:
        marketplace = self._marketplaces.get(account.platform)
        if marketplace is None or not marketplace.writes_tracking:
            raise MarketplaceRefused("platform_not_supported")
        meter = AccountMeter(self._database, account, marketplace.quotas)
        return marketplace.open_gateway(account, meter)


def _obligation_of(step: Job | _Told) -> UUID:
    job = step if isinstance(step, Job) else step.job
    return UUID(job.payload["obligation_id"])

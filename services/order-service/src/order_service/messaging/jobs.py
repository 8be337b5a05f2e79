"""What is owed to marketplaces is told to them by the work role, outside of any transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from crossdock_chassis.crash_points import reached
from crossdock_chassis.group_commit import GroupCommit
from crossdock_chassis.jobs import Job, JobHandler
from order_service.messaging.calls import MarketplaceCalls
from order_service.messaging.fetch_jobs import FetchJobs
from order_service.messaging.measures import measure_confirmed, measure_refused
from order_service.messaging.poll_jobs import PollJobs
from order_service.messaging.token_jobs import TokenJobs
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases import obligations, write_back
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace, MarketplaceRefused
from order_service.use_cases.obligations import DUTIES
from order_service.use_cases.ports import Account, Obligation

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
        self._calls = MarketplaceCalls(database, marketplaces)
        self._fetches = FetchJobs(database, self._calls, retention)
        self._polls = PollJobs(database, self._calls, retention)
        self._tokens = TokenJobs(database, self._calls)
        self._steps: GroupCommit[Job | _Told, Owed | None] = GroupCommit(self._commit, key=_obligation_of)

    def handlers(self) -> Mapping[str, JobHandler]:
        return {
            DUTIES["tracking"].job: self.write_tracking,
            **self._fetches.handlers(),
            **self._polls.handlers(),
            **self._tokens.handlers(),
        }

    async def write_tracking(self, job: Job) -> None:
        """Tell one parcel's tracking number. Safe to repeat: the gateway looks before it writes."""
        owed = await self._steps.add(job)
        if owed is None:
            return
        obligation, account = owed
        try:
            if not self._calls.marketplace(account).writes_tracking:
                raise MarketplaceRefused("platform_not_supported")
            async with self._calls.calling(account):
                ref = await self._calls.gateway(account).write_back(write_back.tracking_of(obligation))
            reached("marketplace.told")
        except MarketplaceRefused as error:
            code = str(error.args[0])
            async with self._database.transaction(job.cause) as tx:
                await obligations.refuse(obligation, code, tx=tx)
                await tx.jobs.refused(job, code)
            measure_refused()
            return
        await self._steps.add(_Told(job, obligation, ref))

    async def _commit(
        self, steps: Sequence[Job | _Told], /, *, longest_lock_wait_s: float | None
    ) -> Sequence[Owed | None]:
        """What was told is confirmed, and what is asked for is looked up; None: nothing is to be told."""
        told = [one for one in steps if isinstance(one, _Told)]
        asked = [one for one in steps if isinstance(one, Job)]
        owed: dict[UUID, Owed] = {}
        async with self._database.transaction(longest_lock_wait_s=longest_lock_wait_s) as tx:
            await obligations.confirm([(one.obligation, one.ref) for one in told], tx=tx)
            for one in told:
                await tx.jobs.done(one.job)
            known = await tx.obligations.lock([_obligation_of(job) for job in asked])
            shops = {(one.merchant_id, one.account) for one in known.values()}
            accounts = {shop: await tx.accounts.get(*shop) for shop in shops}
            for job in asked:
                found = known[_obligation_of(job)]
                if found.state == "confirmed":
                    await tx.jobs.done(job)
                else:
                    await tx.jobs.keep(job)
                    owed[found.obligation_id] = found, accounts[found.merchant_id, found.account]
        measure_confirmed(one.job for one in told)
        return [owed.get(_obligation_of(one)) for one in steps]


def _obligation_of(step: Job | _Told) -> UUID:
    job = step if isinstance(step, Job) else step.job
    return UUID(job.payload["obligation_id"])

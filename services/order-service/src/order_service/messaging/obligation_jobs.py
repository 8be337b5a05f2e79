"""Calls by which cancels of ours and labels are obtained from marketplaces, one obligation each."""

from collections.abc import Mapping
from uuid import UUID

from crossdock_chassis.jobs import Job, JobHandler, NotSent
from order_service.messaging.calls import MarketplaceCalls
from order_service.persistence.transaction import OrderDatabase, OrderTransaction
from order_service.use_cases import cancel_there, issue_label, obligations
from order_service.use_cases.issue_label import Wanted
from order_service.use_cases.marketplace import Marketplace, MarketplaceRefused, MarketplaceRefusedInPart
from order_service.use_cases.obligations import DUTIES
from order_service.use_cases.ports import Account, Obligation

#: How long a label waits before it is looked whether its order is still held, in seconds.
HELD_FOR_S = 900.0


class ObligationJobs:
    """Both are rare beside write-backs, so each has its own transactions."""

    def __init__(self, database: OrderDatabase, marketplaces: Mapping[str, Marketplace]) -> None:
        self._database = database
        self._marketplaces = marketplaces
        self._calls = MarketplaceCalls(database, marketplaces)

    def handlers(self) -> Mapping[str, JobHandler]:
        return {DUTIES["cancel"].job: self.cancel_order, DUTIES["label"].job: self.issue_label}

    async def cancel_order(self, job: Job) -> None:
        """Cancel one order there. Safe to repeat: the folder looks first whether it is cancelled."""
        async with self._database.transaction(job.cause) as tx:
            obligation, account = await _owed(job, tx)
            marketplace = self._marketplaces.get(account.platform)
            opens = marketplace.open_canceller if marketplace else None
            if obligation.state == "confirmed":
                await tx.jobs.done(job)
                return
            if opens is None:
                await obligations.hand_over(obligation, "platform_takes_no_cancels", tx=tx)
                await tx.jobs.refused(job, "platform_takes_no_cancels")
                return
            await tx.jobs.keep(job)
        try:
            async with self._calls.calling(account):
                ref = await opens(account, self._calls.meter(account)).cancel(
                    *cancel_there.call_of(obligation)
                )
        except MarketplaceRefused as error:
            in_part = isinstance(error, MarketplaceRefusedInPart)
            await self._refused(job, str(error.args[0]), in_part=in_part)
            return
        async with self._database.transaction(job.cause) as tx:
            obligation, _ = await _owed(job, tx)
            if obligation.state != "confirmed":
                await obligations.confirm([(obligation, ref)], tx=tx)
            await tx.jobs.done(job)

    async def issue_label(self, job: Job) -> None:
        """Get one parcel's label. Safe to repeat: the folder looks first how far it has come."""
        async with self._database.transaction(job.cause) as tx:
            obligation, account = await _owed(job, tx)
            marketplace = self._marketplaces.get(account.platform)
            opens = marketplace.open_issuer if marketplace else None
            wanted = await issue_label.wanted(obligation, tx=tx)
            if wanted is Wanted.NO:
                if job.outcome_unknown and obligation.state != "confirmed":
                    await issue_label.in_doubt(obligation, tx=tx)
                await tx.jobs.done(job)
                return
            if opens is None:
                await obligations.hand_over(obligation, "platform_issues_no_labels", tx=tx)
                await tx.jobs.refused(job, "platform_issues_no_labels")
                return
            await tx.jobs.keep(job)
        if wanted is Wanted.LATER:
            raise NotSent("the order is held", retry_after_s=HELD_FOR_S, answered=True)
        wish = issue_label.wish_of(obligation)
        if not wish.units:
            await self._refused(job, "only_part_of_a_kit")
            return
        try:
            async with self._calls.calling(account):
                issuer = opens(account, self._calls.meter(account))
                issued = await issuer.issue_label(wish)
        except MarketplaceRefused as error:
            await self._refused(job, str(error.args[0]))
            return
        fault = issue_label.fault_of(issued)
        if fault is not None:
            await self._refused(job, fault)
            return
        async with self._database.transaction(job.cause) as tx:
            obligation, _ = await _owed(job, tx)
            await issue_label.provide(obligation, issued, cause=job.cause, tx=tx)
            await tx.jobs.done(job)

    async def _refused(self, job: Job, code: str, *, in_part: bool = False) -> None:
        async with self._database.transaction(job.cause) as tx:
            obligation, _ = await _owed(job, tx)
            # The platform may have told of the cancel itself meanwhile; of what it refused it did not.
            if in_part or obligation.state not in {"confirmed", "withdrawn"}:
                await obligations.refuse(obligation, code, in_part=in_part, tx=tx)
            await tx.jobs.refused(job, code)


async def _owed(job: Job, tx: OrderTransaction) -> tuple[Obligation, Account]:
    obligation_id = UUID(job.payload["obligation_id"])
    found = (await tx.obligations.lock([obligation_id]))[obligation_id]
    return found, await tx.accounts.get(found.merchant_id, found.account)

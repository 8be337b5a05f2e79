"""Orders that a notice only names, or whose news contradict each other, are fetched from their platform."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID
from weakref import WeakValueDictionary

from crossdock_chassis.jobs import Job, JobHandler, NotSent
from order_service.domain.canonical import CanonicalOrder
from order_service.domain.errors import NotAnOrder
from order_service.messaging.calls import MarketplaceCalls
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.fetch_order import Wanted, import_fetched, look_for_wanted, refuse_fetched
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import MarketplaceRefused
from order_service.use_cases.ports import Account, RacedImport
from order_service.use_cases.receive_message import FETCH_JOB

#: Until another process has committed the order that this one wanted to create.
RACED_S = 0.2


class FetchJobs:
    """One fetch answers all messages that wait for an order when it begins; their own jobs then find nothing
    left to do. Within a process an order is fetched once at a time; two processes may both fetch it, which
    costs a call.
    """

    def __init__(self, database: OrderDatabase, calls: MarketplaceCalls, retention: Retention) -> None:
        self._database = database
        self._calls = calls
        self._retention = retention
        self._turns: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()

    def handlers(self) -> Mapping[str, JobHandler]:
        return {FETCH_JOB: self.fetch_order}

    async def fetch_order(self, job: Job) -> None:
        """Ask the platform for the order and import its answer. Safe to repeat."""
        key = job.merchant_id, job.payload["account"], job.payload["external_id"]
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            await self._fetch(job)

    async def _fetch(self, job: Job) -> None:
        wanted = await self._look(job)
        if wanted is None:
            return
        try:
            async with self._calls.calling(wanted.account):
                body = await self._calls.gateway(wanted.account).fetch_order(wanted.external_id)
            canonical = self._read(wanted.account, body)
        except (MarketplaceRefused, NotAnOrder) as error:
            code = type(error).__name__ if isinstance(error, NotAnOrder) else str(error.args[0])
            async with self._database.transaction(job.cause) as tx:
                await refuse_fetched(wanted, code, tx=tx)
                await tx.jobs.refused(job, code)
            return
        try:
            async with self._database.transaction(job.cause) as tx:
                await import_fetched(wanted, canonical, cause=job.cause, retention=self._retention, tx=tx)
                await tx.jobs.done(job)
        except RacedImport as raced:
            raise NotSent("somebody else imports it", retry_after_s=RACED_S, answered=True) from raced

    async def _look(self, job: Job) -> Wanted | None:
        """What is to be fetched; None: that was done meanwhile, or is not needed any more."""
        payload = job.payload
        changed_at = payload["updated_at"]
        async with self._database.transaction(job.cause) as tx:
            wanted = await look_for_wanted(
                await tx.accounts.get(job.merchant_id, payload["account"]),
                payload["external_id"],
                UUID(payload["message_id"]),
                None if changed_at is None else datetime.fromisoformat(changed_at),
                tx=tx,
            )
            if wanted is None:
                await tx.jobs.done(job)
        return wanted

    def _read(self, account: Account, body: bytes) -> CanonicalOrder | None:
        """None: there is such an order, and it is none of ours to send. Raises NotAnOrder."""
        marketplace = self._calls.marketplace(account)
        content = marketplace.read(marketplace.fetched_topic, body)
        if content is None or isinstance(content, CanonicalOrder):
            return content
        raise NotAnOrder("what was fetched only names an order")

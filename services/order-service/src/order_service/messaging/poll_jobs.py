"""Platforms are asked what has changed, a page for each job, and what waits in their queues.

What is read is kept first and then counted, so a crash between repeats it, which changes nothing. What goes
wrong is written to the row and tried again later: an account that fails keeps nobody else waiting.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from crossdock_chassis.faults import Fault
from crossdock_chassis.jobs import Job, JobHandler, NotSent, OutcomeUnknown
from crossdock_chassis.logging import get_logger
from crossdock_chassis.telemetry import meter
from order_service.messaging.asking import LIST_JOB, QUEUE_JOB, WAYS, ask_for
from order_service.messaging.calls import MarketplaceCalls
from order_service.persistence import polls
from order_service.persistence.intake import DEFECTS, Intake, delivery_of_listed, delivery_of_named
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases import poll as steps
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import (
    Delivery,
    Marketplace,
    MarketplaceRefused,
    NotAuthentic,
    NoticeQueue,
    QueuedNotice,
)
from order_service.use_cases.poll import MOST_PAGES, Poll
from order_service.use_cases.ports import Account
from order_service.use_cases.receive_listed import receive_listed

log = get_logger(__name__)
_failures = meter.create_counter("crossdock.poll.failures", description="Questions to platforms that failed")

#: How long one job stays at a queue, and how long it lets an empty one rest.
QUEUE_S: Final = 60.0
EMPTY_S: Final = 1.0
#: An account that was deactivated after it was asked for, and may be active again.
INACTIVE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What one job does for an account. `now` is the database's clock at its beginning."""

    job: Job
    account: Account
    marketplace: Marketplace
    poll: Poll
    now: datetime


class BadAnswer(ValueError):
    """A platform's list leads nowhere. Argument: why."""


class PollJobs:
    """The handlers of the jobs that `asking.py` asks for."""

    def __init__(
        self,
        database: OrderDatabase,
        calls: MarketplaceCalls,
        retention: Retention,
    ) -> None:
        self._database = database
        self._calls = calls
        self._listed = Intake(database, retention, receive_listed)
        self._queued = Intake(database, retention)

    def handlers(self) -> Mapping[str, JobHandler]:
        return {LIST_JOB: self.read_page, QUEUE_JOB: self.read_queue}

    async def read_page(self, job: Job) -> None:
        """Ask for a page of what has changed and keep it. Safe to repeat."""
        await self._take_turn(job, self._page)

    async def read_queue(self, job: Job) -> None:
        """Keep what waits in the account's queue, and take it off. Safe to repeat."""
        await self._take_turn(job, self._queue)

    async def _take_turn(self, job: Job, step: Callable[[Turn], Awaitable[Poll]]) -> None:
        turn = await self._begin(job)
        if turn is None:
            return
        try:
            then = await step(turn)
        except NotSent as put_off:
            wait_s = put_off.retry_after_s
            if put_off.answered and wait_s is not None:
                then = steps.wait(turn.poll, wait_s, turn.now)
            else:
                then = self._failed(turn, str(put_off), retry_after_s=wait_s)
        except OutcomeUnknown as lost:
            then = self._failed(turn, str(lost))
        except MarketplaceRefused as refused:
            then = self._failed(turn, str(refused.args[0]))
        except DEFECTS as broken:  # of the platform's folder, or of what the platform answers
            log.error("poll.broken", platform=turn.account.platform, error=Fault.of(broken).error_text)
            then = self._failed(turn, type(broken).__name__)
        await self._end(turn, then)

    async def _begin(self, job: Job) -> Turn | None:
        """What is due for the longest time; None: nothing is any more."""
        async with self._database.transaction(job.cause) as tx:
            account = await tx.accounts.get(job.merchant_id, job.payload["account"])
            poll = await polls.next_of(tx.connection, job.merchant_id, account.account, WAYS[job.kind])
            if poll is None or not account.active:
                if poll is not None:
                    await polls.save(tx.connection, poll, steps.wait(poll, INACTIVE_S, tx.now))
                await tx.jobs.done(job)
                return None
            await tx.jobs.keep(job)
            return Turn(job, account, self._calls.marketplace(account), poll, tx.now)

    async def _end(self, turn: Turn, then: Poll) -> None:
        """Store how far it has come. The account's next turn is asked for at once, if it is due."""
        job, account = turn.job, turn.account
        async with self._database.transaction(job.cause) as tx:
            await polls.save(tx.connection, turn.poll, then)
            await tx.jobs.done(job)
            following = await polls.due_of(
                tx.connection, account.merchant_id, account.account, WAYS[job.kind]
            )
            if following is not None:
                await ask_for(job.kind, following, tx=tx)

    def _failed(self, turn: Turn, error: str, *, retry_after_s: float | None = None) -> Poll:
        account = turn.account
        _failures.add(1, {"platform": account.platform, "way": turn.poll.way})
        log.warning(
            "poll.failed",
            platform=account.platform,
            account=account.account,
            way=turn.poll.way,
            failures=turn.poll.failures + 1,
            error=error,
        )
        return steps.failed(turn.poll, error, turn.now, retry_after_s=retry_after_s)

    async def _page(self, turn: Turn) -> Poll:
        account, poll, polling = turn.account, turn.poll, turn.marketplace.polling
        if polling is None:
            raise MarketplaceRefused("platform_is_not_polled")
        if not polling.applies(account):
            return steps.skip(poll, polling, turn.now)
        asked = steps.question_of(poll, polling, turn.now)
        if asked is None:
            return steps.wait(poll, polling.every_s, turn.now)
        async with self._calls.calling(account):
            lister = polling.open_lister(account, self._calls.meter(account))
            page = await lister.list_changed(asked.since, asked.until, asked.cursor)
        if page.cursor is not None and (page.cursor == asked.cursor or poll.pages >= MOST_PAGES):
            raise BadAnswer("the pages of one question do not end")
        whole = [(delivery_of_listed(turn.marketplace, body), body) for body in page.orders]
        named = [delivery_of_named(one, asked.until) for one in page.pointers]
        keeping = (
            self._listed.keep(turn.marketplace, account, delivery, body, turn.job.cause)
            for delivery, body in (*whole, *named)
        )
        await asyncio.gather(*keeping)
        found = len(page.orders) + len(page.pointers)
        return steps.read(poll, asked, page.cursor, found, polling, turn.now)

    async def _queue(self, turn: Turn) -> Poll:
        account, open_queue = turn.account, turn.marketplace.open_queue
        if open_queue is None:
            raise MarketplaceRefused("platform_has_no_queue")
        queue = open_queue(account, self._calls.meter(account))
        loop = asyncio.get_running_loop()
        until = loop.time() + QUEUE_S
        found = 0
        while loop.time() < until:
            notices = await self._take_off(turn, queue)
            found += notices
            if not notices:
                await asyncio.sleep(EMPTY_S)
        return steps.queue_read(turn.poll, found, turn.now)

    async def _take_off(self, turn: Turn, queue: NoticeQueue) -> int:
        """Keep what waits, and then take it off; how many there were."""
        async with self._calls.calling(turn.account):
            notices = await queue.receive()
        if not notices:
            return 0
        await asyncio.gather(*(self._keep_notice(turn, one) for one in notices))
        async with self._calls.calling(turn.account):
            await queue.remove([one.handle for one in notices])
        return len(notices)

    async def _keep_notice(self, turn: Turn, notice: QueuedNotice) -> None:
        """One that cannot be made anything of is kept as failed: on the queue it would come for ever."""
        account, cause = turn.account, turn.job.cause
        try:
            delivery = turn.marketplace.verify(account, notice.headers, notice.body)
        except (NotAuthentic, *DEFECTS) as broken:
            key = f"queue:{hashlib.sha256(notice.body).hexdigest()}"
            unread = Delivery(key, "queue", {})
            await self._queued.keep_failed(
                account, unread, notice.body, f"queue: {type(broken).__name__}", cause
            )
            return
        if delivery is not None:
            await self._queued.keep(turn.marketplace, account, delivery, notice.body, cause)

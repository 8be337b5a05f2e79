"""Handing messages to channels: done by the work role outside of any transaction."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from crossdock_chassis.crash_points import reached
from crossdock_chassis.group_commit import GroupCommit
from crossdock_chassis.jobs import Job, JobHandler, NotSent
from notify_service.persistence.transaction import NotifyDatabase
from notify_service.use_cases import send_message
from notify_service.use_cases.plan_messages import SEND_JOB
from notify_service.use_cases.ports import (
    Channel,
    ChannelOutcomeUnknown,
    ChannelRefused,
    ChannelUnavailable,
    Renderer,
)
from notify_service.use_cases.send_message import Ready


class ChannelJobs:
    """The handlers of the jobs that call channels. Attempts begin, and are settled, in transactions that they
    share (ADR 17).
    """

    def __init__(self, database: NotifyDatabase, channels: Mapping[str, Channel], renderer: Renderer) -> None:
        self._database = database
        self._channels = channels
        self._renderer = renderer
        self._begin = GroupCommit(self._begin_all, key=_message_of)
        self._accept = GroupCommit(self._accept_all, key=lambda one: one[1].message.order_id)

    def handlers(self) -> Mapping[str, JobHandler]:
        return {SEND_JOB: self.send}

    async def send(self, job: Job) -> None:
        """Send one message, once: see `send_message`. What breaks in between leaves it `sending`, and the
        next attempt of the job finds it in doubt.
        """
        ready = await self._begin.add(job)
        if ready is None:
            return
        reached("mail.attempt_stored")
        try:
            reply = await ready.channel.hand_over(ready.packed)
            reached("mail.accepted")
        except ChannelRefused as error:
            code = str(error)
            async with self._database.transaction(job.cause) as tx:
                await send_message.refuse(ready, code, tx=tx)
                await tx.jobs.refused(job, code)
            return
        except ChannelUnavailable as error:
            await self._put_off(job, ready, error)
            return
        except ChannelOutcomeUnknown as error:
            async with self._database.transaction(job.cause) as tx:
                await send_message.doubt(ready.message, str(error), cause=job.cause, tx=tx)
                await tx.jobs.done(job)
            return
        await self._accept.add((job, ready, reply))

    async def _begin_all(
        self, jobs: Sequence[Job], /, *, longest_lock_wait_s: float | None
    ) -> Sequence[Ready | None]:
        asked = {_message_of(job): job.cause for job in jobs}
        async with self._database.transaction(longest_lock_wait_s=longest_lock_wait_s) as tx:
            ready = await send_message.begin(asked, self._channels, self._renderer, tx=tx)
            for job in jobs:
                await (tx.jobs.keep(job) if _message_of(job) in ready else tx.jobs.done(job))
        return [ready.get(_message_of(job)) for job in jobs]

    async def _accept_all(
        self, taken: Sequence[tuple[Job, Ready, str]], /, *, longest_lock_wait_s: float | None
    ) -> Sequence[None]:
        async with self._database.transaction(longest_lock_wait_s=longest_lock_wait_s) as tx:
            await send_message.accept([(ready, reply) for _, ready, reply in taken], tx=tx)
            for job, _, _ in taken:
                await tx.jobs.done(job)
        return [None] * len(taken)

    async def _put_off(self, job: Job, ready: Ready, error: ChannelUnavailable) -> None:
        code = str(error)
        async with self._database.transaction(job.cause) as tx:
            waits = await send_message.put_off(ready, code, tx=tx)
            if not waits:
                await tx.jobs.refused(job, code)
        if waits:
            raise NotSent(code, answered=error.this_one_only) from error


def _message_of(job: Job) -> UUID:
    return UUID(job.payload["message_id"])

"""Handing messages to channels: done by the work role outside of any transaction."""

from asyncio import Semaphore
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from crossdock_chassis.crash_points import reached
from crossdock_chassis.group_commit import GroupCommit
from crossdock_chassis.jobs import Destination, Job, JobHandler, NotSent
from notify_service.messaging.measures import measure_sent
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

#: Jobs held for each message that a channel takes at once: one is handed over, one waits to begin, and
#: one waits for the commit of its answer.
HELD_PER_CALL = 3


@dataclass(frozen=True, slots=True)
class _Taken:
    """What the channel's server took, and said."""

    job: Job
    ready: Ready
    reply: str


class ChannelJobs:
    """The handlers of the jobs that call channels. Attempts begin, and are settled, in transactions that they
    share (ADR 17). None begins before its channel has room for it: what is begun and not answered when a
    process dies is in doubt for good.
    """

    def __init__(self, database: NotifyDatabase, channels: Mapping[str, Channel], renderer: Renderer) -> None:
        self._database = database
        self._channels = channels
        self._renderer = renderer
        self._room = {code: Semaphore(one.concurrency) for code, one in channels.items()}
        self._steps: GroupCommit[Job | _Taken, Ready | None] = GroupCommit(self._commit, key=_message_of)

    def handlers(self) -> Mapping[str, JobHandler]:
        return {SEND_JOB: self.send}

    def destinations(self) -> Sequence[Destination]:
        return [Destination(code, HELD_PER_CALL * one.concurrency) for code, one in self._channels.items()]

    async def send(self, job: Job) -> None:
        """Send one message, once: see `send_message`. What breaks in between leaves it `sending`, and the
        next attempt of the job finds it in doubt.
        """
        async with self._room[job.destination]:
            ready = await self._steps.add(job)
            if ready is None:
                return
            reached("mail.attempt_stored")
            reply = await self._hand_over(job, ready)
        if reply is not None:
            await self._steps.add(_Taken(job, ready, reply))

    async def _hand_over(self, job: Job, ready: Ready) -> str | None:
        """What the server said that took it; None: it did not take it, and what follows is settled."""
        try:
            reply = await ready.channel.hand_over(ready.packed)
            reached("mail.accepted")
        except ChannelRefused as error:
            code = str(error)
            async with self._database.transaction(job.cause) as tx:
                await send_message.refuse(ready, code, tx=tx)
                await tx.jobs.refused(job, code)
        except ChannelUnavailable as error:
            await self._put_off(job, ready, error)
        except ChannelOutcomeUnknown as error:
            async with self._database.transaction(job.cause) as tx:
                await send_message.doubt(ready.message, str(error), cause=job.cause, tx=tx)
                await tx.jobs.done(job)
        else:
            return reply
        return None

    async def _commit(
        self, steps: Sequence[Job | _Taken], /, *, longest_lock_wait_s: float | None
    ) -> Sequence[Ready | None]:
        """What was taken is settled, and what is asked for begins. Of a message one step at a time."""
        taken = [one for one in steps if isinstance(one, _Taken)]
        asked = [one for one in steps if isinstance(one, Job)]
        async with self._database.transaction(longest_lock_wait_s=longest_lock_wait_s) as tx:
            await send_message.accept([(one.ready, one.reply) for one in taken], tx=tx)
            causes = {_message_of(job): job.cause for job in asked}
            ready = await send_message.begin(
                causes,
                self._channels,
                self._renderer,
                after_restore={_message_of(job) for job in asked if job.after_restore},
                tx=tx,
            )
            for one in taken:
                await tx.jobs.done(one.job)
            for job in asked:
                await (tx.jobs.keep(job) if _message_of(job) in ready else tx.jobs.done(job))
        measure_sent(one.ready for one in taken)
        return [ready.get(_message_of(one)) for one in steps]

    async def _put_off(self, job: Job, ready: Ready, error: ChannelUnavailable) -> None:
        code = str(error)
        async with self._database.transaction(job.cause) as tx:
            waits = await send_message.put_off(ready, code, tx=tx)
            if not waits:
                await tx.jobs.refused(job, code)
        if waits:
            raise NotSent(code, answered=error.this_one_only) from error


def _message_of(step: Job | _Taken) -> UUID:
    job = step if isinstance(step, Job) else step.job
    return UUID(job.payload["message_id"])

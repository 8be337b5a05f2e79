"""Handing messages to channels: done by the work role outside of any transaction."""

from collections.abc import Mapping
from uuid import UUID

from crossdock_chassis.crash_points import reached
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


class ChannelJobs:
    """The handlers of the jobs that call channels."""

    def __init__(self, database: NotifyDatabase, channels: Mapping[str, Channel], renderer: Renderer) -> None:
        self._database = database
        self._channels = channels
        self._renderer = renderer

    def handlers(self) -> Mapping[str, JobHandler]:
        return {SEND_JOB: self.send}

    async def send(self, job: Job) -> None:
        """Send one message, once: see `send_message`. What breaks in between leaves it `sending`, and the
        next attempt of the job finds it in doubt.
        """
        message_id = UUID(job.payload["message_id"])
        async with self._database.transaction(job.cause) as tx:
            ready = await send_message.begin(message_id, self._channels, self._renderer, tx=tx)
            if ready is None:
                await tx.jobs.done(job)
                return
        reached("mail.attempt_stored")
        try:
            reply = await ready.channel.hand_over(ready.packed)
            reached("mail.accepted")
        except ChannelRefused as error:
            code = str(error)
            async with self._database.transaction(job.cause) as tx:
                await send_message.refuse(ready.message, code, tx=tx)
                await tx.jobs.refused(job, code)
            return
        except ChannelUnavailable as error:
            await self._put_off(job, ready, error)
            return
        except ChannelOutcomeUnknown as error:
            async with self._database.transaction(job.cause) as tx:
                await send_message.doubt(ready.message, str(error), tx=tx)
                await tx.jobs.done(job)
            return
        async with self._database.transaction(job.cause) as tx:
            await send_message.accept(ready.message, reply, tx=tx)
            await tx.jobs.done(job)

    async def _put_off(self, job: Job, ready: send_message.Ready, error: ChannelUnavailable) -> None:
        code = str(error)
        async with self._database.transaction(job.cause) as tx:
            waits = await send_message.put_off(ready.message, code, tx=tx)
            if not waits:
                await tx.jobs.refused(job, code)
        if waits:
            raise NotSent(code, answered=error.this_one_only) from error

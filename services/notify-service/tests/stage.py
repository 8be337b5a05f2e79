"""The service without its process: events go to the real handlers, jobs to the real mail server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import text

from crossdock_chassis.job_table import JobTable
from crossdock_chassis.jobs import Job, NotSent
from crossdock_chassis.wire import decode
from crossdock_contracts.envelope import Event
from notify_service.adapters.channels.email.channel import EmailChannel
from notify_service.adapters.channels.email.pool import SmtpPool
from notify_service.adapters.channels.email.settings import EmailSettings
from notify_service.adapters.rendering import TemplateRenderer
from notify_service.messaging import HANDLERS
from notify_service.messaging.jobs import ChannelJobs
from notify_service.persistence.transaction import NotifyDatabase
from notify_service.use_cases.plan_messages import SEND_JOB


@dataclass
class Mailbox:
    """The sandbox's mail server."""

    smtp_port: int
    http: httpx.AsyncClient

    async def mails(self) -> list[dict[str, Any]]:
        """What it took, the oldest first, with text and html."""
        listed = (await self.http.get("/_sandbox/messages")).json()["messages"]
        return [(await self.http.get(f"/_sandbox/messages/{one['id']}")).json() for one in reversed(listed)]

    async def raw(self, mail: Mapping[str, Any]) -> str:
        return (await self.http.get(f"/_sandbox/messages/{mail['id']}/raw")).text

    async def misbehave(self, operation: str, mode: str, *, times: int | None = 1, **more: Any) -> None:
        rule = {"operation": operation, "mode": mode, "times": times, **more}
        (await self.http.put("/_sandbox/faults", json=[rule])).raise_for_status()


def email_settings(port: int, **more: Any) -> EmailSettings:
    return EmailSettings(
        **{
            "host": "127.0.0.1",
            "port": port,
            "sender": "Lumo Demo <orders@lumo-demo.example>",
            "connections": 2,
            "command_timeout_s": 2,
            "data_timeout_s": 0.5,
            **more,
        }
    )


@dataclass
class Stage:
    database: NotifyDatabase
    mailbox: Mailbox
    channel: EmailChannel
    jobs: ChannelJobs

    @classmethod
    def open(cls, database: NotifyDatabase, mailbox: Mailbox) -> "Stage":
        settings = email_settings(mailbox.smtp_port)
        channel = EmailChannel(SmtpPool(settings), settings)
        return cls(database, mailbox, channel, ChannelJobs(database, {"email": channel}, TemplateRenderer()))

    async def close(self) -> None:
        await self.channel.close()

    async def hear(self, *events: Event) -> None:
        """Handle the events as one batch of the consumer."""
        async with self.database.transaction() as tx:
            for kind, handler in HANDLERS.items():
                some = [one for one in events if type(one) is kind]
                if some:
                    await handler(some, tx=tx)

    async def claim(self) -> Sequence[Job]:
        """Take the due jobs as the runner does."""
        return await JobTable(self.database.engine).claim({"email": 100}, [SEND_JOB], 30)

    async def work(self) -> list[str]:
        """Run every due job once; what each came to: settled, not_sent."""
        outcomes = []
        for job in await self.claim():
            try:
                await self.jobs.send(job)
                outcomes.append("settled")
            except NotSent:
                outcomes.append("not_sent")
                await self.free(job)
        return outcomes

    async def free(self, job: Job) -> None:
        """What the runner does after an attempt that did not settle: ready at once."""
        async with self.database.engine.begin() as connection:
            await connection.execute(
                text(
                    "update job set state = 'ready', lease_owner = null, lease_until = null"
                    " where job_id = :job_id"
                ),
                {"job_id": job.job_id},
            )

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.database.engine.connect() as connection:
            return list((await connection.execute(text(query), values)).all())

    async def states(self) -> list[tuple[str, str, str | None]]:
        """Template, state and code of every message, in the order in which they were planned."""
        rows = await self.rows("select template, state, code from message order by message_id")
        return [tuple(row) for row in rows]

    async def logged(self) -> list[str]:
        return [row.what for row in await self.rows("select what from delivery_log order by n")]

    async def said(self) -> list[Any]:
        """The events in the outbox."""
        rows = await self.rows("select headers, payload from outbox order by seq")
        return [
            decode(dict(zip(row.headers[::2], row.headers[1::2], strict=True)), row.payload) for row in rows
        ]

"""Jobs that nobody's call asks for: what is due is looked for again and again.

A job is named after the time since which it is due. That time moves when the job is done, so that however
many processes look, there is one job for an account at a time.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from crossdock_chassis.telemetry import meter
from order_service.persistence import polls
from order_service.persistence.polls import Due
from order_service.persistence.transaction import OrderDatabase, OrderTransaction
from order_service.use_cases.marketplace import Marketplace

LIST_JOB: Final = "marketplace.list_changed"
QUEUE_JOB: Final = "marketplace.read_queue"
#: Which rows of `account_poll` a job looks after.
WAYS: Final[Mapping[str, Sequence[str]]] = {LIST_JOB: polls.LIST, QUEUE_JOB: polls.QUEUE}
#: How long before its end a token is replaced, so that no call meets its end.
AHEAD_S: Final = 300.0

_behind = meter.create_gauge(
    "crossdock.poll.behind", unit="s", description="How old news may be that polling has not seen yet"
)


class Asking:
    """Looks for what is due, in the platforms there are folders for. Every method is safe to repeat, and at
    the same time.
    """

    def __init__(self, database: OrderDatabase, marketplaces: Mapping[str, Marketplace]) -> None:
        self._database = database
        polled = {code: one.polling for code, one in marketplaces.items()}
        self._first_s = {
            LIST_JOB: {code: one.first_s for code, one in polled.items() if one is not None},
            QUEUE_JOB: {code: 0.0 for code, one in marketplaces.items() if one.open_queue is not None},
        }
        self._refreshed = [code for code, one in marketplaces.items() if one.open_refresher is not None]

    async def ask(self) -> None:
        """Ask for the polls that are due; accounts that are new are polled from now on."""
        standing = {LIST_JOB: "changes", QUEUE_JOB: "queue"}
        for kind, first_s in self._first_s.items():
            if not first_s:
                continue
            async with self._database.transaction() as tx:
                await polls.add_missing(tx.connection, standing[kind], first_s)
                for one in await polls.due(tx.connection, WAYS[kind], list(first_s)):
                    await ask_for(kind, one, tx=tx)

    async def refresh(self) -> None:
        """Ask for new tokens where those that are there run out soon."""
        if not self._refreshed:
            return
        async with self._database.transaction() as tx:
            for pair in await tx.tokens.expiring(self._refreshed, AHEAD_S):
                await tx.tokens.ask(pair)

    async def watch(self) -> None:
        """Show how far polling is behind."""
        async with self._database.transaction() as tx:
            for platform, seconds in (await polls.behind_s(tx.connection)).items():
                _behind.set(seconds, {"platform": platform})


async def ask_for(kind: str, due: Due, *, tx: OrderTransaction) -> None:
    await tx.jobs.add(
        kind,
        f"{due.merchant_id}:{due.account}:{due.next_at.isoformat()}",
        merchant_id=due.merchant_id,
        destination=f"{due.platform}:{due.account}",
        payload={"account": due.account},
    )

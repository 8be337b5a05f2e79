"""A person has seen to what a restore took back: the key's lost events go, and what waited runs."""

from typing import Any

import structlog
from sqlalchemy import ARRAY, Text, bindparam, text

from crossdock_chassis.database import Database
from crossdock_chassis.faults import TAKEN_BACK
from crossdock_chassis.handlers import Handlers, topics_of
from crossdock_chassis.parking import (
    NotParked,
    Replayer,
    ReplayResult,
    list_parked_keys,
    lock_parked,
    unpark,
    write_parked_audit,
)
from crossdock_contracts.envelope import Actor

log = structlog.get_logger(__name__)

# Of topics that nobody here listens to: only a restore parks their events.
_DROP_LOST = text(
    "delete from parked_event where consumer = :consumer and key = :key and topic <> all(:listened_to)"
).bindparams(bindparam("listened_to", type_=ARRAY(Text)))

_ANY_LEFT = text("select exists (select from parked_event where consumer = :consumer and key = :key)")


class Settler:
    """Settles keys that a restore parked. Safe to repeat, and beside the consumer."""

    def __init__(self, database: Database[Any], consumer: str, handlers: Handlers) -> None:
        self._database = database
        self._consumer = consumer
        self._topics = topics_of(handlers)
        self._replayer: Replayer[Any] = Replayer(database, consumer, handlers)

    async def settle(self, key: str, *, actor: Actor, reason: str) -> ReplayResult:
        """Give up the key's lost events, and hand what waited behind them to its handlers. Raises NotParked.

        What fails there stays parked, as any other event.
        """
        names = {"consumer": self._consumer, "key": key}
        async with self._database.transaction() as tx:
            parked = await lock_parked(tx.connection, self._consumer, key)
            dropped = await tx.connection.execute(_DROP_LOST, {**names, "listened_to": list(self._topics)})
            left = (await tx.connection.execute(_ANY_LEFT, names)).scalar_one()
            if not left:
                await unpark(tx.connection, self._consumer, key)
            if dropped.rowcount:
                await write_parked_audit(
                    tx.connection, self._consumer, parked, "discarded", dropped.rowcount, actor, reason
                )
        log.info("restore.settled", consumer=self._consumer, key=key, events=dropped.rowcount)
        if not left:
            return ReplayResult(key, 0, 0, None)
        return await self._replayer.replay(key, actor=actor)

    async def settle_all(self, *, actor: Actor, reason: str, max_keys: int) -> list[ReplayResult]:
        """Settle the keys that nobody has touched since the restore, in the order of their names."""
        async with self._database.engine.connect() as connection:
            keys = await list_parked_keys(connection, self._consumer, fingerprint=TAKEN_BACK, limit=max_keys)
        results: list[ReplayResult] = []
        for one in keys:
            try:
                results.append(await self.settle(one.key, actor=actor, reason=reason))
            except NotParked:
                continue  # somebody else has just settled it
        return results

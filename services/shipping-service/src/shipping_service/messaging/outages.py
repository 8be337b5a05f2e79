"""Carriers that do not answer this process, and the loop that moves what waits for them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from crossdock_chassis.logging import get_logger
from crossdock_chassis.repeating import repeat
from shipping_service.persistence.queries import list_asked
from shipping_service.persistence.transaction import ShippingDatabase
from shipping_service.use_cases.buy_labels import LabelRef, leave_carrier

log = get_logger(__name__)

LOOK_EVERY_S: Final = 15.0
BATCH: Final = 100
_FIRST: Final = UUID(int=0)


@dataclass(slots=True)
class Outages:
    """A carrier is down when every call of ours failed for `after_s`, the last of them not longer ago than
    that: who has not called lately knows nothing. Kept in memory; a process that starts waits anew.
    """

    after_s: float
    clock: Callable[[], float] = time.monotonic
    _since: dict[str, tuple[float, float]] = field(default_factory=dict)

    def failed(self, carrier: str) -> None:
        now = self.clock()
        first, last = self._since.get(carrier, (now, now))
        self._since[carrier] = (now if now - last > self.after_s else first, now)

    def answered(self, carrier: str) -> None:
        self._since.pop(carrier, None)

    def down(self) -> list[str]:
        now = self.clock()
        return sorted(
            carrier
            for carrier, (first, last) in self._since.items()
            if now - first >= self.after_s and now - last <= self.after_s
        )


async def leave_carriers(database: ShippingDatabase, outages: Outages, stop: asyncio.Event) -> None:
    """Move on what waits for a carrier that is down, whose jobs the runner holds back."""

    async def look() -> None:
        for carrier in outages.down():
            moved = await leave(database, carrier)
            if moved:
                log.warning("carrier.left", carrier=carrier, labels=moved)

    await repeat("leave_carriers", look, stop, every_s=LOOK_EVERY_S)


async def leave(database: ShippingDatabase, carrier: str) -> int:
    """Batch by batch, each a transaction. Returns how many have somewhere to go; safe to repeat."""
    moved, after = 0, _FIRST
    while True:
        async with database.transaction() as tx:
            rows = await list_asked(tx.connection, carrier, after=after, limit=BATCH)
            refs = [LabelRef(one["merchant_id"], one["shipment_id"], one["label_id"]) for one in rows]
            moved += await leave_carrier(refs, tx=tx) if refs else 0
        if len(rows) < BATCH:
            return moved
        after = rows[-1]["label_id"]

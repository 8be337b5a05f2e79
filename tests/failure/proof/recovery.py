"""How long it takes, after a fault is over, until the system does again what it does."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

import asyncpg

from crossdock_cli.api import Api
from crossdock_cli.demo.cases import Case, Expected, Sold
from crossdock_cli.errors import CommandFailed

from ..system import DATABASE_AWAY
from .ground import Ground
from .shops import Marketplace, Shop

#: What traffic alone makes wait is younger than this.
OUTBOX_S, LAG_S = 3.0, 5.0
LOOK_EVERY_S, PROBE_EVERY_S = 0.4, 2.0
DATABASE_S = 3.0
#: Probes have numbers of their own, behind all orders of the traffic.
FIRST_PROBE = 900_001

_OLDEST = (
    "select coalesce(extract(epoch from statement_timestamp() - min(created_at)), 0)::float8 from outbox"
)
_LAG = """
    select coalesce(max(extract(epoch from statement_timestamp() - caught_up_at)), 0)::float8
    from consumer_fence
"""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Of one injection. `seconds` None: not within the time it was given."""

    kind: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Times:
    """Of one kind of fault, over all its injections."""

    count: int
    never: int
    least: float | None
    middle: float | None
    most: float | None


def times_by_kind(recoveries: Iterable[Recovery]) -> dict[str, Times]:
    by_kind: defaultdict[str, list[float | None]] = defaultdict(list)
    for one in recoveries:
        by_kind[one.kind].append(one.seconds)
    return {kind: _times(seconds) for kind, seconds in by_kind.items()}


def _times(seconds: list[float | None]) -> Times:
    known = sorted(one for one in seconds if one is not None)
    never = len(seconds) - len(known)
    if not known:
        return Times(len(seconds), never, None, None, None)
    return Times(len(seconds), never, known[0], median(known), known[-1])


@dataclass
class Pulse:
    """Recovered is: every process is ready, no outbox holds anything older than 3 s, every consumer has read
    everything that is older than 5 s, and an order placed after the fault has gone all the way to `closed`.
    """

    ground: Ground
    shop: Shop
    api: Api
    probes: list[int] = field(default_factory=list)

    async def recovered(self, since: float, *, limit_s: float) -> tuple[float | None, str]:
        """Seconds from `since` (monotonic); None with what was still missing when the limit had passed."""
        placed: list[int] = []
        probed_at: float | None = None
        next_probe, missing = time.monotonic(), "a first look"
        while time.monotonic() - since < limit_s:
            now = time.monotonic()
            if probed_at is None and now >= next_probe:
                next_probe = now + PROBE_EVERY_S
                await self._place(placed)
            if probed_at is None and await self._is_through(placed):
                probed_at = time.monotonic()
            missing = await self._missing()
            if not missing and probed_at is not None:
                return time.monotonic() - since, ""
            missing = missing or "an order that went all the way"
            await asyncio.sleep(LOOK_EVERY_S)
        return None, missing

    async def _missing(self) -> str:
        """What is not as it should be, in words; empty when all is."""
        names = list(self.ground.processes)
        ready = await asyncio.gather(*(self.ground.processes[name].ready() for name in names))
        away = [name for name, is_ready in zip(names, ready, strict=True) if not is_ready]
        if away:
            return f"{', '.join(away[:5])} not ready"
        for service in self.ground.system.databases:
            try:
                oldest, lag = await self._waiting(service)
            except DATABASE_AWAY:
                return f"{service}'s database does not answer"
            if oldest > OUTBOX_S:
                return f"{service}'s outbox is {oldest:.0f} s behind"
            if lag > LAG_S:
                return f"{service}'s consumers are {lag:.0f} s behind"
        return ""

    async def _waiting(self, service: str) -> tuple[float, float]:
        async with asyncio.timeout(DATABASE_S):
            connection = await asyncpg.connect(_url(self.ground, service))
            try:
                return (
                    float(await connection.fetchval(_OLDEST)),
                    float(await connection.fetchval(_LAG)),
                )
            finally:
                connection.terminate()

    async def _place(self, placed: list[int]) -> None:
        number = FIRST_PROBE + len(self.probes)
        self.probes.append(number)
        case = Case(number, "berlin", (Sold("MUG", 1),), (), Expected("", 0))
        marketplace = Marketplace(self.api)
        order_id = self.shop.run.order_id(case)
        try:
            await marketplace.put(self.shop, case)
            await marketplace.deliver(self.shop, order_id, "orders/create")
        except CommandFailed:
            return
        placed.append(order_id)

    async def _is_through(self, placed: list[int]) -> bool:
        if not placed:
            return False
        try:
            async with asyncio.timeout(DATABASE_S):
                connection = await asyncpg.connect(_url(self.ground, "order"))
                try:
                    return bool(
                        await connection.fetchval(
                            "select exists(select from orders"
                            " where external_id = any($1) and status = 'closed')",
                            [str(one) for one in placed],
                        )
                    )
                finally:
                    connection.terminate()
        except DATABASE_AWAY:
            return False


async def count_open(ground: Ground) -> int | None:
    """Orders that have not come to their end; None while the database does not answer."""
    try:
        async with asyncio.timeout(DATABASE_S):
            connection = await asyncpg.connect(_url(ground, "order"))
            try:
                return int(
                    await connection.fetchval(
                        "select count(*) from orders where status in ('open', 'held', 'cancelling')"
                    )
                )
            finally:
                connection.terminate()
    except DATABASE_AWAY:
        return None


def _url(ground: Ground, service: str) -> str:
    return ground.system.databases[service].replace("+asyncpg", "")

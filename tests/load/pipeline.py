"""Webhooks to parcels, mails and write-backs, through everything there is, on a real Apache Kafka."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median

from crossdock_cli.api import Api
from crossdock_cli.connection import Connection
from crossdock_cli.demo.merchant import set_up
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.scenario import Case, Expected, Scenario, Sold
from crossdock_cli.demo.shop_orders import shop_order
from crossdock_cli.embedded.supervisor import ChildEvent
from crossdock_cli.embedded.usage import usage_of
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.run import SANDBOXES, Stack, StackOptions

from .client import send_from_a_process
from .deliveries import delivery
from .ground import NotAllTaken, family_cpu_s

#: Two lines from one warehouse, two thirds inside of its country and one third abroad: one parcel each.
ORDERS = (("berlin", ("MUG", "TEE")), ("上海", ("BUDS", "CASE")), ("portland", ("CABLE", "CASE")))
CLIENTS = 64
ORDERS_BEFORE = 200
LOOK_S = 0.5
#: Without an order that gets further for so long, the run is given up.
STANDSTILL_S = 60.0
PLACED_AT_ONCE = 16
#: One shop's quota at its platform is not what is measured.
UNLIMITED = ("--points-per-s", "1000000")


@dataclass(frozen=True, slots=True)
class Stage:
    """`asks`: service -> how many there are, when the last came; `each`: how many an order has of them."""

    letter: str
    name: str
    target_per_s: int
    asks: Mapping[str, str]
    each: int = 1


STAGES = (
    Stage(
        "A",
        "reserved and planned",
        500,
        {
            "inventory": "select count(*), max(at) from event_log where topic = 'stock.reserved'",
            "shipping": "select count(*), max(planned_at) from shipment",
        },
    ),
    Stage(
        "B",
        "labelled and handed over",
        250,
        {"shipping": "select count(*), max(at) from event_log where topic = 'parcel.shipped'"},
    ),
    Stage(
        "C",
        "written back",
        120,
        {"order": "select count(*), max(updated_at) from obligation where state = 'confirmed'"},
    ),
    Stage(
        "C",
        "announced by two mails",
        120,
        {"notify": "select count(*), max(at) from event_log where topic = 'notification.sent'"},
        each=2,
    ),
)


_WRITTEN = """
    select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0'), sum(pg_database_size(datname))::bigint
    from pg_database where datname like 'crossdock_%';
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What became of so many orders that came at once. `ended_s`: stage -> seconds from the first request.

    From the first request to the end of the last stage: `cpu_s`, process -> CPU seconds; `written`, what ->
    bytes that came on top. `memory_mb`: process -> resident at the end.
    """

    orders: int
    taken_s: float
    ended_s: Mapping[str, float]
    cpu_s: Mapping[str, float] = field(repr=False)
    memory_mb: Mapping[str, float] = field(repr=False)
    written: Mapping[str, int] = field(repr=False)

    def per_s(self, stage: Stage) -> float:
        return self.orders / self.ended_s[stage.name]


class Plant:
    """The whole system, with a merchant who has stock enough and a shop that knows its orders."""

    def __init__(self, stack: Stack, pids: Mapping[str, int]) -> None:
        self._stack = stack
        self._pids = pids
        self._run = Run.new(0, 0)
        self._connection = Connection(
            stack.record.urls,
            stack.keys.api_token,
            {
                "shopify_client_secret": stack.keys.shopify_client_secret,
                "shopify_access_token": stack.keys.shopify_access_token,
            },
        )
        self._numbers = count(1)

    async def prepare(self, orders: int, tell: Callable[[str], None]) -> None:
        """Set the merchant up with stock for so many orders, and let the first ones through."""
        units = orders + ORDERS_BEFORE
        stock = {name: units for _, names in ORDERS for name in names}
        async with Api(self._connection, patience_s=30) as api:
            await set_up(self._run, Scenario((), stock), api, self._connection)
        tell(f"{ORDERS_BEFORE} orders before the first measurement")
        await self.pass_through(ORDERS_BEFORE)
        for service in self._stack.options.services:
            # A session that planned its statements over empty tables would keep its plans.
            self._stack.postgres.sql("analyze;", database=f"crossdock_{service}")

    async def pass_through(self, orders: int) -> Passage:
        """Send new orders as fast as they are taken. Raises NotAllTaken when they get no further."""
        requests = await self._placed(orders)
        before = await asyncio.to_thread(self._look)
        cpu, written = self._cpu_s(), await asyncio.to_thread(self._written)
        began, clock = datetime.now(UTC), time.monotonic()
        seen = await send_from_a_process(self._stack.ports["order"], CLIENTS, requests)
        if seen.taken != orders or seen.others:
            raise NotAllTaken(f"order-service answered {seen.statuses}")
        taken_s = time.monotonic() - clock
        after = await self._until_through(orders, before)
        used = {name: now - cpu.get(name, 0.0) for name, now in self._cpu_s().items()}
        now_written = await asyncio.to_thread(self._written)
        return Passage(
            orders=orders,
            taken_s=taken_s,
            ended_s={name: (at - began).total_seconds() for name, (_, at) in after.items()},
            cpu_s=used | {"client": seen.cpu_s},
            memory_mb={name: usage_of([pid]).memory_mb for name, pid in self._pids.items()},
            written={what: now - written[what] for what, now in now_written.items()},
        )

    async def _placed(self, orders: int) -> list[bytes]:
        """The requests, after the shop has been told of their orders."""
        room = asyncio.Semaphore(PLACED_AT_ONCE)
        run, connection = self._run, self._connection

        async def place(api: Api, case: Case) -> bytes:
            order = shop_order(run, case, placed_at=datetime.now(UTC))
            path = f"/_sandbox/shops/{run.shop}/orders/{order['id']}"
            async with room:
                kept = await api.send("PUT", "shopify", path, order)
            return delivery(
                {**order, "updated_at": kept["updated_at"]},
                account=run.account,
                shop=f"{run.shop}.myshopify.com",
                secret=connection.secrets["shopify_client_secret"],
            )

        async with Api(connection, patience_s=30) as api:
            return await asyncio.gather(*(place(api, self._case()) for _ in range(orders)))

    def _case(self) -> Case:
        number = next(self._numbers)
        place, names = ORDERS[number % len(ORDERS)]
        return Case(number, place, tuple(Sold(name, 1) for name in names), (), Expected("closed", 1))

    async def _until_through(
        self, orders: int, before: Mapping[str, tuple[int, datetime]]
    ) -> Mapping[str, tuple[int, datetime]]:
        latest, moved_at = before, time.monotonic()
        while any(latest[one.name][0] - before[one.name][0] < orders * one.each for one in STAGES):
            if time.monotonic() - moved_at > STANDSTILL_S:
                come = {one.name: (latest[one.name][0] - before[one.name][0]) / one.each for one in STAGES}
                raise NotAllTaken(f"of {orders} orders no more came through for {STANDSTILL_S:.0f} s: {come}")
            await asyncio.sleep(LOOK_S)
            now = await asyncio.to_thread(self._look)
            if now != latest:
                latest, moved_at = now, time.monotonic()
        return latest

    def _look(self) -> Mapping[str, tuple[int, datetime]]:
        """Stage -> how many have come to its end (the fewest, where two are asked), and when the last did."""
        found: dict[str, tuple[int, datetime]] = {}
        for stage in STAGES:
            answers = [self._ask(service, question) for service, question in stage.asks.items()]
            found[stage.name] = min(one for one, _ in answers), max(at for _, at in answers)
        return found

    def _ask(self, service: str, question: str) -> tuple[int, datetime]:
        number, at = self._stack.postgres.sql(f"{question};", database=f"crossdock_{service}").split("|")
        return int(number), datetime.fromisoformat(at) if at else datetime.min.replace(tzinfo=UTC)

    def _written(self) -> dict[str, int]:
        wal, databases = self._stack.postgres.sql(_WRITTEN).split("|")
        logs = self._stack.folder.path / "kafka"
        records = sum(one.stat().st_size for one in logs.glob("node-*/**/*.log"))
        return {"WAL": int(wal), "databases": int(databases), "Kafka": records}

    def _cpu_s(self) -> dict[str, float]:
        return {
            name: family_cpu_s(pid) if name == "postgres" else usage_of([pid]).cpu_s
            for name, pid in self._pids.items()
        }


@asynccontextmanager
async def running_plant(folder: Path, *, kafka: str) -> AsyncIterator[Plant]:
    """Everything of it stops with the block. `kafka`: "apache" or "tansu". Raises EmbeddedError."""
    pids: dict[str, int] = {}
    ready, stop = asyncio.Event(), asyncio.Event()

    def note(event: ChildEvent) -> None:
        pids[event.name] = event.pid

    data = _made(folder)
    with data.locked():
        options = StackOptions(split=True, kafka=kafka, arguments={"shopify": UNLIMITED})
        stack = Stack(data, options, on_event=note)
        running = asyncio.create_task(stack.run(stop, ready.set))
        waiting = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            yield Plant(stack, pids)
        finally:
            waiting.cancel()
            stop.set()
            await running


def _made(folder: Path) -> DataFolder:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)  # PostgreSQL runs as another user when we are root
    return DataFolder(folder)


async def measure_pipeline(
    folder: Path, *, rounds: int, orders: int, kafka: str, tell: Callable[[str], None]
) -> Sequence[Passage]:
    """One passage after the other through the same system. Raises EmbeddedError or NotAllTaken."""
    found = []
    async with running_plant(folder, kafka=kafka) as plant:
        await plant.prepare(rounds * orders, tell)
        for number in range(rounds):
            passage = await plant.pass_through(orders)
            found.append(passage)
            rates = ", ".join(f"{one.letter} {passage.per_s(one):.0f}/s" for one in STAGES)
            tell(f"round {number + 1} of {rounds}: {rates}")
    return found


def stage_rows(found: Sequence[Passage]) -> Iterator[tuple[str, ...]]:
    """Stage, what has come, orders/s (median, least and most), target."""
    for stage in STAGES:
        rates = [one.per_s(stage) for one in found]
        yield (
            stage.letter,
            stage.name,
            f"{median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f})",
            str(stage.target_per_s),
        )


def cost_rows(found: Sequence[Passage]) -> Iterator[tuple[str, str, str]]:
    """Process, CPU ms per order (median), MB (most); the sandboxes as one, the brokers too, all as one."""
    cpu = [_together(one.cpu_s) for one in found]
    memory = [_together(one.memory_mb) for one in found]
    cpu_ms = {
        name: median(each[name] / one.orders * 1000 for each, one in zip(cpu, found, strict=True))
        for name in cpu[0]
    }
    for name, ms in sorted(cpu_ms.items(), key=lambda one: -one[1]):
        yield name, f"{ms:.2f}", f"{max(one[name] for one in memory):.0f}"


def _together(of_processes: Mapping[str, float]) -> Mapping[str, float]:
    groups: defaultdict[str, float] = defaultdict(float)
    for name, value in of_processes.items():
        group = "sandboxes" if name in SANDBOXES else "kafka" if name.startswith("kafka") else name
        groups[group] += value
        groups["all"] += value
    return groups


def bytes_per_order(found: Sequence[Passage]) -> Mapping[str, float]:
    """What -> bytes per order, the median."""
    return {what: median(one.written[what] / one.orders for one in found) for what in found[0].written}

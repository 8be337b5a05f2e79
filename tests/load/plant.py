"""The whole system under load: all that `crossdock up --split` starts, a merchant, and a shop that sells."""

import asyncio
import math
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from typing import Any

import asyncpg

from crossdock_cli.api import Api
from crossdock_cli.connection import Connection
from crossdock_cli.demo.merchant import receive, set_up
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.scenario import Scenario
from crossdock_cli.demo.world import GOODS
from crossdock_cli.embedded.supervisor import ChildEvent, ChildState
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.run import Stack, StackOptions
from crossdock_cli.stack.services import SERVICES, ServiceProcess, service_processes

from .client import Seen, Sending, send_from_a_process
from .deliveries import delivery
from .goals import STAGES, Question, Stage
from .ground import NotAllTaken
from .meter import Spent, memory_mb, spent_by
from .orders import MIXED, Shape, catalogue

CLIENTS = 64
ORDERS_BEFORE = 200
#: Of every SKU: nothing here ever runs out.
UNITS = 10_000_000
LOOK_S = 0.25
#: Without an order that gets further for so long, the run is given up.
STANDSTILL_S = 60.0
#: With several processes of a role on one PostgreSQL, each takes fewer of its connections.
CONNECTIONS_OF_A_REPLICA = 4
PLACED_AT_ONCE = 16
#: One shop's quota at its platform is not what is measured.
UNLIMITED = ("--points-per-s", "1000000")


_WRITTEN = """
    select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0'), sum(pg_database_size(datname))::bigint
    from pg_database where datname like 'crossdock_%';
"""


@dataclass(frozen=True, slots=True)
class Placed:
    """An order the shop knows, and the request that tells of it."""

    number: int
    external_id: str
    request: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What became of so many orders. `ended_s`: stage -> seconds from the first request to its last order.

    From the first request to the end of the last stage: `cpu_s`, process -> CPU seconds; `disk`, process ->
    bytes it wrote; `written`, what -> bytes that came on top. `memory_mb`: process -> at the end.
    `pace_per_s`: the pace the orders came at; None: as fast as they were taken.
    """

    orders: int
    began_at: datetime
    taken_s: float
    ended_s: Mapping[str, float]
    cpu_s: Mapping[str, float] = field(repr=False)
    disk: Mapping[str, int] = field(repr=False)
    memory_mb: Mapping[str, float] = field(repr=False)
    written: Mapping[str, int] = field(repr=False)
    pace_per_s: float | None = None

    def per_s(self, stage: Stage) -> float:
        return self.orders / self.ended_s[stage.name]

    @property
    def seconds(self) -> float:
        """To the end of the last stage."""
        return max(self.ended_s.values())

    @property
    def cpu_ms_per_order(self) -> float:
        """Of all processes together, the client too."""
        return sum(self.cpu_s.values()) / self.orders * 1000


class Plant:
    """`starts_s`: process -> seconds from its last start until it was ready."""

    def __init__(self, folder: DataFolder, options: StackOptions) -> None:
        """Nothing runs yet; the caller holds the folder's lock."""
        self.stack = Stack(folder, options, on_event=self._note)
        self.pids: dict[str, int] = {}
        self.starts_s: dict[str, float] = {}
        self._began: dict[str, float] = {}
        self._exit = AsyncExitStack()
        self._pools: dict[str, asyncpg.Pool] = {}
        self.run = Run.new(0, 0)
        self._connection = Connection(
            self.stack.record.urls,
            self.stack.keys.api_token,
            self.stack.keys.outside,
        )
        self._numbers = count(1)

    def _note(self, event: ChildEvent) -> None:
        self.pids[event.name] = event.pid
        if event.state is ChildState.STARTING:
            self._began[event.name] = time.monotonic()
            self.starts_s.pop(event.name, None)
        if event.state is ChildState.READY:
            self.starts_s[event.name] = time.monotonic() - self._began[event.name]

    # -- before anything is measured

    async def prepare(self, tell: Callable[[str], None], *, shapes: Sequence[Shape] = (MIXED,)) -> None:
        """Set the merchant up with stock enough for such orders, and let the first ones through."""
        run = self.run
        by_warehouse: dict[str, dict[str, int]] = {}
        for sku, name in (pair for shape in shapes for pair in shape.skus()):
            by_warehouse.setdefault(GOODS[name].warehouse, {})[sku] = UNITS
        async with self.api() as api:
            await set_up(run, Scenario((), {}), api, self._connection)
            await api.send_text(
                "inventory", "/v1/skus.csv", catalogue(run, shapes), "text/csv", dry_run=False
            )
            for warehouse, units in by_warehouse.items():
                await receive(run, api, warehouse, units, "stock of the bench")
        await self._until_known([run.sku(sku) for units in by_warehouse.values() for sku in units])
        tell(f"{ORDERS_BEFORE} orders before the first measurement")
        await self.pass_through(await self.place(ORDERS_BEFORE))
        await self.sql_everywhere("analyze;")  # a session that planned over empty tables keeps its plans

    async def _until_known(self, skus: Sequence[str]) -> None:
        """Until order-service has heard of them: an order for others is held. Raises NotAllTaken."""
        deadline, query = time.monotonic() + STANDSTILL_S, "select count(*) from sku where sku = any($1)"
        while (known := (await self.ask("order", query, skus))[0][0]) < len(skus):
            if time.monotonic() > deadline:
                raise NotAllTaken(f"order-service has heard of {known} SKUs, not of {len(skus)}")
            await asyncio.sleep(LOOK_S)

    async def place(self, orders: int, shape: Shape = MIXED) -> list[Placed]:
        """New orders, after the shop has been told of them: it will be asked and written to."""
        room = asyncio.Semaphore(PLACED_AT_ONCE)

        async def place(api: Api, number: int) -> Placed:
            order = shape.order(self.run, number)
            path = f"/_sandbox/shops/{self.run.shop}/orders/{order['id']}"
            async with room:
                kept = await api.send("PUT", "shopify", path, order)
            return self._placed(number, {**order, "updated_at": kept["updated_at"]})

        async with self.api() as api:
            return await asyncio.gather(*(place(api, number) for number in self._next(orders)))

    def unplaced(self, orders: int, shape: Shape = MIXED) -> list[Placed]:
        """New orders that the shop does not know: for what ends before the write-back."""
        return [self._placed(number, shape.order(self.run, number)) for number in self._next(orders)]

    def _next(self, orders: int) -> list[int]:
        return list(islice(self._numbers, orders))

    def _placed(self, number: int, order: dict[str, Any]) -> Placed:
        request = delivery(
            order,
            account=self.run.account,
            shop=f"{self.run.shop}.myshopify.com",
            secret=self.stack.keys.shopify_client_secret,
        )
        return Placed(number, str(order["id"]), request)

    # -- measuring

    async def pass_through(
        self,
        placed: Sequence[Placed],
        *,
        per_s: float | None = None,
        held: bool = False,
        patience_s: float = STANDSTILL_S,
    ) -> Passage:
        """Send new orders and wait until all are through. Raises NotAllTaken when they get no further.

        `held`: nobody is told of them before all are taken, and everything but `taken_s` counts from then on.
        """
        marks = await self.marks()
        before, written = self.spent(), await asyncio.to_thread(self._written)
        with self._untold() if held else nullcontext():
            seen = await self.send(placed, per_s=per_s)
            began_at, client = seen.began_at, {"client": seen.cpu_s}
            if held:
                before, written = self.spent(), await asyncio.to_thread(self._written)
                began_at, client = time.time(), {}
        after = await self.until_through(len(placed), marks, patience_s=patience_s)
        spent = self.spent().since(before)
        now_written = await asyncio.to_thread(self._written)
        return Passage(
            orders=len(placed),
            began_at=datetime.fromtimestamp(began_at, UTC),
            taken_s=seen.seconds,
            ended_s={name: at.timestamp() - began_at for name, (_, at) in after.items()},
            cpu_s={**spent.cpu_s, **client},
            disk=spent.written,
            memory_mb=memory_mb(self.pids),
            written={what: now - written[what] for what, now in now_written.items()},
            pace_per_s=per_s,
        )

    @contextmanager
    def _untold(self) -> Iterator[None]:
        """What order-service has to say waits meanwhile: not for as long as its sessions may rest."""
        self.signal("order-relay", signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal("order-relay", signal.SIGCONT)

    async def send(
        self,
        placed: Sequence[Placed],
        *,
        per_s: float | None = None,
        patient: bool = False,
        stop: asyncio.Event | None = None,
    ) -> Seen:
        """To all replicas of order-service's API in turn, the first ones only when `stop` is set meanwhile.

        `patient`: whatever goes wrong, a request is sent again. Raises NotAllTaken.
        """
        # At a pace each connection is used about once a second: the server closes idle ones after 15.
        clients = CLIENTS if per_s is None else min(max(math.ceil(per_s), 4), CLIENTS)
        sending = Sending(ports=self._entries(), clients=clients, per_s=per_s, patient=patient)
        seen = await send_from_a_process(sending, [one.request for one in placed], stop)
        if (seen.taken != len(placed) and stop is None) or (seen.others and not patient):
            raise NotAllTaken(f"order-service answered {seen.statuses}")
        return seen

    async def marks(self, stages: Sequence[Stage] = STAGES) -> Mapping[Question, Any]:
        """Where the rows of each question end now."""
        return {
            one: (await self.ask(one.service, one.newest, database=one.database))[0][0]
            for stage in stages
            for one in stage.asks
        }

    async def come(
        self, marks: Mapping[Question, Any], stages: Sequence[Stage] = STAGES
    ) -> dict[str, tuple[int, datetime]]:
        """Stage -> how many rows have come since (the fewest, where two are asked), and when the last did."""
        found: dict[str, tuple[int, datetime]] = {}
        for stage in stages:
            answers = [
                (await self.ask(one.service, one.come, marks[one], database=one.database))[0]
                for one in stage.asks
            ]
            latest = max(at or datetime.min.replace(tzinfo=UTC) for _, at in answers)
            found[stage.name] = min(number for number, _ in answers), latest
        return found

    async def until_through(
        self,
        orders: int,
        marks: Mapping[Question, Any],
        stages: Sequence[Stage] = STAGES,
        *,
        patience_s: float = STANDSTILL_S,
    ) -> dict[str, tuple[int, datetime]]:
        """What has come when so many orders have since the marks. Raises NotAllTaken."""
        latest, moved_at = await self.come(marks, stages), time.monotonic()
        while any(latest[one.name][0] < orders * one.each for one in stages):
            if time.monotonic() - moved_at > patience_s:
                come = {one.name: latest[one.name][0] / one.each for one in stages}
                raise NotAllTaken(f"of {orders} orders no more came through for {patience_s:.0f} s: {come}")
            await asyncio.sleep(LOOK_S)
            now = await self.come(marks, stages)
            if now != latest:
                latest, moved_at = now, time.monotonic()
        return latest

    def spent(self) -> Spent:
        return spent_by(self.pids)

    def _written(self) -> dict[str, int]:
        wal, databases = self.stack.postgres.sql(_WRITTEN).split("|")
        logs = self.stack.folder.path / "kafka"
        records = sum(one.stat().st_size for one in logs.glob("node-*/**/*.log"))
        return {"WAL": int(wal), "databases": int(databases), "Kafka": records}

    # -- its parts

    def api(self) -> Api:
        return Api(self._connection, patience_s=30)

    async def ask(
        self, service: str, query: str, *arguments: object, database: str | None = None
    ) -> list[asyncpg.Record]:
        """Rows from a service's database, or another one of its owner's, over a connection that is kept."""
        name = database or f"crossdock_{service}"
        if name not in self._pools:
            urls = self.stack.postgres.databases.urls(name, service)
            self._pools[name] = await self._exit.enter_async_context(
                asyncpg.create_pool(urls.owner_url.replace("+asyncpg", ""), min_size=0, max_size=1)
            )
        return await self._pools[name].fetch(query, *arguments)

    async def sql_everywhere(self, script: str) -> None:
        """A script in every service's database, as the superuser."""
        for service in self.stack.options.services:
            await asyncio.to_thread(self.stack.postgres.sql, script, database=f"crossdock_{service}")

    def processes(self) -> list[ServiceProcess]:
        options = self.stack.options
        return service_processes(options.services, split=options.split, replicas=options.replicas)

    def _entries(self) -> list[int]:
        ports = self.stack.ports
        return [
            ports[one.port_name] for one in self.processes() if (one.service, one.role) == ("order", "api")
        ]

    def signal(self, name: str, number: signal.Signals) -> None:
        """SIGKILL: as a crash, it is started again. SIGSTOP, SIGCONT: it stands still, it goes on."""
        if number is signal.SIGKILL:
            self.starts_s.pop(name, None)  # not ready from now on
        os.kill(self.pids[name], number)

    async def until_ready(self, names: Sequence[str], *, within_s: float = 120) -> None:
        """After they were killed. Raises NotAllTaken."""
        deadline = time.monotonic() + within_s
        while away := [name for name in names if name not in self.starts_s]:
            if time.monotonic() > deadline:
                raise NotAllTaken(f"{', '.join(away)} did not come back within {within_s:.0f} s")
            await asyncio.sleep(LOOK_S)

    async def close(self) -> None:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await self._exit.aclose()


@asynccontextmanager
async def running_plant(folder: Path, *, kafka: str, replicas: int = 1) -> AsyncIterator[Plant]:
    """Everything of it stops with the block. `kafka`: "apache" or "tansu". Raises EmbeddedError."""
    ready, stop = asyncio.Event(), asyncio.Event()
    data = _made(folder)
    with data.locked():
        plant = Plant(data, _options(kafka, replicas))
        running = asyncio.create_task(plant.stack.run(stop, ready.set))
        waiting = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            yield plant
        finally:
            waiting.cancel()
            await plant.close()
            stop.set()
            await running


def _options(kafka: str, replicas: int) -> StackOptions:
    few = {"DATABASE_POOL_SIZE": str(CONNECTIONS_OF_A_REPLICA), "DATABASE_POOL_OVERFLOW": "0"}
    return StackOptions(
        split=True,
        kafka=kafka,
        replicas=replicas,
        arguments={"shopify": UNLIMITED},
        environment={
            one.name: {f"{one.service.upper()}_{name}": value for name, value in few.items()}
            for one in service_processes(SERVICES, split=True, replicas=replicas)
            if replicas > 1
        },
    )


def _made(folder: Path) -> DataFolder:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)  # PostgreSQL runs as another user when we are root
    return DataFolder(folder)

"""What is measured: a PostgreSQL server set up as for use, and one process at a time that writes to it."""

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from uuid import UUID

import asyncpg
import httpx

from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.launch import CLEAN_ENVIRONMENT, LOOPBACK, Launch, free_port, run_to_end
from crossdock_cli.embedded.postgres import PostgresServer
from crossdock_cli.embedded.supervisor import Child, Supervisor
from crossdock_cli.embedded.usage import usage_of
from crossdock_cli.stack.keys import Keys
from crossdock_cli.stack.services import ServiceProcess, Surroundings, migrate_launch

from .client import Sending, send_from_a_process
from .deliveries import ACCOUNT, account_given, deliveries, skus
from .figures import percentile
from .meter import family_cpu_s

T = TypeVar("T")

#: There before anybody connects: a plan made over empty tables stays bad for as long as its session.
ORDERS_BEFORE = 500
STARTS_WITHIN_S = 60
FLOOR = "bench_floor"
ORDERS = "crossdock_order"
TABLES = ("inbound_message", "orders", "order_history", "outbox", "event_log")
_COUNTS = "".join(f"select count(*) from {table};" for table in TABLES)  # our own names


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one client saw, and what the server's process and PostgreSQL used meanwhile, in CPU seconds."""

    clients: int
    seconds: float
    latencies: Sequence[float] = field(repr=False)
    refused: int  # answers that there is too much to do; the request was sent again
    client_cpu_s: float
    server_cpu_s: float
    postgres_cpu_s: float

    @property
    def per_s(self) -> float:
        return len(self.latencies) / self.seconds

    def latency_ms(self, share: float) -> float:
        return percentile(self.latencies, share) * 1000


class NotAllTaken(Exception):
    """Not every request became an order; a rate over them would be none."""


class Ground:
    """Inside `async with`: the intake of order-service, its floor, and a server that does nothing."""

    def __init__(self, folder: Path, *, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._tell = tell
        self._keys = Keys()
        self._server = PostgresServer(folder / "postgres")
        self._exit = AsyncExitStack()
        self._ports = {name: free_port() for name in ("order", "floor", "nothing")}
        self._next = 1

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o711)  # PostgreSQL runs as another user when we are root
        try:
            self._server.start()
            self._exit.callback(self._server.stop)
            urls = self._server.ensure_service_databases(["order"])["order"]
            order_id = await self._prepare(urls)
            self._supervisor = await self._exit.enter_async_context(Supervisor(self._folder / "logs"))
            await self._start_all(urls, order_id)
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    # -- setting up

    async def _prepare(self, urls: DatabaseUrls) -> UUID:
        """Tables, an account, the SKUs, the first orders, and a copy of it all for the floor."""
        around = self._around(urls)
        logs = self._folder / "logs"
        logs.mkdir(exist_ok=True)
        token = f"{self._keys.api_token}\n".encode()
        await run_to_end(migrate_launch("order", around), logs / "migrate.log", given=token)
        async with Supervisor(logs) as self._supervisor:
            await self._supervisor.start(self._service(around))
            await self._connect_shop()
            await self._with_owner(urls, self._learn_skus)
            self._tell(f"{ORDERS_BEFORE} orders before the first measurement")
            await self.load("order", clients=16, requests=ORDERS_BEFORE)
        order_id = await self._with_owner(urls, self._an_order)
        self._server.databases.create_database(FLOOR, "order", template=ORDERS)
        for name in (ORDERS, FLOOR):
            self._server.sql("vacuum analyze;", database=name)
        return order_id

    async def _start_all(self, urls: DatabaseUrls, order_id: UUID) -> None:
        floor = {
            "BENCH_DATABASE_URL": self._server.databases.urls(FLOOR, "order").app_url.replace("+asyncpg", ""),
            "BENCH_ORDER_ID": str(order_id),
        }
        await self._supervisor.start(self._service(self._around(urls)))
        await self._supervisor.start(self._by_hand("floor", "tests.load.floor.intake", floor))
        await self._supervisor.start(self._by_hand("nothing", "tests.load.floor.nothing", {}))

    def _around(self, urls: DatabaseUrls) -> Surroundings:
        nobody = f"{LOOPBACK}:1"  # an API speaks to no broker
        return Surroundings({"order": urls}, nobody, "apache", {"order": self._ports["order"]}, self._keys)

    def _service(self, around: Surroundings) -> Child:
        launch = ServiceProcess("order", "api").launch(around)
        return self._child("order", launch)

    def _by_hand(self, name: str, module: str, environment: Mapping[str, str]) -> Child:
        launch = Launch(
            [sys.executable, "-m", module, str(self._ports[name])],
            {**CLEAN_ENVIRONMENT, **environment},
            folder=Path(__file__).parents[2],
        )
        return self._child(name, launch)

    def _child(self, name: str, launch: Launch) -> Child:
        url = f"http://{LOOPBACK}:{self._ports[name]}/readyz"

        async def is_ready() -> bool:
            async with httpx.AsyncClient(timeout=2) as http:
                try:
                    return (await http.get(url)).is_success
                except httpx.TransportError:
                    return False

        return Child(name, lambda: launch, is_ready, ready_timeout_s=STARTS_WITHIN_S)

    async def _connect_shop(self) -> None:
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {self._keys.api_token}"}) as http:
            url = f"http://{LOOPBACK}:{self._ports['order']}/v1/accounts/{ACCOUNT}"
            (await http.put(url, json=account_given())).raise_for_status()

    async def _with_owner(self, urls: DatabaseUrls, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        connection = await asyncpg.connect(urls.owner_url.replace("+asyncpg", ""))
        try:
            return await work(connection)
        finally:
            await connection.close()

    async def _learn_skus(self, connection: asyncpg.Connection) -> None:
        """As inventory-service would have told of them."""
        await connection.execute(
            """
            insert into sku (merchant_id, sku, version, active, hs_code, origin_country, customs_description)
            select 'default', sku, 1, true, '847330', 'CN', 'Stand of aluminium' from unnest($1::text[]) sku
            """,
            skus(),
        )

    async def _an_order(self, connection: asyncpg.Connection) -> UUID:
        statuses = {row["status"] for row in await connection.fetch("select distinct status from orders")}
        if statuses != {"open"}:
            raise NotAllTaken(f"the first orders are {', '.join(statuses)}, not open: nothing to measure")
        return UUID(str(await connection.fetchval("select order_id from orders limit 1")))

    # -- measuring

    async def load(self, name: str, *, clients: int, requests: int) -> Load:
        """Send so many new orders. Raises NotAllTaken."""
        pid = self._supervisor.status[name].pid
        begin, self._next = self._next, self._next + requests
        before = usage_of([pid]).cpu_s, family_cpu_s(self._server.pid)
        sending = Sending(ports=[self._ports[name]], clients=clients)
        seen = await send_from_a_process(sending, deliveries(begin, requests))
        after = usage_of([pid]).cpu_s, family_cpu_s(self._server.pid)
        if seen.taken != requests or seen.others:
            raise NotAllTaken(f"{name} answered {seen.statuses}")
        return Load(
            clients=clients,
            seconds=seen.seconds,
            latencies=seen.latencies,
            refused=seen.refused,
            client_cpu_s=seen.cpu_s,
            server_cpu_s=after[0] - before[0],
            postgres_cpu_s=after[1] - before[1],
        )

    def check_rows(self) -> None:
        """Raises NotAllTaken when service and floor, given as many orders, have not written as many rows."""
        service, floor = (self._server.sql(_COUNTS, database=name).split() for name in (ORDERS, FLOOR))
        if service != floor:
            raise NotAllTaken(f"rows written: order-service {service}, floor {floor} ({', '.join(TABLES)})")

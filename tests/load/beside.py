"""A contender beside Crossdock: what it runs as, what it is told, and how far it has come."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from crossdock_cli.embedded.launch import CLEAN_ENVIRONMENT, LOOPBACK, Launch
from crossdock_cli.embedded.supervisor import Child, Supervisor
from crossdock_cli.embedded.topics import create_missing_topics, load_topics
from crossdock_cli.stack.services import SERVICES, Surroundings, service_environment

from .accepted import Order
from .contenders import SHARED, Turn, by_letter
from .goals import Stage
from .ground import NotAllTaken
from .meter import Spent, spent_by
from .outside import SHOP_PREFIX
from .plant import Plant

REPOSITORY = Path(__file__).parents[2]
STARTS_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a contender is run: `modules`, process -> the module and its arguments; `feeds`: the one that gets
    the accepted orders; `stages`: as the plant's, asked in its own databases. `servers`: programs that the
    modules need, started before them.
    """

    name: str
    title: str
    python: str
    modules: Mapping[str, Sequence[str]]
    feeds: Sequence[str]
    stages: Sequence[Stage]
    topics: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    servers: Sequence[Child] = ()


class Beside:
    """A contender that is run by a plan, on the plant's PostgreSQL, Kafka, sandboxes and shop."""

    def __init__(self, plan: Plan, plant: Plant) -> None:
        self._plan = plan
        self._plant = plant
        self._pids: Mapping[str, int] = {}
        self._environment = {**surroundings(plant), **plan.environment}

    @property
    def title(self) -> str:
        return self._plan.title

    async def prepare(self, orders: int) -> None:
        """The first orders, unmeasured: who plans statements over empty tables keeps bad plans.

        Raises EmbeddedError or NotAllTaken.
        """
        await _create_topics(self._plant, self._plan.topics)
        async with self.awake():
            await self.turn(orders)
        asked = (one.database for stage in self._plan.stages for one in stage.asks)
        for database in {name for name in asked if name is not None}:
            await asyncio.to_thread(self._plant.stack.postgres.sql, "analyze;", database=database)

    @asynccontextmanager
    async def awake(self) -> AsyncIterator[None]:
        async with Supervisor(self._plant.stack.folder.logs) as supervisor:
            for server in self._plan.servers:
                await supervisor.start(server)
            for name, arguments in self._plan.modules.items():
                await supervisor.start(self._child(name, arguments))
            self._pids = {name: child.pid for name, child in supervisor.status.items()}
            yield

    async def turn(self, orders: int) -> Turn:
        stages = self._plan.stages
        placed = [Order.of(self._plant.run, one.number) for one in await self._plant.place(orders)]
        marks = await self._plant.marks(stages)
        began, before, feeder_cpu_s = await self._feed(placed)
        try:
            come = await self._plant.until_through(orders, marks, stages)
        except NotAllTaken as error:
            raise NotAllTaken(f"{self.title}: {error}") from error
        ended_s = {name: (at - began).total_seconds() for name, (_, at) in come.items()}
        cpu_s = self._spent().since(before).cpu_s
        return Turn(orders=orders, ended_s=by_letter(stages, ended_s), cpu_s={**cpu_s, "feed": feeder_cpu_s})

    def _child(self, name: str, arguments: Sequence[str]) -> Child:
        process = f"{self._plan.name}-{name}"
        ready = self._plant.stack.folder.path / f"{process}.ready"
        ready.unlink(missing_ok=True)
        launch = self._launch(arguments, {"BENCH_READY": str(ready)})

        async def is_ready() -> bool:
            return ready.exists()

        return Child(
            process,
            lambda: launch,
            is_ready,
            ready_timeout_s=STARTS_WITHIN_S,
            stop_timeout_s=5,
            group=self._plan.name,
        )

    def _launch(self, arguments: Sequence[str], besides: Mapping[str, str]) -> Launch:
        return Launch(
            [self._plan.python, "-m", *arguments], {**self._environment, **besides}, folder=REPOSITORY
        )

    async def _feed(self, orders: Sequence[Order]) -> tuple[datetime, Spent, float]:
        """When the accepted orders began, what had been spent by then, and the feeder's CPU seconds since."""
        launch = self._launch(self._plan.feeds, {})
        feeder = await asyncio.create_subprocess_exec(
            *launch.argv,
            **{**launch.popen_options(), "stdin": asyncio.subprocess.PIPE},
            stdout=asyncio.subprocess.PIPE,
        )
        assert feeder.stdin is not None
        assert feeder.stdout is not None
        given = json.dumps([asdict(one) for one in orders]).encode()
        with suppress(ConnectionError):  # it has ended: its code says so below
            feeder.stdin.write(given + b"\n")
            await feeder.stdin.drain()
        await feeder.stdout.readline()  # accepted
        before = self._spent()
        answer, _ = await feeder.communicate(b"\n")
        if feeder.returncode != 0:
            raise NotAllTaken(f"{self.title} did not take the orders: code {feeder.returncode}")
        found = json.loads(answer)
        return datetime.fromisoformat(found["began"]), before, found["cpu_s"]

    def _spent(self) -> Spent:
        return spent_by({**{name: self._plant.pids[name] for name in SHARED}, **self._pids})


def surroundings(plant: Plant) -> dict[str, str]:
    """What every process beside the plant is told: how to reach carrier, mail server, shop and Kafka."""
    stack, run = plant.stack, plant.run
    around = Surroundings(
        {service: stack.postgres.databases.urls(f"crossdock_{service}", service) for service in SERVICES},
        stack.broker.bootstrap_servers,
        stack.options.kafka,
        stack.ports,
        stack.keys,
    )
    members = sorted(REPOSITORY.glob("*/*/src"))
    return {
        **CLEAN_ENVIRONMENT,
        **{
            name: value
            for service in ("shipping", "notify")
            for name, value in service_environment(service, around).items()
            if name.startswith(("CARRIER_", "CHANNEL_"))
        },
        f"{SHOP_PREFIX}URL": f"http://{LOOPBACK}:{stack.ports['shopify']}/{run.shop}",
        f"{SHOP_PREFIX}TOKEN": stack.keys.shopify_access_token,
        f"{SHOP_PREFIX}NAME": run.shop,
        "BENCH_KAFKA": stack.broker.bootstrap_servers,
        "PYTHONPATH": os.pathsep.join(map(str, members)),
    }


async def _create_topics(plant: Plant, names: Sequence[str]) -> None:
    """Topics as the product's are on one broker."""
    if names:
        like = load_topics()[0].embedded()
        await create_missing_topics(
            plant.stack.broker.bootstrap_servers, [like.model_copy(update={"name": name}) for name in names]
        )

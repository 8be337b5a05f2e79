"""How the floor of the pipeline is set up: four databases as the services make them, and Crossdock's rows."""

import pickle
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import asyncpg

from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.launch import run_to_end
from crossdock_cli.stack.services import SERVICES, Surroundings, migrate_launch

from ..beside import Plan
from ..goals import STAGES, Stage
from ..ground import NotAllTaken
from ..plant import Plant
from .likeness import Likeness
from .patterns import Patterns, connect_to_product, find_patterns
from .pieces import TOPIC_PREFIX
from .steps import LEVEL_CHANGED, LISTENS, SENT

FLOOR, TARGET = "floor", 0.6
_UNITS = 1_000_000
#: What there is before the first order, and what rows refer to.
_GROUND = {"order": ("account",), "inventory": ("warehouse", "sku", "sku_stream", "stock_level")}


async def floor_plan(plant: Plant) -> Plan:
    """Raises NotAllTaken when Crossdock's orders have not left what is expected of them."""
    urls = {service: await _database(plant, service) for service in SERVICES}
    patterns = await find_patterns(plant)
    file = _file(plant)
    file.write_bytes(pickle.dumps(patterns))
    module = "tests.load.floor.pipeline"
    return Plan(
        name=FLOOR,
        title="by hand",
        python=sys.executable,
        modules={service: (module, service) for service in SERVICES},
        feeds=(module, "feed"),
        stages=[_here(stage) for stage in STAGES],
        topics=[
            TOPIC_PREFIX + topic
            for topic in sorted({LEVEL_CHANGED, SENT}.union(*(one.keys() for one in LISTENS.values())))
        ],
        environment={
            "BENCH_PATTERNS": str(file),
            "BENCH_RUN": plant.run.name,
            **{f"BENCH_DATABASE_{service.upper()}": _plain(url.app_url) for service, url in urls.items()},
        },
    )


def check_rows(plant: Plant) -> None:
    """Raises NotAllTaken when an order has not left as many rows in each table as with Crossdock."""
    patterns: Patterns = pickle.loads(_file(plant).read_bytes())
    sql = plant.stack.postgres.sql
    orders = int(sql("select count(*) from orders;", database=_name("order")))
    for service in SERVICES:
        # An order leaves as many rows from wherever it comes.
        (each,) = {tuple(sorted(_rows_of(one).items())) for one in patterns.services[service].values()}
        for table, count in each:
            left_out = f" where topic <> '{LEVEL_CHANGED}'" if table == "event_log" else ""
            there = int(sql(f"select count(*) from {table}{left_out};", database=_name(service)))
            if there != count * orders:
                raise NotAllTaken(f"the floor's {service} has {there} rows in {table}, not {count * orders}")


def _here(stage: Stage) -> Stage:
    """Asked in the floor's databases."""
    return replace(stage, asks=[replace(one, database=_name(one.service)) for one in stage.asks])


def _rows_of(one: Likeness) -> Counter[str]:
    return Counter(row.table for rows in one.rows.values() for row in rows)


def _file(plant: Plant) -> Path:
    return plant.stack.folder.path / "floor.patterns"


def _name(service: str) -> str:
    return f"bench_floor_{service}"


def _plain(url: str) -> str:
    return url.replace("+asyncpg", "")


async def _database(plant: Plant, service: str) -> DatabaseUrls:
    """Its own migrations, and what rows refer to."""
    stack, name = plant.stack, _name(service)
    databases = stack.postgres.databases
    databases.ensure_database(name, service)
    urls = databases.urls(name, service)
    around = Surroundings({service: urls}, stack.broker.bootstrap_servers, "apache", stack.ports, stack.keys)
    log = stack.folder.logs / f"floor-{service}-migrate.log"
    await run_to_end(migrate_launch(service, around), log, given=f"{stack.keys.api_token}\n".encode())
    source = await connect_to_product(plant, service)
    target = await asyncpg.connect(_plain(urls.owner_url))
    try:
        for table in _GROUND.get(service, ()):
            rows = await source.fetch(f"select * from {table}")
            await target.copy_records_to_table(table, records=[tuple(row) for row in rows])
        if service == "inventory":
            await target.execute(f"update stock_level set on_hand = {_UNITS}, reserved = 0")
    finally:
        await source.close()
        await target.close()
    return urls

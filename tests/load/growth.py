"""The same work in small tables and in large ones: what an order touches must not grow with them."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import history
from .part import Given, Report, as_table
from .plant import Passage, Plant, running_plant
from .plots import Line, lines

SIZES = (10_000, 300_000, 3_000_000)
TARGET = 1.1
#: A size whose tables would take more is left out.
MOST_BYTES = 20e9
#: Orders in one statement: it has to end within the minutes that one is given.
PORTION = 20_000
#: Of what the smallest size carried; at one pace for all, whoever polls does so as often for each.
PACE = 0.5
#: What an order's end leaves to be done comes within so long.
QUIET_S = 5.0

_STATEMENTS = r"""
    select coalesce(json_agg(row_to_json(found)), '[]') from (
        select d.datname as database, s.queryid::text as id,
               left(regexp_replace(s.query, '\s+', ' ', 'g'), 400) as text, sum(s.calls)::bigint as calls,
               sum(s.shared_blks_hit + s.shared_blks_read)::bigint as buffers,
               sum(s.total_exec_time)::float8 as exec_ms
        from pg_stat_statements s join pg_database d on d.oid = s.dbid join pg_roles r on r.oid = s.userid
        where d.datname like 'crossdock\_%' and r.rolname like '%\_app'
        group by 1, 2, 3
    ) as found;
"""
_SIZE = "select sum(pg_database_size(datname))::bigint from pg_database where datname like 'crossdock_%';"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the services asked of a database during one passage, all calls together."""

    database: str
    id: str
    text: str
    calls: int
    buffers: int
    exec_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """With so many orders in the tables: `fast`, a passage at full rate; `paced`, one whose buffers count."""

    orders: int
    database_bytes: int
    load_s: float
    fast: Passage
    paced: Passage
    statements: Sequence[Statement] = field(repr=False)

    @property
    def buffers_per_order(self) -> float:
        return sum(one.buffers for one in self.statements) / self.paced.orders

    @property
    def exec_ms_per_order(self) -> float:
        return sum(one.exec_ms for one in self.statements) / self.paced.orders


def sizes_up_to(largest: int) -> list[int]:
    return sorted({*(one for one in SIZES if one < largest), largest})


def grown(found: Sequence[Size], *, at_least: float) -> Iterator[tuple[Statement, float, float]]:
    """Statements whose buffers per order grew by so many, the most first; with the first and the last."""
    first, last = (
        {(one.database, one.id): (one, one.buffers / size.paced.orders) for one in size.statements}
        for size in (found[0], found[-1])
    )
    changes = [
        (statement, first[key][1] if key in first else 0.0, buffers)
        for key, (statement, buffers) in last.items()
    ]
    for change in sorted(changes, key=lambda one: one[1] - one[2]):
        if change[2] - change[1] >= at_least:
            yield change


async def measure_growth(
    folder: Path, *, orders: int, largest: int, kafka: str, tell: Callable[[str], None]
) -> list[Size]:
    """Raises NotAllTaken."""
    found: list[Size] = []
    async with running_plant(folder, kafka=kafka) as plant:
        await plant.prepare(tell)
        await asyncio.to_thread(
            plant.stack.postgres.sql, "create extension if not exists pg_stat_statements;"
        )
        await plant.pass_through(await plant.place(orders))
        await asyncio.sleep(QUIET_S)
        past = await Past.of(plant, largest)
        pace = 0.0
        for size in sizes_up_to(largest):
            expected_bytes = size * found[-1].database_bytes / found[-1].orders if found else 0
            if expected_bytes > MOST_BYTES:
                tell(f"{size:,} orders would take {expected_bytes / 1e9:.0f} GB: left out")
                break
            clock = time.monotonic()
            await past.grow(size)
            await plant.sql_everywhere("vacuum analyze;")
            load_s = time.monotonic() - clock
            fast = await plant.pass_through(await plant.place(orders))
            pace = pace or PACE * orders / fast.seconds
            await asyncio.sleep(QUIET_S)
            found.append(await _paced(plant, size, pace, fast=fast, load_s=load_s))
            tell(
                f"{size:,} orders, {found[-1].database_bytes / 1e9:.1f} GB, loaded in {load_s:.0f} s: "
                f"{found[-1].buffers_per_order:,.0f} buffers per order"
            )
    return found


async def _paced(plant: Plant, size: int, pace: float, *, fast: Passage, load_s: float) -> Size:
    def sql(script: str) -> str:
        return plant.stack.postgres.sql(script)

    placed = await plant.place(fast.orders)
    await asyncio.to_thread(sql, "select pg_stat_statements_reset();")
    paced = await plant.pass_through(placed, per_s=pace)
    statements = [Statement(**one) for one in json.loads(await asyncio.to_thread(sql, _STATEMENTS))]
    return Size(
        orders=size,
        database_bytes=int(await asyncio.to_thread(sql, _SIZE)),
        load_s=load_s,
        fast=fast,
        paced=paced,
        statements=statements,
    )


@dataclass(slots=True)
class Past:
    """The history of a system, made of what real orders have left in it."""

    plant: Plant
    sampled: int
    step_ms: int
    copies: int = 0

    @classmethod
    async def of(cls, plant: Plant, largest: int) -> "Past":
        """With room for so many orders; what there is now is the sample."""
        for service, tables in history.TABLES.items():
            script = history.FUNCTIONS + "".join(map(history.take_sample, tables))
            await asyncio.to_thread(plant.stack.postgres.sql, script, database=f"crossdock_{service}")
        sampled = (await plant.ask("order", "select count(*) from orders where status = 'closed'"))[0][0]
        return cls(plant, sampled, step_ms=history.DAYS * history.DAY_MS * sampled // largest)

    async def grow(self, orders: int) -> None:
        """Until there are so many orders, those of the sample among them."""
        until = max(orders // self.sampled - 1, self.copies)
        await asyncio.gather(*(self._grow(service, until) for service in history.TABLES))
        self.copies = until

    async def _grow(self, service: str, until: int) -> None:
        portion = max(PORTION // self.sampled, 1)
        for kept in history.TABLES[service]:
            rows = await self.plant.ask(service, history.COLUMNS, f"public.{kept.table}")
            columns: Mapping[str, str] = {row[0]: row[1] for row in rows}
            last = min(until, kept.days * history.DAY_MS // self.step_ms)
            for begin in range(self.copies + 1, last + 1, portion):
                end = min(begin + portion, last + 1)
                script = history.copies(kept, columns, begin, end, step_ms=self.step_ms)
                await asyncio.to_thread(
                    self.plant.stack.postgres.sql,
                    f"set session_replication_role = replica; set synchronous_commit = off; {script}",
                    database=f"crossdock_{service}",
                )


# -- as a part of the bench


async def growth_part(given: Given) -> Report:
    options = given.options
    found = await measure_growth(
        given.folder / "growth",
        orders=options.orders,
        largest=options.largest,
        kafka=options.kafka,
        tell=given.tell,
    )
    rows = [
        (
            f"{one.orders:,}",
            f"{one.database_bytes / 1e9:.1f}",
            f"{one.buffers_per_order:,.0f}",
            f"{one.buffers_per_order / found[0].buffers_per_order:.2f}",
            f"{one.exec_ms_per_order:.1f}",
            f"{one.fast.orders / one.fast.seconds:.1f}",
            f"{one.fast.cpu_ms_per_order:.0f}",
        )
        for one in found
    ]
    more = [
        (one.database, f"{before:,.0f}", f"{after:,.0f}", one.text[:200])
        for one, before, after in grown(found, at_least=found[0].buffers_per_order / 100)
    ]
    heads = (
        *("orders there", "GB", "buffers per order", "of the first", "ms in statements per order"),
        *("orders/s at full rate", "CPU ms per order"),
    )
    return Report(
        shown=[
            as_table("Growth", heads, rows, caption=f"the target is {TARGET} of the first at the last"),
            as_table("Statements that grew", ("database", "buffers before", "after", "statement"), more),
        ],
        json={"growth": [asdict(one) | {"buffers_per_order": one.buffers_per_order} for one in found]},
        plots={
            "growth": lines(
                "Buffers that an order touches, over the orders in the tables",
                [Line("buffers", [(one.orders, one.buffers_per_order) for one in found])],
                x="orders in the tables",
                y="buffers",
            )
        },
    )

"""Minutes at the full rate: what becomes of the tables whose rows come and go."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .part import Given, Report, as_table
from .plant import Passage, Plant, running_plant
from .plots import Line, lines

#: Their rows are deleted, updated many times, or dropped by day.
TABLES = ("outbox", "job", "timer", "inbox", "consumer_fence")
STAYING = ("job", "timer", "inbox")

_TABLES = r"""
    select regexp_replace(relname, '_(\d{8}|default)$', '') as name,
           sum(pg_total_relation_size(relid))::bigint as bytes,
           sum(n_live_tup)::bigint as live, sum(n_dead_tup)::bigint as dead
    from pg_stat_user_tables group by 1
"""


@dataclass(frozen=True, slots=True)
class Table:
    """`bytes` with its indexes; rows as the server's statistics have them."""

    bytes: int
    live: int
    dead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """After a passage: "service.table" -> its size."""

    at_s: float
    passage: Passage = field(repr=False)
    tables: Mapping[str, Table]


async def look_at_tables(plant: Plant) -> dict[str, Table]:
    found = {}
    for service in plant.stack.options.services:
        for name, size, live, dead in await plant.ask(service, _TABLES):
            if name in TABLES:
                found[f"{service}.{name}"] = Table(size, live, dead)
    return found


async def measure_churn(
    folder: Path, *, minutes: float, orders: int, kafka: str, tell: Callable[[str], None]
) -> list[Look]:
    """Passages without a pause for so many minutes. Raises NotAllTaken."""
    found: list[Look] = []
    async with running_plant(folder, kafka=kafka) as plant:
        await plant.prepare(tell)
        placed, began = await plant.place(orders), time.monotonic()
        while (at_s := time.monotonic() - began) < minutes * 60 or len(found) < 2:
            passage, placed = await asyncio.gather(plant.pass_through(placed), plant.place(orders))
            found.append(Look(at_s=at_s, passage=passage, tables=await look_at_tables(plant)))
            tell(f"after {at_s:.0f} s: {orders / passage.seconds:.1f} orders/s")
    return found


def late_growth(found: Sequence[Look], name: str) -> float:
    """Bytes at the end as a part of those in the middle; where rows stay, bytes per row."""
    middle, last = found[len(found) // 2 - 1].tables[name], found[-1].tables[name]
    if name.endswith(STAYING):
        return (last.bytes / max(last.live, 1)) / (middle.bytes / max(middle.live, 1))
    return last.bytes / middle.bytes


# -- as a part of the bench


async def churn_part(given: Given) -> Report:
    options = given.options
    found = await measure_churn(
        given.folder / "churn",
        minutes=options.minutes,
        orders=options.orders,
        kafka=options.kafka,
        tell=given.tell,
    )
    names = sorted(found[-1].tables)
    rows = [
        (
            name,
            f"{found[-1].tables[name].bytes / 1e6:.1f}",
            f"{found[-1].tables[name].live:,}",
            f"{max(one.tables[name].dead for one in found):,}",
            f"{late_growth(found, name):.2f}",
        )
        for name in names
    ]
    first, last = found[0].passage, found[-1].passage
    return Report(
        shown=[
            as_table(
                f"Churn: {len(found)} passages of {options.orders} orders",
                ("table", "MB at the end", "rows", "dead rows, most", "end to middle"),
                rows,
                caption="end to middle: bytes; where rows stay (job, timer, inbox) bytes per row",
            ),
            f"rate of the last passage: {first.seconds / last.seconds:.2f} of the first one's",
        ],
        json={"churn": [asdict(one) for one in found]},
        plots={
            "churn-size": _plot(found, "Size with indexes", "MB", lambda one: one.bytes / 1e6),
            "churn-dead": _plot(found, "Dead rows", "rows", lambda one: one.dead),
        },
    )


def _plot(found: Sequence[Look], title: str, unit: str, value: Callable[[Table], float]) -> str:
    largest = sorted(
        found[-1].tables, key=lambda name: max(value(one.tables[name]) for one in found), reverse=True
    )
    drawn = [Line(name, [(one.at_s, value(one.tables[name])) for one in found]) for name in largest[:7]]
    return lines(title, drawn, x="s", y=unit)

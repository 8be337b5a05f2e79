"""Webhooks to parcels, mails and write-backs, through everything there is, on a real Apache Kafka."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import median

from crossdock_cli.stack.sandboxes import FEW

from .figures import spread
from .goals import STAGES
from .part import Given, Report, as_table
from .plant import Passage, Plant
from .plots import bars

COST_HEADS = ("process", "CPU ms per order", "kB to files per order", "MB of memory")


async def measure_pipeline(
    plant: Plant, *, rounds: int, orders: int, tell: Callable[[str], None]
) -> Sequence[Passage]:
    """One passage after the other through the same system. Raises NotAllTaken."""
    found = []
    for number in range(rounds):
        passage = await plant.pass_through(await plant.place(orders))
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
            spread(rates),
            str(stage.target_per_s),
        )


def cpu_ms_per_order(found: Sequence[Passage]) -> Mapping[str, float]:
    """Process -> CPU ms (median), the largest first; the sandboxes as one, the brokers too, all as one."""
    return _per_order([(one.orders, together(one.cpu_s)) for one in found], times=1000)


def cost_rows(found: Sequence[Passage]) -> Iterator[tuple[str, str, str, str]]:
    """Process, CPU ms and kB written to files per order (median), MB of memory (most)."""
    disk = _per_order([(one.orders, together(one.disk)) for one in found], times=1e-3)
    memory = [together(one.memory_mb) for one in found]
    for name, ms in cpu_ms_per_order(found).items():
        most_mb = max(one.get(name, 0.0) for one in memory)
        yield name, f"{ms:.2f}", f"{disk.get(name, 0.0):.1f}", f"{most_mb:.0f}"


def _per_order(each: Sequence[tuple[int, Mapping[str, float]]], *, times: float) -> dict[str, float]:
    found = {name: median(of[name] / orders * times for orders, of in each) for name in each[0][1]}
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def together(of_processes: Mapping[str, float]) -> Mapping[str, float]:
    """The sandboxes as one, the brokers too, and all of them."""
    groups: defaultdict[str, float] = defaultdict(float)
    for name, value in of_processes.items():
        group = "sandboxes" if name in FEW else "kafka" if name.startswith("kafka") else name
        groups[group] += value
        groups["all"] += value
    return groups


def bytes_per_order(found: Sequence[Passage]) -> Mapping[str, float]:
    """What -> bytes per order, the median."""
    return {what: median(one.written[what] / one.orders for one in found) for what in found[0].written}


# -- as a part of the bench


async def pipeline_part(given: Given) -> Report:
    options = given.options
    found = await measure_pipeline(
        await given.plant(), rounds=options.rounds, orders=options.orders, tell=given.tell
    )
    title = f"Pipeline: {options.orders} orders at once, from the first webhook to the stage's last order"
    written = ", ".join(f"{what} {size:,.0f}" for what, size in bytes_per_order(found).items())
    cpu = cpu_ms_per_order(found)
    return Report(
        shown=[
            as_table(title, ("", "stage", "orders/s", "target"), list(stage_rows(found))),
            as_table("What an order costs", COST_HEADS, list(cost_rows(found))),
            f"bytes per order: {written}",
        ],
        json={"pipeline": [asdict(one) for one in found]},
        plots={"pipeline-cpu": bars("CPU per order, by process", cpu, unit="ms")},
    )

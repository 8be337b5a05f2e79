"""From nothing to ready: a first start, with everything to be made, and a start on what is there."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from .meter import memory_mb
from .part import Given, Report, as_table
from .plant import running_plant
from .plots import bars

FIRST, AGAIN = "first start", "again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """`seconds`: until everything was ready. By process: `ready_s` from its own start until it was ready, all
    of them at once; CPU seconds until everything was ready; memory then.
    """

    kind: str
    seconds: float
    ready_s: Mapping[str, float]
    cpu_s: Mapping[str, float]
    memory_mb: Mapping[str, float]


async def measure_starts(folder: Path, *, kafka: str) -> list[Start]:
    found = []
    for kind in (FIRST, AGAIN):
        began = time.monotonic()
        async with running_plant(folder, kafka=kafka) as plant:
            found.append(
                Start(
                    kind=kind,
                    seconds=time.monotonic() - began,
                    ready_s=dict(plant.starts_s),
                    cpu_s=plant.spent().cpu_s,
                    memory_mb=memory_mb(plant.pids),
                )
            )
    return found


# -- as a part of the bench


async def start_part(given: Given) -> Report:
    first, again = await measure_starts(given.folder / "start", kafka=given.options.kafka)
    rows = [
        (
            name,
            f"{first.ready_s[name]:.1f}",
            f"{again.ready_s[name]:.1f}",
            f"{again.cpu_s[name]:.1f}",
            f"{again.memory_mb[name]:.0f}",
        )
        for name in sorted(again.ready_s, key=lambda name: -again.ready_s[name])
    ]
    everything = (
        "everything",
        f"{first.seconds:.1f}",
        f"{again.seconds:.1f}",
        f"{sum(again.cpu_s.values()):.1f}",
        f"{sum(again.memory_mb.values()):.0f}",
    )
    heads = ("process", f"s to ready, {FIRST}", AGAIN, "CPU s", "MB when ready")
    return Report(
        shown=[as_table("Cold start, all at once", heads, [*rows, everything])],
        json={"start": [asdict(first), asdict(again)]},
        plots={"start": bars("Cold start to ready, all at once", again.ready_s, unit="s")},
    )

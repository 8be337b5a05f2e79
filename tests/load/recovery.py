"""How long after a kill -9 of each part the whole works at its full rate again, under a load that goes on."""

import asyncio
import fnmatch
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from .goals import STAGES, Question
from .part import Given, Report, as_table
from .plant import LOOK_S, Placed, Plant, running_plant
from .plots import Line, bars, lines

#: Load before the kill, to see what the full rate is.
BEFORE_S = 8.0
#: Rates are those of the last so many seconds.
WINDOW_S = 3.0
FULL = 0.9
#: So much later than before the kill an order may come and count as not left behind.
SLACK_S = 0.5
GIVEN_UP_S = 90.0
#: Of what a passage carried: there must be room to catch up.
PACE = 0.5
SLOWEST_PACE = 2.0

#: What the figures are when nothing happens: how far a rate falls by itself.
NOBODY = "nobody"
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
#: Seconds since the load began, and orders that had come so far.
Series = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Of one kill. `ready_s`: how long the process then took to start. Seconds from the kill: `back_s`, stage
    -> until its rate was full again, 0 where it never fell; `caught_up_s`, until nothing was left behind.
    None: not in the time it was given.
    """

    killed: str
    killed_at_s: float
    ready_s: float | None
    back_s: Mapping[str, float | None]
    caught_up_s: float | None
    series: Mapping[str, Series] = field(repr=False)

    @property
    def slowest(self) -> tuple[str, float | None]:
        """The stage that took longest, and how long."""
        return max(self.back_s.items(), key=lambda one: GIVEN_UP_S if one[1] is None else one[1])


def count_at(series: Series, at: float) -> float:
    """Between two looks as much as a straight line between them says."""
    before = (0.0, 0.0)
    for now in series:
        if now[0] >= at:
            share = (at - before[0]) / (now[0] - before[0]) if now[0] > before[0] else 1.0
            return before[1] + share * (now[1] - before[1])
        before = now
    return before[1]


def back_after(series: Series, killed_at_s: float, full_per_s: float) -> float | None:
    """Seconds from the kill to the first window at 0.9 of the full rate after one below it.

    0: there was none below it. None: it has not come back.
    """
    fell = False
    for at, so_far in series:
        if at <= killed_at_s:
            continue
        per_s = (so_far - count_at(series, at - WINDOW_S)) / WINDOW_S
        if fell and per_s >= FULL * full_per_s:
            return at - killed_at_s
        fell = fell or per_s < FULL * full_per_s
    return None if fell else 0.0


@dataclass(slots=True)
class Watch:
    """Looks at how far the orders have come while they are sent at a pace."""

    plant: Plant
    pace_per_s: float
    marks: Mapping[Question, Any]
    began: float = field(default_factory=time.monotonic)
    series: dict[str, list[tuple[float, float]]] = field(
        default_factory=lambda: {one.name: [(0.0, 0.0)] for one in STAGES}
    )

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with suppress(*AWAY):  # a database is away: the next look shows what came meanwhile
                come = await self.plant.come(self.marks)
                at = time.monotonic() - self.began
                for stage in STAGES:
                    self.series[stage.name].append((at, come[stage.name][0] / stage.each))
            await asyncio.sleep(LOOK_S)

    def behind(self) -> float:
        """Orders that are due and not through, at the stage that is furthest back, at the last look."""
        return max(at * self.pace_per_s - so_far for at, so_far in (one[-1] for one in self.series.values()))


async def measure_recovery(
    folder: Path, *, orders: int, kafka: str, killed: str, tell: Callable[[str], None]
) -> list[Recovery]:
    """Kill nobody, then each process whose name fits one of the patterns. Raises NotAllTaken."""
    found = []
    async with running_plant(folder, kafka=kafka) as plant:
        await plant.prepare(tell)
        passage = await plant.pass_through(await plant.place(orders))
        pace = max(PACE * orders / passage.seconds, SLOWEST_PACE)
        tell(f"orders come at {pace:.1f} per second")
        placed: list[Placed] = []
        for name in _killable(plant, killed):
            placed += await plant.place(max(int(pace * (BEFORE_S + GIVEN_UP_S)) - len(placed), 0))
            one, taken = await _recovery(plant, name, placed, pace)
            del placed[:taken]
            found.append(one)
            stage, seconds = one.slowest
            tell(
                f"{name}: full rate after {in_words(seconds)} ({stage}), "
                f"all caught up after {in_words(one.caught_up_s)}"
            )
    return found


def _killable(plant: Plant, patterns: str) -> list[str]:
    """In the order of the services, then what they stand on. `patterns`: between commas."""
    services = [one.name for one in plant.processes()]
    others = [name for name in plant.pids if name == "postgres" or name.startswith(("kafka", "broker"))]
    wanted = patterns.split(",")
    fitting = (name for name in (*services, *others) if any(fnmatch.fnmatch(name, one) for one in wanted))
    return [NOBODY, *fitting]


async def _recovery(plant: Plant, name: str, placed: Sequence[Placed], pace: float) -> tuple[Recovery, int]:
    """And how many orders were sent meanwhile. Raises NotAllTaken."""
    watch, stop = Watch(plant, pace, await plant.marks()), asyncio.Event()
    watching = asyncio.create_task(watch.run())
    sending = asyncio.create_task(plant.send(placed, per_s=pace, patient=True, stop=stop))
    try:
        await asyncio.sleep(BEFORE_S)
        usual = watch.behind()
        killed = time.monotonic()
        if name != NOBODY:
            plant.signal(name, signal.SIGKILL)
        await asyncio.sleep(WINDOW_S)
        caught_up_s: float | None = None
        while caught_up_s is None and time.monotonic() - killed < GIVEN_UP_S:
            await asyncio.sleep(LOOK_S)
            if watch.behind() <= usual + pace * SLACK_S and name in (NOBODY, *plant.starts_s):
                caught_up_s = time.monotonic() - killed
        await asyncio.sleep(WINDOW_S)
    finally:
        stop.set()
        taken = (await sending).taken
        await plant.until_through(taken, watch.marks)
        watching.cancel()
    killed_at_s = killed - watch.began
    recovery = Recovery(
        killed=name,
        killed_at_s=killed_at_s,
        ready_s=plant.starts_s.get(name),
        back_s={stage: back_after(series, killed_at_s, pace) for stage, series in watch.series.items()},
        caught_up_s=caught_up_s,
        series=watch.series,
    )
    return recovery, taken


def in_words(seconds: float | None) -> str:
    return f"more than {GIVEN_UP_S:.0f} s" if seconds is None else f"{seconds:.1f} s"


# -- as a part of the bench


async def recovery_part(given: Given) -> Report:
    options = given.options
    found = await measure_recovery(
        given.folder / "recovery",
        orders=options.orders,
        kafka=options.kafka,
        killed=options.killed,
        tell=given.tell,
    )
    rows = [
        (
            one.killed,
            "" if one.killed == NOBODY else in_words(one.ready_s),
            in_words(one.slowest[1]),
            one.slowest[0],
            in_words(one.caught_up_s),
        )
        for one in found
    ]
    heads = ("killed", "its start", "full rate of every stage", "the last one", "all caught up")
    caption = (
        f"from the kill until a stage's rate over {WINDOW_S:.0f} s was {FULL} of the pace; 0: it never fell"
    )
    slowest = {one.killed: GIVEN_UP_S if (s := one.slowest[1]) is None else s for one in found}
    return Report(
        shown=[as_table("Recovery from a kill -9", heads, rows, caption=caption)],
        json={"recovery": [asdict(one) for one in found]},
        plots={
            "recovery": bars("From a kill -9 to the full rate of every stage", slowest, unit="s"),
            **{f"recovery-{one.killed}": plot(one) for one in found},
        },
    )


def plot(one: Recovery) -> str:
    return lines(
        f"Orders that have come to the end of a stage; {one.killed} killed after {one.killed_at_s:.0f} s",
        [Line(stage, series) for stage, series in one.series.items()],
        x="s",
        y="orders",
    )

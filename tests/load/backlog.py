"""Events that wait while their readers stand still, and how each reader gets through them afterwards."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from crossdock_cli.stack.services import SERVICES

from .ground import NotAllTaken
from .meter import memory_mb, spent_by
from .part import Given, Report, as_table
from .plant import STANDSTILL_S, Plant, running_plant
from .plots import Line, lines

LOOK_S = 0.5
#: Requests made and sent at once: each is two kilobytes here and in the client.
PORTION = 20_000
#: What reads events or acts upon them; all of it stands still but the one that is looked at.
STANDING = ("consume", "work")
#: Each in its turn finds the events of those before it waiting as well.
ORDER = ("inventory", "shipping", "notify", "order")
assert sorted(ORDER) == sorted(SERVICES)

_FENCE = "select topic, partition, next_offset from consumer_fence"
_ACKED = "select topic, partition, acked_offset + 1 from relay_ack"


@dataclass(frozen=True, slots=True)
class Look:
    """Seconds since the reader was let go, records that wait for it, its memory in MB."""

    at_s: float
    waiting: int
    memory_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """Of one service's consumer. `starts_s`: until it was ready; it began with nothing but the backlog."""

    service: str
    events: int
    starts_s: float
    seconds: float
    cpu_s: float
    postgres_cpu_s: float
    looks: Sequence[Look] = field(repr=False)

    @property
    def per_s(self) -> float:
        """From the first event it has handled on."""
        begun = max((one.at_s for one in self.looks if one.waiting >= self.events), default=0.0)
        return self.events / (self.seconds - begun)

    def memory_growth(self) -> float:
        """The most it took in the second half of the events, as a part of the most in the first."""
        return growth([(one.waiting, one.memory_mb) for one in self.looks], self.events / 2)


def growth(looks: Sequence[tuple[int, float]], half: float) -> float:
    """`looks`: what was waiting, and a size. The largest of the second half over the largest of the first."""
    first = max((size for waiting, size in looks if waiting >= half), default=0.0)
    second = max((size for waiting, size in looks if waiting < half), default=0.0)
    return second / first if first else 1.0


async def measure_backlog(
    folder: Path, *, events: int, kafka: str, tell: Callable[[str], None]
) -> list[Drain]:
    """So many orders while all readers stand still; then one after the other goes on. Raises NotAllTaken."""
    async with running_plant(folder, kafka=kafka) as plant:
        await plant.prepare(tell)
        standing = [one.name for one in plant.processes() if one.role in STANDING]
        for name in standing:
            plant.signal(name, signal.SIGSTOP)
        try:
            return await _backlog(plant, events, tell)
        finally:
            for name in standing:
                plant.signal(name, signal.SIGCONT)  # so that it hears that it is to end


async def _backlog(plant: Plant, events: int, tell: Callable[[str], None]) -> list[Drain]:
    began = time.monotonic()
    for begin in range(0, events, PORTION):
        await plant.send(plant.unplaced(min(PORTION, events - begin)))
    tell(f"{events:,} orders were taken in {time.monotonic() - began:.0f} s")
    await _until_sent(plant)
    found = []
    for service in ORDER:
        found.append(await _drain(plant, service))
        tell(f"{service}: {found[-1].events:,} events in {found[-1].seconds:.0f} s")
    return found


async def _drain(plant: Plant, service: str) -> Drain:
    """Start one service's consumer and wait until nothing waits for it. Raises NotAllTaken."""
    name, events = f"{service}-consume", await waiting(plant, service)
    postgres = {"postgres": plant.pids["postgres"]}
    postgres_cpu_s = spent_by(postgres).cpu_s["postgres"]
    began = time.monotonic()
    plant.signal(name, signal.SIGKILL)  # it is started again
    await plant.until_ready([name])
    looks, moved_at = [Look(time.monotonic() - began, events, 0.0)], time.monotonic()
    while looks[-1].waiting:
        if time.monotonic() - moved_at > STANDSTILL_S:
            raise NotAllTaken(
                f"{name} leaves {looks[-1].waiting} of {events} events for {STANDSTILL_S:.0f} s"
            )
        await asyncio.sleep(LOOK_S)
        left = await waiting(plant, service)
        if left != looks[-1].waiting:
            moved_at = time.monotonic()
        size = memory_mb({name: plant.pids[name]})[name]
        looks.append(Look(time.monotonic() - began, left, size))
    drain = Drain(
        service=service,
        events=events,
        starts_s=plant.starts_s[name],
        seconds=looks[-1].at_s,
        cpu_s=plant.spent().cpu_s[name],
        postgres_cpu_s=spent_by(postgres).cpu_s["postgres"] - postgres_cpu_s,
        looks=looks,
    )
    plant.signal(name, signal.SIGSTOP)
    await _until_sent(plant)
    return drain


async def waiting(plant: Plant, service: str) -> int:
    """Records in the topics that a service's consumer has ever read, beyond where it has come."""
    ends: dict[tuple[str, int], int] = {}
    for publisher in SERVICES:
        ends |= {(topic, number): end for topic, number, end in await plant.ask(publisher, _ACKED)}
    fences = await plant.ask(service, _FENCE)
    return sum(max(ends.get((topic, number), 0) - done, 0) for topic, number, done in fences)


async def _until_sent(plant: Plant) -> None:
    """Until every outbox is empty. Raises NotAllTaken."""
    for service in SERVICES:
        deadline, before = time.monotonic() + STANDSTILL_S, -1
        while left := int((await plant.ask(service, "select count(*) from outbox"))[0][0]):
            if left != before:
                deadline, before = time.monotonic() + STANDSTILL_S, left
            if time.monotonic() > deadline:
                raise NotAllTaken(f"{left} events stay in the outbox of {service}")
            await asyncio.sleep(LOOK_S)


# -- as a part of the bench


async def backlog_part(given: Given) -> Report:
    options = given.options
    found = await measure_backlog(
        given.folder / "backlog", events=options.events, kafka=options.kafka, tell=given.tell
    )
    rows = [
        (
            one.service,
            f"{one.events:,}",
            f"{one.seconds:.1f}",
            f"{one.starts_s:.1f}",
            f"{one.per_s:,.0f}",
            f"{one.cpu_s / one.events * 1e3:.2f}",
            f"{one.postgres_cpu_s / one.events * 1e3:.2f}",
            f"{max(look.memory_mb for look in one.looks):.0f}",
            f"{one.memory_growth():.2f}",
        )
        for one in found
    ]
    heads = (
        *("reader", "events", "s to drain", "s to start", "events/s"),
        *("CPU ms per event", "PostgreSQL", "MB", "MB, 2nd half to 1st"),
    )
    return Report(
        shown=[as_table("Backlog: events that wait for a consumer that stood still", heads, rows)],
        json={"backlog": [asdict(one) for one in found]},
        plots={
            "backlog": lines(
                "Events that wait, from the moment their reader is started",
                [Line(one.service, [(look.at_s, look.waiting) for look in one.looks]) for one in found],
                x="s",
                y="events",
            ),
            "backlog-memory": lines(
                "Memory of the reader",
                [Line(one.service, _memory(one.looks)) for one in found],
                x="s",
                y="MB",
            ),
        },
    )


def _memory(looks: Sequence[Look]) -> list[tuple[float, float]]:
    return [(one.at_s, one.memory_mb) for one in looks if one.memory_mb]

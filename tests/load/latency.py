"""How long one order takes while others come at a fixed pace: an open loop.

The times at which orders are sent are fixed beforehand, and each order's time counts from the one planned for
it: an order that had to wait because the system was slow to take those before it has waited.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from .figures import percentile
from .ground import NotAllTaken
from .part import Given, Report, as_table
from .pipeline import cpu_ms_per_order
from .plant import Passage, Placed, Plant
from .plots import Line, lines

#: The second is the one with targets; what is more is tried as long as the pace before was carried.
PACES_PER_S = (20, 50, 100)
#: A pace is carried when the slowest order took no longer: orders do not pile up.
CARRIED_S = 5.0
TARGETS_MS = {0.5: 150, 0.99: 400}
SHARES = (0.5, 0.9, 0.99, 1.0)
#: Every answer of the carrier's comes so much later; it is the only one that takes time to speak of.
CARRIER_S = 0.005
CARRIER_LATE = {"operation": "*", "mode": "answer_late", "delay_s": CARRIER_S}

SHIPPED, FIRST_MAIL, LAST_MAIL = "parcel.shipped", "first mail handed over", "both mails handed over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """`seconds`: end -> of every order, from its planned time to there, in order."""

    passage: Passage
    seconds: Mapping[str, Sequence[float]] = field(repr=False)

    @property
    def carried(self) -> bool:
        return all(seconds[-1] <= CARRIED_S for seconds in self.seconds.values())

    def ms(self, end: str, share: float) -> float:
        return percentile(self.seconds[end], share) * 1000


async def measure_latency(plant: Plant, *, seconds: float, paces: Sequence[int]) -> list[Latencies]:
    """One passage per pace, each so many seconds long. Raises NotAllTaken."""
    found: list[Latencies] = []
    async with plant.api() as api:
        await api.send("PUT", "easypost", "/_sandbox/faults", [CARRIER_LATE])
        try:
            for per_s in paces:
                placed = await plant.place(max(int(per_s * seconds), 1))
                passage = await plant.pass_through(placed, per_s=per_s)
                found.append(
                    Latencies(passage=passage, seconds=await _seconds(plant, placed, passage, per_s))
                )
                if not found[-1].carried:
                    break
        finally:
            await api.send("DELETE", "easypost", "/_sandbox/faults")
    return found


async def _seconds(
    plant: Plant, placed: Sequence[Placed], passage: Passage, per_s: float
) -> Mapping[str, Sequence[float]]:
    ids = await _order_ids(plant, placed)
    first = passage.began_at.timestamp()
    planned = {ids[one.external_id]: first + number / per_s for number, one in enumerate(placed)}
    shipped, mailed = await asyncio.gather(
        events_of(plant, "shipping", "parcel.shipped", passage.began_at),
        events_of(plant, "notify", "notification.sent", passage.began_at),
    )
    return since_planned(
        planned,
        {
            SHIPPED: {key: min(times) for key, times in shipped.items()},
            FIRST_MAIL: {key: min(times) for key, times in mailed.items()},
            LAST_MAIL: {key: max(times) for key, times in mailed.items()},
        },
    )


def since_planned(
    planned: Mapping[str, float], ended: Mapping[str, Mapping[str, float]]
) -> dict[str, list[float]]:
    """End -> seconds of every planned order, sorted. Raises NotAllTaken when one has not come there."""
    for end, at in ended.items():
        if missing := len(planned.keys() - at.keys()):
            raise NotAllTaken(f"{missing} of {len(planned)} orders have no {end}")
    return {end: sorted(at[key] - due for key, due in planned.items()) for end, at in ended.items()}


async def _order_ids(plant: Plant, placed: Sequence[Placed]) -> dict[str, str]:
    """The shop's number -> ours."""
    rows = await plant.ask(
        "order",
        "select external_id, order_id::text from orders"
        " where merchant_id = 'default' and external_id = any($1)",
        [one.external_id for one in placed],
    )
    return {row[0]: row[1] for row in rows}


async def events_of(plant: Plant, service: str, topic: str, since: datetime) -> dict[str, list[float]]:
    """Key -> seconds since 1970 of its events."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    query = "select key, extract(epoch from at)::float8 from event_log where topic = $1 and at >= $2"
    for key, at in await plant.ask(service, query, topic, since):
        found[key].append(at)
    return found


# -- as a part of the bench


async def latency_part(given: Given) -> Report:
    options = given.options
    seconds, paces = (5.0, PACES_PER_S[:1]) if options.quick else (options.seconds, PACES_PER_S)
    found = await measure_latency(await given.plant(), seconds=seconds, paces=paces)
    rows = [
        (
            f"{one.passage.pace_per_s:.0f}/s",
            end,
            *(f"{one.ms(end, share):,.0f}" for share in SHARES),
            f"{cpu_ms_per_order([one.passage])['all']:.0f}" if end == SHIPPED else "",
        )
        for one in found
        for end in one.seconds
    ]
    targets = ", ".join(f"p{share * 100:.0f} {ms} ms" for share, ms in TARGETS_MS.items())
    table = as_table(
        f"Latency in ms from the planned time of the webhook, a carrier that takes {CARRIER_S * 1000:.0f} ms",
        ("pace", "to", "p50", "p90", "p99", "most", "CPU ms per order"),
        rows,
        caption=f"targets at 50/s: {targets}"
        + ("" if found[-1].carried else "; the last pace was not carried"),
    )
    return Report(
        shown=[table],
        json={"latency": [_as_json(one) for one in found]},
        plots={"latency": plot(found)},
    )


def _as_json(one: Latencies) -> dict[str, object]:
    ms = {end: {f"p{share * 100:g}": round(one.ms(end, share), 1) for share in SHARES} for end in one.seconds}
    return {"carried": one.carried, "ms": ms, "passage": asdict(one.passage)}


def plot(found: Sequence[Latencies]) -> str:
    """To `parcel.shipped`: the share of orders over the time they took."""
    return lines(
        f"Webhook to {SHIPPED}: share of orders that took no longer",
        [
            Line(
                f"{one.passage.pace_per_s:.0f}/s",
                [(one.ms(SHIPPED, percent / 100), percent) for percent in range(101)],
            )
            for one in found
        ],
        x="ms",
        y="% of orders",
    )

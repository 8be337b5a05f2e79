"""Several processes of every role on one box: they share the work, and the totals stay right."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from crossdock_cli.stack.services import ROLES

from .figures import spread
from .goals import STAGES
from .ground import NotAllTaken
from .orders import MIXED
from .part import Given, Report, as_table
from .pipeline import cpu_ms_per_order
from .plant import LOOK_S, ORDERS_BEFORE, STANDSTILL_S, Passage, Plant, running_plant

COUNTS = (1, 2)
#: After everything is there, so long nothing more may come.
QUIET_S = 3.0
LINES = len(MIXED.wants[0][1])

#: What is in the databases of orders that were shipped: each question has one number for an answer.
_TOTALS = {
    "orders closed": ("order", "select count(*) from orders where status = 'closed'"),
    "orders": ("order", "select count(*) from orders"),
    "write-backs confirmed": ("order", "select count(*) from obligation where state = 'confirmed'"),
    "units shipped": (
        "inventory",
        "select -coalesce(sum(units), 0) from stock_movement where kind = 'shipped'",
    ),
    "units still reserved": ("inventory", "select sum(reserved) from stock_level"),
    "labels bought": ("shipping", "select count(*) from label"),
    "parcels shipped": ("shipping", "select count(*) from event_log where topic = 'parcel.shipped'"),
    "mails sent": ("notify", "select count(*) from message where state = 'sent'"),
}
#: And in the books of those outside.
_OUTSIDE = {
    "fulfilments at the shop": ("shopify", "fulfillments"),
    "shipments at the carrier": ("easypost", "shipments"),
    "mails received": ("mailbox", "messages"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """`shares`: role -> what its idlest process used, as a part of the CPU time that would be fair."""

    replicas: int
    passages: Sequence[Passage] = field(repr=False)
    shares: Mapping[str, float]
    totals: Mapping[str, int]


def expected(orders: int) -> dict[str, int]:
    """Of so many orders of two lines that made one parcel and two mails each."""
    same = dict.fromkeys((*_TOTALS, *_OUTSIDE), orders)
    return same | {
        "units shipped": orders * LINES,
        "units still reserved": 0,
        "mails sent": orders * 2,
        "mails received": orders * 2,
    }


async def totals(plant: Plant) -> dict[str, int]:
    found = {what: int((await plant.ask(service, query))[0][0]) for what, (service, query) in _TOTALS.items()}
    async with plant.api() as api:
        for what, (sandbox, table) in _OUTSIDE.items():
            found[what] = (await api.get(sandbox, "/_sandbox/books"))["counts"][table]
    return found


async def right_totals(plant: Plant, orders: int) -> dict[str, int]:
    """Wait until they are as they must be, and see that they stay so. Raises NotAllTaken."""
    wanted, deadline = expected(orders), time.monotonic() + STANDSTILL_S
    while await totals(plant) != wanted and time.monotonic() < deadline:  # noqa: ASYNC110  others work
        await asyncio.sleep(LOOK_S)
    await asyncio.sleep(QUIET_S)
    if (found := await totals(plant)) != wanted:
        wrong = {what: (number, wanted[what]) for what, number in found.items() if number != wanted[what]}
        raise NotAllTaken(f"after {orders} orders there are, and should be: {wrong}")
    return found


def least_shares(cpu_s: Mapping[str, float], replicas: int) -> dict[str, float]:
    """Role -> what its idlest process used, as a part of the mean of its replicas. `cpu_s`: by process."""
    found: dict[str, float] = {}
    for name in cpu_s:
        role = name.partition("-")[2]
        if role in ROLES:
            used = [cpu_s[name], *(cpu_s[f"{name}-{number}"] for number in range(1, replicas))]
            mean = sum(used) / replicas
            found[role] = min(found.get(role, 1.0), min(used) / mean if mean else 1.0)
    return found


async def measure_replicas(
    folder: Path, *, rounds: int, orders: int, kafka: str, tell: Callable[[str], None]
) -> list[Shared]:
    """One system after the other, each with so many processes of every role. Raises NotAllTaken."""
    found = []
    for replicas in COUNTS:
        tell(f"{replicas} of each of the sixteen processes")
        async with running_plant(folder / str(replicas), kafka=kafka, replicas=replicas) as plant:
            await plant.prepare(tell)
            passages = [await plant.pass_through(await plant.place(orders)) for _ in range(rounds)]
            cpu_s = {name: sum(one.cpu_s[name] for one in passages) for name in passages[0].cpu_s}
            found.append(
                Shared(
                    replicas=replicas,
                    passages=passages,
                    shares=least_shares(cpu_s, replicas),
                    totals=await right_totals(plant, ORDERS_BEFORE + rounds * orders),
                )
            )
    return found


# -- as a part of the bench


async def replicas_part(given: Given) -> Report:
    options = given.options
    found = await measure_replicas(
        given.folder / "replicas",
        rounds=options.rounds,
        orders=options.orders,
        kafka=options.kafka,
        tell=given.tell,
    )
    rows = [
        (
            str(one.replicas),
            *(spread([passage.per_s(stage) for passage in one.passages]) for stage in STAGES),
            f"{cpu_ms_per_order(one.passages)['all']:.0f}",
            ", ".join(f"{role} {share:.2f}" for role, share in one.shares.items()),
        )
        for one in found
    ]
    heads = (
        "replicas",
        *(f"{one.letter}: {one.name}/s" for one in STAGES),
        "CPU ms per order",
        "least share",
    )
    ratios = [
        several.per_s(stage) / alone.per_s(stage)
        for stage in STAGES[-1:]
        for several, alone in zip(found[-1].passages, found[0].passages, strict=True)
    ]
    return Report(
        shown=[
            as_table(
                "Several processes of every role on one box",
                heads,
                rows,
                caption="least share: what a role's idlest process used of the CPU time that would be fair",
            ),
            f"{COUNTS[-1]} of each: {spread(ratios, digits=2)} of the rate of one (the last stage)",
            "all totals are right: "
            + ", ".join(f"{what} {number:,}" for what, number in found[-1].totals.items()),
        ],
        json={"replicas": [asdict(one) for one in found]},
    )

"""Webhooks to committed orders: order-service beside the same rows written by hand."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from .figures import spread
from .ground import Ground, Load
from .part import Given, Report, as_table

#: The same work, done by whom.
VARIANTS = {"order": "order-service", "floor": "by hand", "nothing": "no rows"}
CLIENTS = (16, 64)
TARGET = 0.75


async def measure_intake(
    ground: Ground, *, rounds: int, requests: int, tell: Callable[[str], None]
) -> Mapping[tuple[str, int], Sequence[Load]]:
    """Variant and clients -> one measurement per round; the variants take turns, each round the other way.

    Raises NotAllTaken.
    """
    found: dict[tuple[str, int], list[Load]] = {}
    for number in range(rounds):
        for clients in CLIENTS:
            names = list(VARIANTS)[:: 1 if number % 2 else -1]
            for name in names:
                load = await ground.load(name, clients=clients, requests=requests)
                found.setdefault((name, clients), []).append(load)
                tell(
                    f"round {number + 1} of {rounds}: {VARIANTS[name]}, {clients} clients: {load.per_s:.0f}/s"
                )
    ground.check_rows()
    return found


def ratios(found: Mapping[tuple[str, int], Sequence[Load]], clients: int) -> list[float]:
    """Of each round: our rate as a part of the floor's."""
    pairs = zip(found["order", clients], found["floor", clients], strict=True)
    return [ours.per_s / floor.per_s for ours, floor in pairs]


def table(found: Mapping[tuple[str, int], Sequence[Load]]) -> Iterator[tuple[str, ...]]:
    """Variant, clients, requests/s, p50 and p99 in ms, CPU µs per request of server, PostgreSQL, client."""
    for (name, clients), loads in sorted(
        found.items(), key=lambda one: (one[0][1], list(VARIANTS).index(one[0][0]))
    ):

        def cpu(seconds: Callable[[Load], float]) -> str:
            return f"{median(seconds(one) / len(one.latencies) * 1e6 for one in loads):.0f}"  # noqa: B023

        rates = [one.per_s for one in loads]
        yield (
            VARIANTS[name],
            str(clients),
            spread(rates),
            f"{median(one.latency_ms(0.5) for one in loads):.1f}",
            f"{median(one.latency_ms(0.99) for one in loads):.1f}",
            cpu(lambda one: one.server_cpu_s),
            cpu(lambda one: one.postgres_cpu_s),
            cpu(lambda one: one.client_cpu_s),
        )


# -- as a part of the bench

HEADS = ("", "clients", "requests/s", "p50 ms", "p99 ms", "server", "database", "client")


async def intake_part(given: Given) -> Report:
    options = given.options
    async with Ground(given.folder / "intake", tell=given.tell) as ground:
        found = await measure_intake(
            ground, rounds=options.rounds, requests=options.requests, tell=given.tell
        )
    title = "Intake: signed webhooks to committed orders, one process each"
    return Report(
        shown=[
            as_table(title, HEADS, list(table(found)), caption="CPU in µs per request"),
            *(
                f"{clients} clients: {spread(ratios(found, clients), digits=2)} of the floor's rate;"
                f" the target is {TARGET}"
                for clients in CLIENTS
            ),
        ],
        json=as_json(found),
    )


def as_json(found: Mapping[tuple[str, int], Sequence[Load]]) -> dict[str, Any]:
    return {
        "intake": [
            {
                "variant": name,
                "clients": clients,
                "per_s": [round(one.per_s, 1) for one in loads],
                "p50_ms": [round(one.latency_ms(0.5), 2) for one in loads],
                "p99_ms": [round(one.latency_ms(0.99), 2) for one in loads],
                "server_cpu_s": [round(one.server_cpu_s, 3) for one in loads],
                "postgres_cpu_s": [round(one.postgres_cpu_s, 3) for one in loads],
                "client_cpu_s": [round(one.client_cpu_s, 3) for one in loads],
                "refused": [one.refused for one in loads],
                "requests": [len(one.latencies) for one in loads],
            }
            for (name, clients), loads in found.items()
        ],
        "intake_ratio": {
            str(clients): [round(one, 3) for one in ratios(found, clients)] for clients in CLIENTS
        },
    }

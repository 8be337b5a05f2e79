"""`python -m tests.load`, or `make bench`: measure, print the tables, write bench.json."""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from crossdock_cli.embedded.errors import EmbeddedError

from .ground import Ground, Load, NotAllTaken
from .intake import CLIENTS, TARGET, measure_intake, ratios, table

HEADS = ("", "clients", "requests/s", "p50 ms", "p99 ms", "server", "database", "client")
COULD_NOT_RUN = 2


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.load",
        description="Measures Crossdock beside the same work done by hand. Only the ratios of one run count: "
        "machines are noisy, and rates of different runs cannot be compared.",
    )
    parser.add_argument("--rounds", type=int, default=5, help="interleaved repetitions (default 5)")
    parser.add_argument("--requests", type=int, default=4000, help="per measurement (default 4000)")
    parser.add_argument(
        "--quick", action="store_true", help="one short round: shows that it runs, measures nothing"
    )
    parser.add_argument("--report", type=Path, default=Path("bench-report"), help="folder of bench.json")
    return parser


def main() -> int:
    given, console = arguments().parse_args(), Console()
    if given.rounds < 1 or given.requests < 100:
        console.print("at least 1 round and 100 requests", style="red")
        return COULD_NOT_RUN
    rounds, requests = (1, 500) if given.quick else (given.rounds, given.requests)
    try:
        found = asyncio.run(run(rounds, requests, console))
    except (EmbeddedError, NotAllTaken) as error:
        console.print(str(error), style="red", markup=False)
        return COULD_NOT_RUN
    show(found, console)
    given.report.mkdir(parents=True, exist_ok=True)
    file = given.report / "bench.json"
    file.write_text(json.dumps(as_json(found), indent=1) + "\n", encoding="utf-8")
    console.print(f"written: {file}", markup=False)
    return 0


async def run(rounds: int, requests: int, console: Console) -> Mapping[tuple[str, int], Sequence[Load]]:
    def tell(text: str) -> None:
        console.print(text, style="dim", markup=False, highlight=False)

    with tempfile.TemporaryDirectory(prefix="crossdock-bench-", ignore_cleanup_errors=True) as temporary:
        async with Ground(Path(temporary), tell=tell) as ground:
            return await measure_intake(ground, rounds=rounds, requests=requests, tell=tell)


def show(found: Mapping[tuple[str, int], Sequence[Load]], console: Console) -> None:
    shown = Table(
        *HEADS,
        title="Intake: signed webhooks to committed orders, one process each",
        caption="CPU in µs per request",
    )
    for line in table(found):
        shown.add_row(*line)
    console.print(shown)
    for clients in CLIENTS:
        rates = ratios(found, clients)
        console.print(
            f"{clients} clients: {median(rates):.2f} of the floor's rate ({min(rates):.2f}-{max(rates):.2f});"
            f" the target is {TARGET}",
            highlight=False,
        )


def as_json(found: Mapping[tuple[str, int], Sequence[Load]]) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
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


if __name__ == "__main__":
    sys.exit(main())

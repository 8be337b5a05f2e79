"""`python -m tests.load`, or `make bench`: measure, print the tables, write bench.json."""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from crossdock_cli.errors import CommandFailed, EmbeddedError

from .client import ClientFailed
from .ground import Ground, Load, NotAllTaken
from .intake import CLIENTS, TARGET, measure_intake, ratios, table
from .pipeline import Passage, bytes_per_order, cost_rows, measure_pipeline, stage_rows

HEADS = ("", "clients", "requests/s", "p50 ms", "p99 ms", "server", "database", "client")
COULD_NOT_RUN = 2
PARTS = ("intake", "pipeline")


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured; None: not asked for."""

    intake: Mapping[tuple[str, int], Sequence[Load]] | None
    pipeline: Sequence[Passage] | None


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.load",
        description="Measures Crossdock beside the same work done by hand. Only the ratios of one run count: "
        "machines are noisy, and rates of different runs cannot be compared.",
    )
    parser.add_argument("--only", choices=PARTS, help="measure one part (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved repetitions (default 5)")
    parser.add_argument("--requests", type=int, default=4000, help="per measured intake (default 4000)")
    parser.add_argument("--orders", type=int, default=1000, help="per passage of the pipeline (default 1000)")
    parser.add_argument(
        "--embedded", action="store_true", help="the pipeline on the embedded broker, not on Apache Kafka"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short round: shows that it runs, measures nothing"
    )
    parser.add_argument("--report", type=Path, default=Path("bench-report"), help="folder of bench.json")
    return parser


def main() -> int:
    given, console = arguments().parse_args(), Console()
    if given.rounds < 1 or min(given.requests, given.orders) < 100:
        console.print("at least 1 round, 100 requests and 100 orders", style="red")
        return COULD_NOT_RUN
    if given.quick:
        given.rounds, given.requests, given.orders = 1, 500, 100
    try:
        with tempfile.TemporaryDirectory(prefix="crossdock-bench-", ignore_cleanup_errors=True) as temporary:
            Path(temporary).chmod(0o711)  # PostgreSQL, another user when we are root, passes through it
            found = asyncio.run(run(given, Path(temporary), console))
    except (EmbeddedError, CommandFailed, NotAllTaken, ClientFailed) as error:
        console.print(str(error), style="red", markup=False)
        return COULD_NOT_RUN
    show(found, console)
    given.report.mkdir(parents=True, exist_ok=True)
    file = given.report / "bench.json"
    file.write_text(json.dumps(as_json(found), indent=1) + "\n", encoding="utf-8")
    console.print(f"written: {file}", markup=False)
    return 0


async def run(given: argparse.Namespace, folder: Path, console: Console) -> Found:
    def tell(text: str) -> None:
        console.print(text, style="dim", markup=False, highlight=False)

    intake = pipeline = None
    if given.only in (None, "intake"):
        async with Ground(folder / "intake", tell=tell) as ground:
            intake = await measure_intake(ground, rounds=given.rounds, requests=given.requests, tell=tell)
    if given.only in (None, "pipeline"):
        pipeline = await measure_pipeline(
            folder / "pipeline",
            rounds=given.rounds,
            orders=given.orders,
            kafka="tansu" if given.embedded else "apache",
            tell=tell,
        )
    return Found(intake, pipeline)


def show(found: Found, console: Console) -> None:
    if found.intake is not None:
        show_intake(found.intake, console)
    if found.pipeline is not None:
        show_pipeline(found.pipeline, console)


def show_intake(found: Mapping[tuple[str, int], Sequence[Load]], console: Console) -> None:
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


def show_pipeline(found: Sequence[Passage], console: Console) -> None:
    stages = Table(
        *("", "stage", "orders/s", "target"),
        title=f"Pipeline: {found[0].orders} orders at once, from the first webhook to the stage's last order",
    )
    for line in stage_rows(found):
        stages.add_row(*line)
    processes = Table("process", "CPU ms per order", "MB", caption="postgres: MB of the postmaster alone")
    for row in cost_rows(found):
        processes.add_row(*row)
    console.print(stages, processes)
    written = ", ".join(f"{what} {size:,.0f}" for what, size in bytes_per_order(found).items())
    console.print(f"bytes per order: {written}", highlight=False)


def as_json(found: Found) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        **({} if found.intake is None else intake_as_json(found.intake)),
        **({} if found.pipeline is None else {"pipeline": [asdict(one) for one in found.pipeline]}),
    }


def intake_as_json(found: Mapping[tuple[str, int], Sequence[Load]]) -> dict[str, Any]:
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


if __name__ == "__main__":
    sys.exit(main())

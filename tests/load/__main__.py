"""`python -m tests.load`, or `make bench`: measure, print the tables, write bench.json and the plots."""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.errors import CommandFailed

from .backlog import backlog_part
from .churn import churn_part
from .client import ClientFailed
from .ground import NotAllTaken
from .growth import growth_part
from .intake import intake_part
from .latency import latency_part
from .part import Given, Options, Part
from .pipeline import pipeline_part
from .recovery import recovery_part
from .replicas import replicas_part
from .shapes import shapes_part
from .stages import stages_part
from .start import start_part

COULD_NOT_RUN = 2
FILE = "bench.json"
#: In this order. The first ones are cheap: a quick run has each of them in its smallest form.
CHEAP: Mapping[str, Part] = {
    "intake": intake_part,
    "pipeline": pipeline_part,
    "latency": latency_part,
    "shapes": shapes_part,
}
DEAR: Mapping[str, Part] = {
    "start": start_part,
    "replicas": replicas_part,
    "recovery": recovery_part,
    "backlog": backlog_part,
    "growth": growth_part,
    "churn": churn_part,
    "stages": stages_part,
}
PARTS = {**CHEAP, **DEAR}


def arguments() -> argparse.ArgumentParser:
    usual = Options()
    parser = argparse.ArgumentParser(
        prog="python -m tests.load",
        description="Measures Crossdock beside the same work done by hand. Only the ratios of one run count: "
        "machines are noisy, and rates of different runs cannot be compared.",
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="may be repeated (default: all)")
    for name, kind, text in (
        ("rounds", int, "interleaved repetitions"),
        ("requests", int, "per measured intake"),
        ("orders", int, "per passage of the pipeline"),
        ("seconds", float, "of orders at each pace of the latencies"),
        ("minutes", float, "of churn"),
        ("events", int, "that wait in each backlog"),
        ("largest", int, "orders in the tables at the end of the growth"),
        ("killed", str, "processes to kill: patterns of names, between commas"),
    ):
        preset = getattr(usual, name)
        parser.add_argument(
            f"--{name}",
            type=kind,
            default=preset,
            help=f"{text} (default {preset})",
            metavar=kind.__name__.upper(),
        )
    parser.add_argument(
        "--peers", help="of the stages: usual,dbos,temporal, or none (default: those that are installed)"
    )
    parser.add_argument(
        "--embedded",
        action="store_const",
        dest="kafka",
        const="tansu",
        default="apache",
        help="on the embedded broker, not on Apache Kafka",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="the cheap parts, once and short: shows that they run, measures nothing",
    )
    parser.add_argument("--report", type=Path, default=Path("bench-report"), help="folder of bench.json")
    return parser


def options_of(given: argparse.Namespace) -> Options:
    options = Options(**{one.name: getattr(given, one.name) for one in fields(Options)})
    if not options.quick:
        return options
    return replace(options, rounds=1, requests=500, orders=100, peers=options.peers or "none")


def main() -> int:
    given, console = arguments().parse_args(), Console()
    if given.rounds < 1 or min(given.requests, given.orders) < 100:
        console.print("at least 1 round, 100 requests and 100 orders", style="red")
        return COULD_NOT_RUN
    names = given.only or (CHEAP if given.quick else PARTS)
    try:
        with tempfile.TemporaryDirectory(prefix="crossdock-bench-", ignore_cleanup_errors=True) as temporary:
            Path(temporary).chmod(0o711)  # PostgreSQL, another user when we are root, passes through it
            asyncio.run(run(names, options_of(given), Path(temporary), given.report, console))
    except (EmbeddedError, CommandFailed, NotAllTaken, ClientFailed) as error:
        console.print(str(error), style="red", markup=False)
        return COULD_NOT_RUN
    return 0


async def run(names: Iterable[str], options: Options, folder: Path, report: Path, console: Console) -> None:
    """Each part is shown and written as soon as it is through."""

    def tell(text: str) -> None:
        console.print(text, style="dim", markup=False, highlight=False)

    found: dict[str, Any] = surroundings()
    given = Given(options, folder, tell)
    async with given.until_the_end:
        for name in names:
            part = await PARTS[name](given)
            console.print(*part.shown, highlight=False)
            found |= part.json
            write(report, found, part.plots)
    console.print(f"written: {report / FILE}", markup=False)


def write(folder: Path, found: Mapping[str, Any], plots: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(found, indent=1, default=str) + "\n", encoding="utf-8")
    for name, svg in plots.items():
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")


def surroundings() -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
    }


if __name__ == "__main__":
    sys.exit(main())

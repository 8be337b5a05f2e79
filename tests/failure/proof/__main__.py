"""`python -m tests.failure.proof`, or `make proof MINUTES=10 SEED=7`: break all, judge what is left."""

import argparse
import asyncio
import json
import logging
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from crossdock_cli.embedded.errors import EmbeddedError

from .course import Course, Options, new_report
from .faults import KINDS
from .page import render
from .report import Report, Verdict
from .schedule import schedule, waves_of_first_round
from .surroundings import NoRelease
from .telling import Teller

EXIT_CODES = {Verdict.HOLDS: 0, Verdict.VIOLATED: 1, Verdict.NOT_SHOWN: 3, Verdict.BROKEN_OFF: 130}
COULD_NOT_RUN = 2
DESCRIPTION = """
Runs three Kafka brokers, PostgreSQL and four services twice over on this machine, sends orders through them,
breaks everything around them by a schedule that follows from the seed, lets it come to rest, and judges every
book: databases, topics, the carrier's, the marketplace's and the mailbox's own.
"""
EPILOG = """
exit codes: 0 nothing is violated, 1 something is, 2 it could not run, 3 a run of 10 minutes or more did not
meet all it must meet, 130 it was broken off. The report is proof.html and proof.json in the report's folder.
"""


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.failure.proof", description=DESCRIPTION, epilog=EPILOG
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=10.0,
        help="how long faults are injected (default 10); with 10 or more every kind comes at least once",
    )
    parser.add_argument("--seed", type=int, default=1, help="orders and schedule follow from it (default 1)")
    parser.add_argument(
        "--rate", type=float, default=3.0, help="orders per second while not too many are open (default 3)"
    )
    parser.add_argument("--replicas", type=int, default=2, help="of each role of each service (default 2)")
    parser.add_argument("--report", type=Path, default=Path("proof-report"), help="folder of the report")
    parser.add_argument(
        "--data", type=Path, help="new folder for databases, logs and topics; kept (default: a temporary one)"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=sorted(one.name for one in KINDS),
        metavar="FAULT",
        help="only this kind of fault; may be repeated; see --list",
    )
    parser.add_argument("--list", action="store_true", help="list the kinds of faults and end")
    parser.add_argument("--plan", action="store_true", help="show the first round of the schedule and end")
    return parser


def main() -> int:
    given, console = arguments().parse_args(), Console()
    for name in ("aiokafka", "asyncio"):  # that brokers and databases go away is what this is about
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if given.list:
        for one in KINDS:
            console.print(f"{one.name:28} {', '.join(one.rows):9} {one.says}", markup=False, highlight=False)
        return 0
    if given.minutes <= 0 or given.rate <= 0 or not 1 <= given.replicas <= 4:
        console.print("minutes and rate are more than 0, replicas 1 to 4", style="red")
        return COULD_NOT_RUN
    with tempfile.TemporaryDirectory(prefix="crossdock-proof-", ignore_cleanup_errors=True) as temporary:
        folder = (given.data or Path(temporary) / "run").absolute()
        options = Options(
            minutes=given.minutes,
            seed=given.seed,
            per_s=given.rate,
            replicas=given.replicas,
            folder=folder,
            only=tuple(given.only),
        )
        if given.plan:
            show_plan(options, console)
            return 0
        if given.data is None:
            Path(temporary).chmod(0o711)  # PostgreSQL runs as another user when we are root
        return asyncio.run(prove(options, given.report, console))


async def prove(options: Options, report_folder: Path, console: Console) -> int:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    task = asyncio.current_task()

    try:
        if options.folder.exists() and any(options.folder.iterdir()):
            raise NoRelease(f"{options.folder} is not empty; choose a new folder with --data")
        options.folder.mkdir(parents=True, exist_ok=True)
        options.folder.chmod(0o711)
        report = new_report(options)
    except (NoRelease, OSError) as error:
        console.print(str(error), style="red")
        return COULD_NOT_RUN
    with Teller(console, seconds=options.minutes * 60) as teller:
        course = Course(options, report, teller, stop)

        def interrupted() -> None:
            if task is not None and (stop.is_set() or not course.has_begun):
                task.cancel()  # a second Ctrl-C does not wait for anything
            stop.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupted)
        try:
            await course.run()
        except (EmbeddedError, NoRelease) as error:
            console.print(f"the ground does not hold: {error}", style="red", markup=False)
            if not report.hits:
                return COULD_NOT_RUN
            report.notes.append(f"the ground did not hold: {error}"[:500])
        except asyncio.CancelledError:
            report.notes.append("ended at once")
        report.seconds = teller.seconds
    write(report, report_folder)
    summarize(report, report_folder, console)
    return EXIT_CODES[report.verdict]


def write(report: Report, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    told = report.as_json()
    (folder / "proof.json").write_text(
        json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (folder / "proof.html").write_text(render(told), encoding="utf-8")


def summarize(report: Report, folder: Path, console: Console) -> None:
    told = report.as_json()
    lines = [
        f"{told['traffic'].get('orders placed', 0)} orders, {len(told['hits'])} faults of "
        f"{len(told['faults'])} kinds, {report.seconds / 60:.1f} minutes, seed {report.seed}"
    ]
    for one in told["invariants"]:
        if one["findings"]:
            lines.append(f"{one['invariant']} {one['says']}: {len(one['findings'])} findings")
            lines += [f"    {text}" for text in one["findings"][:3]]
    lines += [f"still moving: {one}" for one in report.moving]
    if report.finished:
        lines += [f"not met: {one}" for one in report.unmet]
        holding = sum(one["holds"] for one in told["balances"])
        lines.append(f"{holding} of {len(told['balances'])} books balance")
    lines += report.notes
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    good = report.verdict is Verdict.HOLDS
    console.print(
        f"{report.verdict}: {folder / 'proof.html'}", style="green" if good else "red", markup=False
    )


def show_plan(options: Options, console: Console) -> None:
    waves = schedule(options.seed, options.kinds)
    for _ in range(waves_of_first_round(options.kinds)):
        wave = next(waves)
        console.print(f"{wave.number:3d}  {wave.title}", markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(main())

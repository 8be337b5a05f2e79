"""`python -m tests.failure.drill kafka order`, or `make drill ONLY=order`: lose it, mend it, judge it."""

import argparse
import asyncio
import dataclasses
import json
import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path

from crossdock_cli.stack.services import SERVICES

from .course import Figures, drill

DRILLS = ("kafka", *SERVICES)


def tell(words: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {words}\n")
    sys.stdout.flush()


def run(name: str, orders: int, seed: int, *, keep: bool) -> Figures:
    folder = Path(tempfile.mkdtemp(prefix=f"crossdock-drill-{name}-"))
    folder.chmod(0o711)  # PostgreSQL runs as another user when we are root
    tell(f"drill {name}, logs in {folder / 'logs'}")
    victim = None if name == "kafka" else name
    figures = asyncio.run(drill(folder, victim, orders=orders, seed=seed, tell=tell))
    if figures.holds and not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.failure.drill", description=__doc__)
    parser.add_argument("drills", nargs="*", choices=[*DRILLS, []], metavar="drill", help=", ".join(DRILLS))
    parser.add_argument("--orders", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, help="write the figures there, as JSON")
    parser.add_argument("--keep", action="store_true", help="leave the folder with data and logs")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that brokers go away is what this is about
    all_figures = []
    for name in given.drills or DRILLS:
        figures = run(name, given.orders, given.seed, keep=given.keep)
        all_figures.append(dataclasses.asdict(figures))
        for line in figures.wrong:
            tell(f"    {line}")
        tell(f"{name}: {'every book agrees' if figures.holds else 'the books do not agree'}")
    if given.report is not None:
        given.report.write_text(json.dumps(all_figures, indent=1) + "\n", encoding="utf-8")
    return 0 if all(one["holds"] for one in all_figures) else 1


if __name__ == "__main__":
    sys.exit(main())

"""`crossdock demo`."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from crossdock_cli.commands.options import AsJson, target
from crossdock_cli.connection import Connection, connect
from crossdock_cli.demo.play import Outcome, Progress, play
from crossdock_cli.demo.run import Run, unfinished
from crossdock_cli.demo.show import print_verdict, verdict_json
from crossdock_cli.errors import FAILED, CommandFailed, WrongUsage
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.run import Stack, StackOptions
from crossdock_cli.stack.sandboxes import all_sandboxes
from crossdock_cli.terminal import notes, print_json

MOST_ORDERS = 20_000


def demo(
    *,
    orders: Annotated[int, typer.Option(help="Orders to place; the special cases are among them.")] = 300,
    seed: Annotated[int, typer.Option(help="The same seed places the same orders.")] = 1,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="In a stack of its own, stopped at the end.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="With --fresh: keep its data folder.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the demo that was broken off.")
    ] = False,
    patience: Annotated[float, typer.Option(help="Seconds to wait for anything before giving up.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Play a believable day of orders and compare what must come of it with everybody's books.

    Exit code 0 only if nothing differs.
    """
    if not 1 <= orders <= MOST_ORDERS:
        raise WrongUsage(f"--orders is between 1 and {MOST_ORDERS}")
    if fresh and resume:
        raise WrongUsage("--fresh has a data folder of its own, so there is nothing to resume")
    if fresh:
        outcome = asyncio.run(_in_fresh_stack(Run.new(orders, seed), patience, keep=keep, as_json=as_json))
    else:
        folder = DataFolder(target.data)
        connection = connect(folder, url=target.url, token=target.token)
        run = unfinished(folder) if resume else Run.new(orders, seed)
        try:
            outcome = asyncio.run(_against(folder, run, patience, as_json=as_json, connection=connection))
        except KeyboardInterrupt:
            notes.print("broken off; go on with `crossdock demo --resume`")
            raise
    if as_json:
        print_json(verdict_json(outcome.verdict, troubles=outcome.troubles, seconds=outcome.seconds))
    else:
        print_verdict(outcome.verdict, troubles=outcome.troubles, seconds=outcome.seconds)
    if not outcome.verdict.holds:
        sys.exit(FAILED)


async def _against(
    folder: DataFolder, run: Run, patience_s: float, *, as_json: bool, connection: Connection
) -> Outcome:
    """Play in a stack that runs, and remember how far it has come."""

    def save() -> None:
        run.save(folder)

    save()
    with _bars(quiet=as_json) as tell:
        outcome = await play(run, connection, save=save, tell=tell, patience_s=patience_s)
    run.finished = True
    save()
    return outcome


async def _in_fresh_stack(run: Run, patience_s: float, *, keep: bool, as_json: bool) -> Outcome:
    """Start a stack in a temporary folder, play, stop it. The folder stays when something differs."""
    path = _temporary_folder()
    folder = DataFolder(path)
    outcome: Outcome | None = None
    try:
        with folder.locked():
            stop, ready = asyncio.Event(), asyncio.Event()
            stack = Stack(folder, StackOptions(sandboxes=tuple(all_sandboxes())))
            running = asyncio.create_task(stack.run(stop, ready.set))
            is_ready = asyncio.create_task(ready.wait())
            try:
                await asyncio.wait([running, is_ready], return_when=asyncio.FIRST_COMPLETED)
                if ready.is_set():
                    connection = connect(folder)
                    outcome = await _against(folder, run, patience_s, as_json=as_json, connection=connection)
            finally:
                is_ready.cancel()
                stop.set()
                await running
    finally:
        if keep or (outcome is not None and not outcome.verdict.holds):
            notes.print(f"data and logs are in {path}", markup=False, soft_wrap=True)
        else:
            shutil.rmtree(path, ignore_errors=True)
    if outcome is None:
        raise CommandFailed("the stack stopped before it was ready")
    return outcome


def _temporary_folder() -> Path:
    path = Path(tempfile.mkdtemp(prefix="crossdock-demo-"))
    if os.geteuid() == 0:
        path.chmod(0o711)  # PostgreSQL runs as another user then, and passes through
    return path


@contextmanager
def _bars(*, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Two bars on standard error: what is placed, and what is through."""
    columns = (TextColumn("{task.description:>12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=notes, disable=quiet) as bars:
        placed = bars.add_task("orders placed", total=None)
        through = bars.add_task("at their end", total=None)

        def tell(progress: Progress) -> None:
            bars.update(placed, total=progress.orders, completed=progress.placed)
            bars.update(through, total=progress.orders, completed=progress.through)

        yield tell

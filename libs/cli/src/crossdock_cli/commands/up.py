"""`crossdock up` and `crossdock down`."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from typing import Annotated

import typer

from crossdock_cli.commands.options import AsJson, target
from crossdock_cli.embedded.launch import log_tail
from crossdock_cli.embedded.supervisor import ChildEvent, ChildState
from crossdock_cli.errors import CommandFailed, EmbeddedError, NotRunning, WrongUsage
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.record import read_record
from crossdock_cli.stack.run import Stack, StackOptions
from crossdock_cli.stack.sandboxes import FEW, all_sandboxes
from crossdock_cli.terminal import notes, out, print_json, print_table

START_S = 180.0
STOP_S = 120.0


def up(
    *,
    split: Annotated[bool, typer.Option("--split", help="One process per role of each service.")] = False,
    kafka: Annotated[str, typer.Option(help="tansu (embedded) or apache (needs Java 17).")] = "tansu",
    brokers: Annotated[int, typer.Option(help="Brokers of Apache Kafka: 1 or 3.")] = 1,
    port: Annotated[
        list[str] | None, typer.Option("--port", help="NAME=NUMBER, e.g. order=8101. May be repeated.")
    ] = None,
    few: Annotated[
        bool, typer.Option("--few", help="One marketplace and one carrier, not all: smaller and quicker.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when it is ready; `down` ends it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the whole system on this machine until Ctrl-C: database, broker, sandboxes and the four services.

    Data is kept between runs. A process that dies is started again.
    """
    if kafka not in ("tansu", "apache") or brokers not in (1, 3) or (kafka == "tansu" and brokers != 1):
        raise WrongUsage("--kafka is tansu or apache, and --brokers, with apache alone, is 1 or 3")
    options = StackOptions(
        split=split,
        kafka=kafka,
        brokers=brokers,
        ports=_ports(port or []),
        sandboxes=FEW if few else tuple(all_sandboxes()),
    )
    folder = DataFolder(target.data)
    if detach:
        _start_detached(folder, as_json=as_json)
        return
    with folder.locked():
        asyncio.run(_run(folder, options, as_json=as_json))


def down() -> None:
    """End the stack that runs in the data folder, wherever it was started."""
    folder = DataFolder(target.data)
    pid = folder.holder()
    if not pid:
        raise NotRunning(f"nothing runs in {folder.path}")
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while folder.holder() == pid:
        if time.monotonic() > deadline:
            raise CommandFailed(f"process {pid} still runs after {STOP_S:.0f} s; look at {folder.logs}")
        time.sleep(0.05)
    notes.print("stopped")


def _ports(given: list[str]) -> dict[str, int]:
    ports = {}
    for one in given:
        name, _, number = one.partition("=")
        if not number.isdecimal() or not 1024 <= int(number) <= 65535:
            raise WrongUsage(f"--port {one}: write NAME=NUMBER with a number from 1024 to 65535")
        ports[name] = int(number)
    return ports


async def _run(folder: DataFolder, options: StackOptions, *, as_json: bool) -> None:
    began = time.monotonic()
    stack = Stack(folder, options, on_event=_tell)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked() -> None:
        if stop.is_set():  # a second time: at once; the kernel ends our children
            os._exit(130)
        notes.print("stopping (again: at once)")
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, asked)

    def ready() -> None:
        seconds = time.monotonic() - began
        if as_json:
            print_json(
                {"ready_after_s": round(seconds, 2), "data": str(folder.path), "urls": stack.record.urls}
            )
        else:
            print_table(["", "address"], stack.record.urls.items())
            out.print(f"ready after {seconds:.1f} s; data in {folder.path}; Ctrl-C stops it", soft_wrap=True)
        sys.stdout.flush()

    await stack.run(stop, ready)


def _tell(event: ChildEvent) -> None:
    if event.state is ChildState.READY:
        again = f" again, start {event.restarts + 1}" if event.restarts else ""
        notes.print(f"[green]ready[/]   {event.name} (process {event.pid}){again}")
    elif event.state is ChildState.DIED:
        notes.print(f"[red]died[/]    {event.name}: ", end="")
        notes.print(event.reason, markup=False)


def _start_detached(folder: DataFolder, *, as_json: bool) -> None:
    """Start the same command without `--detach` in a session of its own, and wait until it is ready."""
    if folder.holder():
        raise CommandFailed(f"a stack runs in {folder.path} already (process {folder.holder()})")
    with folder.locked():
        log = folder.logs / "up.log"
    arguments = [one for one in sys.argv[1:] if one not in ("--detach", "-d")]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  ourselves
            [sys.executable, "-m", "crossdock_cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_S
    while not (record := read_record(folder) or {}).get("ready"):
        if process.poll() is not None:
            raise EmbeddedError(f"it did not start:\n{log_tail(log)}")
        if time.monotonic() > deadline:
            process.terminate()
            raise EmbeddedError(f"it is not ready after {START_S:.0f} s:\n{log_tail(log)}")
        time.sleep(0.05)
    if as_json:
        print_json({"pid": process.pid, "data": str(folder.path), "urls": record["urls"]})
    else:
        print_table(["", "address"], record["urls"].items())
        out.print(f"process {process.pid}; `crossdock down` stops it", soft_wrap=True)

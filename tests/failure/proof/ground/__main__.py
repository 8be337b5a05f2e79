"""`python -m tests.failure.proof.ground --orders 20`: bring it all up, break things, see the orders end."""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from crossdock_cli.connection import Connection
from crossdock_cli.demo.play import Progress, play
from crossdock_cli.demo.run import Run
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.keys import load_keys

from . import Ground, ProcessEvent, ProcessState

IDLE_S = 20.0
PATIENCE_S = 180.0


def tell(words: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {words}\n")
    sys.stdout.flush()


def tell_of_deaths(event: ProcessEvent) -> None:
    if event.state is ProcessState.DIED:
        tell(f"{event.name} {event.reason}")


async def try_ground(folder: Path, orders: int, replicas: int) -> bool:
    began = time.monotonic()
    async with Ground(folder, replicas=replicas, on_event=tell_of_deaths) as ground:
        tell(f"up after {time.monotonic() - began:.1f} s")
        before = ground.usage()
        await asyncio.sleep(IDLE_S)
        after = ground.usage()
        idle = (after.cpu_s - before.cpu_s) / IDLE_S
        tell(f"{after.processes} processes, {after.memory_mb:.0f} MB, idle at {idle:.2f} cores")
        playing = asyncio.create_task(place_orders(ground, folder, orders))
        try:
            for name, deed in deeds(ground).items():
                await asyncio.sleep(5)
                began = time.monotonic()
                await deed()
                await ground.heal()
                tell(f"{name}: all well after {time.monotonic() - began:.1f} s")
            held = await playing
        finally:
            playing.cancel()
            await asyncio.wait([playing])
        for process in ground.processes.values():
            for outage in process.outages:
                tell(f"{outage.name} {outage.reason}, back after {outage.seconds:.1f} s")
    return held


def deeds(ground: Ground) -> dict[str, Callable[[], Awaitable[object]]]:
    async def kill_controller() -> None:
        await ground.brokers.kill(await ground.brokers.controller())

    return {
        "the controller killed": kill_controller,
        "a consumer killed": ground.processes["inventory-consume-0"].kill,
        "PostgreSQL killed": ground.postgres.crash,
        "a database's wire reset": ground.links["shipping-db"].reset,
    }


async def place_orders(ground: Ground, folder: Path, orders: int) -> bool:
    """The demo's scenario through one replica of the API; whether its books balance."""
    keys = load_keys(DataFolder(folder))
    urls = {**ground.system.services, **ground.system.sandboxes}
    last = ""

    def note(progress: Progress) -> None:
        nonlocal last
        words = f"{progress.placed} of {progress.orders} orders placed, {progress.through} through"
        if words != last:
            tell(words)
        last = words

    outcome = await play(
        Run.new(orders, seed=7),
        Connection(urls, ground.system.api_token, keys.outside),
        save=lambda: None,
        tell=note,
        patience_s=PATIENCE_S,
    )
    tell(f"{orders} orders through after {outcome.seconds:.1f} s")
    for row in (*outcome.verdict.orders, *outcome.verdict.balances):
        if not row.holds:
            tell(f"{row.what}: {row.expected} expected, {row.seen} seen")
    for trouble in outcome.troubles:
        tell(trouble)
    return outcome.verdict.holds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="leave the folder with the logs")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="crossdock-ground-"))
    folder.chmod(0o711)  # PostgreSQL runs as another user when we are root
    tell(f"logs in {folder / 'logs'}")
    try:
        return 0 if asyncio.run(try_ground(folder, given.orders, given.replicas)) else 1
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

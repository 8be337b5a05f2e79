"""A whole Crossdock of its own, with some processes armed."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from crossdock_cli.connection import Connection, connect
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.run import Stack, StackOptions
from crossdock_cli.stack.sandboxes import FEW
from crossdock_cli.stack.services import SERVICES

from ..system import System
from .arming import Arms, environment, unhit

LOOK_EVERY_S = 0.25
#: Shopify delivers for four hours, the sandbox for a minute: less than three deaths take on a busy machine.
PATIENT_SHOP = {"shopify": ("--retry-base-s", "1.5")}


class InVain(AssertionError):
    """What was waited for did not come in time."""


async def until(what: Callable[[], str], holds: Callable[[], Awaitable[bool]], *, limit_s: float) -> None:
    """Wait for it. Raises InVain with `what`, asked when the time is over."""
    deadline = asyncio.get_running_loop().time() + limit_s
    while not await holds():
        if asyncio.get_running_loop().time() > deadline:
            raise InVain(f"{what()} after {limit_s:.0f} s")
        await asyncio.sleep(LOOK_EVERY_S)


async def until_all_is_hit(arms: Arms, markers: Path, *, limit_s: float) -> None:
    async def is_hit() -> bool:
        return not unhit(arms, markers)

    await until(lambda: "; ".join(unhit(arms, markers)), is_hit, limit_s=limit_s)


class Stage:
    """A stack that runs, and hands on it."""

    def __init__(self, stack: Stack, arms: Arms, markers: Path) -> None:
        self._stack = stack
        self._arms = arms
        self._markers = markers
        self.connection: Connection = connect(stack.folder)
        urls = stack.record.urls
        self.system = System(
            databases={
                service: stack.postgres.databases.urls(f"crossdock_{service}", service).owner_url
                for service in SERVICES
            },
            bootstrap_servers=urls["kafka"],
            kafka_profile=stack.options.kafka,
            services={service: urls[service] for service in SERVICES},
            sandboxes={name: urls[name] for name in FEW},
            api_token=stack.keys.api_token,
            logs=stack.folder.logs,
        )

    async def until_all_is_hit(self, *, limit_s: float) -> None:
        """Raises InVain, naming every arm that nobody came by."""
        await until_all_is_hit(self._arms, self._markers, limit_s=limit_s)

    def was_hit(self, process: str, point: str) -> bool:
        """Whether all that is armed at this point of the process was done."""
        arms = tuple(one for one in self._arms[process] if one.point == point)
        return not unhit({process: arms}, self._markers)

    def signal(self, process: str, number: signal.Signals) -> None:
        os.kill(self._stack.record.processes[process]["pid"], number)

    def restarts(self, process: str) -> int:
        found: int = self._stack.record.processes[process]["restarts"]
        return found

    async def sql(self, service: str, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement as the owner of a service's database."""
        connection = await asyncpg.connect(self.system.databases[service].replace("+asyncpg", ""))
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()


def _temporary_folder() -> Path:
    path = Path(tempfile.mkdtemp(prefix="crossdock-crashes-"))
    path.chmod(0o711)  # PostgreSQL may run as another user and passes through
    return path


@asynccontextmanager
async def armed_stack(arms: Arms) -> AsyncIterator[Stage]:
    """Start it in a folder of its own and stop it. The folder stays when what is done with it fails."""
    path = _temporary_folder()
    folder = DataFolder(path)
    with folder.locked():
        markers = path / "faults"
        stack = Stack(folder, StackOptions(environment=environment(arms, markers), arguments=PATIENT_SHOP))
        stop, ready = asyncio.Event(), asyncio.Event()
        running = asyncio.create_task(stack.run(stop, ready.set))
        is_ready = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait([running, is_ready], return_when=asyncio.FIRST_COMPLETED)
            if not ready.is_set():
                running.result()
            yield Stage(stack, arms, markers)
        except BaseException:
            print(f"data and logs are in {path}")
            raise
        else:
            stop.set()
            await running
            shutil.rmtree(path, ignore_errors=True)
        finally:
            is_ready.cancel()
            stop.set()
            await asyncio.wait([running])

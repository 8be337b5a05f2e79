"""The whole system with its telemetry on, while a small day of orders goes through it."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from crossdock_cli.connection import connect
from crossdock_cli.demo.play import play
from crossdock_cli.demo.run import Run
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.run import Stack, StackOptions
from crossdock_cli.stack.services import SERVICES, ServiceProcess


def telemetry_on(endpoint: str) -> Mapping[str, Mapping[str, str]]:
    """Process -> the settings that send its telemetry to the endpoint, and show metrics at /metrics."""
    return {
        service: {
            f"{service.upper()}_OTLP_ENDPOINT": endpoint,
            f"{service.upper()}_METRICS_ENABLED": "true",
        }
        for service in SERVICES
    }


@asynccontextmanager
async def after_a_day_of_orders(options: StackOptions, run: Run) -> AsyncIterator[Stack]:
    """The stack when every order of the run is at its end and nothing differs; it is stopped afterwards."""
    with _temporary_folder() as path:
        folder = DataFolder(path)
        with folder.locked():
            stop, ready = asyncio.Event(), asyncio.Event()
            stack = Stack(folder, options)
            running = asyncio.create_task(stack.run(stop, ready.set))
            is_ready = asyncio.create_task(ready.wait())
            try:
                await asyncio.wait([running, is_ready], return_when=asyncio.FIRST_COMPLETED)
                assert ready.is_set(), "the stack stopped before it was ready"
                outcome = await play(
                    run, connect(folder), save=lambda: None, tell=lambda _: None, patience_s=120
                )
                assert outcome.verdict.holds, outcome.troubles
                yield stack
            finally:
                is_ready.cancel()
                stop.set()
                await running


def metrics_url(stack: Stack, service: str) -> str:
    """Where the only process of a service shows its metrics."""
    return ServiceProcess(service).health_url(stack.ports).replace("/readyz", "/metrics")


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="crossdock-observability-"))
    if os.geteuid() == 0:
        path.chmod(0o711)  # PostgreSQL runs as another user then, and passes through
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)

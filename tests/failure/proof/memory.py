"""How much memory the services take while everything breaks (INV-24)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crossdock_cli.stack.services import SERVICES

from ..checker import Finding
from .ground import Ground
from .report import Report

LOOK_EVERY_S = 5.0
#: Four times what a process takes that has done nothing yet.
MOST_MB = 400


@asynccontextmanager
async def watching_memory(ground: Ground, report: Report) -> AsyncIterator[None]:
    """Keeps in the report the most that any process of a role was seen to take."""
    watching = asyncio.create_task(_watch(ground, report))
    try:
        yield
    finally:
        watching.cancel()
        report.findings += [
            Finding("INV-24", f"a process of {role} took {most:.0f} MB, more than {MOST_MB}")
            for role, most in report.memory_mb.items()
            if most > MOST_MB
        ]


async def _watch(ground: Ground, report: Report) -> None:
    while True:
        for name, process in ground.processes.items():
            if name.partition("-")[0] in SERVICES:
                role = name.rpartition("-")[0]
                report.memory_mb[role] = max(report.memory_mb.get(role, 0.0), process.memory_mb)
        await asyncio.sleep(LOOK_EVERY_S)

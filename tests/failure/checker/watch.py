"""The invariants that must hold at every moment, sampled while the system works."""

import asyncio
from types import TracebackType
from typing import Self

from ..system import System
from .verdict import Finding


class Watch:
    """Samples until it is closed. A database or broker that is away for a moment is not a finding."""

    def __init__(self, system: System, *, every_s: float = 2.0) -> None:
        self._system = system
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None
        self.findings: list[Finding] = []
        self.samples = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            self.samples += 1
            await asyncio.sleep(self._every_s)

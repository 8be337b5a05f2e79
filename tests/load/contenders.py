"""Whoever does the pipeline's work: what is asked of each, and Crossdock as one of them."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from crossdock_cli.stack.sandboxes import FEW

from .goals import STAGES, Stage
from .plant import Plant

PRODUCT = "crossdock"
#: What all contenders stand on.
SHARED = ("postgres", "kafka-0", *FEW)
#: Who has stood still joins its consumer groups anew and finds its connections gone: that is not measured.
AWAKE_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What became of so many accepted orders. `ended_s`: stage's letter -> seconds from the first one's start
    to the last one's end; `cpu_s`: process -> CPU seconds until the end of the last stage.
    """

    orders: int
    ended_s: Mapping[str, float]
    cpu_s: Mapping[str, float] = field(repr=False)

    def per_s(self, letter: str) -> float:
        return self.orders / self.ended_s[letter]


def by_letter(stages: Sequence[Stage], ended_s: Mapping[str, float]) -> Mapping[str, float]:
    """Stage's name -> seconds, as letter -> seconds: those of the last stage of that letter."""
    found: dict[str, float] = {}
    for stage in stages:
        found[stage.letter] = max(ended_s[stage.name], found.get(stage.letter, 0.0))
    return found


class Contender(Protocol):
    """It takes turns only while it is awake; else it leaves the machine to the others."""

    @property
    def title(self) -> str: ...

    def awake(self) -> AbstractAsyncContextManager[None]:
        """Raises EmbeddedError when it does not get up."""

    async def turn(self, orders: int) -> Turn:
        """Raises NotAllTaken."""


class Product:
    """Crossdock, from its accepted orders on. Within `resting` it stands still between its turns."""

    title = "Crossdock"

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    async def turn(self, orders: int) -> Turn:
        passage = await self._plant.pass_through(await self._plant.place(orders), held=True)
        return Turn(orders=orders, ended_s=by_letter(STAGES, passage.ended_s), cpu_s=passage.cpu_s)

    @asynccontextmanager
    async def awake(self) -> AsyncIterator[None]:
        self._send(signal.SIGCONT)
        await asyncio.sleep(AWAKE_S)
        try:
            yield
        finally:
            self._send(signal.SIGSTOP)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Who stands still does not hear that it is to end: so it goes on in the end."""
        self._send(signal.SIGSTOP)
        try:
            yield
        finally:
            self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        for name in self._plant.pids:
            if name not in SHARED:
                with suppress(ProcessLookupError):  # it has just died, and is started again
                    self._plant.signal(name, number)

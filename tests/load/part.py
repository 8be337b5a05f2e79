"""What the parts of the bench have in common: what each is given, and what it hands back."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from .orders import SHAPES
from .plant import Plant, running_plant


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a person may choose. `largest`: orders in the tables; `killed`: patterns of processes' names.

    `peers`: beside whom the stages are measured, between commas, or "none"; None: those that are installed.
    """

    rounds: int = 5
    requests: int = 4_000
    orders: int = 1_000
    seconds: float = 20.0
    minutes: float = 1.0
    events: int = 10_000
    largest: int = 30_000
    killed: str = "*"
    peers: str | None = None
    kafka: str = "apache"
    quick: bool = False


@dataclass(slots=True)
class Given:
    """One run of the bench: its options, a folder of its own, and where to tell how it goes."""

    options: Options
    folder: Path
    tell: Callable[[str], None]
    until_the_end: AsyncExitStack = field(default_factory=AsyncExitStack)
    _plant: Plant | None = None

    async def plant(self) -> Plant:
        """The system that is shared by the parts that leave it as it was. Raises EmbeddedError."""
        if self._plant is None:
            running = running_plant(self.folder / "plant", kafka=self.options.kafka)
            plant = await self.until_the_end.enter_async_context(running)
            await plant.prepare(self.tell, shapes=SHAPES)
            self._plant = plant
        return self._plant


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found: for a person, for a program, and as SVG by the name of its file."""

    shown: Sequence[RenderableType]
    json: Mapping[str, Any]
    plots: Mapping[str, str] = field(default_factory=dict)


#: Raises EmbeddedError, CommandFailed, ClientFailed or NotAllTaken.
Part = Callable[[Given], Awaitable[Report]]


def as_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> Table:
    shown = Table(*heads, title=title, caption=caption or None)
    for row in rows:
        shown.add_row(*row)
    return shown

"""A line per event while a run goes on, and in a terminal what is going on now below them."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn


class Teller:
    """Says what happens, with the time since the start."""

    def __init__(self, console: Console, *, seconds: float) -> None:
        self._console = console
        self._began = time.monotonic()
        self._progress = Progress(
            BarColumn(bar_width=24), TextColumn("{task.description}"), console=console, transient=True
        )
        self._task = self._progress.add_task("starting", total=seconds)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def say(self, text: str, *, style: str = "") -> None:
        minutes, seconds = divmod(int(self.seconds), 60)
        line = f"{minutes:3d}:{seconds:02d}  {text}"
        self._console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)

    def now(self, text: str, *, done_s: float | None = None) -> None:
        """What is going on; only a terminal shows it."""
        self._progress.update(self._task, description=text, completed=done_s)

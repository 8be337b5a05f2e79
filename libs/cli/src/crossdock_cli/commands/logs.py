"""`crossdock logs`."""

import json
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from crossdock_cli.commands.options import target
from crossdock_cli.errors import CommandFailed
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.terminal import out

LOOK_EVERY_S = 0.3
_LEVELS = {"error": "red", "critical": "red", "warning": "yellow", "info": "", "debug": "dim"}


def logs(
    process: Annotated[str | None, typer.Argument(help="A process, e.g. order. None: all of them.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=100_000, help="Of each log.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Lines as they were written.")] = False,
) -> None:
    """The end of what processes have logged."""
    folder = DataFolder(target.data).logs
    files = sorted(folder.glob("*.log")) if process is None else [folder / f"{process}.log"]
    missing = [file for file in files if not file.is_file()]
    if missing or not files:
        names = ", ".join(sorted(file.stem for file in folder.glob("*.log"))) or "none"
        raise CommandFailed(f"there is no log of {process or 'anything'} in {folder}; there are: {names}")
    places = {}
    for file in files:
        with file.open("rb") as stream:
            for line in deque(stream, maxlen=lines):
                _print(file.stem, line.decode(errors="replace"), raw=as_json)
            places[file] = stream.tell()
    while follow:
        time.sleep(LOOK_EVERY_S)
        for file in files:
            for new in _new_lines(file, places):
                _print(file.stem, new, raw=as_json)


def _new_lines(file: Path, places: dict[Path, int]) -> Iterator[str]:
    """Whole lines written since the last look; from the beginning when the file was cut."""
    if file.stat().st_size < places[file]:
        places[file] = 0
    with file.open("rb") as stream:
        stream.seek(places[file])
        for line in stream:
            if not line.endswith(b"\n"):
                return
            places[file] += len(line)
            yield line.decode(errors="replace")


def _print(name: str, line: str, *, raw: bool) -> None:
    if raw:
        print(line.rstrip("\n"))  # noqa: T201
        return
    out.print(Text(f"{name:<18}", style="cyan") + _readable(line.rstrip("\n")), soft_wrap=True)


def _readable(line: str) -> Text:
    """A line of JSON as time, event and values; any other line as it is."""
    try:
        found = json.loads(line)
    except ValueError:
        return Text(line)
    if not isinstance(found, dict) or "event" not in found:
        return Text(line)
    level = str(found.pop("level", "info"))
    at, event = str(found.pop("timestamp", found.pop("at", ""))), str(found.pop("event"))
    values = " ".join(f"{name}={value}" for name, value in found.items() if name not in ("service", "logger"))
    return Text(f"{at} ", style="dim") + Text(event, style=_LEVELS.get(level, "")) + Text(f" {values}")

"""How commands talk to people (colours, tables) and to scripts (JSON)."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Notes and errors, so that standard output stays what was asked for.
notes = Console(stderr=True, highlight=False)
out = Console(highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

_COLOURS = {
    "green": {"ready", "open", "ok", "shipped", "sent", "labelled", "handed_over", "done", "active"},
    "yellow": {
        "starting",
        "held",
        "cancelling",
        "waiting",
        "planned",
        "buying",
        "unknown",
        "outcome_unknown",
    },
    "red": {"died", "failed", "differs", "needs_repair", "refused", "needs_person", "parked"},
    "dim": {"closed", "cancelled", "stopped", "suppressed"},
}
_STYLE = {word: colour for colour, words in _COLOURS.items() for word in words}


def print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None
) -> None:
    """Values are shown as they are: square brackets in a name are no markup."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    out.print(table)


def print_fields(fields: Mapping[str, object], *, title: str | None = None) -> None:
    print_table(["", ""], [(name, value) for name, value in fields.items()], title=title)


def _cell(value: object) -> Text:
    if value is None or value == "":
        return Text("-", style="dim")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, float):
        return Text(f"{value:.1f}")
    if isinstance(value, (list, tuple, set)):
        return Text(", ".join(str(one) for one in value) or "-")
    words = str(value)
    return Text(words, style=_STYLE.get(words, ""))


def plain(value: Any) -> Any:
    """Dataclasses' tuples and sets as JSON has them."""
    return json.loads(json.dumps(value, default=list))

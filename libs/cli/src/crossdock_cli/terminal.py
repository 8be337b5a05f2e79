"""How commands talk to people (colours, tables) and to scripts (JSON)."""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Notes and errors, so that standard output stays what was asked for.
notes = Console(stderr=True, highlight=False)
out = Console(highlight=False)
if not out.is_terminal:
    out.width = 200  # a file or a pipe has no edge; 80 columns would fold every id

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|\+00:00)")

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


def table_of(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> Table:
    """Values are shown as they are: square brackets in a name are no markup."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    return table


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None
) -> None:
    out.print(table_of(columns, rows, title=title))


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
    words = _TIME.sub(r"\1 \2Z", str(value))
    return Text(words, style=_STYLE.get(words, ""))

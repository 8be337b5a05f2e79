"""The demo's table."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from crossdock_cli.demo.judge import Row, Verdict
from crossdock_cli.terminal import out


def print_verdict(verdict: Verdict, *, troubles: Sequence[str], seconds: float) -> None:
    _print("orders", compact(verdict.orders))
    _print("balances", verdict.balances)
    issued = ", ".join(f"{count} {issuer}" for issuer, count in sorted(verdict.issued.items()))
    out.print(Text(f"labels: {issued or 'none'}"))
    for trouble in troubles:
        out.print(Text(f"on the way: {trouble}", style="yellow"))
    wrong = sum(not row.holds for row in (*verdict.orders, *verdict.balances))
    words = "nothing differs" if verdict.holds else f"{wrong} differ"
    out.print(Text(f"{words} after {seconds:.1f} s", style="green" if verdict.holds else "red"))


def compact(orders: Sequence[Row]) -> list[Row]:
    """The special cases, the ordinary orders as one line, then each ordinary one that differs."""
    ordinary = [row for row in orders if row.ordinary]
    differing = [row for row in ordinary if not row.holds]
    summary = Row(
        f"{len(ordinary)} ordinary orders",
        f"{len(ordinary)} as expected",
        f"{len(ordinary) - len(differing)} as expected",
    )
    return [*(row for row in orders if not row.ordinary), summary, *differing]


def verdict_json(verdict: Verdict, *, troubles: Sequence[str], seconds: float) -> dict[str, Any]:
    return {
        "holds": verdict.holds,
        "seconds": round(seconds, 1),
        "troubles": list(troubles),
        "labels": dict(sorted(verdict.issued.items())),
        "orders": [asdict(row) | {"holds": row.holds} for row in verdict.orders],
        "balances": [asdict(row) | {"holds": row.holds} for row in verdict.balances],
    }


def _print(title: str, rows: Sequence[Row]) -> None:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("", ratio=2)
    table.add_column("expected", ratio=4)
    table.add_column("seen", ratio=4)
    for row in rows:
        mark = Text("✓", style="green") if row.holds else Text("✗", style="bold red")
        seen = Text("the same", style="dim") if row.holds else Text(row.seen, style="red")
        table.add_row(mark, Text(row.what), Text(row.expected), seen)
    out.print(table)
    out.print()

"""The report as one page that needs nothing else: the verdict first, then what it rests on."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from ..checker import SOMETIMES
from .report import NEVER_COMPARED

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; --dim: #777; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .4rem; }
.verdict { font-size: 1.15rem; padding: .8rem 1rem; border-left: .4rem solid; background: #8881; }
.good { color: var(--good); } .bad { color: var(--bad); } .dim { color: var(--dim); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; }
tr { border-bottom: 1px solid var(--line); }
th { font-weight: 600; } td.n, th.n { text-align: right; }
details { margin: .4rem 0; } summary { cursor: pointer; } ul { margin: .2rem 0; padding-left: 1.2rem; }
code { font-size: .9em; }
"""

_WORDS = {
    "holds": ("good", "Holds. Nothing was lost, sent twice, shipped twice or said twice."),
    "violated": ("bad", "Violated. Something that must hold does not; see the findings below."),
    "not shown": ("bad", "Not shown. Nothing is wrong, but the run did not meet all it must meet."),
    "broken off": ("dim", "Broken off before its end. Nothing wrong was seen so far; nothing is shown."),
}


def render(report: dict[str, Any]) -> str:
    """`report` as `Report.as_json` gives it."""
    colour, words = _WORDS[report["verdict"]]
    traffic, surroundings = report["traffic"], report["surroundings"]
    hits = len(report["hits"])
    facts = (
        f"{traffic.get('orders placed', 0)} orders, {traffic.get('webhooks', 0)} webhooks, "
        f"{hits} faults of {len(report['faults'])} kinds in {report['seconds'] / 60:.1f} minutes; "
        f"seed {report['seed']}, commit {surroundings.get('commit', '?')}"
    )
    parts = [
        f"<h1>Crossdock: the proof of {escape(report['began_at'][:16].replace('T', ' '))} UTC</h1>",
        f'<p class="verdict {colour}">{escape(words)}</p><p>{escape(facts)}</p>',
        _notes(report),
        "<h2>What must hold</h2>",
        f'<p class="dim">Sampled {report["samples_under_load"]} times under load, judged once all had come '
        "to rest: from four databases, all topics, the carrier's, the marketplace's and the mailbox's own "
        "books, and what clients saw.</p>",
        _invariants(report["invariants"]),
        "<h2>The books that balance</h2>",
        _table(
            ("", "what", "expected#", "seen#"),
            ((_mark(one["holds"]), one["name"], one["expected"], one["seen"]) for one in report["balances"]),
        ),
        "<h2>Faults, and how long until all was as before</h2>",
        '<p class="dim">From the end of the fault until every process was ready, every outbox and every '
        "consumer was up to date, and an order placed after the fault had gone all the way.</p>",
        _faults(report["faults"]),
        "<h2>What the run met</h2>",
        _table(
            ("", "what", "times#"),
            (
                (_mark(count > 0) if name in SOMETIMES else "", name, count)
                for name, count in report["sometimes"].items()
            ),
        ),
        _timeline(report["hits"]),
        "<h2>Orders and people</h2>",
        _counts("orders", report["kinds_of_orders"]),
        _counts("traffic", traffic),
        _counts("done by people", report["people"]),
        _counts("refused, or without an answer while something was broken", report["troubles"]),
        "<h2>The most memory that a process took</h2>",
        _table(("", "MB#"), report["memory_mb"].items()),
        "<h2>The list of faults</h2>",
        _coverage(report["coverage"]),
        "<h2>Where it ran</h2>",
        _table(("", ""), ((name, value) for name, value in surroundings.items())),
        f'<p class="dim">The same schedule again: <code>make proof MINUTES={report["minutes"]:g} '
        f"SEED={report['seed']}</code></p>",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Crossdock: the proof</title>'
        '<meta name="viewport" content="width=device-width"><style>'
        f"{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _notes(report: dict[str, Any]) -> str:
    texts = [*report["notes"], *(f"still moving at the end: {one}" for one in report["still_moving"])]
    texts += [f"not met: {one}" for one in report["not_met"]]
    return _list(texts)


def _invariants(found: Sequence[dict[str, Any]]) -> str:
    lines = []
    for one in found:
        findings, compared = one["findings"], one["compared"]
        says = escape(one["says"])
        if findings:
            summary = f"<summary class=bad>{len(findings)} findings</summary>"
            says += f"<details open>{summary}{_list(findings)}</details>"
        if one["not_applicable"]:
            mark, compared = "", f"not applicable: {one['not_applicable']}"
        elif one["invariant"] in NEVER_COMPARED:
            mark, compared = _mark(not findings), ""
        else:
            mark = _mark(not findings) if findings or compared else '<span class="dim">not judged</span>'
        lines.append((mark, one["invariant"], Raw(says), compared))
    return _table(("", "", "invariant", "compared#"), lines)


def _faults(found: Sequence[dict[str, Any]]) -> str:
    def seconds(value: float | None) -> str:
        return "" if value is None else f"{value:.1f} s"

    return _table(
        ("fault", "what happens", "times#", "min#", "median#", "max#", "not in time#"),
        (
            (
                one["kind"],
                one["says"],
                one["count"],
                seconds(one["recovery_min_s"]),
                seconds(one["recovery_median_s"]),
                seconds(one["recovery_max_s"]),
                one["not_recovered_in_time"] or "",
            )
            for one in found
        ),
    )


def _timeline(hits: Sequence[dict[str, Any]]) -> str:
    def end(one: dict[str, Any]) -> str:
        if one["error"]:
            return f"not injected: {one['error']}"
        if one["recovered_s"] is None:
            return f"not in time: {one['missing']}"
        return f"{one['recovered_s']:.1f} s"

    table = _table(
        ("at#", "fault", "hit", "lasted#", "back after#"),
        (
            (f"{one['at_s']:.0f} s", one["kind"], one["hit"], f"{one['took_s']:.1f} s", end(one))
            for one in hits
        ),
    )
    return f"<details><summary>Every injection, in its order</summary>{table}</details>"


def _coverage(rows: Sequence[dict[str, Any]]) -> str:
    return _table(
        ("", "fault", "injected by, or why not", "times#"),
        (
            (one["code"], one["fault"], ", ".join(one["by"]) or one["instead"], one["injected"] or "")
            for one in rows
        ),
    )


def _counts(title: str, counted: dict[str, int]) -> str:
    if not counted:
        return ""
    most_first: list[tuple[str, int]] = sorted(counted.items(), key=lambda pair: pair[1], reverse=True)
    table = _table(("", "#"), most_first)
    return f"<details><summary>{escape(title)}: {sum(counted.values())}</summary>{table}</details>"


class Raw(str):
    """Markup of our own: not escaped again."""


def _mark(holds: bool) -> Raw:
    return Raw('<span class="good">✓</span>' if holds else '<span class="bad">✗</span>')


def _table(heads: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """A head that ends with # has numbers below it."""
    number = [head.endswith("#") for head in heads]
    head = "".join(
        f"<th{' class=n' if is_number else ''}>{escape(name.rstrip('#'))}</th>"
        for name, is_number in zip(heads, number, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=n' if is_number else ''}>{one if isinstance(one, Raw) else escape(str(one))}</td>"
            for one, is_number in zip(line, number, strict=True)
        )
        + "</tr>"
        for line in lines
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _list(texts: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in texts)}</ul>" if texts else ""

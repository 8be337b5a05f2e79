"""The project's written pages taken apart: links, code words, commands. And what the code says of itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("libs", "services", "deploy", "tests", "docs", "k8s", ".ci")

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """One Markdown file. `words` are its inline code spans, `commands` the lines of its console blocks."""

    path: Path
    links: tuple[str, ...]
    words: tuple[str, ...]
    commands: tuple[str, ...]
    anchors: frozenset[str]

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))


def read_page(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    prose = _FENCE.sub("", text)
    commands = [
        line.strip()
        for language, body in _FENCE.findall(text)
        if language in ("console", "bash")
        for line in body.splitlines()
    ]
    return Page(
        path,
        tuple(_LINK.findall(_INLINE.sub("", prose)) + _LINK.findall(prose)),
        tuple(_INLINE.findall(prose)),
        tuple(line for line in commands if line and not line.startswith("#")),
        frozenset(_anchor(heading) for heading in _HEADING.findall(prose)),
    )


def pages() -> list[Page]:
    """Every page this project writes by hand, but for the READMEs of members, which live with their code."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return [read_page(path) for path in [*top, *sorted((ROOT / "docs").rglob("*.md"))]]


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.strip().replace(" ", "-")


def _code_files() -> Iterator[Path]:
    for folder in ("libs", "services", "deploy"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".sql", ".yaml", ".yml", ".toml") and not {
                "tests",
                "__pycache__",
            } & set(path.parts):
                yield path


@cache
def code() -> str:
    """All that runs, without its tests."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(_code_files()))


@cache
def file_names() -> frozenset[str]:
    found = {path.name for path in _code_files()}
    for folder in FOLDERS:
        found |= {path.name for path in (ROOT / folder).rglob("*.*") if "__pycache__" not in path.parts}
    return frozenset(found | {path.name for path in ROOT.iterdir()})


@cache
def said_names() -> frozenset[str]:
    """Every string in the code that looks like a log event's, metric's or topic's name."""
    return frozenset(re.findall(r"[\"' ]([a-z_]+(?:\.[a-z_0-9]+)+)[\"'\n]", code()))


_PREFIX = re.compile(r"APIRouter\(\s*prefix=\"([^\"]*)\"")
_ROUTE = re.compile(r"@router\.(get|post|put|patch|delete)\(\s*\"([^\"]*)\"")
_PLAIN = re.compile(r"(?:add_route|\b(?:Plain)?Route)\(\s*\"([^\"]+)\",.*?\"?(GET|POST)\"", re.DOTALL)


def _generic(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def generic_route(word: str) -> tuple[str, str] | None:
    """`POST /v1/orders/{order_id}/hold?x=1` as (POST, /v1/orders/{}/hold); None for another kind of word."""
    found = re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE) (/[^\s?]*)(\?\S*)?", word)
    return (found[1], _generic(found[2])) if found else None


@cache
def routes() -> frozenset[tuple[str, str]]:
    """(method, path with {} for every parameter) of every route in the code."""
    found: set[tuple[str, str]] = set()
    for path in _code_files():
        text = path.read_text(encoding="utf-8")
        prefix = match[1] if (match := _PREFIX.search(text)) else ""
        found |= {(method.upper(), _generic(prefix + rest)) for method, rest in _ROUTE.findall(text)}
        found |= {(method, _generic(rest)) for rest, method in _PLAIN.findall(text)}
    return frozenset(found)

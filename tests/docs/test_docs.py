"""What the pages name exists: files, links, metrics, log events, settings, routes, commands."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from crossdock_cli.main import app

from .pages import (
    FOLDERS,
    ROOT,
    Page,
    code,
    file_names,
    generic_route,
    pages,
    read_page,
    routes,
    said_names,
)
from .settings_page import settings_classes

PAGES = pages()
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
#: The known prefixes first: a member's code may have a dash of its own.
_PREFIXES = "|".join(str(one.model_config.get("env_prefix")) for one in settings_classes())
SETTING = re.compile(rf"(?:{_PREFIXES}|(?:CARRIER|MARKETPLACE|CHANNEL)_[A-Z]+_)([A-Z][A-Z_]+)")


@every_page
def test_every_relative_link_leads_somewhere(page: Page) -> None:
    broken = []
    for link in page.links:
        target, _, anchor = link.partition("#")
        if target.startswith(("http://", "https://")):
            continue
        path = (page.path.parent / target).resolve() if target else page.path
        if not _leads_somewhere(path, anchor):
            broken.append(link)

    assert broken == []


def _leads_somewhere(path: Path, anchor: str) -> bool:
    if anchor and path.suffix == ".md" and path.exists():
        return anchor in read_page(path).anchors
    return path.exists()


@every_page
def test_every_path_that_is_named_exists(page: Page) -> None:
    named = [word for word in page.words if re.fullmatch(r"[\w.\-*/{}<>]+", word) and "<" not in word]

    missing = [
        word
        for word in named
        if word.startswith(tuple(f"{folder}/" for folder in FOLDERS))
        and not list(ROOT.glob(word.rstrip("/")))
    ]

    assert missing == []


@every_page
def test_every_dotted_name_is_in_the_code(page: Page) -> None:
    """Log events, metrics, topics, event types, attributes, file names: what is in backticks is real."""
    dotted = [word for word in page.words if re.fullmatch(r"[a-z_]+(\.[a-z_0-9]+)+", word)]

    unknown = [word for word in dotted if word not in file_names() and word not in code()]

    assert unknown == []


@pytest.mark.parametrize(
    "page", [one for one in PAGES if one.name.startswith("docs/runbooks/")], ids=lambda page: page.name
)
def test_a_runbook_names_metrics_and_log_events_as_the_code_says_them(page: Page) -> None:
    dotted = [word for word in page.words if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", word)]

    unsaid = [word for word in dotted if word not in file_names() and word not in said_names()]

    assert unsaid == []


@every_page
def test_every_setting_is_one(page: Page) -> None:
    named = {found for word in page.words if (found := SETTING.fullmatch(word))}

    unknown = [one[0] for one in named if not re.search(rf"\b{one[1].lower()}: ", code())]

    assert unknown == []


@every_page
def test_every_route_is_served(page: Page) -> None:
    named = [(word, route) for word in page.words if (route := generic_route(word)) is not None]

    unknown = [word for word, route in named if route not in routes()]

    assert unknown == []


@every_page
def test_every_make_target_exists(page: Page) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {
        found[1] for line in (*page.words, *page.commands) if (found := re.match(r"make ([a-z-]+)", line))
    }

    unknown = [target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)]

    assert unknown == []


@every_page
def test_every_crossdock_command_and_option_exists(page: Page) -> None:
    lines = (*page.words, *page.commands)
    called = [line for line in lines if re.match(r"(\.venv/bin/)?crossdock( |$)", line)]

    assert [problem for line in called if (problem := _problem_of(line.split()[1:], line))] == []


def _problem_of(words: list[str], line: str) -> str | None:
    """What the command's own description does not know of this line."""
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        found = command.commands.get(words[0])
        if found is None:
            return f"{line}: there is no {words[0]!r}"
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    wrong = [word for word in words if word.startswith("-") and word.partition("=")[0] not in known]
    return f"{line}: there is no {', '.join(wrong)}" if wrong else None


def test_pages_are_found_and_taken_apart() -> None:
    names = {page.name for page in PAGES}

    assert {"README.md", "docs/architecture.md", "docs/glossary.md"} <= names
    assert ("GET", "/v1/operations/status") in routes()
    assert "consumer.parked" in said_names()
    assert "crossdock.outbox.age" in said_names()
    assert sum(len(page.links) for page in PAGES) > 100

"""The recipe of the images: linted, complete, and in step with the members it is for."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from notify_service.domain.languages import LANGUAGES

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "deploy" / "service.Dockerfile"
#: Everything that is installed by itself has a lock; what has no project of its own is a tool.
MEMBERS = sorted(
    lock.parent
    for pattern in ("services/*", "libs/*", "deploy/*")
    for lock in ROOT.glob(f"{pattern}/requirements.lock")
    if (lock.parent / "pyproject.toml").exists()
)
STAGES = re.findall(
    r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", RECIPE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)
every_member = pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)


@pytest.mark.parametrize(
    "recipe",
    [RECIPE, *(ROOT / "tests" / "images" / "standins").glob("*/Dockerfile")],
    ids=lambda recipe: str(recipe.relative_to(ROOT)),
)
def test_a_recipe_has_nothing_a_linter_finds(recipe: Path) -> None:
    finished = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "--no-color", recipe],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert finished.stdout + finished.stderr == ""


@every_member
def test_there_is_an_image_for_it_that_starts_its_module(member: Path) -> None:
    stage = dict(STAGES)[member.name]
    [module] = [one.name for one in (member / "src").iterdir() if (one / "__main__.py").exists()]

    [entry] = re.findall(r"^ENTRYPOINT (.*)$", stage, re.MULTILINE)
    assert ast.literal_eval(entry) == ["python", "-m", module]


@every_member
def test_it_is_among_those_that_are_built(member: Path) -> None:
    script = (ROOT / "deploy" / "images" / "build").read_text(encoding="utf-8")
    [listed] = re.findall(r"\[ \$# -gt 0 \] \|\| set -- (.*)", script)

    assert member.name in listed.split()


def test_what_is_copied_is_let_into_the_context() -> None:
    let_in = [
        line.removeprefix("!")
        for line in RECIPE.with_name(f"{RECIPE.name}.dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    ]
    allowed = {path for pattern in let_in for path in ROOT.glob(pattern)}
    copied = re.findall(r"^COPY (?!--)(\S+) \S+$", RECIPE.read_text(encoding="utf-8"), re.MULTILINE)

    tool = ROOT / "deploy" / "verify" / "requirements.lock"  # stands where images' locks do, and is none
    wanted = {path for source in copied for path in ROOT.glob(source.replace("${SERVICE}", "*"))} - {tool}
    assert wanted >= {member / "requirements.lock" for member in MEMBERS}
    assert wanted == allowed


def test_the_locales_that_are_kept_are_of_the_languages_that_buyers_are_written_to_in() -> None:
    [kept] = re.findall(r"/\(root\|\(([a-z|]+)\)", RECIPE.read_text(encoding="utf-8"))

    assert set(kept.split("|")) == set(LANGUAGES)


def test_every_stage_that_runs_stands_on_one_that_is_nobody_and_has_no_tools() -> None:
    run = dict(STAGES)["run"]

    assert re.search(r"^USER 10001:10001$", run, re.MULTILINE)
    assert "requirements-tools.lock" not in run
    assert [name for name, body in STAGES if re.search(r"^USER (?!10001:10001$)", body, re.MULTILINE)] == []

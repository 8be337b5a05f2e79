"""The page of members is what their folders offer and what their READMEs say."""

from pathlib import Path

import pytest

from order_service.adapters import marketplaces
from shipping_service.adapters import carriers

from .members_page import PAGE, render, unconfirmed

FOLDERS = [
    one.parent
    for package in (carriers, marketplaces)
    for one in sorted(Path(package.__path__[0]).glob("*/__init__.py"))
]


def test_the_page_is_as_the_folders_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run `python -m tests.docs.members_page`"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda one: str(one.name))
def test_every_member_is_on_the_page_and_says_what_nobody_has_confirmed(folder: Path) -> None:
    assert f"### {folder.name}\n" in render()
    assert unconfirmed((folder / "README.md").read_text(encoding="utf-8"))


def test_what_is_not_confirmed_is_found_in_a_section_and_in_passing() -> None:
    readme = """\
# A member

It can `do` things. Unconfirmed: that it can,
and how fast.

## Not confirmed by them

- Whether `this` is so:
  it may be.
- Or that.

This is sure.

## What it cannot do

- Everything. Not confirmed: a rest
"""

    points = unconfirmed(readme)

    assert points == ["Whether this is so: it may be.", "Or that.", "That it can, and how fast.", "A rest"]

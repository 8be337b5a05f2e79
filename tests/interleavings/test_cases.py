"""The table of cases in README.md names tests that there are."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| 2\.(\d+) \| (?P<what>.+?) \| (?P<held>.+?) \|$", re.MULTILINE)
_TEST = re.compile(r"(?P<path>\S+\.py)::(?P<name>\w+)")
CASES = {int(row[1]): row["held"] for row in _ROW.finditer((Path(__file__).parent / "README.md").read_text())}
NOT_BUILT = {21}


@cache
def names_in(path: Path) -> set[str]:
    module = ast.parse(path.read_text())
    functions = (one for one in module.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
    return {one.name for one in functions if one.name.startswith("test_")}


def test_every_case_has_its_row() -> None:
    assert sorted(CASES) == list(range(1, 27))


@pytest.mark.parametrize("case", sorted(CASES))
def test_the_tests_of_a_case_are_there(case: int) -> None:
    named = list(_TEST.finditer(CASES[case]))

    missing = [
        one[0]
        for one in named
        if not (ROOT / one["path"]).is_file() or one["name"] not in names_in(ROOT / one["path"])
    ]

    assert missing == []
    assert bool(named) is (case not in NOT_BUILT)
    assert _TEST.sub("", CASES[case]).strip() == "" or case in NOT_BUILT

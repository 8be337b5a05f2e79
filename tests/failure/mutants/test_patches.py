"""What the mutants name is there. Whether they are killed takes minutes, and is `make mutants`."""

import subprocess

import pytest

from .catalogue import Mutant, read_mutants, read_pairs
from .copy import REPOSITORY

MUTANTS = read_mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_a_mutant_applies_to_the_code_as_it_is_and_names_tests_that_there_are(mutant: Mutant) -> None:
    applied = subprocess.run(
        ["git", "apply", "--check", "-"], cwd=REPOSITORY, input=mutant.patch, check=False, capture_output=True
    )

    assert applied.returncode == 0, f"make the patch anew: {applied.stderr.decode()}"
    assert [one for one in mutant.tests if not (REPOSITORY / one).exists()] == []


def test_the_numbers_of_the_mutants_have_no_gap() -> None:
    assert [int(one.name[:2]) for one in MUTANTS] == list(range(1, len(MUTANTS) + 1))


def test_each_pair_names_two_mutants_and_a_test_that_there_is() -> None:
    for pair in read_pairs(MUTANTS):
        path, _, name = pair.test.partition("::")
        assert len(pair.guards) > 1
        assert f"async def {name}(" in (REPOSITORY / path).read_text()

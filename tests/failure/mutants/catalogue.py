"""What there is to try: the patches of this folder with their headers, and the pairs of guards."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_FIELDS = ("Breaks", "Invariant", "Tests")


class BadHeader(Exception):
    """A patch or a pair does not say what it breaks, which invariant, and which tests have to notice."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One seeded bug. `tests`: paths or node ids, from the repository's root, that have to notice it."""

    name: str
    breaks: str
    invariant: str
    tests: tuple[str, ...]
    patch: bytes


@dataclass(frozen=True, slots=True)
class Pair:
    """Guards of the same thing. `guards`: the name under which `test` records how often that guard was needed
    -> the mutant that takes the guard away.

    With one guard gone the test passes and has needed every other one; with all gone it fails.
    """

    name: str
    invariant: str
    test: str
    guards: Mapping[str, Mutant]


def read_mutants(folder: Path = HERE) -> list[Mutant]:
    """All patches, in the order of their numbers. Raises BadHeader."""
    return [_mutant(path) for path in sorted(folder.glob("[0-9][0-9]-*.patch"))]


def read_pairs(mutants: Sequence[Mutant], folder: Path = HERE) -> list[Pair]:
    """Raises BadHeader."""
    known = {one.name: one for one in mutants}
    try:
        return [
            Pair(
                name=one["name"],
                invariant=one["invariant"],
                test=one["test"],
                guards={guard: known[mutant] for guard, mutant in one["guards"].items()},
            )
            for one in tomllib.loads((folder / "pairs.toml").read_text())["pair"]
        ]
    except KeyError as missing:
        raise BadHeader(f"pairs.toml names {missing}, and there is none") from missing


def _mutant(path: Path) -> Mutant:
    patch = path.read_bytes()
    header = patch.decode().partition("\ndiff --git ")[0]
    fields: dict[str, str] = {}
    name = ""
    for line in header.splitlines():
        begins, colon, rest = line.partition(":")
        if colon and begins in _FIELDS:
            name = begins
            fields[name] = rest.strip()
        elif name and line.startswith(" "):
            fields[name] += f" {line.strip()}"
    if missing := [one for one in _FIELDS if not fields.get(one)]:
        raise BadHeader(f"{path.name} lacks {', '.join(missing)}")
    return Mutant(path.stem, fields["Breaks"], fields["Invariant"], tuple(fields["Tests"].split()), patch)

"""Which fault comes when: made from the seed alone, so that a seed that found something finds it again."""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


class Schedulable(Protocol):
    """What the schedule has to know of a kind of fault."""

    @property
    def name(self) -> str: ...

    @property
    def tier(self) -> int:
        """1 comes before 2: what a short run must not miss."""

    @property
    def light(self) -> bool:
        """It may run beside another one."""


@dataclass(frozen=True, slots=True)
class Injection:
    """`seed` decides where it hits, how hard and for how long."""

    kind: str
    seed: str

    @property
    def chance(self) -> random.Random:
        return random.Random(self.seed)


@dataclass(frozen=True, slots=True)
class Wave:
    """One or two faults at a time; behind it the system recovers before the next one comes."""

    number: int
    injections: tuple[Injection, ...]

    @property
    def title(self) -> str:
        return " and ".join(one.kind for one in self.injections)


def schedule(seed: int, kinds: Sequence[Schedulable]) -> Iterator[Wave]:
    """Without an end. The first round has every kind once, the important ones first; then chance decides."""
    chance = random.Random(f"schedule/{seed}")
    for number, names in enumerate(_names(chance, kinds), start=1):
        injections = tuple(Injection(name, f"{seed}/{number}/{name}") for name in names)
        yield Wave(number, injections)


def waves_of_first_round(kinds: Sequence[Schedulable]) -> int:
    """After so many waves every kind was there."""
    light = sum(one.light for one in kinds)
    return max(len(kinds) - light, light)


def _names(chance: random.Random, kinds: Sequence[Schedulable]) -> Iterator[tuple[str, ...]]:
    heavy, light = (
        _shuffled(chance, [one for one in kinds if one.light is beside]) for beside in (False, True)
    )
    for pair in itertools.zip_longest(heavy, light):
        yield tuple(name for name in pair if name is not None)
    while True:
        names = [chance.choice(heavy)]
        if light and chance.random() < 1 / 2:
            names.append(chance.choice(light))
        yield tuple(names)


def _shuffled(chance: random.Random, kinds: Sequence[Schedulable]) -> list[str]:
    by_name = sorted(kinds, key=lambda one: one.name)
    chance.shuffle(by_name)
    return [one.name for one in sorted(by_name, key=lambda one: one.tier)]

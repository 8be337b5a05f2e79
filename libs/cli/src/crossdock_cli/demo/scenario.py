"""The orders of a demo, what happens to each, and what must come of it: computed from the input alone."""

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from crossdock_cli.demo.cases import FIRST_NUMBER, SHOPIFY, Case, Sold, ships, unmailed
from crossdock_cli.demo.special import RARE_UNITS, special_at, special_cases
from crossdock_cli.demo.steps import Buy, Deliver, Receive
from crossdock_cli.demo.world import GOODS, KITS, PLACES, components_of

#: Units of ordinary goods that lie around beyond what is ordered.
SPARE_UNITS = 5
TWICE_EVERY = 10


@dataclass(frozen=True, slots=True)
class Scenario:
    """`stock` is received before the first order; what the cases receive comes on top."""

    cases: tuple[Case, ...]
    stock: Mapping[str, int]

    @property
    def received(self) -> Counter[str]:
        """All units that arrive during the demo, by bare SKU."""
        total = Counter(self.stock)
        for case in self.cases:
            for step in case.steps:
                if isinstance(step, Receive):
                    total.update(step.units)
        return total


_ORDINARY_NAMES = ("MUG", "TEE", "LAMP", "CASE", "CABLE", "BUDS", *KITS)


def _ordinary(number: int, chance: random.Random, platform: str, *, from_one_place: bool) -> Case:
    names = chance.choices(_ORDINARY_NAMES, k=chance.choice((1, 1, 1, 2, 2, 3)))
    lines = tuple(Sold(name, chance.choice((1, 1, 1, 2, 3))) for name in names)
    if from_one_place:
        lines = tuple(line for line in lines if _warehouse(line) == _warehouse(lines[0]))
    copies = 2 if number % TWICE_EVERY == 0 else 1
    place = chance.choice(tuple(PLACES))
    told = Deliver("orders/create", copies=copies) if platform == SHOPIFY else Buy()
    return Case(number, place, lines, (told,), ships(lines), platform=platform)


def _warehouse(line: Sold) -> str:
    """Where all of it lies: kits are of things that lie together."""
    return GOODS[next(iter(components_of(line.name)))].warehouse


def make_scenario(
    orders: int,
    seed: int,
    platforms: Sequence[str] = (SHOPIFY,),
    *,
    silent: Collection[str] = (),
    issuing: Collection[str] = (),
) -> Scenario:
    """The same orders for the same seed and platforms, which take turns. The special cases come with every
    number of orders. At an `issuing` platform an order leaves from one warehouse: it has one label.
    """
    chance = random.Random(seed)  # noqa: S311  reproducible on purpose
    special = special_cases()
    for platform in platforms:
        if platform != SHOPIFY:
            special += special_at(
                platform, FIRST_NUMBER + len(special), silent=platform in silent, issuing=platform in issuing
            )
    first = FIRST_NUMBER + len(special)
    ordinary = [
        _ordinary(first + n, chance, platform, from_one_place=platform in issuing)
        for n in range(max(0, orders - len(special)))
        for platform in (platforms[n % len(platforms)],)
    ]
    ordinary = [unmailed(case) if case.platform in silent else case for case in ordinary]
    cases = (*special, *ordinary)
    stock: Counter[str] = Counter(dict.fromkeys(GOODS, SPARE_UNITS))
    for case in cases:
        stock.update(case.wanted)
    stock["RARE"] = RARE_UNITS  # nobody else wants it
    return Scenario(cases, stock)

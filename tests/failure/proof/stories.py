"""What buyers, shops and people do to each order: made from the seed alone, played by `traffic`."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from crossdock_cli.demo.cases import Case, Expected, Sold
from crossdock_cli.demo.world import KITS, PLACES, REFUSED_STREET


class Kind(StrEnum):
    ORDINARY = "ordinary"
    LAST_UNITS = "wants what few are left of"
    PAID_LATER = "unpaid, paid later"
    CANCELLED_BY_SHOP = "cancelled by the shop"
    CANCELLED_FIRST = "cancelled before it was created"
    CANCELLED_BY_PERSON = "cancelled by a person, twice with one key"
    MOVED = "another address from the shop"
    MOVED_BY_PERSON = "another address from a person"
    UPDATED_FIRST = "updated before it was created"
    OLDER_AFTER_NEWER = "an older body after a newer one"
    UNKNOWN_SKU = "an unknown SKU, made known later"
    HELD = "held by a person and released"
    REFUSED_STREET = "an address the carrier refuses, then repaired"
    FORGED = "signed with a wrong secret, or not at all"
    BROKEN = "not JSON, then as it should be"


#: How often each comes, in a hundred orders.
WEIGHTS: Final[Mapping[Kind, int]] = MappingProxyType(
    {
        Kind.ORDINARY: 42,
        Kind.LAST_UNITS: 8,
        Kind.PAID_LATER: 5,
        Kind.CANCELLED_BY_SHOP: 9,
        Kind.CANCELLED_FIRST: 2,
        Kind.CANCELLED_BY_PERSON: 7,
        Kind.MOVED: 5,
        Kind.MOVED_BY_PERSON: 3,
        Kind.UPDATED_FIRST: 4,
        Kind.OLDER_AFTER_NEWER: 3,
        Kind.UNKNOWN_SKU: 3,
        Kind.HELD: 3,
        Kind.REFUSED_STREET: 2,
        Kind.FORGED: 2,
        Kind.BROKEN: 2,
    }
)
#: Every tenth order comes twice, as Shopify's own duplicates do: the same webhook id.
TWICE_EVERY = 10
FIRST_NUMBER = 1
#: Steps that hit an order at any stage of its journey, which takes a few seconds when nothing is broken.
LONGEST_WAIT_S = 12.0

SCARCE: Final = "RARE"
_NAMES: Final = ("MUG", "TEE", "LAMP", "CASE", "CABLE", "BUDS", "VASE", "BOWL", *KITS)
#: Where the carrier's sandbox lets a purchase fail.
_REFUSED_PLACE: Final = "brasília"


@dataclass(frozen=True, slots=True)
class Story:
    """One order. `wait_s` lies before the steps after the first; `repeats`: how often those are said."""

    kind: Kind
    shop: int
    case: Case
    copies: int
    wait_s: tuple[float, float]
    repeats: int

    @property
    def number(self) -> int:
        return self.case.number


def make_story(seed: int, number: int, *, shops: int) -> Story:
    """The same story for the same seed and number."""
    chance = random.Random(f"story/{seed}/{number}")
    (kind,) = chance.choices(tuple(WEIGHTS), weights=tuple(WEIGHTS.values()))
    names = chance.choices(_NAMES, k=chance.choice((1, 1, 1, 2, 2, 3)))
    lines = tuple(Sold(name, chance.choice((1, 1, 1, 2, 3))) for name in names)
    place, street = chance.choice(tuple(PLACES)), None
    if kind is Kind.LAST_UNITS:
        lines = (Sold(SCARCE, chance.choice((1, 1, 2, 3))), *lines[:1])
    elif kind is Kind.REFUSED_STREET:
        lines, place, street = (Sold("TEE", 1),), _REFUSED_PLACE, REFUSED_STREET
    case = Case(
        number=number,
        place=place,
        lines=lines,
        steps=(),
        expected=Expected("", 0),  # who gets the last units is not known beforehand: the books are judged
        paid=kind is not Kind.PAID_LATER,
        street=street,
    )
    return Story(
        kind=kind,
        shop=chance.randrange(shops),
        case=case,
        copies=2 if number % TWICE_EVERY == 0 else 1,
        # Squared, so that most steps meet the order on its way.
        wait_s=(LONGEST_WAIT_S * chance.random() ** 2, LONGEST_WAIT_S * chance.random() ** 2),
        repeats=chance.choice((1, 1, 2)),
    )

"""What the stages' turns say: for the table, the report and the plot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from .contenders import PRODUCT, SHARED, Turn
from .figures import spread
from .floor.plan import TARGET
from .goals import STAGES
from .peers.plans import TARGETS

LETTERS = tuple(sorted({stage.letter for stage in STAGES}))
HEADS = ("", "stage", "orders/s", "Crossdock by it", "target", "CPU ms")

CAPTION = (
    "A reserved and planned, B labelled and handed over, C mailed twice and written back\n"
    "CPU per order: its own + that of PostgreSQL, Kafka and sandboxes"
)


def as_json(found: Mapping[str, Sequence[Turn]]) -> Mapping[str, Any]:
    """Contender -> its turns; and its ratios by stage."""
    return {
        "stages": {name: [asdict(turn) for turn in turns] for name, turns in found.items()},
        "stage_ratios": {
            name: {letter: [round(one, 3) for one in ratios(found, name, letter)] for letter in LETTERS}
            for name in found
            if name != PRODUCT
        },
    }


def ratios(found: Mapping[str, Sequence[Turn]], name: str, letter: str) -> list[float]:
    """Of each round: Crossdock's rate as a multiple of the contender's."""
    pairs = zip(found[PRODUCT], found[name], strict=True)
    return [ours.per_s(letter) / theirs.per_s(letter) for ours, theirs in pairs]


def plotted(found: Mapping[str, Sequence[Turn]]) -> Mapping[str, float]:
    """Stage and contender -> orders/s, the median."""
    return {
        f"{letter}, {name}": median(turn.per_s(letter) for turn in turns)
        for letter in LETTERS
        for name, turns in found.items()
    }


def rows(found: Mapping[str, Sequence[Turn]]) -> Iterator[tuple[str, ...]]:
    """Contender, stage, orders/s, Crossdock's multiple of it (both: median, least and most), target, CPU ms.

    CPU per order: of the contender's own processes, and of PostgreSQL, Kafka and the sandboxes together.
    """
    for name, turns in found.items():
        own, shared = (median(_cpu_ms(turn, of_shared) for turn in turns) for of_shared in (False, True))
        for letter in LETTERS:
            ours = name == PRODUCT
            yield (
                name if letter == LETTERS[0] else "",
                letter,
                spread([turn.per_s(letter) for turn in turns]),
                "" if ours else spread(ratios(found, name, letter), digits=2),
                "" if ours else f"{TARGETS.get(name, TARGET):g}",
                f"{own:.1f} + {shared:.1f}" if letter == LETTERS[-1] else "",
            )


def _cpu_ms(turn: Turn, of_shared: bool) -> float:
    return sum(s for name, s in turn.cpu_s.items() if (name in SHARED) == of_shared) / turn.orders * 1000

"""Orders of other shapes: all for one SKU beside as many for many SKUs, and orders of very many lines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .figures import spread
from .goals import RESERVED, SHIPPED
from .ground import NotAllTaken
from .orders import HOT, LONG, SKUS, SPREAD
from .part import Given, Report, as_table
from .pipeline import cpu_ms_per_order
from .plant import STANDSTILL_S, Passage, Plant

HOT_TARGET = 0.8
QUICK_PATIENCE_S = 15.0
SHAPES = {"hot": HOT, "spread": SPREAD, "long": LONG}
NAMES = {
    "hot": "one line, one SKU for all",
    "spread": f"one line, {SKUS} SKUs",
    "long": f"{len(LONG.wants[0][1])} lines",
}


async def measure_shapes(
    plant: Plant, *, rounds: int, orders: int, tell: Callable[[str], None]
) -> Mapping[str, Sequence[Passage]]:
    """Hot and spread -> a passage per round; they take turns at being first. Raises NotAllTaken."""
    found: dict[str, list[Passage]] = {}
    for number in range(rounds):
        for name in ("hot", "spread") if number % 2 else ("spread", "hot"):
            passage = await plant.pass_through(await plant.place(orders, SHAPES[name]))
            found.setdefault(name, []).append(passage)
            tell(f"round {number + 1} of {rounds}: {NAMES[name]}, stage A {passage.per_s(RESERVED):.0f}/s")
    return found


def ratios(found: Mapping[str, Sequence[Passage]]) -> list[float]:
    """Of each round: the hot SKU's rate as a part of the spread ones', to the end of stage A."""
    pairs = zip(found["hot"], found["spread"], strict=True)
    return [hot.per_s(RESERVED) / cold.per_s(RESERVED) for hot, cold in pairs]


async def shapes_part(given: Given) -> Report:
    options, plant = given.options, await given.plant()
    found = dict(await measure_shapes(plant, rounds=options.rounds, orders=options.orders, tell=given.tell))
    shown = [
        f"a hot SKU: {spread(ratios(found), digits=2)} of the spread ones' rate (stage A); "
        f"the target is {HOT_TARGET}"
    ]
    json: dict[str, Any] = {"hot_ratio": [round(one, 3) for one in ratios(found)]}
    try:
        placed = await plant.place(max(options.orders // 20, 5), LONG)
        patience_s = QUICK_PATIENCE_S if options.quick else STANDSTILL_S
        found["long"] = [await plant.pass_through(placed, patience_s=patience_s)]
    except NotAllTaken as error:  # a finding of its own; what was measured before stays
        shown.append(f"orders of {NAMES['long']}: {error}")
    rows = [
        (
            NAMES[name],
            str(passages[0].orders),
            spread([one.per_s(RESERVED) for one in passages]),
            spread([one.per_s(SHIPPED) for one in passages]),
            f"{cpu_ms_per_order(passages)['all']:.0f}",
        )
        for name, passages in found.items()
    ]
    heads = ("orders of", "orders", "A: reserved/s", "B: shipped/s", "CPU ms per order")
    return Report(
        shown=[as_table("Shapes of orders", heads, rows), *shown],
        json=json | {"shapes": {name: [asdict(one) for one in passages] for name, passages in found.items()}},
    )

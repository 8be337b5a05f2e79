"""Which warehouses fill an order's needs: the fewest that give all there is, by priority among equals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from uuid import UUID

#: Bounds of the search for the fewest. Beyond them every useful warehouse is used, in order of priority.
MOST_COMPARED = 10
LARGEST_GROUP = 3

#: (warehouse, sku) -> units that may be promised.
Available = Callable[[str, str], int]


@dataclass(frozen=True, slots=True)
class Need:
    """Units that a line still has to get."""

    line_id: UUID
    sku: str
    units: int


@dataclass(frozen=True, slots=True)
class Pick:
    line_id: UUID
    sku: str
    warehouse: str
    units: int


def plan(needs: Sequence[Need], available: Available, warehouses: Sequence[str]) -> list[Pick]:
    """Fill as many units of `needs` as there are. `warehouses` serve the destination, most preferred first.

    One warehouse that has everything wins over several. A line is split where no chosen one has all of it.
    """
    wanted: dict[str, int] = {}
    for need in needs:
        wanted[need.sku] = wanted.get(need.sku, 0) + need.units
    targets = {
        sku: target
        for sku, units in wanted.items()
        if (target := min(units, sum(available(one, sku) for one in warehouses))) > 0
    }
    if not targets:
        return []
    return _distribute(needs, available, _choose(targets, available, warehouses))


def _choose(targets: Mapping[str, int], available: Available, warehouses: Sequence[str]) -> Sequence[str]:
    useful = [one for one in warehouses if any(available(one, sku) > 0 for sku in targets)]
    for size in range(1, min(LARGEST_GROUP, len(useful)) + 1):
        for group in combinations(useful[:MOST_COMPARED], size):
            if all(sum(available(one, sku) for one in group) >= units for sku, units in targets.items()):
                return group
    return useful


def _distribute(needs: Sequence[Need], available: Available, chosen: Sequence[str]) -> list[Pick]:
    left: dict[tuple[str, str], int] = {}
    for need in needs:
        for one in chosen:
            left.setdefault((one, need.sku), available(one, need.sku))
    picks: list[Pick] = []
    for need in needs:
        missing = need.units
        whole = next((one for one in chosen if left[one, need.sku] >= missing), None)
        for one in (whole,) if whole is not None else chosen:
            units = min(missing, left[one, need.sku])
            if units > 0:
                picks.append(Pick(need.line_id, need.sku, one, units))
                left[one, need.sku] -= units
                missing -= units
    return picks

"""How many units a marketplace may sell of what it sells: a pure function of stock, SKU map and dials."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from order_service.domain.lines import Component


@dataclass(frozen=True, slots=True)
class Dials:
    """What an account's marketplace may sell of what there is. Applied in this order.

    `warehouses` that count (None: all); `stop_at`: with so many units or fewer nothing is offered; `buffer`
    units are kept back; `percent` of the rest is offered; never more than `most`.
    """

    warehouses: frozenset[str] | None = None
    stop_at: int = 0
    buffer: int = 0
    percent: int = 100
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What one unit is made of, and what there is of it.

    `known`: the components are active SKUs of ours. `levels`: SKU -> warehouse -> units available to promise,
    which are below zero where more is promised than there is; a SKU that no level was heard of is absent.
    """

    components: Sequence[Component]
    known: bool
    levels: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Offer:
    """Units to be told, None: nothing is told; and how it came to that, step by step."""

    units: int | None
    why: tuple[str, ...]


def offer(parts: Parts | None, dials: Dials) -> Offer:
    """`parts` None: neither in the SKU map nor a SKU of ours, so its number is not ours to tell."""
    if parts is None:
        return Offer(None, ("not a SKU of ours",))
    if not parts.known:
        return Offer(0, ("a SKU in it is unknown or not active",))
    silent = sorted({one.sku for one in parts.components} - parts.levels.keys())
    if silent:
        return Offer(None, (f"no level was heard of {', '.join(silent)}",))
    there = _buildable(parts, dials.warehouses)
    if there <= dials.stop_at:
        return Offer(0, (f"{there} available", f"stop at {dials.stop_at}"))
    units, why = there, [f"{there} available"]
    if dials.buffer:
        units = max(units - dials.buffer, 0)
        why.append(f"{units} after a buffer of {dials.buffer}")
    if dials.percent < 100:
        units = units * dials.percent // 100
        why.append(f"{units} at {dials.percent} percent")
    if dials.most is not None and units > dials.most:
        units = dials.most
        why.append(f"at most {dials.most}")
    return Offer(units, tuple(why))


def _buildable(parts: Parts, warehouses: frozenset[str] | None) -> int:
    """Units that can be made of the scarcest component. What one warehouse lacks, the others have to give."""
    needed: Counter[str] = Counter()
    for one in parts.components:
        needed[one.sku] += one.units
    return min(
        max(_available(parts.levels[sku], warehouses), 0) // per_unit for sku, per_unit in needed.items()
    )


def _available(levels: Mapping[str, int], warehouses: frozenset[str] | None) -> int:
    return sum(units for name, units in levels.items() if warehouses is None or name in warehouses)

"""What was bought and what lies in a parcel, in the words the buyer bought it with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the order. `kit` names the line the buyer knows; the line itself is one of its components.

    `units` are still wanted: of a cancelled order none, whatever was `ordered`.
    """

    line_id: UUID
    title: str
    units: int
    ordered: int
    kit: str | None = None
    units_per_kit: int = 1


@dataclass(frozen=True, slots=True)
class Goods:
    """One line of a message."""

    units: int
    title: str


def goods_of(lines: Sequence[Line], units: Mapping[UUID, int]) -> tuple[Goods, ...]:
    """`units` of the lines (by line id), kits as the buyer knows them: three kits of two are no six pieces.

    Of a kit whose components are not all there, as many as have any component there.
    """
    counted: dict[object, tuple[int, str]] = {}
    for line in lines:
        some = units.get(line.line_id, 0)
        if some <= 0:
            continue
        if line.kit is None:
            counted[line.line_id] = (some, line.title)
        else:
            kits = -(-some // line.units_per_kit)
            before, _ = counted.get(line.kit, (0, ""))
            counted[line.kit] = (max(before, kits), line.title)
    return tuple(Goods(units, title) for units, title in counted.values())


def wanted(lines: Iterable[Line]) -> Mapping[UUID, int]:
    """Everything that is still wanted."""
    return {line.line_id: line.units for line in lines}


def ordered(lines: Iterable[Line]) -> Mapping[UUID, int]:
    """Everything that ever was."""
    return {line.line_id: line.ordered for line in lines}

"""What a parcel is to the marketplace: units of its own lines, not of our SKUs."""

from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID

from order_service.domain.leg import Packed, Parcel
from order_service.domain.lines import Line
from order_service.domain.order import Order


def owed_units(order: Order, parcel_id: UUID) -> Mapping[str, int]:
    """Units by external line id that the marketplace has to be told of because of this parcel. Each parcel
    counts once.

    A unit of a kit is shipped when the last of its components is: a parcel with half a kit tells nothing, the
    one that completes it tells the whole.
    """
    parcel = order.process.parcels[parcel_id]
    if parcel.told:
        return {}
    told = [one for one in order.process.parcels.values() if one.told]
    before = units_in(order.lines, _contents(told))
    after = units_in(order.lines, _contents([*told, parcel]))
    parcel.told = True
    return {line: units - before[line] for line, units in after.items() if units > before[line]}


def _contents(parcels: Iterable[Parcel]) -> list[Packed]:
    return [packed for parcel in parcels for packed in parcel.contents]


def units_in(lines: Iterable[Line], contents: Iterable[Packed]) -> Counter[str]:
    """Whole units by external line id that are in there; half a kit is none."""
    shipped: Counter[UUID] = Counter()
    for packed in contents:
        shipped[packed.line_id] += packed.units
    kits: dict[str, list[int]] = {}
    for line in lines:
        kits.setdefault(line.external_line_ids[0], []).append(
            shipped[line.line_id] // (line.units_per_kit or 1)
        )
    return Counter({name: min(units) for name, units in kits.items()})

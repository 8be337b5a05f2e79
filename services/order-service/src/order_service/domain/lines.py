"""From the marketplace's lines to our SKUs: the SKU map, kits and the identity."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from order_service.domain.canonical import CanonicalLine
from order_service.domain.ids import derived_id
from order_service.domain.money import shares, unit_value


@dataclass(frozen=True, slots=True)
class Component:
    """`units` of our SKU go into one unit of what the marketplace sells."""

    sku: str
    units: int


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a marketplace's SKU is: one SKU of ours, or a kit. `kit`: the marketplace's name of the bundle."""

    components: tuple[Component, ...]

    @property
    def is_kit(self) -> bool:
        return len(self.components) > 1 or self.components[0].units > 1


@dataclass(frozen=True, slots=True)
class SkuFacts:
    """What we know of a SKU of ours from `sku.changed`."""

    sku: str
    active: bool
    hs_code: str | None
    origin_country: str | None
    customs_description: str | None

    @property
    def ready_for_customs(self) -> bool:
        return bool(self.hs_code and self.origin_country and self.customs_description)


@dataclass(frozen=True, slots=True)
class Line:
    """One SKU and a quantity. The platform took `units_cancelled` off, a cancel of ours `units_given_up`.

    The two may mean the same units: the platform hears of ours and says so later.
    """

    line_id: UUID
    external_line_ids: tuple[str, ...]
    external_sku: str | None
    sku: str | None
    title: str
    units_ordered: int
    units_cancelled: int
    total_minor: int
    unit_value: str
    units_given_up: int = 0
    kit_sku: str | None = None
    units_per_kit: int | None = None

    @property
    def units(self) -> int:
        """Still wanted."""
        return max(self.units_ordered - max(self.units_cancelled, self.units_given_up), 0)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What an expansion may look up: the account's SKU map, and our SKUs as far as they were asked for."""

    mapped: Mapping[str, Mapped]
    known: Mapping[str, SkuFacts]

    def resolve(self, external_sku: str | None) -> Mapped | None:
        """The map's entry, or the SKU itself where it is one of ours and active. None: unknown."""
        if external_sku is None:
            return None
        entry = self.mapped.get(external_sku)
        if entry is not None:
            usable = all(part.sku in self.known and self.known[part.sku].active for part in entry.components)
            return entry if usable else None
        facts = self.known.get(external_sku)
        return Mapped((Component(external_sku, 1),)) if facts is not None and facts.active else None


def expand(
    sold: Iterable[CanonicalLine],
    catalog: Catalog,
    *,
    currency: str,
    before: Sequence[Line] = (),
    order_id: UUID,
) -> tuple[Line, ...]:
    """The order's lines. A line that was resolved before keeps its SKUs and ids: later changes of the map are
    for later orders.

    The same SKU twice stays two lines. A kit's total is shared among its components by units, exactly.
    """
    earlier: dict[str, list[Line]] = {}
    for line in before:
        earlier.setdefault(line.external_line_ids[0], []).append(line)
    lines: list[Line] = []
    for one in sold:
        if not one.ships:
            continue
        old = earlier.get(one.external_line_id, [])
        lines += _expand_one(one, old, catalog, currency, order_id)
    return tuple(lines)


def _expand_one(
    sold: CanonicalLine, old: Sequence[Line], catalog: Catalog, currency: str, order_id: UUID
) -> list[Line]:
    settled = bool(old) and all(line.sku is not None and line.external_sku == sold.sku for line in old)
    parts: tuple[tuple[str | None, int], ...]
    if settled:
        parts = tuple((line.sku, line.units_per_kit or 1) for line in old)
        is_kit = old[0].kit_sku is not None
    else:
        mapped = catalog.resolve(sold.sku)
        parts = tuple((part.sku, part.units) for part in mapped.components) if mapped else ((None, 1),)
        is_kit = mapped is not None and mapped.is_kit
    totals = shares(sold.total, tuple(units for _, units in parts))
    lines = []
    for index, ((sku, per_kit), total) in enumerate(zip(parts, totals, strict=True)):
        ordered = sold.quantity * per_kit
        lines.append(
            Line(
                line_id=old[index].line_id
                if index < len(old)
                else derived_id(order_id, sold.external_line_id, index),
                external_line_ids=sold.external_line_ids,
                external_sku=sold.sku,
                sku=sku,
                title=sold.title,
                units_ordered=ordered,
                units_cancelled=min(sold.cancelled_quantity * per_kit, ordered),
                units_given_up=old[index].units_given_up if index < len(old) else 0,
                total_minor=total,
                unit_value=unit_value(total, ordered, currency),
                kit_sku=sold.sku if is_kit else None,
                units_per_kit=per_kit if is_kit else None,
            )
        )
    return lines


def keep_only(lines: Iterable[Line], kept: Mapping[UUID, int]) -> tuple[Line, ...]:
    """The lines after everything but `kept` (units by line id) was cancelled."""
    return tuple(
        replace(line, units_given_up=line.units_ordered - min(line.units, kept.get(line.line_id, 0)))
        for line in lines
    )

"""Weights, sizes and customs items of a leg, and what is missing before a carrier may be asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Final
from uuid import UUID

from shipping_service.domain.consignment import Box, CustomsItem
from shipping_service.domain.refusal import Remedy

#: One customs territory: goods between these countries need no declaration. Source: Regulation (EU) 952/2013,
#: article 4, without the special territories inside them; read 2026-11-21.
EU: Final = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)

#: Goods of one HS number worth more than this leave the US only with a filing of their own; to Canada none is
#: needed. Source: 15 CFR 30.36, 30.37(a).
EXPORT_FILING_USD: Final = Decimal(2500)


@dataclass(frozen=True, slots=True)
class SkuFacts:
    """One unit of a SKU as it was when the leg was planned. None: nobody had said it."""

    title: str
    weight_g: int | None = None
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    hs_code: str | None = None
    origin_country: str | None = None
    customs_description: str | None = None


@dataclass(frozen=True, slots=True)
class Packed:
    """Units of one allocation with what is known of them."""

    allocation_id: UUID
    sku: str
    units: int
    facts: SkuFacts
    unit_value: Decimal | None
    currency: str | None


_REMEDIES: Final = {
    "missing_address": Remedy.FIX_ADDRESS,
    "no_service_rule": Remedy.CHOOSE_ANOTHER_SERVICE,
}


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a label cannot be asked for: a code a person can act on, and the field it is about."""

    code: str
    field: str | None = None

    @property
    def remedy(self) -> Remedy:
        """In the words that a carrier's refusal is translated into."""
        return _REMEDIES.get(self.code, Remedy.FIX_CUSTOMS)


def crosses_border(origin: str, destination: str) -> bool:
    """Whether customs wants to hear of it; countries as ISO 3166-1 alpha-2."""
    return origin != destination and not (origin in EU and destination in EU)


def box_of(packed: Sequence[Packed], repaired: Box | None) -> Box | None:
    """Weight of all units, size where there is a single unit; None while a weight is missing.

    A weight a person gave counts instead, and a size they gave.
    """
    if repaired is not None:
        return repaired
    weights = [one.facts.weight_g for one in packed]
    if None in weights:
        return None
    total = sum(one.units * (one.facts.weight_g or 0) for one in packed)
    if len(packed) == 1 and packed[0].units == 1:
        facts = packed[0].facts
        return Box(total, facts.length_mm, facts.width_mm, facts.height_mm)
    return Box(total)


def value_of(packed: Sequence[Packed]) -> tuple[Decimal, str] | None:
    """Value of all units and its currency; None when it is not known or there are several currencies."""
    currencies = {one.currency for one in packed}
    values = [one.units * one.unit_value for one in packed if one.unit_value is not None]
    if len(currencies) != 1 or len(values) != len(packed):
        return None
    currency = currencies.pop()
    return None if currency is None else (sum(values, Decimal(0)), currency)


def missing(packed: Sequence[Packed], *, customs: bool, repaired: Box | None) -> Missing | None:
    """The first thing that is missing, weights before customs data; None when there is nothing."""
    for one in packed:
        if one.facts.weight_g is None and (repaired is None or customs):
            return Missing("missing_weight", f"items.{one.sku}.weight_g")
    if not customs:
        return None
    for one in packed:
        if one.facts.hs_code is None:
            return Missing("missing_hs_code", f"items.{one.sku}.hs_code")
        if one.facts.origin_country is None:
            return Missing("missing_origin", f"items.{one.sku}.origin_country")
        if one.unit_value is None or one.currency is None:
            return Missing("missing_value", f"items.{one.sku}.unit_value")
    return None


def customs_items(packed: Sequence[Packed], box: Box) -> tuple[CustomsItem, ...]:
    """What customs is told, one item per SKU and unit value. Call it when nothing is `missing`.

    Values of one unit keep at most two more digits than cents and are rounded up. The items' weights never
    add up to more than the box weighs: where a person weighed less than the SKUs say, they shrink in
    proportion, to one gram at least.
    """
    net = sum(one.units * (one.facts.weight_g or 0) for one in packed)
    grouped: dict[tuple[str, Decimal, str], int] = {}
    facts: dict[str, SkuFacts] = {}
    for one in packed:
        value = (one.unit_value or Decimal(0)).quantize(Decimal("0.0001"), ROUND_UP)
        key = (one.sku, value, one.currency or "")
        grouped[key] = grouped.get(key, 0) + one.units
        facts[one.sku] = one.facts
    return tuple(
        CustomsItem(
            sku=sku,
            description=facts[sku].customs_description or facts[sku].title,
            units=units,
            unit_value=value,
            currency=currency,
            unit_weight_g=_unit_weight(facts[sku].weight_g or 0, net, box.weight_g),
            hs_code=facts[sku].hs_code or "",
            origin_country=facts[sku].origin_country or "",
        )
        for (sku, value, currency), units in grouped.items()
    )


def needs_export_filing(origin: str, destination: str, items: Sequence[CustomsItem]) -> bool:
    """Whether goods leave the US only with a filing of their own. Only values in dollars are compared."""
    if origin != "US" or destination == "CA":
        return False
    worth: dict[str, Decimal] = {}
    for item in items:
        if item.currency == "USD":
            worth[item.hs_code] = worth.get(item.hs_code, Decimal(0)) + item.unit_value * item.units
    return any(value > EXPORT_FILING_USD for value in worth.values())


def _unit_weight(weight_g: int, net_g: int, gross_g: int) -> int:
    return weight_g if net_g <= gross_g else max(1, weight_g * gross_g // net_g)

"""Amounts as integers in the currency's minor unit (ISO 4217)."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

#: ISO 4217 currencies whose exponent is not 2 (list one, read 2026-11-20).
EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"), 0
    ),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


#: Larger than any order's total in any currency, and safe in every 64-bit integer.
LARGEST = Decimal(10) ** 15


def exponent(currency: str) -> int:
    return EXPONENTS.get(currency, 2)


def to_minor(amount: str, currency: str) -> int:
    """A decimal string in major units as minor units, half up. Raises ValueError for no finite decimal."""
    try:
        scaled = Decimal(amount).scaleb(exponent(currency))
        if abs(scaled) < LARGEST:
            return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    except (InvalidOperation, ValueError):
        pass
    raise ValueError("not a decimal amount")


def sum_to_minor(amounts: Iterable[str], currency: str) -> int:
    """Raises ValueError as `to_minor` does."""
    return sum(to_minor(one, currency) for one in amounts)


def unit_value(total_minor: int, units: int, currency: str) -> str:
    """One unit's value in major units: a decimal string with up to four places more than the currency."""
    places = exponent(currency)
    value = Decimal(total_minor).scaleb(-places) / max(units, 1)
    fine = value.quantize(Decimal(1).scaleb(-places - 4), rounding=ROUND_HALF_UP)
    coarse = fine.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return f"{coarse if coarse == fine else fine:f}"


def shares(total: int, weights: tuple[int, ...]) -> tuple[int, ...]:
    """`total` split by `weights`: the parts add up to it exactly, the first ones take the remainder."""
    whole = sum(weights)
    if whole == 0:
        return (total, *(0 for _ in weights[1:])) if weights else ()
    parts = [total * weight // whole for weight in weights]
    for index in range(total - sum(parts)):
        parts[index % len(parts)] += 1
    return tuple(parts)

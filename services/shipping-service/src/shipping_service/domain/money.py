"""Amounts in minor units, whose exponent goes with them."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Final

FINEST_EXPONENT: Final = 4

#: Currencies whose minor unit is not a hundredth. Source: ISO 4217 list one, read 2026-11-20.
EXPONENTS: Final[Mapping[str, int]] = MappingProxyType(
    dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
    | dict.fromkeys(
        (
            *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV"),
            *("XAF", "XOF", "XPF"),
        ),
        0,
    )
)


def minor_unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-EXPONENTS.get(currency, 2))


def to_minor(amount: Decimal, currency: str) -> tuple[int, int]:
    """Minor units and their exponent: as fine as the currency, or as the amount down to 1/10,000."""
    decimals = -int(amount.normalize().as_tuple().exponent)
    exponent = min(max(EXPONENTS.get(currency, 2), decimals), FINEST_EXPONENT)
    return int(amount.scaleb(exponent).to_integral_value(ROUND_HALF_UP)), exponent

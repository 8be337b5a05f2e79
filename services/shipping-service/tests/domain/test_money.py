from decimal import Decimal

import pytest

from shipping_service.domain.money import to_minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor", "exponent"),
    [
        ("34.15", "USD", 3415, 2),
        ("34.15000", "USD", 3415, 2),
        ("0", "EUR", 0, 2),
        ("100", "EUR", 10_000, 2),
        ("1200", "JPY", 1200, 0),
        ("1200.50", "JPY", 12005, 1),
        ("1.5", "KWD", 1500, 3),
        ("17.255", "USD", 17255, 3),
        ("0.123456", "USD", 1235, 4),
    ],
)
def test_amounts_become_minor_units_without_losing_any(
    amount: str, currency: str, minor: int, exponent: int
) -> None:
    assert to_minor(Decimal(amount), currency) == (minor, exponent)

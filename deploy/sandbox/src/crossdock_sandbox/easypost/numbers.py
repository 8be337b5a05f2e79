"""Tracking numbers with the check digits that each carrier's own have."""

S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def tracking_number(carrier: str, from_country: str, to_country: str, serial: int) -> str:
    """A number in the carrier's form; `serial` has up to eight digits and is used once."""
    if carrier == "USPS" and from_country != to_country:
        return s10("LZ", serial, "US")
    if carrier == "USPS":
        return _with_mod10(f"9405500208303{serial:08d}")
    if carrier == "DHLExpress":
        return f"{100_000_000 + serial}{(100_000_000 + serial) % 7}"
    if carrier == "FedEx":
        return _fedex(f"789{serial:08d}")
    return f"GM{serial:018d}"


def s10(service: str, serial: int, country: str) -> str:
    """A UPU S10 number: two letters, eight digits, check digit, country."""
    digits = f"{serial:08d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, S10_WEIGHTS, strict=True))
    check = 11 - total % 11
    return f"{service}{digits}{ {10: 0, 11: 5}.get(check, check) }{country}"


def _with_mod10(digits: str) -> str:
    total = sum(
        int(digit) * (3 if position % 2 == 0 else 1) for position, digit in enumerate(reversed(digits))
    )
    return f"{digits}{(10 - total % 10) % 10}"


def _fedex(digits: str) -> str:
    """Twelve digits: weights 1, 3, 7 from the right over eleven, modulo 11, ten counts as zero."""
    total = sum(int(digit) * (1, 3, 7)[position % 3] for position, digit in enumerate(reversed(digits)))
    return f"{digits}{total % 11 % 10}"

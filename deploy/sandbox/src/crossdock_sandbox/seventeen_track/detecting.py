"""Whose number is this? A few carriers by the form of their numbers; check digits are checked where known.

Keys: 17TRACK's list of carriers, as several public integrations use it, read 2026-11-22. S10: UPU S10-12.
"""

import re

CHINA_POST, USPS, DHL, UPS, FEDEX = 3011, 21051, 100001, 100002, 100003
NAMES = {CHINA_POST: "China Post", USPS: "USPS", DHL: "DHL", UPS: "UPS", FEDEX: "FedEx"}

_S10 = re.compile(r"[A-Z]{2}(\d{8})(\d)([A-Z]{2})")
_POSTS = {"CN": CHINA_POST, "US": USPS}
_FORMS = (
    (re.compile(r"1Z[0-9A-Z]{16}"), UPS),
    (re.compile(r"9[1-5]\d{18,20}"), USPS),
    (re.compile(r"\d{10}"), DHL),
    (re.compile(r"\d{12}"), FEDEX),
)
_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def detected(number: str) -> int | None:
    s10 = _S10.fullmatch(number)
    if s10 is not None:
        serial, check, country = s10.groups()
        return _POSTS.get(country) if int(check) == _check_digit(serial) else None
    return next((key for form, key in _FORMS if form.fullmatch(number)), None)


def _check_digit(serial: str) -> int:
    rest = 11 - sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, serial, strict=True)) % 11
    return {10: 0, 11: 5}.get(rest, rest)

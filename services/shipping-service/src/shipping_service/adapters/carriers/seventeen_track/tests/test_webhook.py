"""Did 17TRACK send this? SHA-256 over the raw body, a slash and the account's key."""

import pytest

from shipping_service.adapters.carriers.seventeen_track.tracking import verify
from shipping_service.use_cases.tracking_port import NotAuthentic

KEY = "0123456789ABCDEF0123456789ABCDEF"
BODY = b'{"event":"TRACKING_UPDATED","data":{"number":"RR123456785CN"}}'
#: Computed with `printf '%s/%s' "$BODY" "$KEY" | sha256sum`, by 17TRACK's description.
SIGN = "1d854e200453cd8b97971f9cd398099f0498e0a6528b106a1b8d1d345a7c2968"


@pytest.mark.parametrize("header", ["sign", "Sign", "SIGN"])
def test_a_signed_push_is_authentic_with_any_of_the_keys(header: str) -> None:
    assert verify({header: SIGN}, BODY, ["newer", KEY]).payload == BODY


@pytest.mark.parametrize(
    ("headers", "body", "keys"),
    [
        ({}, BODY, [KEY]),
        ({"sign": ""}, BODY, [KEY]),
        ({"sign": SIGN.upper()}, BODY, [KEY]),
        ({"sign": "\u00e9" + SIGN}, BODY, [KEY]),
        ({"sign": SIGN}, BODY + b" ", [KEY]),
        ({"sign": SIGN}, BODY, ["another"]),
        ({"sign": SIGN}, BODY, []),
    ],
)
def test_anything_else_is_not_authentic(headers: dict[str, str], body: bytes, keys: list[str]) -> None:
    with pytest.raises(NotAuthentic):
        verify(headers, body, keys)


def test_a_repeat_is_known_by_its_bytes() -> None:
    first, again = (verify({"sign": SIGN}, BODY, keys) for keys in ([KEY], ["newer", KEY]))

    assert first.dedupe_key == again.dedupe_key
    assert first.dedupe_key != SIGN

"""EasyPost's signature under a delivery."""

import pytest

from shipping_service.adapters.carriers.easypost.webhook import is_genuine

SECRET = "s\u00e9cret"
BODY = b'{"object":"Event","description":"tracker.updated"}'
SIGNATURE = "hmac-sha256-hex=a0f91ecff08bb5f5d6efa488593ddf38ca5157d58a591feff9fb2845789319b6"


@pytest.mark.parametrize("secret", [SECRET, "se\u0301cret"], ids=["composed", "decomposed"])
def test_a_genuine_delivery_is_known_however_the_secret_is_composed(secret: str) -> None:
    assert is_genuine(secret, SIGNATURE, BODY)


@pytest.mark.parametrize(
    ("secret", "signature", "body"),
    [
        (SECRET, SIGNATURE, BODY + b"\n"),
        (SECRET, SIGNATURE, BODY.replace(b":", b": ")),
        ("secret", SIGNATURE, BODY),
        (SECRET, SIGNATURE.removeprefix("hmac-sha256-hex="), BODY),
        (SECRET, SIGNATURE[:-1] + "7", BODY),
        (SECRET, "hmac-sha256-hex=ü", BODY),
        (SECRET, "", BODY),
        (SECRET, None, BODY),
    ],
)
def test_anything_else_is_not_genuine(secret: str, signature: str | None, body: bytes) -> None:
    assert not is_genuine(secret, signature, body)

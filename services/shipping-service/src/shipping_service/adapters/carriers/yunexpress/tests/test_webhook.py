"""What proves a push, and what is inside: vectors of the published recipe, then all that must not pass."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from shipping_service.adapters.carriers.yunexpress.webhook import decrypted, signature, verify
from shipping_service.use_cases.tracking_port import NotAuthentic

TIMESTAMP = "1718000000000"
KEY = "encKey0123456789"
BODY = b'{"data":{"waybill_number":"YT2616200000000001"},"data_code":"tisPushData"}'
SIGNATURE = "5350bf9ee133e29951eb914e5ff13869c74a95a1388673f7d0a340b64da893ae"
AES_KEY = bytes.fromhex("f2a4bd4689704fd39a327c37ed16b679a974cc274bc22f22607024608ab30cff")
HEADERS = {"X-Openapi-Request-Timestamp": TIMESTAMP, "X-Openapi-Signature": SIGNATURE}


def sealed(plain: bytes, iv: bytes = b"0123456789abcdef") -> bytes:
    """With the AES key of the vector, not with one that our own code makes."""
    padder, cipher = PKCS7(128).padder(), Cipher(AES256(AES_KEY), CBC(iv)).encryptor()
    text = iv + cipher.update(padder.update(plain) + padder.finalize()) + cipher.finalize()
    return b'{"encrypt":"' + base64.b64encode(text) + b'"}'


def signed(body: bytes) -> dict[str, str]:
    return {"x-timestamp": TIMESTAMP, "x-sign": signature(TIMESTAMP, KEY, body)}


def test_the_signature_is_time_key_and_body_one_after_the_other() -> None:
    assert signature(TIMESTAMP, KEY, BODY) == SIGNATURE


def test_a_signed_body_is_proven_and_answered() -> None:
    delivery = verify(HEADERS, BODY, [KEY])

    assert delivery.payload == BODY
    assert (delivery.ack.status, delivery.ack.body) == (200, b'{"status":"ok"}')


def test_headers_are_known_by_their_form_whatever_they_are_called() -> None:
    others = {"content-length": "74", "x-request-id": hashlib.sha256(b"other").hexdigest()}

    assert verify(others | {"a": TIMESTAMP, "b": SIGNATURE}, BODY, [KEY]).payload == BODY


def test_the_key_before_the_newest_still_counts() -> None:
    assert verify(HEADERS, BODY, ["a-newer-key", KEY]).payload == BODY


@pytest.mark.parametrize(
    ("headers", "body", "key"),
    [
        (HEADERS, BODY + b" ", KEY),
        (HEADERS, BODY, "another"),
        (HEADERS | {"X-Openapi-Request-Timestamp": "1718000000001"}, BODY, KEY),
        (HEADERS | {"X-Openapi-Signature": "0" * 64}, BODY, KEY),
        ({"X-Openapi-Signature": SIGNATURE}, BODY, KEY),
        ({"X-Openapi-Request-Timestamp": TIMESTAMP}, BODY, KEY),
        ({}, BODY, KEY),
    ],
)
def test_what_is_not_signed_by_the_account_is_turned_away(
    headers: dict[str, str], body: bytes, key: str
) -> None:
    with pytest.raises(NotAuthentic):
        verify(headers, body, [key])


def test_nothing_is_authentic_without_a_key() -> None:
    with pytest.raises(NotAuthentic):
        verify(HEADERS, BODY, [])


def test_a_header_full_of_signatures_is_not_worked_through() -> None:
    many = {f"x-{n}": f"{n:064x}" for n in range(50)}

    with pytest.raises(NotAuthentic):
        verify(many | HEADERS, BODY, [KEY])


def test_an_encrypted_body_is_opened_after_it_is_proven() -> None:
    body = sealed(BODY)

    assert verify(signed(body), body, [KEY]).payload == BODY


def test_a_repeat_that_is_encrypted_anew_is_the_same_delivery() -> None:
    first, again = sealed(BODY), sealed(BODY, b"fedcba9876543210")

    keys = {verify(signed(one), one, [KEY]).dedupe_key for one in (first, again)}

    assert len(keys) == 1


@pytest.mark.parametrize(
    "body",
    [b'{"encrypt":"AAAA"}', b'{"encrypt":""}', b'{"encrypt":7}', b'{"encrypt":"!"}', b"[]", b"", b"[" * 9999],
)
def test_what_does_not_open_is_kept_as_it_came(body: bytes) -> None:
    assert decrypted(body, KEY) == body

"""Did YunExpress push this, and what does it say? SHA-256 over time, key and body; AES-256-CBC inside.

Source: ns-tracking-go (its API document and verifier), one integration that runs, read 2026-11-22. The names
of the two headers are not confirmed, so they are known by their form: milliseconds since 1970, and 64 hex
digits. The signature covers a time, and how old it may be cannot be told without a clock: what was stored
before is not stored again.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from shipping_service.use_cases.tracking_port import Ack, Delivery, NotAuthentic

_BLOCK: Final = 16
_MOST_CANDIDATES: Final = 4
_TIME: Final = re.compile(r"\d{13}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}")

#: As that integration answers, which is all that is known.
ACK: Final = Ack(body=b'{"status":"ok"}', media_type="application/json")


def signature(timestamp: str, key: str, body: bytes) -> str:
    """Plain concatenation under SHA-256, as lower-case hex: no HMAC."""
    return hashlib.sha256(timestamp.encode() + key.encode() + body).hexdigest()


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Delivery:
    """See `tracking_port.Webhook`. A repeat may be encrypted anew, so the decrypted body is the key to it."""
    values = [value.strip() for value in headers.values()]
    times = [one for one in values if _TIME.fullmatch(one)][:_MOST_CANDIDATES]
    given = [one for one in values if _SIGNATURE.fullmatch(one)][:_MOST_CANDIDATES]
    # Each is tried, so that the time taken does not tell which one fits.
    fitting = [
        secret
        for timestamp, said, secret in product(times, given, secrets)
        if hmac.compare_digest(signature(timestamp, secret, body), said)
    ]
    if not fitting:
        raise NotAuthentic
    payload = decrypted(body, fitting[0])
    return Delivery(hashlib.sha256(payload).hexdigest(), payload, ACK)


def decrypted(body: bytes, key: str) -> bytes:
    """The body inside `encrypt`; a body without it, or one that does not open, as it came."""
    try:
        told = json.loads(body)
        sealed = base64.b64decode(told["encrypt"], validate=True)
        return _opened(sealed, hashlib.sha256(key.encode()).digest())
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return body


def _opened(sealed: bytes, key: bytes) -> bytes:
    """Its first block is the IV. Raises ValueError."""
    decryptor = Cipher(AES256(key), CBC(sealed[:_BLOCK])).decryptor()
    padded = decryptor.update(sealed[_BLOCK:]) + decryptor.finalize()
    unpadder = PKCS7(8 * _BLOCK).unpadder()
    return unpadder.update(padded) + unpadder.finalize()

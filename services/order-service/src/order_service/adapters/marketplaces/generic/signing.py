"""Standard Webhooks signatures, as they come to us and as we send them.

Source: standardwebhooks.com and github.com/standard-webhooks/standard-webhooks, read 2026-11-22: HMAC-SHA256
over `id.timestamp.body` in base64 behind `v1,`, several separated by spaces while secrets are rotated. A
secret is base64 behind `whsec_`; any other text is taken as it is.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

#: How far the clocks may be apart, and how long a delivery may be on its way.
WINDOW_S: Final = 300
_PREFIX: Final = "whsec_"
#: More than two secrets on either side never are in use at once.
_MOST_SIGNATURES: Final = 8


def sign(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`, one signature for each secret. Raises ValueError for a bad secret."""
    given = (_digest(secret, message_id, str(timestamp), body) for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(one).decode()}" for one in given)


def is_signed(
    secrets: Sequence[str], message_id: str, timestamp: str, signatures: str, body: bytes, *, now: float
) -> bool:
    """Whether one of the signatures is by one of the secrets, and of these minutes. In constant time."""
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return False
    if abs(now - int(timestamp)) > WINDOW_S:
        return False
    given = [_decoded(one) for one in signatures.split(" ")[:_MOST_SIGNATURES]]
    genuine = False
    for secret in secrets:
        try:
            expected = _digest(secret, message_id, timestamp, body)
        except ValueError:
            continue
        for one in given:
            genuine |= hmac.compare_digest(expected, one)
    return genuine


def _digest(secret: str, message_id: str, timestamp: str, body: bytes) -> bytes:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return hmac.new(_key(secret), signed, hashlib.sha256).digest()


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    encoded = secret.removeprefix(_PREFIX)
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("the secret behind whsec_ is not base64") from error


def _decoded(signature: str) -> bytes:
    version, _, encoded = signature.partition(",")
    try:
        return base64.b64decode(encoded, validate=True) if version == "v1" else b""
    except (binascii.Error, ValueError):
        return b""

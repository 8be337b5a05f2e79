"""Standard Webhooks, from the shop's side.

Source: standardwebhooks.com, read 2026-11-22.
"""

import base64
import hashlib
import hmac
import time

WINDOW_S = 300


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def mistake(secret: str, headers: dict[str, str], body: bytes) -> str | None:
    """What is wrong with a call's signature; None: nothing."""
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > WINDOW_S:
        return "bad_timestamp"
    expected = sign(secret, headers.get("webhook-id", ""), int(timestamp), body)
    given = headers.get("webhook-signature", "").split(" ")
    return None if any(hmac.compare_digest(one, expected) for one in given) else "bad_signature"

"""Did EasyPost send this? HMAC-SHA256 over the raw body with the webhook's secret.

Source: EasyPost/easypost-python, `easypost/util.py`, read 2026-11-21. The signature covers no time, so there
is no time window: the id of the event keeps repeats out.
"""

import hashlib
import hmac
import unicodedata


def is_genuine(secret: str, signature: str | None, body: bytes) -> bool:
    """`signature` is the header `X-Hmac-Signature` as it came, `body` the bytes before any parsing."""
    key = unicodedata.normalize("NFKD", secret).encode()
    expected = "hmac-sha256-hex=" + hmac.new(key, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), (signature or "").encode())

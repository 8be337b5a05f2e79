"""How calls to YunExpress's open API are signed.

Source: evan-lc/yunexpress-sdk, `src/auth/signing`, and two more public integrations that agree with it, read
2026-11-22.
"""

import base64
import hashlib
import hmac


def sign(secret: str, date_ms: int, method: str, path: str, body: bytes) -> str:
    """Of exactly the bytes that go out. `path` is without its query; without a body the body is left out."""
    rest = f"date={date_ms}&method={method}&uri={path}".encode()
    said = b"body=" + body + b"&" + rest if body else rest
    return base64.b64encode(hmac.new(secret.encode(), said, hashlib.sha256).digest()).decode()

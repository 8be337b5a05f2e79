"""How calls to Yanwen's order API are signed.

MD5 with the secret on both ends is what Yanwen asks for; that nobody reads the signed text on the way is up
to TLS.

Source: Yanwen's open documentation (opendocs.yw56.com.cn) and zengweigg/yw56, `yw56.go`, read 2026-11-22.
"""

import hashlib

FORMAT = "json"
VERSION = "V1.0"


def sign(api_token: str, user_id: str, method: str, timestamp_ms: int, body: bytes) -> str:
    """Lower-case hex, of exactly the bytes that go out."""
    before = f"{api_token}{user_id}".encode()
    after = f"{FORMAT}{method}{timestamp_ms}{VERSION}{api_token}".encode()
    return hashlib.md5(before + body + after).hexdigest()  # noqa: S324 - theirs to choose

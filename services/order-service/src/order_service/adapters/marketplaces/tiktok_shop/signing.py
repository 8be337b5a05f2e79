"""How calls are signed: lower hex HMAC-SHA256 over path, query and body between two app secrets.

Source: the fact sheet's section on authentication (EcomPHP/tiktokshop-php `src/Client.php`), read 2026-11-22.
"""

import hashlib
import hmac
from collections.abc import Mapping

UNSIGNED = frozenset({"sign", "access_token"})


def sign(app_secret: str, path: str, query: Mapping[str, str], body: bytes) -> str:
    """`query` as it is before it is encoded; what may not be signed is left out."""
    parts = "".join(name + query[name] for name in sorted(query.keys() - UNSIGNED))
    given = (app_secret + path + parts).encode() + body + app_secret.encode()
    return hmac.new(app_secret.encode(), given, hashlib.sha256).hexdigest()

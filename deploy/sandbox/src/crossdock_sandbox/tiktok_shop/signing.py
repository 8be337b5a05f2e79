"""Both signatures of TikTok Shop: of notices and of calls.

Source: the marketplace fact sheet on TikTok Shop (EcomPHP/tiktokshop-php `src/Webhook.php` and
`src/Client.php`).
"""

import hashlib
import hmac
from collections.abc import Mapping


def sign_notice(app_key: str, app_secret: str, body: bytes) -> str:
    return hmac.new(app_secret.encode(), app_key.encode() + body, hashlib.sha256).hexdigest()


def sign_call(app_secret: str, path: str, query: Mapping[str, str], body: bytes) -> str:
    named = sorted((name, value) for name, value in query.items() if name not in {"sign", "access_token"})
    text = path + "".join(name + value for name, value in named)
    message = app_secret.encode() + text.encode() + body + app_secret.encode()
    return hmac.new(app_secret.encode(), message, hashlib.sha256).hexdigest()

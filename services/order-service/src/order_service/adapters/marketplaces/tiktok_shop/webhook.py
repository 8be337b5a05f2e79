"""Is this notice from this shop? HMAC-SHA256 over app key and raw body with the app secret, in hex.

Source: the fact sheet's section on the webhook signature (EcomPHP/tiktokshop-php `src/Webhook.php`), read
2026-11-22. The signature covers the body's own `timestamp`, and TikTok repeats a notice for some hours only:
what is older was recorded by somebody.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping

from pydantic import ValidationError

from order_service.adapters.marketplaces.tiktok_shop import wire
from order_service.use_cases.marketplace import Delivery, NotAuthentic
from order_service.use_cases.ports import Account


def verify(
    account: Account,
    headers: Mapping[str, str],
    body: bytes,
    *,
    oldest_s: float,
    now: Callable[[], float] = time.time,
) -> Delivery:
    """The envelope of a genuine notice; `headers` in lower case. Raises NotAuthentic, and says no more.

    `oldest_s`: how long after it was written a notice may still come.
    """
    given = headers.get("authorization", "").encode()
    app_key = account.options.get("app_key", "").encode()
    genuine = False
    for secret in account.secrets.webhook:
        expected = hmac.new(secret.encode(), app_key + body, hashlib.sha256).hexdigest().encode()
        genuine |= hmac.compare_digest(expected, given)
    if not (genuine and account.active):
        raise NotAuthentic
    try:
        notice = wire.Notice.model_validate_json(body)
    except ValidationError:
        raise NotAuthentic from None
    if notice.shop_id != account.shop_ref or notice.timestamp < now() - oldest_s:
        raise NotAuthentic
    return Delivery(dedupe_key=notice.tts_notification_id, topic=str(notice.type), headers={})

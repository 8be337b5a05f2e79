"""Is this push from Shopee, and for this shop? HMAC-SHA256 over callback URL, vertical bar, raw body, in hex.

Source: minchao/shopee-php `src/SignatureValidator.php` and the fact sheet's section on pushes, read
2026-11-22. The URL is what was typed into Shopee's console, not what a proxy lets us see, so the account has
to say it. The guide signs with the partner key, newer consoles with a push key of its own: both are tried.
The time is signed, but retries carry the old one for hours, and a repeated push only makes us fetch an order
once more: there is no time window.
"""

import hashlib
import hmac
from collections.abc import Mapping

from pydantic import ValidationError

from order_service.adapters.marketplaces.shopee import codes, wire
from order_service.use_cases.marketplace import Delivery, NotAuthentic
from order_service.use_cases.ports import Account

TOPIC = "push."


def verify(account: Account, headers: Mapping[str, str], body: bytes) -> Delivery | None:
    """The envelope of a genuine push; `headers` in lower case. Raises NotAuthentic, and says no more.

    None: a genuine push that names no shop, such as the one of the console's "Verify" button. It only wants
    to be answered. One that cannot be read is kept, for a person to see.
    """
    signed = account.options.get("callback_url", "").encode() + b"|" + body
    given = headers.get("authorization", "").encode()
    genuine = False
    for key in (*account.secrets.webhook, account.secrets.named.get("partner_key", "")):
        expected = hmac.new(key.encode(), signed, hashlib.sha256).hexdigest().encode()
        genuine |= bool(key) and hmac.compare_digest(expected, given)
    if not (genuine and account.active):
        raise NotAuthentic
    try:
        push = wire.Push.model_validate_json(body)
    except ValidationError:
        return Delivery(dedupe_key=_by_bytes(body), topic=f"{TOPIC}unreadable", headers={})
    if push.shop is None:
        return None
    if str(push.shop) != account.shop_ref:
        raise NotAuthentic
    return Delivery(dedupe_key=_key(push, body), topic=f"{TOPIC}{push.code}", headers={})


def _key(push: wire.Push, body: bytes) -> str:
    """Pushes have no id: one of an order is known by what it says, any other by its bytes."""
    said = push.data
    if push.code == codes.ORDER_STATUS and said.number and said.status and said.update_time:
        return f"{push.shop}:{said.number}:{said.status}:{said.update_time}"[:200]
    return _by_bytes(body)


def _by_bytes(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"

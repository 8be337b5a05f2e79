"""Is this delivery from this shop? HMAC-SHA256 over the raw body with the app's client secret, in base64.

Source: shopify.dev, "Verify webhook deliveries", read 2026-11-21. For about an hour after a rotation
deliveries may still be signed with the old secret, so an account holds up to two. The signature covers no
time, so there is no time window: the id of the delivery keeps repeats out.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from order_service.use_cases.marketplace import Delivery, NotAuthentic
from order_service.use_cases.ports import Account

#: Kept with the raw message. The signature is not: with the body it would help to guess the secret.
_KEPT: Final = (
    "x-shopify-topic",
    "x-shopify-shop-domain",
    "x-shopify-api-version",
    "x-shopify-webhook-id",
    "x-shopify-event-id",
    "x-shopify-triggered-at",
    "x-shopify-sub-topic",
)
_LONGEST: Final = 255


def verify(account: Account, headers: Mapping[str, str], body: bytes) -> Delivery:
    """The envelope of a genuine delivery; `headers` in lower case. Raises NotAuthentic, and says no more."""
    try:
        given = base64.b64decode(headers.get("x-shopify-hmac-sha256", ""), validate=True)
    except (binascii.Error, ValueError):
        given = b""
    genuine = False
    for secret in account.secrets.webhook:
        expected = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        genuine |= hmac.compare_digest(expected, given)
    shop = headers.get("x-shopify-shop-domain", "").strip().lower()
    same_shop = hmac.compare_digest(shop.encode(), account.shop_ref.lower().encode())
    if not (genuine and same_shop and account.active):
        raise NotAuthentic
    kept = {name: headers[name][:_LONGEST] for name in _KEPT if name in headers}
    # A delivery without an id is told from others by what it says.
    dedupe_key = kept.get("x-shopify-webhook-id") or f"sha256:{hashlib.sha256(body).hexdigest()}"
    return Delivery(dedupe_key=dedupe_key, topic=kept.get("x-shopify-topic", ""), headers=kept)

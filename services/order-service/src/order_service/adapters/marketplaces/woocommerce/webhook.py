"""Is this delivery from this shop? HMAC-SHA256 over the raw body with the webhook's secret, in base64.

Source: woocommerce/woocommerce `plugins/woocommerce/includes/class-wc-webhook.php` (deliver, deliver_ping,
generate_signature, get_new_delivery_id), read 2026-11-22. The signature covers no time, so there is no time
window. `X-WC-Webhook-Delivery-ID` is a hash of the webhook's id and the second: two orders of one second
share it, and no two attempts do, so what a delivery says is what it is known by.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

from order_service.use_cases.marketplace import Delivery, NotAuthentic
from order_service.use_cases.ports import Account

#: Kept with the raw message. The signature is not: with the body it would help to guess the secret.
_KEPT: Final = (
    "x-wc-webhook-source",
    "x-wc-webhook-topic",
    "x-wc-webhook-resource",
    "x-wc-webhook-event",
    "x-wc-webhook-id",
    "x-wc-webhook-delivery-id",
)
_LONGEST: Final = 255
_PING: Final = re.compile(rb"webhook_id=\d{1,19}")
#: What WordPress decodes in a stored secret before it signs (`wp_specialchars_decode`, ENT_QUOTES).
_ENTITIES: Final = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#039;": "'"}
_ENTITY: Final = re.compile("|".join(_ENTITIES))


def verify(account: Account, headers: Mapping[str, str], body: bytes) -> Delivery | None:
    """The envelope of a genuine delivery; `headers` in lower case. Raises NotAuthentic, and says no more.

    None: the ping that WooCommerce sends, unsigned, when a webhook is saved. It carries nothing and has to be
    answered with 200, or the webhook cannot be activated.
    """
    if account.active and _is_ping(headers, body):
        return None
    try:
        given = base64.b64decode(headers.get("x-wc-webhook-signature", ""), validate=True)
    except (binascii.Error, ValueError):
        given = b""
    genuine = False
    for secret in account.secrets.webhook:
        expected = hmac.new(_effective(secret).encode(), body, hashlib.sha256).digest()
        genuine |= hmac.compare_digest(expected, given)
    same_site = site_of(headers.get("x-wc-webhook-source", "")) == account.shop_ref.lower()
    if not (genuine and same_site and account.active):
        raise NotAuthentic
    kept = {name: headers[name][:_LONGEST] for name in _KEPT if name in headers}
    topic = kept.get("x-wc-webhook-topic", "")
    said = hashlib.sha256(topic.encode() + b"\0" + body).hexdigest()
    return Delivery(dedupe_key=f"sha256:{said}", topic=topic, headers=kept)


def _is_ping(headers: Mapping[str, str], body: bytes) -> bool:
    form = headers.get("content-type", "").split(";")[0].strip() == "application/x-www-form-urlencoded"
    signed = any(name.startswith("x-wc-") for name in headers)
    return form and not signed and _PING.fullmatch(body) is not None


def _effective(secret: str) -> str:
    return _ENTITY.sub(lambda found: _ENTITIES[found[0]], secret)


def site_of(address: str) -> str:
    """A site's address as accounts have it, without scheme and closing slash: `example.com/shop`."""
    return address.strip().lower().removeprefix("https://").removeprefix("http://").rstrip("/")

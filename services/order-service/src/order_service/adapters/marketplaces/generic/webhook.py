"""Is this delivery from this shop? A Standard Webhooks signature over the raw body, and the shop it names."""

import time
from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from order_service.adapters.marketplaces.generic import wire
from order_service.adapters.marketplaces.generic.signing import is_signed
from order_service.use_cases.marketplace import Delivery, NotAuthentic
from order_service.use_cases.ports import Account

#: What `read` calls a delivery: there is one kind.
TOPIC: Final = "order"
_LONGEST: Final = 255


def verify(account: Account, headers: Mapping[str, str], body: bytes) -> Delivery:
    """The envelope of a genuine delivery; `headers` in lower case. Raises NotAuthentic, and says no more.

    The same id is the same delivery: a change of an order comes under another one.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    signed = is_signed(
        account.secrets.webhook,
        message_id,
        timestamp,
        headers.get("webhook-signature", ""),
        body,
        now=time.time(),
    )
    named = 0 < len(message_id) <= _LONGEST and message_id.isascii() and message_id.isprintable()
    if not (signed and named and account.active and _is_of(account, body)):
        raise NotAuthentic
    return Delivery(message_id, TOPIC, {"webhook-id": message_id, "webhook-timestamp": timestamp})


def _is_of(account: Account, body: bytes) -> bool:
    """False: it names another shop. What names none is kept, and `read` says what is wrong with it."""
    try:
        shop = wire.Named.model_validate_json(body).shop
    except ValidationError:
        return True
    return shop.lower() == account.shop_ref.lower()

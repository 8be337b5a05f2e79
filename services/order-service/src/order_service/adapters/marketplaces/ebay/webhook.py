"""Is this notice from eBay? And the challenge by which eBay finds out whether we are who we say.

A notice is signed for nobody in particular: neither for the application nor for the seller. So an order's
notice is taken for a hint, and the order that it names is fetched with the seller's own token.

Source: developer.ebay.com, "Marketplace account deletion/closure notifications" and "Notification API
overview", read 2026-11-22. The signature covers no time of its own, so there is no time window: a notice is
known again by its `notificationId`.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from order_service.adapters.marketplaces.ebay import wire
from order_service.adapters.marketplaces.ebay.keys import PublicKeys, signature_of
from order_service.use_cases.marketplace import Delivery, NotAuthentic
from order_service.use_cases.ports import Account

ENDPOINT: Final = "endpoint"
CHALLENGE_CHARACTERS: Final = 255


def verify(account: Account, headers: Mapping[str, str], body: bytes, *, keys: PublicKeys) -> Delivery:
    """The envelope of a genuine notice; `headers` in lower case. Raises NotAuthentic, and says no more.

    The key has to be known: `PublicKeys.prepare` asks for it.
    """
    said = signature_of(headers)
    key = keys.find(account, said.kid) if said else None
    try:
        signature = base64.b64decode(said.signature if said else "", validate=True)
    except (binascii.Error, ValueError):
        raise NotAuthentic from None
    if key is None or not account.active or not key.has_signed(signature, body):
        raise NotAuthentic
    try:
        notice = wire.Notice.model_validate_json(body)
    except ValidationError:
        return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", "", {})
    return Delivery(notice.notification.notificationId, notice.metadata.topic, {})


def answer_challenge(account: Account, query: Mapping[str, str]) -> bytes | None:
    """SHA-256, in hex, of the challenge, our verification token and the address as registered with eBay."""
    challenge, endpoint = query.get("challenge_code", ""), account.options.get(ENDPOINT)
    if not 0 < len(challenge) <= CHALLENGE_CHARACTERS or not endpoint or not account.secrets.webhook:
        return None
    proof = hashlib.sha256((challenge + account.secrets.webhook[0] + endpoint).encode())
    return json.dumps({"challengeResponse": proof.hexdigest()}).encode()

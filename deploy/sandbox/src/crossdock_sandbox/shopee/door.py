"""Who may call: a signature of the last five minutes, by the partner key, and the token of that very shop."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.shopee.store import Shop, Store
from crossdock_sandbox.shopee.words import error

TIMESTAMP_S = 300
COMMON = frozenset({"partner_id", "timestamp", "sign", "access_token", "shop_id"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was let in. `query` without what identifies it."""

    shop: Shop
    query: dict[str, str]
    body: bytes


def sign(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def enter(store: Store, path: str, query: QueryParams, body: bytes) -> Call | Answer:
    """A shop's call, or what Shopee says to whom it does not let in."""
    missing = sorted(COMMON - set(query))
    if missing:
        return error("error_param", f"There is no {missing[0]} in query.", status=403)
    shop = store.shop(int(query["shop_id"])) if query["shop_id"].isdecimal() else None
    if shop is None:
        return error("error_auth", "No permission to the shop.", status=403)
    text = "".join((query["partner_id"], path, query["timestamp"], query["access_token"], query["shop_id"]))
    refused = check(shop, query, text)
    if refused is not None:
        return refused
    if not shop.lets_in(query["access_token"]):
        return error("invalid_acceess_token", "Invalid access_token, please have a check.", status=403)
    own = {name: value for name, value in query.items() if name not in COMMON}
    return Call(shop, own, body)


def check(shop: Shop, query: QueryParams, text: str) -> Answer | None:
    """What is wrong with partner, time or signature; None: nothing."""
    if query["partner_id"] != str(shop.partner_id):
        return error("error_param", "Invalid partner_id.", status=403)
    stamp = query["timestamp"]
    if not stamp.isdecimal() or abs(time.time() - int(stamp)) > TIMESTAMP_S:
        return error("error_param", "Invalid timestamp.", status=403)
    if not secrets.compare_digest(sign(shop.partner_key, text), query["sign"]):
        return error("error_sign", "Wrong sign.", status=403)
    return None

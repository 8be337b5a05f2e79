"""Who may call, how often, and with which parameters: everything is checked before a call does anything."""

import secrets
import time
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from starlette.requests import Request

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.tiktok_shop.signing import sign_call
from crossdock_sandbox.tiktok_shop.store import Shop, Store
from crossdock_sandbox.tiktok_shop.words import Words, error

BAD_CREDENTIALS = 36009004
BAD_SIGNATURE = 106001
TOKEN_EXPIRED = 105002
NO_CIPHER = 106013
OTHER_SHOP = 101000
EARLY_S, LATE_S = 30, 300
COMMON = frozenset({"app_key", "timestamp", "sign"})


@dataclass
class Bucket:
    """So many calls a second, and as many at once."""

    calls_per_s: float
    left: float
    seen_at: float = field(default_factory=time.monotonic)

    def take(self) -> bool:
        now = time.monotonic()
        self.left = min(self.calls_per_s, self.left + (now - self.seen_at) * self.calls_per_s)
        self.seen_at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Door:
    def __init__(self, store: Store, calls_per_s: float) -> None:
        self._store = store
        self._calls_per_s = calls_per_s
        self._buckets: dict[str, Bucket] = {}

    def enter(self, request: Request, body: bytes, known: Set[str], *, of_shop: bool) -> Shop | Answer:
        """The shop that is called for, or what is said to whom is not let in. `known`: the call's own
        parameters.
        """
        query = request.query_params
        expected = COMMON | known | ({"shop_cipher"} if of_shop else frozenset())
        if len(query.multi_items()) != len(query) or query.keys() - expected:
            return error(BAD_CREDENTIALS, "Unknown or repeated parameters.", 400)
        given = request.headers.get("x-tts-access-token", "")
        token = self._store.token(given) if given else None
        if token is None:
            return error(BAD_CREDENTIALS, "Invalid access_token.", 401)
        shop = self._store.shop(token["shop"])
        if shop is None or query.get("app_key") != shop.app_key:
            return error(BAD_CREDENTIALS, "Invalid app_key.", 401)
        wrong = _wrong(shop, request, query, body)
        if wrong is not None:
            return wrong
        if token["expires_at"] <= time.time():
            return error(TOKEN_EXPIRED, "Expired credentials, the access token has expired.", 401)
        if of_shop and "shop_cipher" not in query:
            return error(NO_CIPHER, "The shop_cipher is missing.", 400)
        if of_shop and query["shop_cipher"] != shop.shop_cipher:
            return error(OTHER_SHOP, "The shop_cipher is another shop's.", 401)
        bucket = self._buckets.setdefault(shop.shop, Bucket(self._calls_per_s, self._calls_per_s))
        return shop if bucket.take() else Words().throttled()


def _wrong(shop: Shop, request: Request, query: Mapping[str, str], body: bytes) -> Answer | None:
    timestamp = query.get("timestamp", "")
    now = time.time()
    if not (timestamp.isdecimal() and now - LATE_S <= int(timestamp) <= now + EARLY_S):
        return error(BAD_CREDENTIALS, "Invalid timestamp.", 400)
    expected = sign_call(shop.app_secret, request.url.path, query, body)
    if not secrets.compare_digest(query.get("sign", "").encode(), expected.encode()):
        return error(BAD_SIGNATURE, "Invalid sign.", 401)
    if body and request.headers.get("Content-Type") != "application/json":
        return error(BAD_CREDENTIALS, "Invalid content-type.", 400)
    return None

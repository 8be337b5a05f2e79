"""Calls to Shopee for one shop: signatures, bounds, errors."""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from order_service.adapters.marketplaces.shopee import codes, wire
from order_service.adapters.marketplaces.shopee.settings import ShopeeSettings
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    Meter,
    TokenExpired,
)
from order_service.use_cases.ports import Account

T = TypeVar("T", bound=wire.Wire)

#: The quota that all calls share.
CALLS: Final = "calls"
ANSWER_BYTES: Final = 8 * 1024 * 1024
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def sign(key: str, *parts: object) -> str:
    """Over partner id, path, timestamp and, in a shop's call, access token and shop id; in lower hex."""
    return hmac.new(key.encode(), "".join(map(str, parts)).encode(), hashlib.sha256).hexdigest()


class ShopeeCalls:
    """One shop. What identifies a call always stands in its query; its signature is good for five minutes.

    Source: minchao/shopee-php `src/SignatureGenerator.php`, and the fact sheet's section on access.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        account: Account,
        settings: ShopeeSettings,
        meter: Meter,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._account = account
        self._settings = settings
        self._meter = meter
        self._clock = clock
        self._base = (account.api_base_url or settings.base_url).rstrip("/")

    async def ask(self, path: str, model: type[T], **query: str | int) -> T:
        """The `response` of a GET. Safe to repeat."""
        answer = self._good(await self._call("GET", path, query=query, changes=False), changes=False)
        return _read(model, answer.response, changes=False)

    async def succeed(self, path: str) -> None:
        """A GET whose answer says nothing that we need but that it went well."""
        self._good(await self._call("GET", path, changes=False), changes=False)

    async def look(self, path: str, body: Mapping[str, Any], model: type[T]) -> T:
        """The `response` of a POST that changes nothing. Safe to repeat."""
        answer = self._good(await self._call("POST", path, body=body, changes=False), changes=False)
        return _read(model, answer.response, changes=False)

    async def change(self, path: str, body: Mapping[str, Any], model: type[T] | None = None) -> T | None:
        """Do it; with `model`, the answer's `response`."""
        answer = self._good(await self._call("POST", path, body=body, changes=True), changes=True)
        return None if model is None else _read(model, answer.response, changes=True)

    async def download(self, path: str, body: Mapping[str, Any]) -> bytes:
        """A file; an answer in JSON is a refusal."""
        content = await self._call("POST", path, body=body, changes=False)
        if content.lstrip()[:1] == b"{":
            self._good(content, changes=False)
            raise MarketplaceUnavailable("there is no file in the answer")
        return content

    async def grant(self, path: str, body: Mapping[str, Any]) -> wire.Granted:
        """Tokens, by a call that is signed for no shop. Not safe to repeat: they are given once."""
        content = await self._call("POST", path, body=body, changes=True, for_shop=False)
        self._good(content, changes=True)
        try:
            return wire.Granted.model_validate_json(content)
        except ValidationError as error:
            raise MarketplaceOutcomeUnknown("the answer with the tokens cannot be read") from error

    @property
    def partner_id(self) -> str:
        return self._account.options.get("partner_id", "")

    @property
    def shop_id(self) -> int:
        if not self._account.shop_ref.isdecimal():
            raise MarketplaceRefused("shop_ref_is_no_shop_id")
        return int(self._account.shop_ref)

    def _common(self, path: str, *, for_shop: bool) -> dict[str, str | int]:
        key = self._account.secrets.named.get("partner_key")
        if not key or not self.partner_id:
            raise MarketplaceRefused("account_has_no_partner_id_and_key")
        now = int(self._clock())
        common: dict[str, str | int] = {"partner_id": self.partner_id, "timestamp": now}
        if not for_shop:
            return {**common, "sign": sign(key, self.partner_id, path, now)}
        if self._account.tokens is None:
            raise TokenExpired
        token, shop_id = self._account.tokens.access_token, self.shop_id
        signature = sign(key, self.partner_id, path, now, token, shop_id)
        return {**common, "access_token": token, "shop_id": shop_id, "sign": signature}

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        changes: bool,
        for_shop: bool = True,
    ) -> bytes:
        parts = urlsplit(self._base)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise MarketplaceRefused("https_required")  # the token would be readable on its way
        await self._meter.take(CALLS)
        common = self._common(path, for_shop=for_shop)
        try:
            response = await self._http.request(
                method,
                self._base + path,
                params={**(query or {}), **common},
                json=body,
                headers={"Accept": "application/json"},
                timeout=self._settings.timeout_s,
                follow_redirects=False,
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise MarketplaceUnavailable("shopee was not reached") from error
        except httpx.TransportError as error:
            raise _lost(f"no answer: {type(error).__name__}", changes) from error
        if response.status_code == 429:
            raise MarketplaceUnavailable(
                "shopee asked us to slow down", retry_after_s=self._settings.throttled_s
            )
        if response.status_code >= 500:
            raise _lost(f"HTTP {response.status_code}", changes)
        if len(response.content) > ANSWER_BYTES:
            raise _lost("the answer is too large", changes)
        return response.content

    def _good(self, content: bytes, *, changes: bool) -> wire.Answer:
        """The answer without an error, whatever its HTTP status was."""
        try:
            answer = wire.Answer.model_validate_json(content)
        except ValidationError as error:
            raise _lost("the answer is not shopee's", changes) from error
        code = answer.error[:100]
        if not code:
            return answer
        if code in self._settings.token_errors:
            raise TokenExpired
        if code in self._settings.throttle_errors:
            raise MarketplaceUnavailable(
                "shopee asked us to slow down", retry_after_s=self._settings.throttled_s
            )
        if code in codes.SERVER_ERRORS:
            raise _lost(f"shopee failed: {code}", changes)
        raise MarketplaceRefused(code)


def _lost(reason: str, changes: bool) -> Exception:
    """A question can simply be asked again; of a change nobody knows whether it was made."""
    return MarketplaceOutcomeUnknown(reason) if changes else MarketplaceUnavailable(reason)


def _read(model: type[T], given: Any, *, changes: bool) -> T:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _lost("the answer cannot be read", changes) from error

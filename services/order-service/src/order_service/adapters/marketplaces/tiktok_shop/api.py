"""Signed calls to one shop: tokens, quotas, bounds, errors.

Source: the fact sheet's section on authentication and limits, read 2026-11-22. What of it is unconfirmed is
in README.md.
"""

import json
import time
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from order_service.adapters.marketplaces.tiktok_shop import codes, wire
from order_service.adapters.marketplaces.tiktok_shop.lookups import Lookups
from order_service.adapters.marketplaces.tiktok_shop.settings import TikTokShopSettings
from order_service.adapters.marketplaces.tiktok_shop.signing import sign
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    Meter,
    TokenExpired,
)
from order_service.use_cases.ports import Account

T = TypeVar("T", bound=wire.Wire)
#: Account and shop -> the shop's cipher.
Ciphers = Lookups[tuple[str, str, str], str]

ANSWER_BYTES: Final = 8 * 1024 * 1024
#: The one quota: TikTok counts all calls of a shop together.
CALL: Final = "call"
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
SHOPS: Final = "/authorization/202309/shops"


class TikTokShopApi:
    """One shop's API, called with the app's key and secret and the account's token."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        account: Account,
        meter: Meter,
        settings: TikTokShopSettings,
        ciphers: Ciphers,
    ) -> None:
        self.account = account
        self._http = http
        self._meter = meter
        self._settings = settings
        self._ciphers = ciphers

    async def ask(self, path: str, answer: type[T], *, body: Any = None, **query: str) -> T:
        """Ask something; with a body it is a search. Safe to repeat."""
        data = await self._of_shop(path, query, body, changes=False)
        return _read(answer, data, changes=False)

    async def change(self, path: str, body: Any, answer: type[T]) -> T:
        """Have something done. Raises MarketplaceOutcomeUnknown where the answer is lost."""
        return _read(answer, await self._of_shop(path, {}, body, changes=True), changes=True)

    async def shops(self) -> tuple[wire.Shop, ...]:
        """The shops that the account's token opens."""
        return _read(wire.Shops, await self._call(SHOPS, {}, None, changes=False), changes=False).shops

    async def download(self, url: str) -> bytes:
        """A document that an answer has named. Without credentials, since its address is not the API's."""
        refuse_plain(url)
        answer = await exchange(self._http, "GET", url, changes=False, timeout=self._settings.timeout_s)
        if answer.status_code != 200:
            raise MarketplaceUnavailable(f"the document answered HTTP {answer.status_code}")
        return answer.content

    async def _of_shop(self, path: str, query: Mapping[str, str], body: Any, *, changes: bool) -> Any:
        account = self.account
        key = (account.merchant_id, account.account, account.shop_ref)
        cipher = await self._ciphers.get(key, self._cipher)
        return await self._call(path, {**query, "shop_cipher": cipher}, body, changes=changes)

    async def _cipher(self) -> str:
        for shop in await self.shops():
            if shop.id == self.account.shop_ref:
                return shop.cipher
        raise MarketplaceRefused("shop_not_authorised")

    async def _call(self, path: str, query: Mapping[str, str], body: Any, *, changes: bool) -> Any:
        account = self.account
        app_key, secrets = account.options.get("app_key"), account.secrets.webhook
        if not (app_key and secrets):
            raise MarketplaceRefused("account_has_no_app_key_and_secret")
        if account.tokens is None:
            raise TokenExpired
        base = (account.api_base_url or self._settings.api_url).rstrip("/")
        refuse_plain(base)
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        await self._meter.take(CALL)
        signed = {**query, "app_key": app_key, "timestamp": str(int(time.time()))}
        response = await exchange(
            self._http,
            "GET" if body is None else "POST",
            base + path,
            changes=changes,
            params={**signed, "sign": sign(secrets[0], path, signed, content)},
            content=content or None,
            headers={"x-tts-access-token": account.tokens.access_token, "Content-Type": "application/json"},
            timeout=self._settings.timeout_s,
        )
        return data_of(response, changes=changes)


async def exchange(
    http: httpx.AsyncClient, method: str, url: str, *, changes: bool, **more: Any
) -> httpx.Response:
    """One request and its answer, whatever it says; its errors as those of a marketplace."""
    try:
        response = await http.request(method, url, follow_redirects=False, **more)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise MarketplaceUnavailable("tiktok shop was not reached") from error
    except httpx.TransportError as error:
        raise lost(f"no answer: {type(error).__name__}", changes) from error
    if len(response.content) > ANSWER_BYTES:
        raise lost("the answer is too large", changes)
    return response


def data_of(response: httpx.Response, *, changes: bool) -> Any:
    """What an answer holds, in whose code an error is told, whatever the HTTP status."""
    status = response.status_code
    if status == 429:
        raise MarketplaceUnavailable("tiktok shop asked us to slow down", retry_after_s=_wait_s(response))
    if status >= 500:
        raise lost(f"HTTP {status}", changes)
    try:
        answer = wire.Answer.model_validate_json(response.content)
    except ValidationError as error:
        if status != 200:
            raise MarketplaceRefused(f"http_{status}") from error
        raise lost("the answer cannot be read", changes) from error
    if answer.code == 0:
        return answer.data or {}
    raise _refusal(answer, changes)


def _refusal(answer: wire.Answer, changes: bool) -> Exception:
    bad_token = answer.code == codes.BAD_CREDENTIALS and "access_token" in answer.message
    if answer.code in codes.TOKEN_EXPIRED or bad_token:
        return TokenExpired()
    if answer.code in codes.TOO_MANY_CALLS:
        return MarketplaceUnavailable("tiktok shop asked us to slow down", retry_after_s=2.0)
    if answer.code in codes.INTERNAL:
        return lost(f"tiktok shop failed: {answer.code}", changes)
    return MarketplaceRefused(refused(answer.code))


def refused(code: int) -> str:
    """What a refusal says."""
    return f"tiktok_{code}"


def lost(reason: str, changes: bool) -> Exception:
    """A question can simply be asked again; of a change nobody knows whether it was made."""
    return MarketplaceOutcomeUnknown(reason) if changes else MarketplaceUnavailable(reason)


def _read(model: type[T], data: Any, *, changes: bool) -> T:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise lost("the answer cannot be read", changes) from error


def refuse_plain(url: str) -> None:
    """Secrets, and labels with addresses, would be readable on their way."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise MarketplaceRefused("https_required")


def _wait_s(response: httpx.Response) -> float:
    try:
        return min(max(float(response.headers.get("Retry-After", "2")), 0.5), 300.0)
    except ValueError:
        return 2.0

"""Calls to the Selling Partner API: token, quota, bounds, errors.

Source: the fact sheet's section on access, developer-docs.amazon.com "Usage Plans and Rate Limits" and the
error list of `orders_2026-01-01.json`, read 2026-11-22. What of it is unconfirmed is in README.md.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from order_service.adapters.marketplaces.amazon import codes, wire
from order_service.adapters.marketplaces.amazon.settings import AmazonSettings
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    Meter,
    Quota,
    QuotaUsedUp,
    TokenExpired,
)
from order_service.use_cases.ports import Account

M = TypeVar("M", bound=BaseModel)

#: A page of a hundred orders, and more than ever was seen.
ANSWER_BYTES: Final = 32 * 1024 * 1024
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
RATE_HEADER: Final = "x-amzn-RateLimit-Limit"
#: The account's options: where its shop is, and the marketplaces it sells on, with commas between them.
REGION: Final = "region"
MARKETPLACES: Final = "marketplace_ids"

GET_ORDER: Final = "getOrder"
SEARCH: Final = "searchOrders"
CONFIRM: Final = "confirmShipment"
PATCH_LISTING: Final = "patchListingsItem"
SEARCH_LISTINGS: Final = "searchListingsItems"
#: Default usage plans; the answers' header says what a seller has really.
QUOTAS: Final[Mapping[str, Quota]] = {
    GET_ORDER: Quota(rate_per_s=0.5, burst=30),
    SEARCH: Quota(rate_per_s=0.0056, burst=20),
    CONFIRM: Quota(rate_per_s=2, burst=10),
    PATCH_LISTING: Quota(rate_per_s=5, burst=10),
    SEARCH_LISTINGS: Quota(rate_per_s=5, burst=5),
}


class SellingPartnerApi:
    """One seller's API. Each call takes from the quota of its operation first."""

    def __init__(
        self, http: httpx.AsyncClient, account: Account, meter: Meter, settings: AmazonSettings
    ) -> None:
        self._http = http
        self._account = account
        self._meter = meter
        self._timeout_s = settings.timeout_s
        region = account.options.get(REGION, "")
        self._base = (account.api_base_url or codes.HOSTS.get(region, "")).rstrip("/")

    @property
    def seller(self) -> str:
        return self._account.shop_ref

    @property
    def marketplaces(self) -> str:
        return self._account.options.get(MARKETPLACES, "")

    async def ask(self, operation: str, path: str, query: Mapping[str, str]) -> bytes:
        """Safe to repeat."""
        return await self._send(operation, "GET", path, query, None)

    async def change(
        self, operation: str, method: str, path: str, body: Mapping[str, Any], query: Mapping[str, str]
    ) -> bytes:
        """Raises MarketplaceOutcomeUnknown when an answer is lost."""
        return await self._send(operation, method, path, query, body)

    async def _send(
        self, operation: str, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> bytes:
        changes = body is not None
        token = self._token()
        refuse_open_line(self._base)
        await self._meter.take(operation)
        try:
            response = await self._http.request(
                method,
                self._base + path,
                params=query,
                json=body,
                headers={"x-amz-access-token": token, "Accept": "application/json"},
                timeout=self._timeout_s,
                follow_redirects=False,
            )
        except httpx.TransportError as error:
            raise lost(error, changes=changes) from error
        if len(response.content) > ANSWER_BYTES:
            raise unreadable("the answer is too large", changes=changes)
        rate_per_s = _rate_of(response)
        if rate_per_s is not None:
            await self._meter.learn(operation, rate_per_s)
        if response.is_success:
            return response.content
        raise _refusal(response, operation, rate_per_s or QUOTAS[operation].rate_per_s, changes=changes)

    def _token(self) -> str:
        tokens = self._account.tokens
        if tokens is None or tokens.expires_at <= datetime.now(UTC):
            raise TokenExpired
        return tokens.access_token


def _refusal(response: httpx.Response, operation: str, rate_per_s: float, *, changes: bool) -> Exception:
    status, said = response.status_code, _said(response)
    if status == 429:
        return QuotaUsedUp(operation, retry_after_s=1 / rate_per_s, rate_per_s=rate_per_s)
    if status == 503 and not changes:
        return MarketplaceUnavailable("the platform is not available", retry_after_s=2.0)
    if status >= 500:
        return unreadable(f"HTTP {status}", changes=changes)
    expired = "expired" in f"{said.message} {said.details}".lower()
    if status == 401 or (status == 403 and expired):
        return TokenExpired()
    return MarketplaceRefused(f"http_{status}" if said.code == "unknown" else said.code[:100])


def _said(response: httpx.Response) -> wire.Said:
    try:
        return wire.Errors.model_validate_json(response.content).errors[0]
    except ValidationError:
        return wire.Said()


def _rate_of(response: httpx.Response) -> float | None:
    """Calls a second, as the header says; None where it says nothing that could be a rate."""
    try:
        rate_per_s = float(response.headers.get(RATE_HEADER, ""))
    except ValueError:
        return None
    return rate_per_s if 1e-5 <= rate_per_s <= 1e5 else None


def refuse_open_line(url: str) -> None:
    """Tokens and addresses go over TLS, or do not leave the machine."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise MarketplaceRefused("https_required" if parts.scheme else "account_has_no_region")


def lost(error: httpx.TransportError, *, changes: bool) -> Exception:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return MarketplaceUnavailable("the platform was not reached")
    return unreadable(f"no answer: {type(error).__name__}", changes=changes)


def unreadable(reason: str, *, changes: bool) -> Exception:
    """A question can simply be asked again; of a change nobody knows whether it was made."""
    return MarketplaceOutcomeUnknown(reason) if changes else MarketplaceUnavailable(reason)


def parsed(model: type[M], content: bytes, *, changes: bool = False) -> M:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise unreadable("the platform's answer cannot be read", changes=changes) from error

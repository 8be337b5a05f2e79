"""Calls to eBay over HTTP: tokens, bounds, errors, quotas."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from order_service.adapters.marketplaces.ebay import wire
from order_service.adapters.marketplaces.ebay.settings import EbaySettings
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    Meter,
    TokenExpired,
)
from order_service.use_cases.ports import Account

W = TypeVar("W", bound=wire.Wire)

PRODUCTION: Final = "https://api.ebay.com"
ANSWER_BYTES: Final = 16 * 1024 * 1024
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
#: eBay's limits are of a day, and `Retry-After` does not always come with a 429.
THROTTLED_S: Final = 60.0
LONGEST_WAIT_S: Final = 3600.0


def api_of(account: Account) -> str:
    return (account.api_base_url or PRODUCTION).rstrip("/")


class EbayApi:
    """Calls on behalf of one seller, with the seller's token.

    Source: developer.ebay.com, "OAuth tokens", "API call limits" and "Using OAuth with the traditional APIs",
    read 2026-11-22.
    """

    def __init__(
        self, http: httpx.AsyncClient, account: Account, meter: Meter, settings: EbaySettings
    ) -> None:
        self._http = http
        self._tokens = account.tokens
        self._base = api_of(account)
        self._meter = meter
        self.settings = settings

    async def ask(self, operation: str, path: str, **params: str) -> bytes:
        """A question's answer. `operation`: whose quota it takes from."""
        return (await self._send(operation, "GET", self._base + path, params=params)).content

    async def ask_identity(self, path: str) -> bytes:
        """The Identity API alone has a host of its own, which is named after the other."""
        base = self._base.replace("//api.", "//apiz.", 1)
        return (await self._send("fulfilment", "GET", base + path)).content

    async def change(
        self,
        operation: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        headers: Mapping[str, str] | None = None,
        scheme: str = "Bearer",
    ) -> httpx.Response:
        """Raises MarketplaceOutcomeUnknown where it may have been done."""
        return await self._send(
            operation, "POST", self._base + path, json=body, headers=headers, scheme=scheme, changes=True
        )

    async def _send(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        scheme: str = "Bearer",
        changes: bool = False,
        **more: Any,
    ) -> httpx.Response:
        if self._tokens is None:
            raise TokenExpired
        await self._meter.take(operation)
        given = {"Authorization": f"{scheme} {self._tokens.access_token}", **(headers or {})}
        response = await send(
            self._http,
            method,
            url,
            changes=changes,
            timeout_s=self.settings.timeout_s,
            headers=given,
            **more,
        )
        if response.status_code == 401:
            raise TokenExpired
        if not response.is_success:
            raise MarketplaceRefused(code_of(response))
        return response


async def send(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    changes: bool,
    timeout_s: float,
    headers: Mapping[str, str],
    **more: Any,
) -> httpx.Response:
    """What eBay answers, if that is neither "come later" nor a failure of theirs.

    Raises MarketplaceUnavailable, MarketplaceOutcomeUnknown, and MarketplaceRefused where there is no TLS.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise MarketplaceRefused("https_required")  # the token would be readable on its way
    try:
        response = await http.request(
            method,
            url,
            headers={"Accept": "application/json", **headers},
            timeout=timeout_s,
            follow_redirects=False,
            **more,
        )
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise MarketplaceUnavailable("ebay was not reached") from error
    except httpx.TransportError as error:
        raise _lost(f"no answer: {type(error).__name__}", changes) from error
    if len(response.content) > ANSWER_BYTES:
        raise _lost("the answer is too large", changes)
    if response.status_code == 429:
        raise MarketplaceUnavailable("ebay asked us to slow down", retry_after_s=_retry_after(response))
    if response.status_code >= 500 or response.is_redirect:
        raise _lost(f"HTTP {response.status_code}", changes)
    return response


def code_of(response: httpx.Response) -> str:
    """eBay's number of the error; their texts may quote the order."""
    try:
        said = wire.Refusal.model_validate_json(response.content)
    except ValidationError:
        return f"http_{response.status_code}"
    below = said.errorMessage.error if said.errorMessage else ()
    for one in (*said.errors, *said.error, *below):
        return f"ebay_{one.errorId}"
    return f"http_{response.status_code}"


def parsed(model: type[W], content: bytes) -> W:
    """The answer to a question, which can simply be asked again."""
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise MarketplaceUnavailable("ebay's answer cannot be read") from error


def _lost(reason: str, changes: bool) -> Exception:
    """A question can simply be asked again; of a change nobody knows whether it was made."""
    return MarketplaceOutcomeUnknown(reason) if changes else MarketplaceUnavailable(reason)


def _retry_after(response: httpx.Response) -> float:
    try:
        return min(max(float(response.headers.get("Retry-After", THROTTLED_S)), 0.5), LONGEST_WAIT_S)
    except ValueError:
        return THROTTLED_S

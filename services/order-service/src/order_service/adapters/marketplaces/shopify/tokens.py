"""Access tokens that run out after an hour, as public apps have them.

Source: shopify.dev, "Offline access tokens" and its changelog "More resilient refreshes for expiring offline
access tokens", read 2026-11-22. What of it is unconfirmed is in README.md.
"""

from datetime import UTC, datetime, timedelta

import httpx
from pydantic import ValidationError

from order_service.adapters.marketplaces.shopify import wire
from order_service.adapters.marketplaces.shopify.client import base_url
from order_service.use_cases.marketplace import MarketplaceRefused, MarketplaceUnavailable
from order_service.use_cases.ports import Account, Tokens


class ShopifyRefresher:
    """The app's client secret is the one that its webhooks are signed with: the newest of the account's."""

    def __init__(self, http: httpx.AsyncClient, account: Account, *, timeout_s: float) -> None:
        self._http = http
        self._account = account
        self._timeout_s = timeout_s

    async def refresh(self) -> Tokens:
        """Buy the next pair. Safe to repeat: a refresh token is good until what it bought is used."""
        account = self._account
        client_id = account.options.get("client_id")
        if client_id is None or not account.secrets.webhook:
            raise MarketplaceRefused("client_id_is_missing")
        if account.tokens is None or account.tokens.refresh_token is None:
            raise MarketplaceRefused("refresh_token_is_missing")
        asked_at = datetime.now(UTC)
        given = {
            "client_id": client_id,
            "client_secret": account.secrets.webhook[0],
            "grant_type": "refresh_token",
            "refresh_token": account.tokens.refresh_token,
        }
        bought = await self._buy(given)
        return Tokens(
            bought.access_token,
            asked_at + timedelta(seconds=bought.expires_in),
            bought.refresh_token,
            asked_at + timedelta(seconds=bought.refresh_token_expires_in)
            if bought.refresh_token_expires_in is not None
            else None,
        )

    async def _buy(self, given: dict[str, str]) -> wire.TokenPair:
        try:
            response = await self._http.post(
                f"{base_url(self._account)}/admin/oauth/access_token",
                data=given,
                headers={"Accept": "application/json"},
                timeout=self._timeout_s,
                follow_redirects=False,
            )
        except httpx.TransportError as error:
            raise MarketplaceUnavailable(f"no new tokens: {type(error).__name__}") from error
        if response.status_code == 429 or response.status_code >= 500:
            raise MarketplaceUnavailable(f"no new tokens: HTTP {response.status_code}")
        if response.status_code != 200:
            raise MarketplaceRefused(f"refresh_http_{response.status_code}")
        try:
            return wire.TokenPair.model_validate_json(response.content)
        except ValidationError as error:
            raise MarketplaceUnavailable("the new tokens cannot be read") from error

"""Login with Amazon: access tokens for an hour, bought with a refresh token that stays the same.

Source: the fact sheet's section on access; token basics are OAuth 2.0 (RFC 6749, sections 5 and 6).
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
from pydantic import ValidationError

from order_service.adapters.marketplaces.amazon import api, wire
from order_service.adapters.marketplaces.amazon.settings import AmazonSettings
from order_service.use_cases.marketplace import MarketplaceRefused, MarketplaceUnavailable
from order_service.use_cases.ports import Account, Tokens

#: The account's option and secrets by which Amazon knows our application and the seller's consent.
CLIENT_ID: Final = "lwa_client_id"
CLIENT_SECRET: Final = "lwa_client_secret"  # noqa: S105 - a name
REFRESH_TOKEN: Final = "lwa_refresh_token"  # noqa: S105 - a name


class LoginWithAmazon:
    def __init__(self, http: httpx.AsyncClient, account: Account, settings: AmazonSettings) -> None:
        self._http = http
        self._account = account
        self._settings = settings

    async def refresh(self) -> Tokens:
        """An access token for the next hour. Safe to repeat: those of before stay good."""
        named = self._account.secrets.named
        if REFRESH_TOKEN not in named or CLIENT_SECRET not in named:
            raise MarketplaceRefused("account_has_no_refresh_token")
        api.refuse_open_line(self._settings.token_url)
        form = {
            "grant_type": "refresh_token",
            "refresh_token": named[REFRESH_TOKEN],
            "client_id": self._account.options.get(CLIENT_ID, ""),
            "client_secret": named[CLIENT_SECRET],
        }
        asked_at = datetime.now(UTC)
        try:
            response = await self._http.post(
                self._settings.token_url,
                data=form,
                timeout=self._settings.timeout_s,
                follow_redirects=False,
            )
        except httpx.TransportError as error:
            raise api.lost(error, changes=False) from error
        if not response.is_success:
            raise _refusal(response)
        sold = api.parsed(wire.SoldTokens, response.content)
        return Tokens(sold.access_token, asked_at + timedelta(seconds=sold.expires_in))


def _refusal(response: httpx.Response) -> Exception:
    status = response.status_code
    if status == 429 or status >= 500:
        return MarketplaceUnavailable(f"Login with Amazon: HTTP {status}", retry_after_s=5.0)
    try:
        return MarketplaceRefused(wire.TokenError.model_validate_json(response.content).error[:100])
    except ValidationError:
        return MarketplaceRefused(f"login_http_{status}")

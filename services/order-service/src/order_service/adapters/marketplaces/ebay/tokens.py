"""Access tokens: the seller's, bought with a refresh token of 18 months, and the application's own.

Source: developer.ebay.com, "OAuth tokens" and "OAuth rate limits", read 2026-11-22: a seller's token is good
for 2 h, its refresh token stays the same; an application may buy 50 000 of the one and 1 000 of the other a
day.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Self

import httpx
from pydantic import ValidationError

from order_service.adapters.marketplaces.ebay import wire
from order_service.adapters.marketplaces.ebay.calls import api_of, parsed, send
from order_service.use_cases.marketplace import MarketplaceRefused
from order_service.use_cases.ports import Account, Tokens

TOKEN_PATH: Final = "/identity/v1/oauth2/token"  # noqa: S105 - a path
APPLICATION_SCOPE: Final = "https://api.ebay.com/oauth/api_scope"
CLIENT_ID: Final = "client_id"
CLIENT_SECRET: Final = "client_secret"  # noqa: S105 - the name of one


@dataclass(frozen=True, slots=True)
class Application:
    """Our keyset at eBay, and the environment it is of."""

    api: str
    client_id: str
    client_secret: str = field(repr=False)

    @classmethod
    def of(cls, account: Account) -> Self | None:
        """None: the account has no keyset."""
        client_id = account.options.get(CLIENT_ID)
        secret = account.secrets.named.get(CLIENT_SECRET)
        return cls(api_of(account), client_id, secret) if client_id and secret else None


async def buy_token(
    http: httpx.AsyncClient, application: Application, grant: dict[str, str], *, timeout_s: float
) -> wire.Token:
    """Safe to repeat. Raises MarketplaceUnavailable, and MarketplaceRefused with OAuth's word for it."""
    response = await send(
        http,
        "POST",
        application.api + TOKEN_PATH,
        changes=False,
        timeout_s=timeout_s,
        headers={},
        data=grant,
        auth=(application.client_id, application.client_secret),
    )
    if response.is_success:
        return parsed(wire.Token, response.content)
    try:
        code = wire.TokenRefusal.model_validate_json(response.content).error
    except ValidationError:
        code = f"http_{response.status_code}"
    raise MarketplaceRefused(code)


class EbayRefresher:
    def __init__(self, http: httpx.AsyncClient, account: Account, *, timeout_s: float) -> None:
        self._http = http
        self._account = account
        self._timeout_s = timeout_s

    async def refresh(self) -> Tokens:
        """The seller's next token. Safe to repeat: the refresh token is not used up.

        Raises MarketplaceRefused when the seller has to consent anew: `invalid_grant`, or there never was a
        refresh token.
        """
        application, tokens = Application.of(self._account), self._account.tokens
        if application is None:
            raise MarketplaceRefused("account_has_no_keyset")
        if tokens is None or tokens.refresh_token is None:
            raise MarketplaceRefused("no_refresh_token")
        grant = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        bought = await buy_token(self._http, application, grant, timeout_s=self._timeout_s)
        expires_at = datetime.now(UTC) + timedelta(seconds=bought.expires_in)
        return Tokens(bought.access_token, expires_at, tokens.refresh_token, tokens.refresh_expires_at)

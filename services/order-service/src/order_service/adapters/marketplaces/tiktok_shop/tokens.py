"""The next tokens of an account.

Source: the fact sheet's section on authentication, read 2026-11-22; the exact form of the call is unconfirmed
(README.md).
"""

import httpx
from pydantic import ValidationError

from order_service.adapters.marketplaces.tiktok_shop import wire
from order_service.adapters.marketplaces.tiktok_shop.api import data_of, exchange, refuse_plain
from order_service.adapters.marketplaces.tiktok_shop.mapping import at
from order_service.adapters.marketplaces.tiktok_shop.settings import TikTokShopSettings
from order_service.use_cases.marketplace import MarketplaceOutcomeUnknown, MarketplaceRefused
from order_service.use_cases.ports import Account, Tokens


class TikTokShopRefresher:
    def __init__(self, http: httpx.AsyncClient, account: Account, settings: TikTokShopSettings) -> None:
        self._http = http
        self._account = account
        self._settings = settings

    async def refresh(self) -> Tokens:
        """Buy the next pair. Its expiries come as moments. Not safe to repeat where the refresh token is
        good for one time: the answer that is lost may have been the only one.
        """
        account, tokens = self._account, self._account.tokens
        if tokens is None or tokens.refresh_token is None:
            raise MarketplaceRefused("account_has_no_refresh_token")
        if not (account.options.get("app_key") and account.secrets.webhook):
            raise MarketplaceRefused("account_has_no_app_key_and_secret")
        base = (account.api_base_url or self._settings.auth_url).rstrip("/")
        refuse_plain(base)
        response = await exchange(
            self._http,
            "GET",
            f"{base}/api/v2/token/refresh",
            changes=True,
            params={
                "app_key": account.options["app_key"],
                "app_secret": account.secrets.webhook[0],
                "refresh_token": tokens.refresh_token,
                "grant_type": "refresh_token",
            },
            timeout=self._settings.timeout_s,
        )
        data = data_of(response, changes=True)
        try:
            pair = wire.Pair.model_validate(data)
        except ValidationError as error:
            raise MarketplaceOutcomeUnknown("the answer with the tokens cannot be read") from error
        return _tokens(pair, tokens)


def _tokens(pair: wire.Pair, before: Tokens) -> Tokens:
    """Without a new refresh token the old one goes on."""
    until = pair.refresh_token_expire_in
    return Tokens(
        access_token=pair.access_token,
        expires_at=at(pair.access_token_expire_in),
        refresh_token=pair.refresh_token or before.refresh_token,
        refresh_expires_at=before.refresh_expires_at if until is None else at(until),
    )

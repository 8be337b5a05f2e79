"""The next pair of tokens. A refresh token is good for one time and for 30 days; the access token that it
replaces works for five minutes more, so calls under way are not disturbed.

Source: the fact sheet's section on access, read 2026-11-22.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from order_service.adapters.marketplaces.shopee.client import ShopeeCalls
from order_service.use_cases.marketplace import MarketplaceRefused, TokenExpired
from order_service.use_cases.ports import Account, Tokens

REFRESH_DAYS: Final = 30


class ShopeeTokens:
    def __init__(self, calls: ShopeeCalls, account: Account) -> None:
        self._calls = calls
        self._tokens = account.tokens

    async def refresh(self) -> Tokens:
        """Buy the next pair; not safe to repeat. MarketplaceRefused: the shop has to authorise us anew."""
        if self._tokens is None or self._tokens.refresh_token is None:
            raise MarketplaceRefused("account_was_never_authorised")
        asked_at = datetime.now(UTC)
        body = {
            "shop_id": self._calls.shop_id,
            "partner_id": int(self._calls.partner_id),
            "refresh_token": self._tokens.refresh_token,
        }
        try:
            given = await self._calls.grant("/api/v2/auth/access_token/get", body)
        except TokenExpired as error:
            raise MarketplaceRefused("refresh_token_refused") from error
        return Tokens(
            access_token=given.access_token,
            expires_at=asked_at + timedelta(seconds=given.expire_in),
            refresh_token=given.refresh_token,
            refresh_expires_at=asked_at + timedelta(days=REFRESH_DAYS),
        )

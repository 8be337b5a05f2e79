"""UPS's access tokens: kept while they last, renewed early, and by one at a time.

Source: UPS-API/api-documentation, OAuthClientCredentials.yaml, read 2026-11-22. A token asked for with every
call is answered with "slow down" (issue 8 of that repository).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from shipping_service.adapters.carriers.ups import wire

#: A token is given up this long before it ends, or after half its life where that is sooner.
RENEW_EARLY_S: Final = 300.0


class Tokens:
    """One account's token, shared by all calls of a process. `fetch` asks UPS for a new one."""

    def __init__(
        self, fetch: Callable[[], Awaitable[wire.Token]], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._now = now
        self._token: str | None = None
        self._good_until = 0.0
        self._renewal: asyncio.Task[str] | None = None

    async def current(self) -> str:
        """A token that is good for minutes. Who comes while it is renewed waits for that renewal, and hears
        its error; the next call tries anew.
        """
        if self._token is not None and self._now() < self._good_until:
            return self._token
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew())
            self._renewal.add_done_callback(self._renewed)
        return await asyncio.shield(self._renewal)

    def forget(self, token: str) -> None:
        """UPS does not take it any more. A newer one is kept."""
        if self._token == token:
            self._token = None

    async def close(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)

    async def _renew(self) -> str:
        asked_at = self._now()
        given = await self._fetch()
        self._good_until = asked_at + max(given.expires_in - RENEW_EARLY_S, given.expires_in / 2)
        self._token = given.access_token
        return given.access_token

    def _renewed(self, renewal: asyncio.Task[str]) -> None:
        self._renewal = None
        if not renewal.cancelled():
            renewal.exception()  # looked at, so that asyncio does not complain when nobody waits any more

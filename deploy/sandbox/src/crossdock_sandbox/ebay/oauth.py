"""Who may call: tokens of applications and of sellers, what they open, and how many calls a day there are.

Source: developer.ebay.com, "OAuth tokens" and "OAuth rate limits", read 2026-11-22.
"""

import base64
import binascii
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.ebay.store import Seller, Store
from crossdock_sandbox.ebay.words import error, oauth_error

APPLICATION_SCOPE = "https://api.ebay.com/oauth/api_scope"
#: Tokens that an application may buy a day.
MINTED_A_DAY = {"client_credentials": 1_000, "refresh_token": 50_000}


@dataclass(frozen=True, slots=True)
class Entered:
    """Who calls. `seller` None: an application, for nobody."""

    client_id: str
    seller: Seller | None


class OAuth:
    def __init__(self, store: Store, *, token_s: float, calls_per_day: int) -> None:
        self._store = store
        self._token_s = token_s
        self._calls_per_day = calls_per_day

    def sell_token(self, headers: Mapping[str, str], body: bytes) -> Answer:
        if headers.get("content-type", "").split(";")[0] != "application/x-www-form-urlencoded":
            return oauth_error(400, "invalid_request", "the body has to be a form")
        client_id, secret = _basic(headers.get("authorization", ""))
        known = self._store.secret_of(client_id)
        if known is None or not secrets.compare_digest(secret.encode(), known.encode()):
            return oauth_error(401, "invalid_client", "client authentication failed")
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        grant = form.pop("grant_type", "")
        if grant not in MINTED_A_DAY:
            return oauth_error(400, "unsupported_grant_type", "grant type in request is not supported")
        if not self._store.count_call(client_id, grant, MINTED_A_DAY[grant]):
            return oauth_error(429, "too_many_requests", "too many tokens were asked for today")
        if grant == "client_credentials":
            if form != {"scope": APPLICATION_SCOPE}:
                return oauth_error(400, "invalid_scope", "the requested scope is invalid")
            return self._sold(client_id, None, "Application Access Token")
        seller = self._store.seller_of_refresh_token(client_id, form.get("refresh_token", ""))
        if seller is None:
            return oauth_error(
                400, "invalid_grant", "the refresh token is invalid or was issued to another client"
            )
        return self._sold(client_id, seller.shop, "User Access Token")

    def _sold(self, client_id: str, shop: str | None, kind: str) -> Answer:
        token = self.issue(client_id, shop)
        content = {"access_token": token, "expires_in": max(int(self._token_s), 1), "token_type": kind}
        return Answer(content, detail={"token_type": kind})

    def issue(self, client_id: str, shop: str | None) -> str:
        """A token of a seller, or of the application alone."""
        token = f"v^1.1#{secrets.token_urlsafe(24)}"
        self._store.add_token(token, client_id, shop, time.time() + self._token_s)
        return token

    def enter(self, request: Request, *, api: str, scheme: str, of_seller: bool) -> Entered | Answer:
        """Who calls, or what eBay says to whom it does not let in."""
        given_scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        row = self._store.token(given, time.time()) if given_scheme == scheme else None
        if row is None:
            return error(401, 1001, "Invalid access token", domain="OAuth")
        if (row["shop"] is not None) is not of_seller:
            return error(403, 1100, "Insufficient permissions to fulfill the request.", domain="ACCESS")
        if not self._store.count_call(row["client_id"], api, self._calls_per_day):
            return error(429, 2001, "The request limit has been reached for the resource.", domain="ACCESS")
        seller = self._store.seller(row["shop"]) if row["shop"] else None
        return Entered(row["client_id"], seller)


def _basic(given: str) -> tuple[str, str]:
    scheme, _, encoded = given.partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return (user, password) if scheme.lower() == "basic" else ("", "")

"""Bearer tokens: `cd_` and 32 random bytes. The database holds their SHA-256 with a merchant and scopes."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from sqlalchemy import text

from crossdock_chassis.database import Database
from crossdock_chassis.http.problems import Problem
from crossdock_chassis.ids import new_id
from crossdock_contracts.envelope import Actor, ActorKind

#: A token that was revoked is refused after this time at the latest, in every process.
CACHE_S = 4.0
_CACHE_TOKENS = 10_000
_TOKEN = re.compile(r"cd_[A-Za-z0-9_-]{43}")
_SCOPE = re.compile(r"[a-z]+:(read|write)")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, for which merchant, and what they may do."""

    token_name: str
    merchant_id: str
    scopes: frozenset[str]

    @property
    def actor(self) -> Actor:
        return Actor(kind=ActorKind.PERSON, name=self.token_name)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it may be shown: without itself."""

    token_id: UUID
    name: str
    merchant_id: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class Tokens:
    """Looks tokens up, and remembers the good ones for `CACHE_S`."""

    def __init__(self, database: Database[Any], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[bytes, tuple[Principal, float]] = {}

    async def find(self, token: str) -> Principal | None:
        """The token's principal; None for every reason there is to refuse it."""
        if _TOKEN.fullmatch(token) is None:
            return None
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and known[1] > self._clock():
            return known[0]
        principal = await self._look_up(digest)
        if principal is None:
            self._known.pop(digest, None)
            return None
        if len(self._known) >= _CACHE_TOKENS:
            self._known.clear()
        self._known[digest] = (principal, self._clock() + CACHE_S)
        return principal

    async def _look_up(self, digest: bytes) -> Principal | None:
        async with self._database.engine.connect() as connection:
            row = (await connection.execute(_FIND, {"digest": digest})).one_or_none()
        # The index compares hashes, which say nothing about the token; what decides takes equal time.
        if row is None or not hmac.compare_digest(row.token_sha256, digest):
            return None
        return Principal(row.name, row.merchant_id, frozenset(row.scopes))


@dataclass(frozen=True, slots=True)
class RequiredScope:
    """A dependency that gives the principal. Raises Problem 401 and 403."""

    scope: str

    async def __call__(self, request: Request) -> Principal:
        principal = await authenticate(request)
        if self.scope not in principal.scopes:
            raise Problem(403, "missing-scope", "Not allowed", f"The token lacks the scope {self.scope}.")
        return principal


def require(scope: str) -> RequiredScope:
    """A dependency: `principal: Annotated[Principal, Depends(require("orders:read"))]`.

    Answers 401, always the same, without a good token, and 403 when the token lacks `scope`.
    """
    return RequiredScope(scope)


async def authenticate(request: Request) -> Principal:
    """Who sent the request. Raises Problem 401."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    tokens: Tokens = request.app.state.tokens
    principal = await tokens.find(token.strip()) if scheme.lower() == "bearer" else None
    if principal is None:
        raise Problem(
            401,
            "unauthenticated",
            "A valid token is needed",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return principal


async def add_token(
    database: Database[Any],
    *,
    name: str,
    merchant_id: str,
    scopes: Collection[str],
    token: str | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Make a token and return it: the only time it is seen. `token`: one that was made elsewhere.

    Safe to repeat with the same `token`, which then has the name, merchant and scopes given last.
    Raises ValueError for a token or scope of another form.
    """
    made = f"cd_{secrets.token_urlsafe(32)}" if token is None else token
    if _TOKEN.fullmatch(made) is None:
        raise ValueError("a token is cd_ and 32 bytes in base64url")
    wrong = sorted(scope for scope in scopes if _SCOPE.fullmatch(scope) is None)
    if wrong or not scopes:
        raise ValueError(f"scopes look like orders:read; these do not: {', '.join(wrong) or '(none given)'}")
    async with database.transaction() as tx:
        await tx.connection.execute(
            _ADD,
            {
                "token_id": new_id(),
                "digest": hashlib.sha256(made.encode()).digest(),
                "name": name,
                "merchant_id": merchant_id,
                "scopes": sorted(scopes),
                "expires_at": expires_at,
            },
        )
    return made


async def revoke_token(database: Database[Any], *, name: str, merchant_id: str) -> int:
    """Revoke every token of that name; how many there were. Safe to repeat."""
    async with database.transaction() as tx:
        result = await tx.connection.execute(_REVOKE, {"name": name, "merchant_id": merchant_id})
        return int(result.rowcount)


async def list_tokens(database: Database[Any]) -> Sequence[Token]:
    """Every token, revoked ones too, by merchant and name. They are few and made by hand."""
    async with database.transaction() as tx:
        rows = await tx.connection.execute(_LIST)
        return [
            Token(one.token_id, one.name, one.merchant_id, tuple(one.scopes), *one[4:]) for one in rows.all()
        ]


_FIND = text(
    """
    select token_sha256, name, merchant_id, scopes from api_token
    where token_sha256 = :digest and revoked_at is null
      and (expires_at is null or expires_at > crossdock_clock())
    """
)
_ADD = text(
    """
    insert into api_token (token_id, token_sha256, name, merchant_id, scopes, expires_at)
    values (:token_id, :digest, :name, :merchant_id, :scopes, :expires_at)
    on conflict (token_sha256) do update
    set name = excluded.name, merchant_id = excluded.merchant_id, scopes = excluded.scopes,
        expires_at = excluded.expires_at
    """
)
_REVOKE = text(
    """
    update api_token set revoked_at = statement_timestamp()
    where name = :name and merchant_id = :merchant_id and revoked_at is null
    """
)
_LIST = text(
    """
    select token_id, name, merchant_id, scopes, created_at, expires_at, revoked_at from api_token
    order by merchant_id, name, created_at limit 10000
    """
)

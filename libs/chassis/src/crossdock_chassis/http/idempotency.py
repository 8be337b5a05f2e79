"""Writes that a client may send twice: under the same `Idempotency-Key` the second gets the first's answer.

The key is remembered in the very transaction of the effect, so a crash in between leaves neither, and the
client's retry does the work once. A route says three visible lines:

    @router.post("/{order_id}/cancellation", status_code=202)
    async def post_cancellation(order_id: UUID, principal: Writer, call: Idempotent, ...) -> Response:
        async with database.transaction() as tx:
            await call.claim(tx, principal)      # answered before: the answer goes out from here
            await cancel_order(command, tx=tx)
            return await call.answer(tx, 202)    # remembered with the effect, sent after the commit

Scope: principal, method, path and key, for 24 hours. Another body under the same key is 422, a first request
still running is 409. A request that failed (a problem, a crash) is not remembered: nothing was done, so it
may be tried again. Without the header the call is an ordinary one. Calls to the outside are job rows, so
there is no effect that a transaction cannot hold.
"""

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlalchemy import text
from starlette.responses import Response

from crossdock_chassis.database import Transaction
from crossdock_chassis.http.auth import Principal
from crossdock_chassis.http.problems import Answered, Problem

REPLAYED_HEADER = "Idempotency-Replayed"
KEPT_HOURS = 24


class IdempotentCall:
    """One request, with or without a key. See the module's docstring."""

    def __init__(self, method: str, path: str, key: str | None, body: bytes) -> None:
        self._key = key
        self._row: dict[str, object] = {
            "method": method,
            "path": path,
            "key": key,
            "body_sha256": hashlib.sha256(body).digest(),
        }

    async def claim(self, tx: Transaction, principal: Principal) -> None:
        """Be the one who does it. The transaction's first statement, before anything is decided.

        Raises Answered (the application sends it on), or Problem 409 or 422.
        """
        if self._key is None:
            return
        self._row["principal"] = f"{principal.merchant_id}/{principal.token_name}"
        # Taken first and in a statement of its own: the next one then sees what an earlier holder committed.
        mine = (await tx.connection.execute(_LOCK, self._row)).scalar_one()
        if not mine:
            raise Problem(
                409,
                "idempotency-in-flight",
                "The first request is still running",
                "Ask again with the same key.",
                headers={"Retry-After": "1"},
            )
        before = (await tx.connection.execute(_FIND, self._row)).one_or_none()
        if before is None:
            return
        if before.body_sha256 != self._row["body_sha256"]:
            raise Problem(
                422,
                "idempotency-key-reused",
                "The key was used with another body",
                "Use a new key for a new request.",
            )
        headers = dict(zip(before.headers[::2], before.headers[1::2], strict=True))
        raise Answered(Response(before.answer, before.status, {**headers, REPLAYED_HEADER: "true"}))

    async def answer(
        self, tx: Transaction, status: int, body: BaseModel | None = None, *, location: str | None = None
    ) -> Response:
        """The route's answer, remembered when the transaction commits. Its last line."""
        content = b"" if body is None else body.model_dump_json().encode()
        headers = {} if body is None else {"content-type": "application/json"}
        if location is not None:
            headers["location"] = location
        if self._key is not None:
            flat = [part for pair in headers.items() for part in pair]
            await tx.connection.execute(
                _REMEMBER, {**self._row, "status": status, "headers": flat, "answer": content}
            )
        return Response(content, status, headers)


async def idempotent_call(
    request: Request,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            description="A name you choose for this request; sent again it is done once. Kept for 24 hours.",
        ),
    ] = None,
) -> IdempotentCall:
    return IdempotentCall(request.method, request.url.path, key, await request.body())


#: A route's parameter: `call: Idempotent`.
Idempotent = Annotated[IdempotentCall, Depends(idempotent_call)]


# A lock of the transaction, so it works through a transaction-mode pooler and no crash can leave it behind.
_LOCK = text(
    """
    select pg_try_advisory_xact_lock(
        hashtextextended(array[:principal, :method, :path, :key]::text, 0))
    """
)
_FIND = text(
    f"""
    select body_sha256, status, headers, answer from idempotency_key
    where principal = :principal and method = :method and path = :path and key = :key
      and created_at > statement_timestamp() - interval '{KEPT_HOURS} hours'
    """  # noqa: S608 - a constant
)
_REMEMBER = text(
    """
    insert into idempotency_key (principal, method, path, key, body_sha256, status, headers, answer)
    values (:principal, :method, :path, :key, :body_sha256, :status, :headers, :answer)
    on conflict (principal, method, path, key) do update
    set body_sha256 = excluded.body_sha256, status = excluded.status, headers = excluded.headers,
        answer = excluded.answer, created_at = excluded.created_at
    """
)

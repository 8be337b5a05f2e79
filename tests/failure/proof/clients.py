"""The people and tools that use the APIs: every question and answer of theirs goes into the history."""

import asyncio
import hashlib
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from ..history import CommandSent, History, OrderRead

TIMEOUT_S = 10.0
PAUSE_S = 0.5
#: What passes by itself; the same request is sent again with the same key.
PASSING = frozenset({408, 429, 500, 502, 503, 504})
IN_FLIGHT = "idempotency-in-flight"
PAGE = 200


class NoAnswer(Exception):
    """Nobody answered for as long as one can be expected to try."""


class Refused(Exception):
    """The service understood and said no."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


class Clients:
    """Talks to each replica in turn. `patience_s`: how long one request is tried."""

    def __init__(
        self,
        entries: Mapping[str, Sequence[str]],
        token: str,
        history: History,
        *,
        patience_s: float = 60.0,
    ) -> None:
        self._turns = {service: itertools.cycle(urls) for service, urls in entries.items()}
        self._history = history
        self._patience_s = patience_s
        self._http = httpx.AsyncClient(
            timeout=TIMEOUT_S,
            headers={"Authorization": f"Bearer {token}"},
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, service: str, path: str, **params: object) -> Any:
        """Raises NoAnswer or Refused."""
        wanted = {name: str(value) for name, value in params.items() if value is not None}
        answer = await self._until_answered("GET", service, path, params=wanted)
        return answer.json()

    async def items(self, service: str, path: str, *, at_most: int = 5000, **params: object) -> list[Any]:
        return [one async for one in self._pages(service, path, at_most, params)]

    async def _pages(
        self, service: str, path: str, at_most: int, params: Mapping[str, object]
    ) -> AsyncIterator[Any]:
        cursor, given = None, 0
        while given < at_most:
            page = await self.get(service, path, **params, cursor=cursor, limit=PAGE)
            for one in page["items"]:
                yield one
            given += len(page["items"])
            cursor = page.get("next_cursor")
            if not cursor:
                return

    async def command(
        self, method: str, service: str, path: str, body: object = None, *, key: str | None = None
    ) -> Any:
        """A write, tried until it is answered. With a key every attempt goes into the history.

        Raises NoAnswer or Refused.
        """
        answer = await self._until_answered(method, service, path, body=body, key=key)
        return answer.json() if answer.content else None

    async def look(self, client: str, order_id: str) -> None:
        """One client reads an order, once; what it saw goes into the history."""
        try:
            answer = await self._http.get(f"{next(self._turns['order'])}/v1/orders/{order_id}")
        except httpx.TransportError:
            return
        if answer.is_success:
            seen = OrderRead(
                client=client, order_id=order_id, version=answer.json()["version"], at=datetime.now(UTC)
            )
            self._history.reads.append(seen)

    async def _until_answered(
        self,
        method: str,
        service: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        key: str | None = None,
    ) -> httpx.Response:
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"} if data is not None else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        deadline = asyncio.get_running_loop().time() + self._patience_s
        while True:
            asked_at = datetime.now(UTC)
            try:
                answer = await self._http.request(
                    method, next(self._turns[service]) + path, params=params, content=data, headers=headers
                )
            except httpx.TransportError:
                self._note(service, path, key, data, None, asked_at)
            else:
                self._note(service, path, key, data, answer, asked_at)
                if answer.is_success:
                    return answer
                if answer.status_code not in PASSING and IN_FLIGHT not in answer.text:
                    raise Refused(answer.status_code, answer.text[:300])
            if asyncio.get_running_loop().time() > deadline:
                raise NoAnswer(f"{service} did not answer {method} {path} for {self._patience_s:.0f} s")
            await asyncio.sleep(PAUSE_S)

    def _note(
        self,
        service: str,
        path: str,
        key: str | None,
        data: bytes | None,
        answer: httpx.Response | None,
        at: datetime,
    ) -> None:
        if key is None:
            return
        told = answer.json() if answer is not None and answer.is_success and answer.content else None
        self._history.commands.append(
            CommandSent(
                service=service,
                path=path,
                idempotency_key=key,
                body_digest=hashlib.sha256(data or b"").hexdigest(),
                status=None if answer is None else answer.status_code,
                answer=told if isinstance(told, dict) else None,
                at=at,
            )
        )

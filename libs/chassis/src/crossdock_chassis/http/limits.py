"""Bounds on what a client may send, counted while it streams: an announced length is only a hint."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossdock_chassis.http.problems import Problem, problem_response


@dataclass(frozen=True, slots=True)
class Limit:
    """How large a body may be, and how long the whole of it may take to arrive."""

    body_bytes: int = 1_048_576
    receive_s: float = 30.0
    headers: int = 100


class LimitsMiddleware:
    """413, 408 and 431. `overrides`: path prefix -> limit; the longest prefix that fits counts.

    The server itself has no limit on how slowly a body may trickle in.
    """

    def __init__(
        self, app: ASGIApp, *, default: Limit | None = None, overrides: Mapping[str, Limit] | None = None
    ) -> None:
        self._app = app
        self._default = default or Limit()
        self._overrides = sorted((overrides or {}).items(), key=lambda one: -len(one[0]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope["path"])
        problem = _refused_at_once(scope, limit)
        if problem is not None:
            await problem_response(problem, scope["path"])(scope, receive, send)
            return
        await self._app(scope, _bounded(receive, limit), send)

    def _limit_of(self, path: str) -> Limit:
        return next((limit for prefix, limit in self._overrides if path.startswith(prefix)), self._default)


def _refused_at_once(scope: Scope, limit: Limit) -> Problem | None:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if len(headers) > limit.headers:
        return Problem(431, "too-many-headers", "Too many headers", headers={"Connection": "close"})
    announced = next((value for name, value in headers if name == b"content-length"), b"")
    if announced.isdigit() and int(announced[:20]) > limit.body_bytes:
        return _too_large(limit)
    return None


def _bounded(receive: Receive, limit: Limit) -> Receive:
    """`receive`, counting and timing until the body is complete; what comes after is only the disconnect."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit.receive_s
    received = 0
    complete = False

    async def receive_bounded() -> Message:
        nonlocal received, complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise Problem(
                408,
                "too-slow",
                "The request took too long to arrive",
                f"All of it has to be here within {limit.receive_s:g} s.",
                headers={"Connection": "close"},
            ) from None
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > limit.body_bytes:
                raise _too_large(limit)
        return message

    return receive_bounded


def _too_large(limit: Limit) -> Problem:
    return Problem(
        413,
        "too-large",
        "Request too large",
        f"At most {limit.body_bytes} bytes.",
        headers={"Connection": "close"},
    )

"""The made-up marketplace itself: a real HTTP server that keeps orders, a queue and tokens, and can be told
to misbehave.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

PLACED = 1_790_000_000
KEY = "the key that prepare fetches"


@dataclass
class ToyServer:
    """`fail`: path -> the statuses of its next answers. `lose`: paths whose next answer is lost after
    the work is done, `lose_unanswered`: before. `calls`: how often each path was asked. Not `lists`: its list
    is empty.
    """

    base_url: str = ""
    page_size: int = 2
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    lists: bool = True
    only_names: bool = False
    queue: list[dict[str, Any]] = field(default_factory=list)
    fail: dict[str, list[int]] = field(default_factory=dict)
    lose: set[str] = field(default_factory=set)
    lose_unanswered: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)
    spans: list[tuple[float, float, str]] = field(default_factory=list)
    good_access: set[str] = field(default_factory=lambda: {"a0", "none"})
    good_refresh: set[str] = field(default_factory=lambda: {"r0"})
    latest: dict[str, str] = field(default_factory=dict)
    lives_s: float = 3600
    refuses_all: bool = False
    pairs: int = 0

    def put(self, external_id: str, *, units: int = 1, updated: float | None = None) -> None:
        changed = int(time.time()) - 10 if updated is None else updated
        self.orders[external_id] = {"id": external_id, "placed": PLACED, "updated": changed, "units": units}

    @web.middleware
    async def _watch(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.calls[request.path] += 1
        if self.fail.get(request.path):
            return web.Response(status=self.fail[request.path].pop(0))
        if request.path not in {"/key", "/token"}:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if self.refuses_all or token not in self.good_access:
                return web.Response(status=401)
        if request.path in self.lose_unanswered:
            self.lose_unanswered.discard(request.path)
            return _hung_up(request)
        answer: web.StreamResponse = await handler(request)
        if request.path in self.lose:
            self.lose.discard(request.path)
            return _hung_up(request)
        return answer

    async def _key(self, _: web.Request) -> web.Response:
        return web.Response(text=KEY)

    async def _order(self, request: web.Request) -> web.Response:
        found = self.orders.get(request.match_info["id"])
        return web.json_response(found) if found else web.Response(status=404)

    async def _list(self, request: web.Request) -> web.Response:
        since, until = float(request.query["since"]), float(request.query["until"])
        cursor = request.query["cursor"]
        self.spans.append((since, until, cursor))
        found = [one for one in self.orders.values() if self.lists and since <= one["updated"] <= until]
        start, end = int(cursor), int(cursor) + self.page_size
        page = found[start:end]
        following = str(end) if end < len(found) else None
        named = {"orders": [], "pointers": page} if self.only_names else {"orders": page, "pointers": []}
        return web.json_response({**named, "cursor": following})

    async def _receive(self, _: web.Request) -> web.Response:
        return web.json_response(self.queue)

    async def _remove(self, request: web.Request) -> web.Response:
        gone = await request.json()
        self.queue = [one for one in self.queue if one["handle"] not in gone]
        return web.Response()

    async def _token(self, request: web.Request) -> web.Response:
        """A refresh token is good for one time."""
        given = (await request.json())["refresh_token"]
        if given not in self.good_refresh:
            return web.Response(status=401)
        self.pairs += 1
        n = self.pairs
        self.good_refresh = self.good_refresh - {given} | {f"r{n}"}
        self.good_access = self.good_access - {self.latest.get(given, "")} | {f"a{n}"}
        self.latest[f"r{n}"] = f"a{n}"
        expires_at = time.time() + self.lives_s
        pair = {"access_token": f"a{n}", "refresh_token": f"r{n}", "expires_at": expires_at}
        return web.json_response(pair)


def _hung_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.close()
    return web.Response()


@asynccontextmanager
async def running_toy() -> AsyncIterator[ToyServer]:
    server = ToyServer()
    app = web.Application(middlewares=[server._watch])
    app.add_routes(
        [
            web.get("/key", server._key),
            web.get("/orders", server._list),
            web.get("/orders/{id}", server._order),
            web.get("/queue", server._receive),
            web.post("/queue/removed", server._remove),
            web.post("/token", server._token),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()

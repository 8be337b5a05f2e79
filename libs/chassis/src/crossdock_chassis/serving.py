"""uvicorn inside our own event loop: our signals, our logs, our bounds."""

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from crossdock_chassis.config import ServiceSettings
from crossdock_chassis.health import PROBE_PATHS
from crossdock_chassis.http.problems import Problem, problem_response

#: How long a request in flight may still take after the server was asked to stop.
GRACE_S = 10


class _Server(uvicorn.Server):
    """Leaves the process's signals alone, and says when it takes connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class ConcurrencyMiddleware:
    """503 for more than `at_once` requests, so that those in work end in time. Probes are always answered."""

    def __init__(self, app: ASGIApp, *, at_once: int) -> None:
        self._app = app
        self._free = at_once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBE_PATHS:
            await self._app(scope, receive, send)
            return
        if self._free == 0:
            busy = Problem(503, "busy", "Too many requests at once", headers={"Retry-After": "1"})
            await problem_response(busy, scope["path"])(scope, receive, send)
            return
        self._free -= 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._free += 1


class HttpServer:
    """Serves one application. `listening` is set once connections are taken on `port`."""

    def __init__(self, app: Starlette, settings: ServiceSettings, *, with_api: bool) -> None:
        self._host = settings.http_host
        self.port = settings.http_port if with_api else settings.health_port
        self._server = _Server(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=settings.http_concurrency * 4,  # connections, idle ones too
                timeout_keep_alive=15,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self.listening = self._server.listening

    async def run(self) -> None:
        """Serve until `stop`. Raises OSError when the port cannot be had."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.create_server((self._host, self.port), family=family, backlog=2048)
        self.port = listener.getsockname()[1]
        await self._server.serve(sockets=[listener])

    async def stop(self) -> None:
        """Take no more connections; `run` returns when requests in flight are through, or `GRACE_S` are."""
        self._server.should_exit = True

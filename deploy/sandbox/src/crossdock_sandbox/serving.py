"""A loopback HTTP server inside the running event loop, with connections that can be cut."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LOOPBACK = "127.0.0.1"
#: All of a container's own network; whoever starts it says who may come in.
EVERYWHERE = "0.0.0.0"
START_TIMEOUT_S = 10.0

_OPEN: dict[tuple[str, int], asyncio.Transport] = {}


class CuttableProtocol(HttpToolsProtocol):
    """ASGI has no word for "reset this connection", so the transports are kept by the client's address."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None:
            _OPEN[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            _OPEN.pop(self.client, None)
        super().connection_lost(exc)


def cut_connection(request: Request) -> None:
    """Reset the request's connection; whatever is answered afterwards goes nowhere."""
    client = request.client
    transport = _OPEN.get((client.host, client.port)) if client else None
    if transport is not None:
        transport.abort()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to whoever runs the loop: `__main__`, or the test runner."""
        yield


def listening_socket(port: int, host: str = LOOPBACK) -> socket.socket:
    """Bound to 127.0.0.1 and nothing else, or to EVERYWHERE; port 0 takes a free one."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


@asynccontextmanager
async def serving(app: ASGIApp, listening: socket.socket) -> AsyncIterator[str]:
    """Serve until the block is left; yields the base URL."""
    config = uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=1024,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while not server.started:
                if task.done():
                    await task
                    raise RuntimeError("the sandbox's server ended while it started")
                await asyncio.sleep(0.005)
        yield f"http://{LOOPBACK}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()

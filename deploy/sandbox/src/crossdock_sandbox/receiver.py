"""A receiver of webhooks that answers as told and remembers every byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crossdock_sandbox.serving import listening_socket, serving


@dataclass
class Receiver:
    statuses: list[int] = field(default_factory=list)  # one per request, then 200
    texts: list[str] = field(default_factory=list)  # one per request, then nothing
    wait_s: float = 0.0
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def receive(self, request: Request) -> Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.bodies.append(await request.body())
        self.headers.append(dict(request.headers))
        status = self.statuses.pop(0) if self.statuses else 200
        text = self.texts.pop(0) if self.texts else None
        await asyncio.sleep(self.wait_s)
        self.at_once -= 1
        return Response(text, status_code=status, headers={"Location": "/elsewhere"})


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[Receiver]:
    app = Starlette(routes=[Route("/webhooks", receiver.receive, methods=["POST"])])
    async with serving(app, listening_socket(0)) as base_url:
        receiver.url = f"{base_url}/webhooks"
        yield receiver

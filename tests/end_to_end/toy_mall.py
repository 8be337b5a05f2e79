"""The toy marketplace's server: real HTTP, with books of what it was asked for."""

import base64
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.serving import listening_socket, serving

PDF = b"%PDF-1.7 a label of the mall"


@dataclass
class ToyMall:
    """`labels`: parcel to number, made at the question number `made_at`. `asked`: how often for each."""

    base_url: str = ""
    made_at: int = 3
    asked: Counter[str] = field(default_factory=Counter)
    labels: dict[str, str] = field(default_factory=dict)
    wishes: dict[str, Any] = field(default_factory=dict)
    cancelled: dict[str, str] = field(default_factory=dict)
    stock: dict[str, int] = field(default_factory=dict)

    async def label(self, request: Request) -> Response:
        parcel = request.path_params["parcel"]
        self.asked[parcel] += 1
        self.wishes[parcel] = await request.json()
        if self.asked[parcel] < self.made_at:
            return Response(status_code=202)
        number = self.labels.setdefault(parcel, f"MALL{len(self.labels) + 1:06}")
        said = {
            "carrier": "mall_express",
            "service": "standard",
            "number": number,
            "pdf": base64.b64encode(PDF).decode(),
        }
        return JSONResponse(said)

    async def cancel(self, request: Request) -> Response:
        self.cancelled[request.path_params["order"]] = (await request.json())["reason"]
        return Response(status_code=204)

    async def set_stock(self, request: Request) -> Response:
        self.stock |= await request.json()
        return Response(status_code=204)


@asynccontextmanager
async def running_mall() -> AsyncIterator[ToyMall]:
    """Serve on loopback until the block is left."""
    mall = ToyMall()
    app = Starlette(
        routes=[
            Route("/orders/{order}/labels/{parcel}", mall.label, methods=["PUT"]),
            Route("/orders/{order}/cancel", mall.cancel, methods=["PUT"]),
            Route("/stock", mall.set_stock, methods=["PUT"]),
        ]
    )
    async with serving(app, listening_socket(0)) as base_url:
        mall.base_url = base_url
        yield mall

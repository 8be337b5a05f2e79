"""The made-up carrier itself: a real HTTP server that sells labels and scans parcels."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.serving import cut_connection, listening_socket, serving


@dataclass
class ToyOffice:
    """`sold`: reference -> number. `scans`: number -> code and time. `loses`: the next answer to a sale."""

    base_url: str = ""
    sold: dict[str, str] = field(default_factory=dict)
    voided: list[str] = field(default_factory=list)
    scans: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    loses: bool = False

    async def sell(self, request: Request) -> Response:
        number = self.sold.setdefault(request.path_params["name"], f"TOY{len(self.sold)}")
        if self.loses:
            self.loses = False
            cut_connection(request)
        return JSONResponse({"number": number, "cents": 321})

    async def look(self, request: Request) -> Response:
        number = self.sold.get(request.path_params["name"])
        return JSONResponse({"number": number, "cents": 321}, 200 if number else 404)

    async def take_back(self, request: Request) -> Response:
        self.voided.append(request.path_params["name"])
        return Response(status_code=204)

    async def tell(self, request: Request) -> Response:
        numbers = request.query_params["numbers"].split(",")
        return JSONResponse({one: self.scans.get(one, []) for one in numbers})


@asynccontextmanager
async def running_toy_office() -> AsyncIterator[ToyOffice]:
    office = ToyOffice()
    app = Starlette(
        routes=[
            Route("/labels/{name}", office.sell, methods=["PUT"]),
            Route("/labels/{name}", office.look, methods=["GET"]),
            Route("/labels/{name}", office.take_back, methods=["DELETE"]),
            Route("/scans", office.tell, methods=["GET"]),
        ]
    )
    async with serving(app, listening_socket(0)) as base_url:
        office.base_url = base_url
        yield office

"""What client and HTTP server can do at all: a request is read and answered. `... floor.nothing PORT`."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crossdock_cli.embedded.launch import LOOPBACK


async def answer(request: Request) -> Response:
    await request.body()
    return Response(status_code=200)


if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])]),
        host=LOOPBACK,
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        ws="none",
        access_log=False,
        log_level="warning",
    )

"""What client and HTTP server can do at all: a request is read and answered. `... floor.nothing PORT`."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .serving import serve


async def answer(request: Request) -> Response:
    await request.body()
    return Response(status_code=200)


if __name__ == "__main__":
    serve(Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])]))

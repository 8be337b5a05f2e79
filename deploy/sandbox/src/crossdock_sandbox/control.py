"""The part of the control API that every sandbox has: health, books, faults."""

from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.books import PAGE_LIMIT, Books, UnknownColumn
from crossdock_sandbox.calls import HTTP_TOO_LARGE, BodyTooLarge, read_body
from crossdock_sandbox.faults import Faults, Rule

CONTROL_BODY_BYTES = 32 * 1024 * 1024

T = TypeVar("T", bound=BaseModel)

_RULES = TypeAdapter(list[Rule])


def problem(status: int, text: str, **more: object) -> Response:
    return JSONResponse({"error": text, **more}, status)


async def bad_request(_request: Request, error: Exception) -> Response:
    """What a sandbox's own API says to a body that does not fit; the platforms' APIs have their own words."""
    if isinstance(error, ValidationError):
        return problem(422, "invalid body", errors=[_named(one) for one in error.errors()[:20]])
    if isinstance(error, BodyTooLarge):
        return problem(HTTP_TOO_LARGE, "the body is too large")
    return problem(400, str(error))


def _named(error: Any) -> dict[str, str]:
    return {"field": ".".join(str(part) for part in error["loc"]), "message": error["msg"]}


async def read_model(request: Request, model: type[T]) -> T:
    return model.model_validate_json(await read_body(request, CONTROL_BODY_BYTES))


def control_routes(books: Books, faults: Faults) -> list[Route]:
    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def summary(_request: Request) -> Response:
        return JSONResponse({"counts": books.counts()})

    async def page(request: Request) -> Response:
        name = request.path_params["table"]
        if name not in books.pages:
            return problem(404, "no such table", tables=sorted(books.pages))
        filters = dict(request.query_params)
        try:
            after, limit = int(filters.pop("after", "0")), int(filters.pop("limit", PAGE_LIMIT))
            rows = books.rows(name, filters, after=after, limit=min(max(limit, 1), PAGE_LIMIT))
        except UnknownColumn as error:
            return problem(400, f"no such filter: {error}")
        except ValueError:
            return problem(400, "after and limit are whole numbers")
        return JSONResponse(rows)

    async def get_faults(_request: Request) -> Response:
        return JSONResponse({"faults": faults.listed()})

    async def put_faults(request: Request) -> Response:
        rules = _RULES.validate_json(await read_body(request, CONTROL_BODY_BYTES))
        faults.replace(rules)
        return JSONResponse({"faults": faults.listed()})

    async def delete_faults(_request: Request) -> Response:
        faults.replace([])
        return Response(status_code=204)

    return [
        Route("/_sandbox/health", health),
        Route("/_sandbox/books", summary),
        Route("/_sandbox/books/{table}", page),
        Route("/_sandbox/faults", get_faults, methods=["GET"]),
        Route("/_sandbox/faults", put_faults, methods=["PUT"]),
        Route("/_sandbox/faults", delete_faults, methods=["DELETE"]),
    ]

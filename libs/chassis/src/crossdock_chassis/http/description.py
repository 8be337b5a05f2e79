"""What an application says of itself: FastAPI's OpenAPI, with what holds for every operation of ours."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from crossdock_chassis.http.auth import RequiredScope
from crossdock_chassis.http.problems import MEDIA_TYPE, ProblemDocument

_TOKEN = "token"  # noqa: S105 - the name of a scheme
_REASONS = MappingProxyType(
    {
        "400": "The cursor is not one of ours, or the request broke off.",
        "401": "There is no good token.",
        "403": "The token lacks the scope.",
        "404": "There is no such thing, or it is another merchant's.",
        "409": "Its state does not allow it, or a request with this Idempotency-Key still runs.",
        "422": "The request does not fit its schema, or says what cannot be.",
    }
)


def complete(description: dict[str, Any], routes: Sequence[BaseRoute]) -> None:
    """Add summaries, scopes and problems to `description`, which was made from these routes."""
    schemes = description.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes[_TOKEN] = {"type": "http", "scheme": "bearer"}
    for context in iter_route_contexts(routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                _complete(description["paths"][route.path_format][method.lower()], route)


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    if route.summary is None and route.description:
        operation["summary"] = _first_sentence(route.description)
    scopes = sorted({one.scope for one in _scopes(route.dependant)})
    if scopes:
        operation["security"] = [{_TOKEN: scopes}]
    for status in _problems(operation, guarded=bool(scopes)):
        operation["responses"].setdefault(status, _problem(_REASONS[status]))
    operation["responses"]["default"] = _problem("A problem (RFC 9457).")


def _scopes(dependant: Dependant) -> Iterator[RequiredScope]:
    for one in dependant.dependencies:
        if isinstance(one.call, RequiredScope):
            yield one.call
        yield from _scopes(one)


def _problems(operation: Mapping[str, Any], *, guarded: bool) -> Iterator[str]:
    parameters = operation.get("parameters", [])
    names = {one["name"] for one in parameters}
    if "cursor" in names:
        yield "400"
    if guarded:
        yield from ("401", "403")
    if any(one["in"] == "path" for one in parameters):
        yield "404"
    if "Idempotency-Key" in names:
        yield "409"
    if parameters or "requestBody" in operation:
        yield "422"


def _problem(reason: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}
    return {"description": reason, "content": {MEDIA_TYPE: {"schema": schema}}}


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0].rstrip(".")

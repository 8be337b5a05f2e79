"""Errors leave as `application/problem+json` (RFC 9457), without a trace and without what was sent in."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from crossdock_chassis.logging import get_logger
from crossdock_chassis.telemetry import current_trace_id

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_MAX_ERRORS = 50

# SQLSTATEs that may be gone a moment later: connection, resources, operator, conflict, lock, read-only.
_PASSING = ("08", "53", "57", "40", "55P03", "25006")


class FieldError(BaseModel):
    """One thing wrong with a request. `path` is where: `body.lines.0.sku`."""

    path: str
    code: str
    message: str


class ProblemDocument(BaseModel):
    """RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Names the kind of problem; a relative URI.")
    title: str
    status: int
    detail: str | None = None
    instance: str = Field(description="The path that was asked for.")
    trace_id: str | None = Field(default=None, description="Quote it when you report the problem.")
    errors: list[FieldError] | None = None


class Problem(HTTPException):
    """Raised by routes and dependencies. `slug` names the kind: `/problems/<slug>`.

    `extra` become members of the document; they and `detail` must hold no personal data.
    """

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(status, detail, dict(headers) if headers else None)
        self.slug = slug
        self.title = title
        self.problem_detail = detail
        self.extra = extra


class Answered(Exception):
    """Carries a finished answer out of a route. Its transaction is rolled back and has done nothing yet."""

    def __init__(self, response: Response) -> None:
        super().__init__("answered before")
        self.response = response


def problem_response(problem: Problem, path: str) -> Response:
    """The problem as an answer; also for middleware, which stands outside the handlers."""
    document = {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": problem.status_code,
        "detail": problem.problem_detail,
        "instance": path,
        "trace_id": current_trace_id(),
        **problem.extra,
    }
    body = to_json({name: value for name, value in document.items() if value is not None})
    return Response(body, problem.status_code, problem.headers, MEDIA_TYPE)


def unexpected() -> Problem:
    """What a client is told of our own defects: that there was one."""
    return Problem(
        500, "internal", "Internal error", "Something went wrong here; the trace id finds it in our logs."
    )


# SQLSTATEs for text that PostgreSQL cannot keep: NUL, in a text or escaped in a JSON document.
_UNSTORABLE = frozenset({"22021", "22P05"})

#: Names of the statuses that the framework itself answers with.
_FRAMEWORK = {
    400: ("bad-request", "Bad request"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method not allowed"),
    406: ("not-acceptable", "Not acceptable"),
    413: ("too-large", "Request too large"),
    415: ("unsupported-media-type", "Unsupported media type"),
}


async def _on_answered(_: Request, error: Answered) -> Response:
    return error.response


async def _on_problem(request: Request, error: Problem) -> Response:
    return problem_response(error, request.url.path)


async def _on_http_exception(request: Request, error: StarletteHTTPException) -> Response:
    slug, title = _FRAMEWORK.get(error.status_code, ("http-error", "The request was not served"))
    return problem_response(Problem(error.status_code, slug, title, headers=error.headers), request.url.path)


async def _on_invalid(request: Request, error: RequestValidationError) -> Response:
    problem = Problem(
        422, "invalid-request", "The request does not fit its schema", errors=_field_errors(error.errors())
    )
    return problem_response(problem, request.url.path)


def _field_errors(errors: Sequence[Any]) -> list[dict[str, str]]:
    return [
        {
            "path": ".".join(str(part)[:64] for part in one["loc"]),
            "code": one["type"],
            "message": one["msg"][:200],
        }
        for one in errors[:_MAX_ERRORS]
    ]


async def _on_database_error(request: Request, error: Exception) -> Response:
    state = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")
    passing = isinstance(error, PoolTimeout | InterfaceError) or state.startswith(_PASSING)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        passing = True
    if state in _UNSTORABLE:
        return problem_response(_unstorable(), request.url.path)
    if not passing:
        raise error
    return busy_response(request.url.path, error)


def _unstorable() -> Problem:
    """Only what a client sent is text that we did not write ourselves; nothing of it was kept."""
    return Problem(422, "unstorable-text", "A text holds a character that cannot be kept", "It is NUL.")


async def _on_gone(request: Request, _: Exception) -> Response:
    """The client went away in the middle of its body: nobody hears the answer, and nobody has to act."""
    return problem_response(Problem(400, "incomplete", "The request broke off"), request.url.path)


async def _on_unreachable(request: Request, error: Exception) -> Response:
    return busy_response(request.url.path, error)


def busy_response(path: str, error: Exception) -> Response:
    """The database is not there, or too busy: nothing was changed, ask again."""
    log.warning("http.unavailable", path=path, error=type(error).__qualname__)
    problem = Problem(
        503, "unavailable", "Not available for the moment", "Please try again.", headers={"Retry-After": "1"}
    )
    return problem_response(problem, path)


def explain(error: Exception) -> str:
    """The text of a domain error: its own `__str__`, or its arguments in a row."""
    if type(error).__str__ is not BaseException.__str__:
        return str(error)
    return ", ".join(map(str, error.args))


def install_problem_handlers(
    app: FastAPI, domain_errors: Mapping[type[Exception], tuple[int, str]] | None = None
) -> None:
    """Turn what routes raise into problems.

    `domain_errors`: error class -> (status, slug). A subclass is found by its nearest base. The error's text
    becomes the `detail`, so domain errors hold ids and states, never a name or an address.
    """

    def answer(status: int, slug: str) -> Any:
        title = slug.replace("-", " ").capitalize()

        async def on_domain_error(request: Request, error: Exception) -> Response:
            return problem_response(Problem(status, slug, title, explain(error) or None), request.url.path)

        return on_domain_error

    handlers: dict[type[Exception], Any] = {
        Problem: _on_problem,
        Answered: _on_answered,
        ClientDisconnect: _on_gone,
        StarletteHTTPException: _on_http_exception,
        RequestValidationError: _on_invalid,
        DBAPIError: _on_database_error,
        PoolTimeout: _on_database_error,
        # The driver's own, when there is no connection to be had.
        ConnectionError: _on_unreachable,
        TimeoutError: _on_unreachable,
    }
    for kind, (status, slug) in (domain_errors or {}).items():
        handlers[kind] = answer(status, slug)
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)

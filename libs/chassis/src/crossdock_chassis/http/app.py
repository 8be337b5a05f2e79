"""One way to make a service's HTTP application."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from starlette.routing import BaseRoute

from crossdock_chassis.database import Database
from crossdock_chassis.http.auth import Tokens
from crossdock_chassis.http.description import complete
from crossdock_chassis.http.edge import EdgeMiddleware
from crossdock_chassis.http.limits import Limit, LimitsMiddleware
from crossdock_chassis.http.problems import ProblemDocument, install_problem_handlers


class _Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The description, made at the first call."""
        if self.openapi_schema is None:
            complete(super().openapi(), self.routes)
        return super().openapi()


def create_app(
    service_name: str,
    version: str,
    *,
    database: Database[Any],
    routers: Sequence[APIRouter],
    domain_errors: Mapping[type[Exception], tuple[int, str]] | None = None,
    limits: Mapping[str, Limit] | None = None,
    routes: Sequence[BaseRoute] = (),
    docs: bool = False,
) -> FastAPI:
    """The application with problems, tokens, bounds and tracing around `routers`, each with its full prefix.

    `domain_errors`: class -> (status, slug), see `install_problem_handlers`. `limits`: path prefix -> bounds
    for what is below it, instead of `Limit()`. `routes`: plain ones that a request is held against before
    all others, for what comes often. `docs` serves /docs; the description itself is always at
    /v1/openapi.json. Health and metrics are added by the process that runs it.
    """
    app = _Application(
        title=service_name,
        version=version,
        routes=list(routes),
        openapi_url="/v1/openapi.json",
        docs_url="/docs" if docs else None,
        redoc_url=None,
        redirect_slashes=False,
        # Our own layer traces and counts; theirs would put query strings and exception texts into spans.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        responses={
            "default": {
                "model": ProblemDocument,
                "description": "A problem (RFC 9457).",
            }
        },
    )
    app.state.database = database
    app.state.tokens = Tokens(database)
    install_problem_handlers(app, domain_errors)
    app.add_middleware(LimitsMiddleware, overrides=limits)
    app.add_middleware(EdgeMiddleware)  # added last: outermost
    for router in routers:
        app.include_router(router)
    return app


def database_of(request: Request) -> Any:
    """The application's database, for a dependency: `Annotated[OrderDatabase, Depends(database_of)]`."""
    return request.app.state.database

"""The outermost layer of a request: its span, its time, and the end of every error nobody expected."""

import time

from opentelemetry.trace import Span, SpanKind
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossdock_chassis.crash_points import reached
from crossdock_chassis.health import PROBE_PATHS
from crossdock_chassis.http.problems import problem_response, unexpected
from crossdock_chassis.logging import get_logger
from crossdock_chassis.telemetry import meter, span

log = get_logger(__name__)

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_PROBLEMS = 400

_duration = meter.create_histogram(
    "http.server.request.duration", unit="s", description="Time to answer, by route and status."
)


class EdgeMiddleware:
    """Honours a `traceparent`, or begins a trace; what no handler caught becomes a 500, logged once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBE_PATHS:
            await self._app(scope, receive, send)
            return
        parent = next((value for name, value in scope["headers"] if name == b"traceparent"), None)
        with span(
            scope["method"],
            SpanKind.SERVER,
            parent=None if parent is None else parent.decode("latin-1"),
            attributes={"http.request.method": scope["method"], "url.scheme": scope["scheme"]},
        ) as current:
            await self._serve(scope, receive, send, current)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, current: Span) -> None:
        began = time.perf_counter()
        status = 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                if scope["method"] not in _READS and message["status"] < _PROBLEMS:
                    reached("http.before_answer")
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:
            route = route_of(scope)
            log.exception("http.failed", method=scope["method"], route=route)
            current.set_attribute("error.type", type(error).__qualname__)
            if status:  # half an answer is out: only a broken connection tells the client
                raise
            await problem_response(unexpected(), scope["path"])(scope, receive, send_and_note)
        finally:
            route = route_of(scope)
            current.update_name(f"{scope['method']} {route}")
            current.set_attribute("http.route", route)
            current.set_attribute("http.response.status_code", status)
            _duration.record(
                time.perf_counter() - began,
                {
                    "http.request.method": scope["method"],
                    "http.route": route,
                    "http.response.status_code": status,
                },
            )


class PlainRoute(Route):
    """A route past FastAPI that is known by its path, as FastAPI's own are, to what measures and logs."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        return match, {**found, "route": self}


def route_of(scope: Scope) -> str:
    """The path as the router knows it: with names for values, so it is safe to count and to log."""
    return str(getattr(scope.get("route"), "path", "unknown"))

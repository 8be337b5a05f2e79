"""The 17TRACK sandbox put together: the API, the control API, and pushes that are tried again."""

import json
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox import webhooks
from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import Answer, BodyTooLarge, answer_call, read_body
from crossdock_sandbox.control import bad_request, control_routes, problem, read_model
from crossdock_sandbox.faults import Faults
from crossdock_sandbox.serving import LOOPBACK, listening_socket, serving
from crossdock_sandbox.seventeen_track import errors
from crossdock_sandbox.seventeen_track import store as books_of_seventeen_track
from crossdock_sandbox.seventeen_track.desk import Desk
from crossdock_sandbox.seventeen_track.errors import Refused, Words
from crossdock_sandbox.seventeen_track.store import Store
from crossdock_sandbox.seventeen_track.tracking import Scan, add_scan, delivery_of, told
from crossdock_sandbox.webhooks import Deliverer, Schedule

API_BODY_BYTES = 256 * 1024
TEST_KEY = "17SANDBOX0000000000000000000KEY"  # no secret: the key of a sandbox started without one


@dataclass(frozen=True, slots=True)
class SeventeenTrackOptions:
    """`quota`: numbers that may be registered, for good. `calls_per_s`: above it the answer is 429."""

    api_key: str = TEST_KEY
    quota: int = 100_000
    calls_per_s: int = 50
    retry_base_s: float = 0.25
    retries: int = 3
    delivery_concurrency: int = 32


@dataclass(frozen=True, slots=True)
class SeventeenTrackSandbox:
    """A running sandbox. `base_url` stands for https://api.17track.net: paths go on with /track/v2.2."""

    base_url: str
    api_key: str


class WebhookGiven(BaseModel):
    """`PUT /_sandbox/webhook`: what the console's settings would take."""

    model_config = ConfigDict(extra="forbid")

    url: str


@asynccontextmanager
async def running_seventeen_track(
    data_dir: Path, *, port: int = 0, host: str = LOOPBACK, options: SeventeenTrackOptions | None = None
) -> AsyncIterator[SeventeenTrackSandbox]:
    """Serve on `host` until the block is left; the books are `data_dir/seventeen_track.sqlite`."""
    options = options or SeventeenTrackOptions()
    books = Books(
        data_dir / "seventeen_track.sqlite",
        webhooks.SCHEMA + books_of_seventeen_track.SCHEMA,
        {**webhooks.PAGES, **books_of_seventeen_track.PAGES},
    )
    try:
        schedule = Schedule(
            retries=options.retries,
            retry_base_s=options.retry_base_s,
            connect_s=1.0,
            total_s=5.0,
            concurrency=options.delivery_concurrency,
        )
        deliverer = Deliverer(books, schedule)
        office = _Office(books, deliverer, options)
        app = Starlette(
            routes=[*control_routes(books, office.faults), *office.api_routes(), *office.own_routes()],
            exception_handlers={ValidationError: bad_request, BodyTooLarge: bad_request},
        )
        async with deliverer.running(), serving(app, listening_socket(port, host)) as base_url:
            yield SeventeenTrackSandbox(base_url, options.api_key)
    finally:
        books.close()


class _Office:
    """Who may call, and what the calls do."""

    def __init__(self, books: Books, deliverer: Deliverer, options: SeventeenTrackOptions) -> None:
        self.faults = Faults(books)
        self._books = books
        self._store = Store(books)
        self._desk = Desk(self._store, options.quota)
        self._deliverer = deliverer
        self._key = options.api_key
        self._recent: deque[float] = deque([float("-inf")] * options.calls_per_s, options.calls_per_s)

    def api_routes(self) -> list[Route]:
        desk = self._desk
        calls: dict[str, Callable[[bytes], Answer]] = {
            "register": desk.register,
            "gettrackinfo": desk.track_info,
            "stoptrack": desk.stop,
            "retrack": desk.retrack,
            "deletetrack": desk.delete,
            "getquota": desk.quota,
        }
        return [
            *(
                Route(f"/track/v2.2/{name}", self._called(name, work), methods=["POST"])
                for name, work in calls.items()
            ),
            Route(
                "/track/{rest:path}",
                self._called("unknown", _no_such_call),
                methods=["DELETE", "GET", "PATCH", "POST", "PUT"],
            ),
        ]

    def own_routes(self) -> list[Route]:
        return [
            Route("/_sandbox/numbers/{number}/events", self._scan, methods=["POST"]),
            Route("/_sandbox/numbers/{number}/stop", self._stop, methods=["POST"]),
            Route("/_sandbox/webhook", self._put_webhook, methods=["PUT"]),
            Route("/_sandbox/deliveries", self._deliveries),
        ]

    def _called(
        self, operation: str, work: Callable[[bytes], Answer]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Authenticate, then do and book the work, the refusals included."""

        async def call(request: Request) -> Response:
            try:
                body = await read_body(request, API_BODY_BYTES)
            except BodyTooLarge:
                return self._turned_away(operation, Refused(errors.INVALID_DATA).answer())
            if not secrets.compare_digest(request.headers.get("17token", "").encode(), self._key.encode()):
                return self._turned_away(operation, Refused(errors.WRONG_KEY, errors.UNAUTHORIZED).answer())
            if not self._in_time():
                return self._turned_away(operation, Words().throttled())

            def booked() -> Answer:
                try:
                    return work(body)
                except Refused as refusal:
                    return refusal.answer()

            return await answer_call(
                request,
                books=self._books,
                faults=self.faults,
                dialect=Words(),
                operation=operation,
                reference=_numbers_given(body),
                request_text=f"{request.url.path} {body.decode(errors='replace')}",
                work=booked,
            )

        return call

    def _in_time(self) -> bool:
        now = time.monotonic()
        if now - self._recent[0] < 1:
            return False
        self._recent.append(now)
        return True

    def _turned_away(self, operation: str, answer: Answer) -> Response:
        self._books.record(operation, None, answer.outcome, status=answer.status)
        return answer.response()

    async def _scan(self, request: Request) -> Response:
        """Control: something happens to the parcel. A number that is stopped is not pushed."""
        scan, found = await read_model(request, Scan), self._store.find(request.path_params["number"])
        if found is None:
            return problem(404, "no such number is registered")
        url = self._store.webhook() if scan.push and found.state == "tracking" else None
        with self._books.transaction():
            add_scan(self._store, found, scan)
            known = told(self._store, found)
            push = url and delivery_of("TRACKING_UPDATED", known, url, self._key, scan.signature)
            sent = [self._deliverer.add(push) for _ in range(scan.copies)] if push else []
        self._deliverer.wake()
        return JSONResponse({"track_info": known["track_info"], "deliveries": sent})

    async def _stop(self, request: Request) -> Response:
        """Control: 17TRACK stops following the number by itself, and says so."""
        found, url = self._store.find(request.path_params["number"]), self._store.webhook()
        if found is None:
            return problem(404, "no such number is registered")
        with self._books.transaction():
            self._store.move(found, "stopped")
            data = {"number": found.number, "carrier": found.carrier, "param": None, "tag": found.tag}
            sent = [self._deliverer.add(delivery_of("TRACKING_STOPPED", data, url, self._key))] if url else []
        self._deliverer.wake()
        return JSONResponse({"deliveries": sent})

    async def _put_webhook(self, request: Request) -> Response:
        given = await read_model(request, WebhookGiven)
        self._store.set_webhook(given.url)
        return Response(status_code=204)

    async def _deliveries(self, _request: Request) -> Response:
        return JSONResponse(self._deliverer.status())


def _no_such_call(_body: bytes) -> Answer:
    return Answer({}, errors.NOT_FOUND, "no_such_call")


def _numbers_given(body: bytes) -> str | None:
    """The numbers of the call with commas between them, if the body is well-formed enough to have some."""
    try:
        return ",".join(one["number"] for one in json.loads(body)) or None
    except (ValueError, LookupError, TypeError):
        return None

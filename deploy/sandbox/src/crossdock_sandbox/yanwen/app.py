"""The Yanwen sandbox put together: the order API, the tracking service, the control API."""

import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import Answer, BodyTooLarge, answer_call, read_body
from crossdock_sandbox.control import bad_request, control_routes, problem, read_model
from crossdock_sandbox.faults import Faults
from crossdock_sandbox.serving import LOOPBACK, listening_socket, serving
from crossdock_sandbox.sold import sold_routes
from crossdock_sandbox.yanwen import store as books_of_yanwen
from crossdock_sandbox.yanwen.desk import Desk
from crossdock_sandbox.yanwen.store import Store
from crossdock_sandbox.yanwen.tracking import MOST_NUMBERS, Scan, add_scan, answer_of
from crossdock_sandbox.yanwen.wire import INVALID, UNSIGNED, Refused, Words, envelope

API_BODY_BYTES = 1024 * 1024
CLOCKS_APART_S = 300.0
TRACK = "tracking"

# No secrets: of a sandbox started without any.
TEST_ACCOUNT = "100000:yw-token-0001"
TEST_MERCHANT = "YW-M-0001"

_QUERY = frozenset({"user_id", "method", "format", "timestamp", "version", "sign"})


@dataclass(frozen=True, slots=True)
class YanwenOptions:
    """`account`: its user id and its apitoken with a colon between them. `merchant`: its number at the
    tracking service. The delays: of a label, and of a cancel.
    """

    account: str = TEST_ACCOUNT
    merchant: str = TEST_MERCHANT
    label_delay_s: float = 0.0
    cancel_delay_s: float = 2.0


@dataclass(frozen=True, slots=True)
class YanwenSandbox:
    """A running sandbox. `base_url` stands for both of Yanwen's hosts."""

    base_url: str
    account: str
    merchant: str


class Change(BaseModel):
    """`PATCH /_sandbox/orders/{number}`: what the warehouse or the last mile changes, or that is done."""

    model_config = ConfigDict(extra="forbid")

    status: int | None = Field(default=None, ge=0, le=99)
    reference_number: str | None = None
    label_ready: bool = False


@asynccontextmanager
async def running_yanwen(
    data_dir: Path, *, port: int = 0, host: str = LOOPBACK, options: YanwenOptions | None = None
) -> AsyncIterator[YanwenSandbox]:
    """Serve on `host` until the block is left; the books are `data_dir/yanwen.sqlite`."""
    options = options or YanwenOptions()
    books = Books(data_dir / "yanwen.sqlite", books_of_yanwen.SCHEMA, books_of_yanwen.PAGES)
    try:
        office = _Office(books, options)
        app = Starlette(
            routes=[
                *control_routes(books, office.faults),
                *sold_routes(books, books_of_yanwen.SOLD),
                *office.routes(),
            ],
            exception_handlers={ValidationError: bad_request, BodyTooLarge: bad_request},
        )
        async with serving(app, listening_socket(port, host)) as base_url:
            yield YanwenSandbox(base_url, options.account, options.merchant)
    finally:
        books.close()


class _Office:
    """Who may call, and what the calls do."""

    def __init__(self, books: Books, options: YanwenOptions) -> None:
        self.faults = Faults(books)
        self._books = books
        self._store = Store(books)
        self._user_id, _, self._token = options.account.partition(":")
        self._merchant = options.merchant
        self._methods = Desk(
            self._store, self._user_id, options.label_delay_s, options.cancel_delay_s
        ).methods()

    def routes(self) -> list[Route]:
        return [
            Route("/api/order", self.order, methods=["POST"]),
            Route("/api/tracking", self.track, methods=["GET"]),
            Route("/_sandbox/orders/{number}/scan", self.scan, methods=["POST"]),
            Route("/_sandbox/orders/{number}", self.change, methods=["PATCH"]),
        ]

    # -- the API

    async def order(self, request: Request) -> Response:
        method = request.query_params.get("method", "")
        try:
            body = await read_body(request, API_BODY_BYTES)
            self._prove(request, body)
            work = self._methods.get(method)
            if work is None:
                raise Refused(INVALID, "method: 接口不存在")
        except BodyTooLarge:
            return self._turned_away(method, Refused(INVALID, "the request is too large", 413))
        except Refused as refusal:
            return self._turned_away(method, refusal)
        return await self._call(request, method, body, lambda: Answer(envelope(work(body))))

    async def track(self, request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if not secrets.compare_digest(given.encode(), self._merchant.encode()):
            return self._turned_away(TRACK, Refused(UNSIGNED, "unauthorized", 401))

        def told() -> Answer:
            numbers = [one for one in request.query_params.get("nums", "").split(",") if one]
            if not 1 <= len(numbers) <= MOST_NUMBERS:
                return Answer({"code": 400, "message": "nums", "result": None}, outcome="refused:400")
            found = [(one, order) for one in numbers if (order := self._store.find(one)) is not None]
            parcels = [(one, order, self._store.checkpoints(order.waybill_number)) for one, order in found]
            return Answer(answer_of(parcels))

        return await self._call(request, TRACK, b"", told)

    # -- control

    async def scan(self, request: Request) -> Response:
        """Control: something happens to the parcel."""
        scan, order = await read_model(request, Scan), self._store.find(request.path_params["number"])
        if order is None:
            return problem(404, "no such order")
        with self._books.transaction():
            add_scan(self._store, order.waybill_number, scan)
        return JSONResponse({"checkpoints": self._store.checkpoints(order.waybill_number)})

    async def change(self, request: Request) -> Response:
        """Control: see Change."""
        change, order = await read_model(request, Change), self._store.find(request.path_params["number"])
        if order is None:
            return problem(404, "no such order")
        with self._books.transaction():
            if change.status is not None:
                self._store.set_status(order.waybill_number, change.status)
            if change.reference_number is not None:
                self._store.set_reference(order.waybill_number, change.reference_number)
            if change.label_ready:
                self._store.set_label_ready(order.waybill_number)
        return Response(status_code=204)

    # -- how a call is worked off

    async def _call(
        self, request: Request, operation: str, body: bytes, work: Callable[[], Answer]
    ) -> Response:
        """Do and book the work, the refusals included."""

        def booked() -> Answer:
            try:
                return work()
            except Refused as refusal:
                return refusal.answer()

        return await answer_call(
            request,
            books=self._books,
            faults=self.faults,
            dialect=Words(),
            operation=operation,
            reference=None,
            request_text=f"{request.url.path}?{request.url.query} {body.decode(errors='replace')}",
            work=booked,
        )

    def _prove(self, request: Request, body: bytes) -> None:
        """Of the body as it came, and a time in milliseconds that is about now. Raises Refused."""
        query = request.query_params
        if set(query) != _QUERY or query["format"] != "json" or query["version"] != "V1.0":
            raise Refused(INVALID, "公共参数错误")
        timestamp = query["timestamp"]
        if not timestamp.isdecimal() or abs(int(timestamp) / 1000 - time.time()) > CLOCKS_APART_S:
            raise Refused(UNSIGNED, "时间戳错误")
        rest = f"json{query['method']}{timestamp}V1.0{self._token}"
        said = f"{self._token}{query['user_id']}".encode() + body + rest.encode()
        expected = hashlib.md5(said).hexdigest()
        signed = secrets.compare_digest(expected.encode(), query["sign"].encode())
        if not signed or query["user_id"] != self._user_id:
            raise Refused(UNSIGNED, "签名错误")

    def _turned_away(self, operation: str, refusal: Refused) -> Response:
        answer = refusal.answer()
        self._books.record(operation, None, answer.outcome, status=answer.status)
        return answer.response()

"""The YunExpress sandbox put together: the API, label files, the control API, pushes."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

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
from crossdock_sandbox.sold import sold_routes
from crossdock_sandbox.webhooks import Deliverer, Schedule
from crossdock_sandbox.yunexpress import store as books_of_yunexpress
from crossdock_sandbox.yunexpress.desk import Desk
from crossdock_sandbox.yunexpress.errors import INVALID, UNSIGNED, Refused, Words, envelope, invalid
from crossdock_sandbox.yunexpress.store import Store
from crossdock_sandbox.yunexpress.tracking import Push, Scan, add_scan, answer_of, delivery_of
from crossdock_sandbox.yunexpress.wire import AskToken, CancelOrder, CreateOrder, PriceQuestion

API_BODY_BYTES = 1024 * 1024
CLOCKS_APART_S = 300.0
SCHEDULE = Schedule(retries=4, retry_base_s=0.05, connect_s=1.0, total_s=5.0, concurrency=16)

# No secrets: of a sandbox started without any.
TEST_APP = "cd-demo-app:yt_secret_0123456789abcdef"


T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class YunExpressOptions:
    """`app`: its id and its secret with a colon between them. The delays: of a late number, of a label."""

    app: str = TEST_APP
    token_s: float = 7200.0
    number_delay_s: float = 2.0
    label_delay_s: float = 0.0
    labels_as_links: bool = False


@dataclass(frozen=True, slots=True)
class YunExpressSandbox:
    """A running sandbox. `base_url` stands for https://openapi.yunexpress.cn."""

    base_url: str
    app: str


class Change(BaseModel):
    """`PATCH /_sandbox/orders/{number}`: what the warehouse or the last mile changes, or that is done."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["A", "B", "C", "D", "E", "Y"] | None = None
    tracking_number: str | None = None
    label_ready: Literal[True] | None = None


@asynccontextmanager
async def running_yunexpress(
    data_dir: Path, *, port: int = 0, host: str = LOOPBACK, options: YunExpressOptions | None = None
) -> AsyncIterator[YunExpressSandbox]:
    """Serve on `host` until the block is left; the books are `data_dir/yunexpress.sqlite`."""
    options = options or YunExpressOptions()
    books = Books(
        data_dir / "yunexpress.sqlite",
        webhooks.SCHEMA + books_of_yunexpress.SCHEMA,
        {**webhooks.PAGES, **books_of_yunexpress.PAGES},
    )
    try:
        deliverer = Deliverer(books, SCHEDULE)
        office = _Office(books, deliverer, options)
        app = Starlette(
            routes=[
                *control_routes(books, office.faults),
                *sold_routes(books, books_of_yunexpress.SOLD),
                *office.routes(),
            ],
            exception_handlers={ValidationError: bad_request, BodyTooLarge: bad_request},
        )
        async with deliverer.running(), serving(app, listening_socket(port, host)) as base_url:
            yield YunExpressSandbox(base_url, options.app)
    finally:
        books.close()


class _Office:
    """Who may call, and what the calls do."""

    def __init__(self, books: Books, deliverer: Deliverer, options: YunExpressOptions) -> None:
        self.faults = Faults(books)
        self._books = books
        self._deliverer = deliverer
        self._store = Store(books)
        self._desk = Desk(self._store, options.number_delay_s, options.label_delay_s, options.labels_as_links)
        self._app_id, _, self._secret = options.app.partition(":")
        self._token_s = options.token_s

    def routes(self) -> list[Route]:
        return [
            Route("/openapi/oauth2/token", self.token, methods=["POST"]),
            Route("/v1/order/package/create", self.create, methods=["POST"]),
            Route("/v1/order/info/get", self.look, methods=["GET"]),
            Route("/v1/order/label/get", self.label, methods=["GET"]),
            Route("/v1/order/cancel", self.cancel, methods=["POST"]),
            Route("/v1/price-trial/get", self.price, methods=["GET"]),
            Route("/v1/track-service/info/get", self.track, methods=["GET"]),
            Route("/label-files/{waybill}.pdf", self.label_file, methods=["GET"]),
            Route("/_sandbox/orders/{number}/scan", self.scan, methods=["POST"]),
            Route("/_sandbox/orders/{number}", self.change, methods=["PATCH"]),
            Route("/_sandbox/push", self.push, methods=["PUT"]),
            Route("/_sandbox/tokens", self.end_tokens, methods=["DELETE"]),
        ]

    # -- the API

    async def token(self, request: Request) -> Response:
        def work(body: bytes) -> Answer:
            asked = _read(body, AskToken)
            ours = secrets.compare_digest(asked.appSecret.encode(), self._secret.encode())
            if asked.appId != self._app_id or not ours:
                raise Refused(UNSIGNED, "app id or secret is wrong", 401)
            token = self._store.add_token(time.time() + self._token_s)
            return Answer({"accessToken": token, "expiresIn": self._token_s})

        return await self._call(request, "token.create", work, signed=False)

    async def create(self, request: Request) -> Response:
        def work(body: bytes) -> Answer:
            asked = _read(body, CreateOrder)
            return Answer(envelope(self._desk.create(asked)), reference=asked.customer_order_number)

        return await self._call(request, "order.create", work)

    async def look(self, request: Request) -> Response:
        return await self._about(request, "order.get", self._desk.look)

    async def label(self, request: Request) -> Response:
        base_url = str(request.base_url).rstrip("/")
        return await self._about(request, "order.label", lambda number: self._desk.label(number, base_url))

    async def cancel(self, request: Request) -> Response:
        def work(body: bytes) -> Answer:
            waybill = _read(body, CancelOrder).waybill_number
            self._desk.cancel(waybill)
            return Answer(envelope(None), reference=waybill)

        return await self._call(request, "order.cancel", work)

    async def price(self, request: Request) -> Response:
        def work(_body: bytes) -> Answer:
            try:
                asked = PriceQuestion.model_validate(dict(request.query_params))
            except ValidationError as error:
                raise invalid(error) from error
            return Answer(envelope(self._desk.prices(asked)))

        return await self._call(request, "price.trial", work)

    async def track(self, request: Request) -> Response:
        def told(number: str) -> object:
            order = self._desk.known(number)
            return answer_of(order, self._store.events(order.waybill_number))

        return await self._about(request, "track.get", told)

    async def label_file(self, request: Request) -> Response:
        """Anybody who knows the address may have it."""
        order = self._store.find(request.path_params["waybill"])
        if order is None:
            return Response(status_code=404)
        return Response(self._desk.label_file(order), media_type="application/pdf")

    # -- control

    async def scan(self, request: Request) -> Response:
        """Control: something happens to the parcel, and is pushed `copies` times."""
        scan, order = await read_model(request, Scan), self._store.find(request.path_params["number"])
        if order is None:
            return problem(404, "no such order")
        with self._books.transaction():
            add_scan(self._store, order.waybill_number, scan)
            events, push = self._store.events(order.waybill_number), self._store.push()
            for _ in range(scan.copies if push else 0):
                self._deliverer.add(delivery_of(Push.model_validate(push), order, events, scan))
        self._deliverer.wake()
        return JSONResponse({"events": events})

    async def change(self, request: Request) -> Response:
        """Control: see Change."""
        change, order = await read_model(request, Change), self._store.find(request.path_params["number"])
        if order is None:
            return problem(404, "no such order")
        with self._books.transaction():
            if change.status is not None:
                self._store.set_status(order.waybill_number, change.status)
            if change.tracking_number is not None:
                self._store.set_number(order.waybill_number, change.tracking_number)
            if change.label_ready:
                self._store.set_label_ready(order.waybill_number)
        return Response(status_code=204)

    async def push(self, request: Request) -> Response:
        """Control: see Push."""
        push = await read_model(request, Push)
        self._store.set_push(push.model_dump())
        return Response(status_code=204)

    async def end_tokens(self, _request: Request) -> Response:
        """Control: all tokens end before their time."""
        self._store.end_tokens()
        return Response(status_code=204)

    # -- how a call is worked off

    async def _about(self, request: Request, operation: str, told: Callable[[str], object]) -> Response:
        def work(_body: bytes) -> Answer:
            if set(request.query_params) != {"order_number"}:
                raise Refused(INVALID, "order_number: this parameter and no other")
            number = request.query_params["order_number"]
            return Answer(envelope(told(number)), reference=number)

        return await self._call(request, operation, work)

    async def _call(
        self, request: Request, operation: str, work: Callable[[bytes], Answer], *, signed: bool = True
    ) -> Response:
        """Authenticate, then do and book the work, the refusals included."""
        try:
            body = await read_body(request, API_BODY_BYTES)
        except BodyTooLarge:
            return self._turned_away(operation, Refused(INVALID, "the request is too large", 413))
        if signed and not self._is_signed(request, body):
            return self._turned_away(operation, Refused(UNSIGNED, "signature verification failed", 401))

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
            reference=request.query_params.get("order_number"),
            request_text=f"{request.url.path}?{request.url.query} {body.decode(errors='replace')}",
            work=booked,
        )

    def _is_signed(self, request: Request, body: bytes) -> bool:
        """Of the body as it came, the path without its query, and a time that is about now."""
        date = request.headers.get("date", "")
        if not date.isdecimal() or abs(int(date) / 1000 - time.time()) > CLOCKS_APART_S:
            return False
        said = [f"date={date}", f"method={request.method}", f"uri={request.url.path}"]
        text = (b"body=" + body + b"&" if body else b"") + "&".join(said).encode()
        expected = base64.b64encode(hmac.new(self._secret.encode(), text, hashlib.sha256).digest())
        known = self._store.knows_token(request.headers.get("token", ""))
        return known and secrets.compare_digest(expected, request.headers.get("sign", "").encode())

    def _turned_away(self, operation: str, refusal: Refused) -> Response:
        answer = refusal.answer()
        self._books.record(operation, None, answer.outcome, status=answer.status)
        return answer.response()


def _read(body: bytes, model: type[T]) -> T:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from error

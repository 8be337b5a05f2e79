"""The Amazon sandbox put together: Selling Partner API, Login with Amazon, SQS, control API."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crossdock_sandbox import trade
from crossdock_sandbox.amazon import store as books_of_amazon
from crossdock_sandbox.amazon.control import seller_routes
from crossdock_sandbox.amazon.doors import AWS_ACCOUNT, Doors, is_queue_of
from crossdock_sandbox.amazon.listings_api import ListingPatch, ListingsApi
from crossdock_sandbox.amazon.orders_api import Confirmation, OrdersApi
from crossdock_sandbox.amazon.sqs import DeleteBatch, Queue, Receive
from crossdock_sandbox.amazon.store import Seller, Store
from crossdock_sandbox.amazon.trade import AmazonTrade
from crossdock_sandbox.amazon.words import ApiWords, LoginWords, Refused, SqsWords, api_error, sqs_error
from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import Answer, BodyTooLarge, Dialect, answer_call, read_body
from crossdock_sandbox.control import bad_request, control_routes
from crossdock_sandbox.faults import Faults
from crossdock_sandbox.serving import LOOPBACK, listening_socket, serving

API_BODY_BYTES = 1024 * 1024
TARGET = "AmazonSQS."
M = TypeVar("M", bound=BaseModel)
#: What an operation of the API does for a seller.
Work = Callable[[Seller, Request, bytes], Answer]
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class AmazonOptions:
    """An access token of Login with Amazon lives an hour. `plan_factor`: how many times as many calls a
    second are let in as by Amazon's usage plans.
    """

    token_lives_s: float = 3600.0
    plan_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class AmazonSandbox:
    """A running sandbox. `base_url` stands for every host of the Selling Partner API."""

    base_url: str

    @property
    def token_url(self) -> str:
        return f"{self.base_url}/auth/o2/token"

    def queue_url(self, seller_id: str) -> str:
        return f"{self.base_url}/{AWS_ACCOUNT}/{seller_id}"


@asynccontextmanager
async def running_amazon(
    data_dir: Path, *, port: int = 0, host: str = LOOPBACK, options: AmazonOptions | None = None
) -> AsyncIterator[AmazonSandbox]:
    """Serve on `host` until the block is left; the books are `data_dir/amazon.sqlite`."""
    options = options or AmazonOptions()
    books = Books(
        data_dir / "amazon.sqlite",
        trade.SCHEMA + books_of_amazon.SCHEMA,
        {**trade.PAGES, **books_of_amazon.PAGES},
    )
    try:
        store = Store(books, options.plan_factor)
        office = _Office(books, store, options)
        app = Starlette(
            routes=[
                *control_routes(books, office.faults),
                *seller_routes(books, store),
                *trade.trade_routes(books, AmazonTrade(store)),
                *office.routes(),
            ],
            exception_handlers={ValidationError: bad_request, BodyTooLarge: bad_request},
        )
        async with serving(app, listening_socket(port, host)) as base_url:
            yield AmazonSandbox(base_url)
    finally:
        books.close()


class _Office:
    """Who may call, and what the calls do."""

    def __init__(self, books: Books, store: Store, options: AmazonOptions) -> None:
        self.faults = Faults(books)
        self._books = books
        self._store = store
        self._doors = Doors(store, options.token_lives_s)
        self._orders, self._listings, self._queue = OrdersApi(store), ListingsApi(store), Queue(store)

    def routes(self) -> list[Route]:
        orders, items = "/orders/2026-01-01/orders", "/listings/2021-08-01/items"
        confirmation = "/orders/v0/orders/{order_id}/shipmentConfirmation"
        return [
            Route(orders, self._operation("searchOrders", self._search), methods=["GET"]),
            Route(f"{orders}/{{order_id}}", self._operation("getOrder", self._get_order), methods=["GET"]),
            Route(confirmation, self._operation("confirmShipment", self._confirm), methods=["POST"]),
            Route(
                f"{items}/{{seller}}",
                self._operation("searchListingsItems", self._search_listings),
                methods=["GET"],
            ),
            Route(
                f"{items}/{{seller}}/{{sku:path}}",
                self._operation("patchListingsItem", self._patch),
                methods=["PATCH"],
            ),
            Route("/auth/o2/token", self.token, methods=["POST"]),
            Route("/", self.queue, methods=["POST"]),
        ]

    def _search(self, seller: Seller, request: Request, _: bytes) -> Answer:
        return self._orders.search(seller, request.query_params)

    def _get_order(self, seller: Seller, request: Request, _: bytes) -> Answer:
        return self._orders.get_order(seller, request.path_params["order_id"], request.query_params)

    def _confirm(self, seller: Seller, request: Request, body: bytes) -> Answer:
        return self._orders.confirm(seller, request.path_params["order_id"], _api_body(Confirmation, body))

    def _search_listings(self, seller: Seller, request: Request, _: bytes) -> Answer:
        return self._listings.search(seller, request.path_params["seller"], request.query_params)

    def _patch(self, seller: Seller, request: Request, body: bytes) -> Answer:
        if request.scope["raw_path"].count(b"/") != len("/listings/version/items/seller/sku".split("/")) - 1:
            raise Refused(api_error(404, "NotFound", "A SKU in a path has its slashes percent-encoded."))
        given, path = _api_body(ListingPatch, body), request.path_params
        return self._listings.patch(seller, path["seller"], path["sku"], request.query_params, given)

    def _operation(self, operation: str, work: Work) -> Handler:
        """A call of the API: token, then fault, then quota, then work."""

        async def handle(request: Request) -> Response:
            body = await read_body(request, API_BODY_BYTES)

            def metered(seller: Seller) -> Answer:
                taken, rate_per_s = self._store.take_call(seller.seller_id, operation)
                answer = _done(lambda: work(seller, request, body)) if taken else ApiWords().throttled()
                return replace(answer, headers={"x-amzn-RateLimit-Limit": f"{rate_per_s:g}"})

            try:
                seller = self._doors.by_token(request)
            except Refused as refusal:
                return self._turned_away(operation, refusal.answer)
            return await self._call(request, operation, body, ApiWords(), lambda: metered(seller))

        return handle

    async def token(self, request: Request) -> Response:
        body = await read_body(request, API_BODY_BYTES)
        work = lambda: _done(lambda: self._doors.sell_token(body))  # noqa: E731
        # What the form holds is secret: faults are not matched with it.
        return await self._call(request, "token", b"", LoginWords(), work)

    async def queue(self, request: Request) -> Response:
        body = await read_body(request, API_BODY_BYTES)
        operation = request.headers.get("x-amz-target", "").removeprefix(TARGET)[:100] or "unknown"
        try:
            seller = self._doors.by_signature(request, body)
            work = await self._queue_work(seller, operation, body)
        except Refused as refusal:
            return self._turned_away(operation, refusal.answer)
        return await self._call(request, operation, body, SqsWords(), lambda: _done(work))

    async def _queue_work(self, seller: Seller, operation: str, body: bytes) -> Callable[[], Answer]:
        """What is asked for. Raises Refused."""
        match operation:
            case "ReceiveMessage":
                receive = _queue_body(Receive, body, seller)
                await self._queue.until_there_is_one(seller, receive.WaitTimeSeconds)
                return lambda: self._queue.receive(seller, receive)
            case "DeleteMessageBatch":
                delete = _queue_body(DeleteBatch, body, seller)
                return lambda: self._queue.delete(seller, delete)
            case _:
                raise Refused(sqs_error(400, "InvalidAction", "The sandbox does not know the action."))

    async def _call(
        self, request: Request, operation: str, body: bytes, dialect: Dialect, work: Callable[[], Answer]
    ) -> Response:
        return await answer_call(
            request,
            books=self._books,
            faults=self.faults,
            dialect=dialect,
            operation=operation,
            reference=None,
            request_text=f"{request.url.path} {body.decode(errors='replace')}",
            work=work,
        )

    def _turned_away(self, operation: str, answer: Answer) -> Response:
        self._books.record(operation, None, answer.outcome, status=answer.status, detail=answer.detail)
        return answer.response()


def _done(work: Callable[[], Answer]) -> Answer:
    """The work's answer, a refusal included: it is booked as well."""
    try:
        return work()
    except Refused as refusal:
        return refusal.answer


def _api_body(model: type[M], body: bytes) -> M:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Refused(api_error(400, "InvalidInput", f"Invalid: {_fields(error)}")) from error


def _queue_body(model: type[Any], body: bytes, seller: Seller) -> Any:
    try:
        given = model.model_validate_json(body)
    except ValidationError as error:
        raise Refused(sqs_error(400, "InvalidParameterValue", f"Invalid: {_fields(error)}")) from error
    if not is_queue_of(seller, given.QueueUrl):
        message = "The specified queue does not exist."
        raise Refused(sqs_error(400, "QueueDoesNotExist", message))
    return given


def _fields(error: ValidationError) -> str:
    return ", ".join(".".join(map(str, one["loc"])) or one["type"] for one in error.errors()[:5])

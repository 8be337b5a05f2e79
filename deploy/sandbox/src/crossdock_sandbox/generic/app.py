"""The sandbox of a seller's own shop put together: what it is told and asked, control API, its deliveries."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox import trade, webhooks
from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import Answer, BodyTooLarge, answer_call, read_body
from crossdock_sandbox.control import bad_request, control_routes, problem, read_model
from crossdock_sandbox.faults import Faults
from crossdock_sandbox.generic import store as books_of_shops
from crossdock_sandbox.generic.api import ShopApi, Words, refused
from crossdock_sandbox.generic.deliveries import DeliveryGiven, Text, delivery_of
from crossdock_sandbox.generic.signing import mistake
from crossdock_sandbox.generic.store import Shop, Store
from crossdock_sandbox.generic.trade import GenericTrade
from crossdock_sandbox.serving import LOOPBACK, listening_socket, serving
from crossdock_sandbox.webhooks import Deliverer, Schedule

API_BODY_BYTES = 1024 * 1024

Work = Callable[[Shop, Request, bytes], Answer]


class _ShopGiven(BaseModel):
    model_config = ConfigDict(extra="forbid")

    shop: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    secret: Text
    webhook_url: Annotated[str, Field(pattern=r"^https?://")]


class _Order(BaseModel):
    """Of an order only what the sandbox counts with; everything else is kept as it comes."""

    model_config = ConfigDict(extra="allow")

    id: Text
    updated_at: AwareDatetime
    lines: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class GenericOptions:
    """Standard Webhooks advises retries over days; here they are over within a minute."""

    retries: int = 8
    retry_base_s: float = 0.25
    delivery_concurrency: int = 32


@dataclass(frozen=True, slots=True)
class GenericSandbox:
    """A running sandbox; every shop is below its own name."""

    base_url: str

    def url(self, shop: str) -> str:
        return f"{self.base_url}/{shop}/crossdock"

    def orders_url(self, shop: str) -> str:
        return f"{self.base_url}/{shop}/orders"


def _route(
    store: Store, faults: Faults, operation: str, work: Work
) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        body = await read_body(request, API_BODY_BYTES)
        shop = store.shop(request.path_params["shop"])
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        signed = body if request.method == "POST" else target.encode()
        wrong = "no_shop" if shop is None else mistake(shop.secret, dict(request.headers), signed)
        if shop is None or wrong is not None:
            answer = refused(401, wrong or "no_shop")
            store.books.record(operation, None, answer.outcome, status=401, detail=answer.detail)
            return answer.response()
        return await answer_call(
            request,
            books=store.books,
            faults=faults,
            dialect=Words(),
            operation=operation,
            reference=request.path_params.get("order_id"),
            request_text=f"{target} {body.decode(errors='replace')}",
            work=lambda: work(shop, request, body),
        )

    return handle


def _shop_routes(store: Store, deliverer: Deliverer) -> list[Route]:
    books = store.books

    async def post_shop(request: Request) -> Response:
        given = await read_model(request, _ShopGiven)
        shop = Shop(**given.model_dump())
        with books.transaction():
            store.put_shop(shop)
        return JSONResponse({name: one for name, one in asdict(shop).items() if name != "secret"}, 201)

    async def put_order(request: Request) -> Response:
        shop = store.shop(request.path_params["shop"])
        if shop is None:
            return problem(404, "no such shop")
        given = await read_model(request, _Order)
        body = given.model_dump(mode="json")
        with books.transaction():
            store.put_order(shop.shop, body)
        return JSONResponse({"id": given.id})

    async def post_deliveries(request: Request) -> Response:
        shop = store.shop(request.path_params["shop"])
        given = await read_model(request, DeliveryGiven)
        order = store.order(shop.shop, given.order_id) if shop else None
        if shop is None or order is None:
            return problem(404, "no such order")
        queued = [delivery_of(shop, order, given)] * given.copies
        with books.transaction():
            shown = [{"id": deliverer.add(one), "webhook_id": one.webhook_id} for one in queued]
        deliverer.wake()
        return JSONResponse({"deliveries": shown}, 202)

    async def delivery_status(request: Request) -> Response:
        return JSONResponse(deliverer.status(request.query_params.get("shop")))

    return [
        Route("/_sandbox/shops", post_shop, methods=["POST"]),
        Route("/_sandbox/shops/{shop}/orders", put_order, methods=["PUT"]),
        Route("/_sandbox/shops/{shop}/deliveries", post_deliveries, methods=["POST"]),
        Route("/_sandbox/deliveries", delivery_status),
    ]


@asynccontextmanager
async def running_generic(
    data_dir: Path, *, port: int = 0, host: str = LOOPBACK, options: GenericOptions | None = None
) -> AsyncIterator[GenericSandbox]:
    """Serve on `host` until the block is left; the books are `data_dir/generic.sqlite`."""
    options = options or GenericOptions()
    books = Books(
        data_dir / "generic.sqlite",
        webhooks.SCHEMA + trade.SCHEMA + books_of_shops.SCHEMA,
        {**webhooks.PAGES, **trade.PAGES, **books_of_shops.PAGES},
    )
    try:
        faults, store = Faults(books), Store(books)
        api = ShopApi(store)
        schedule = Schedule(
            retries=options.retries,
            retry_base_s=options.retry_base_s,
            connect_s=1.0,
            total_s=15.0,
            concurrency=options.delivery_concurrency,
        )
        deliverer = Deliverer(books, schedule)

        def route(path: str, method: str, operation: str, work: Work) -> Route:
            return Route(path, _route(store, faults, operation, work), methods=[method])

        app = Starlette(
            routes=[
                *control_routes(books, faults),
                *_shop_routes(store, deliverer),
                *trade.trade_routes(books, GenericTrade(store, deliverer)),
                route(
                    "/{shop}/crossdock",
                    "POST",
                    "tell",
                    lambda shop, request, body: api.tell(shop, request.headers.get("webhook-id", ""), body),
                ),
                route(
                    "/{shop}/orders",
                    "GET",
                    "order.list",
                    lambda shop, request, _: api.orders(shop, dict(request.query_params)),
                ),
                route(
                    "/{shop}/orders/{order_id}",
                    "GET",
                    "order.get",
                    lambda shop, request, _: api.order(shop, request.path_params["order_id"]),
                ),
            ],
            exception_handlers={ValidationError: bad_request, BodyTooLarge: bad_request},
        )
        async with deliverer.running(), serving(app, listening_socket(port, host)) as base_url:
            yield GenericSandbox(base_url)
    finally:
        books.close()

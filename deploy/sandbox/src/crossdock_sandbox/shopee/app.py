"""The Shopee sandbox put together: signed API, control API, pushes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crossdock_sandbox import trade, webhooks
from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import Answer, BodyTooLarge, answer_call, read_body
from crossdock_sandbox.control import bad_request, control_routes
from crossdock_sandbox.faults import Faults
from crossdock_sandbox.serving import LOOPBACK, listening_socket, serving
from crossdock_sandbox.shopee import auth_api, store
from crossdock_sandbox.shopee.control import shop_routes
from crossdock_sandbox.shopee.door import Call, enter
from crossdock_sandbox.shopee.logistics_api import Delays, LogisticsApi
from crossdock_sandbox.shopee.orders_api import OrdersApi
from crossdock_sandbox.shopee.products_api import ProductsApi
from crossdock_sandbox.shopee.store import Store
from crossdock_sandbox.shopee.trade import ShopeeTrade
from crossdock_sandbox.shopee.words import Words, good
from crossdock_sandbox.webhooks import Deliverer, Schedule

API_BODY_BYTES = 1024 * 1024
Work = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class ShopeeOptions:
    """Shopee waits 3 s for an empty answer, and repeats after 5 minutes, 30 minutes and 3 hours."""

    number_delay_s: float = 0.0
    document_delay_s: float = 0.0
    retry_base_s: float = 0.25
    delivery_concurrency: int = 32


@dataclass(frozen=True, slots=True)
class _Api:
    books: Books
    faults: Faults
    store: Store

    def route(self, method: str, path: str, operation: str, work: Work) -> Route:
        """A shop's call. Who is not let in is noted, and meets no fault."""

        async def handle(request: Request) -> Response:
            body = await read_body(request, API_BODY_BYTES)
            entered = enter(self.store, path, request.query_params, body)
            if isinstance(entered, Answer):
                return self._refused(operation, entered)
            return await self._answer(request, operation, body, lambda: work(entered))

        return Route(path, handle, methods=[method])

    async def refresh(self, request: Request) -> Response:
        body = await read_body(request, API_BODY_BYTES)
        query = request.query_params
        return await self._answer(
            request, "token.refresh", body, lambda: auth_api.refresh(self.store, query, body)
        )

    def _refused(self, operation: str, answer: Answer) -> Response:
        self.books.record(operation, None, answer.outcome, status=answer.status, detail=answer.detail)
        return answer.response()

    async def _answer(
        self, request: Request, operation: str, body: bytes, work: Callable[[], Answer]
    ) -> Response:
        text = f"{request.url.path}?{request.url.query} {body.decode(errors='replace')}"
        return await answer_call(
            request,
            books=self.books,
            faults=self.faults,
            dialect=Words(),
            operation=operation,
            reference=None,
            request_text=text,
            work=work,
        )


def _routes(api: _Api, delays: Delays) -> list[Route]:
    orders, products = OrdersApi(api.store), ProductsApi(api.store)
    logistics = LogisticsApi(api.store, delays)
    work: dict[str, tuple[str, str, Work]] = {
        "/api/v2/shop/get_shop_info": ("GET", "shop.info", lambda _: good(None)),
        "/api/v2/order/get_order_detail": ("GET", "order.detail", orders.detail),
        "/api/v2/order/get_order_list": ("GET", "order.list", orders.listed),
        "/api/v2/order/cancel_order": ("POST", "order.cancel", orders.cancel),
        "/api/v2/order/handle_buyer_cancellation": ("POST", "order.handle_cancellation", orders.handle),
        "/api/v2/logistics/get_shipping_parameter": ("GET", "logistics.parameter", logistics.parameter),
        "/api/v2/logistics/ship_order": ("POST", "logistics.ship", logistics.ship),
        "/api/v2/logistics/get_tracking_number": ("GET", "logistics.number", logistics.number),
        "/api/v2/logistics/create_shipping_document": ("POST", "document.create", logistics.create),
        "/api/v2/logistics/get_shipping_document_result": ("POST", "document.result", logistics.result),
        "/api/v2/logistics/download_shipping_document": ("POST", "document.download", logistics.download),
        "/api/v2/product/search_item": ("GET", "product.search", products.search),
        "/api/v2/product/get_item_base_info": ("GET", "product.info", products.info),
        "/api/v2/product/get_model_list": ("GET", "product.models", products.models),
        "/api/v2/product/update_stock": ("POST", "product.update_stock", products.update_stock),
    }
    return [
        Route(auth_api.PATH, api.refresh, methods=["POST"]),
        *(api.route(method, path, name, done) for path, (method, name, done) in work.items()),
    ]


@dataclass(frozen=True, slots=True)
class ShopeeSandbox:
    """A running sandbox: one host for all shops."""

    base_url: str


@asynccontextmanager
async def running_shopee(
    data_dir: Path, *, port: int = 0, host: str = LOOPBACK, options: ShopeeOptions | None = None
) -> AsyncIterator[ShopeeSandbox]:
    """Serve on `host` until the block is left; the books are `data_dir/shopee.sqlite`."""
    options = options or ShopeeOptions()
    books = Books(
        data_dir / "shopee.sqlite",
        webhooks.SCHEMA + trade.SCHEMA + store.SCHEMA,
        {**webhooks.PAGES, **trade.PAGES, **store.PAGES},
    )
    try:
        api = _Api(books, Faults(books), Store(books))
        schedule = Schedule(
            retries=3,
            retry_base_s=options.retry_base_s,
            connect_s=3.0,
            total_s=3.0,
            concurrency=options.delivery_concurrency,
            empty=True,
        )
        deliverer = Deliverer(books, schedule)
        app = Starlette(
            routes=[
                *control_routes(books, api.faults),
                *shop_routes(books, api.store, deliverer),
                *trade.trade_routes(books, ShopeeTrade(api.store, deliverer)),
                *_routes(api, Delays(options.number_delay_s, options.document_delay_s)),
            ],
            exception_handlers={ValidationError: bad_request, BodyTooLarge: bad_request},
        )
        async with deliverer.running(), serving(app, listening_socket(port, host)) as base_url:
            yield ShopeeSandbox(base_url)
    finally:
        books.close()

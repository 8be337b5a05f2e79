"""The TikTok Shop sandbox put together: signed API, tokens, documents, control API, notices."""

from collections.abc import AsyncIterator, Callable, Set
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
from crossdock_sandbox.tiktok_shop import store as books_of_shops
from crossdock_sandbox.tiktok_shop.control import shop_routes
from crossdock_sandbox.tiktok_shop.door import Door
from crossdock_sandbox.tiktok_shop.fulfilment_api import FulfilmentApi
from crossdock_sandbox.tiktok_shop.orders_api import OrdersApi
from crossdock_sandbox.tiktok_shop.products_api import ProductsApi
from crossdock_sandbox.tiktok_shop.store import Shop, Store
from crossdock_sandbox.tiktok_shop.trade import TikTokShopTrade
from crossdock_sandbox.tiktok_shop.words import Call, Words, error, said
from crossdock_sandbox.webhooks import Deliverer, Schedule

API_BODY_BYTES = 1024 * 1024
BAD_REFRESH_TOKEN = 36004004
REFRESH_QUERY = frozenset({"app_key", "app_secret", "refresh_token", "grant_type"})
CANCELLATIONS = "/return_refund/202309/cancellations"
PACKAGES = "/fulfillment/202309/packages/{name}"

Work = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class TikTokShopOptions:
    """TikTok waits 3 s for an answer, wants 200, and tries four times again within about 16 hours."""

    retry_base_s: float = 0.25
    delivery_concurrency: int = 32
    total_timeout_s: float = 3.0
    calls_per_s: float = 50.0


@dataclass(frozen=True, slots=True)
class TikTokShopSandbox:
    """A running sandbox: API, tokens and documents below one address, for every shop."""

    base_url: str


@dataclass(frozen=True, slots=True)
class _Routes:
    books: Books
    faults: Faults
    store: Store
    door: Door

    def route(
        self,
        method: str,
        path: str,
        operation: str,
        work: Work,
        *,
        query: Set[str] = frozenset(),
        of_shop: bool = True,
    ) -> Route:
        """A signed call."""

        async def handle(request: Request) -> Response:
            body = await read_body(request, API_BODY_BYTES)
            shop = self.door.enter(request, body, query, of_shop=of_shop)
            if isinstance(shop, Answer):
                self.books.record(operation, None, shop.outcome, status=shop.status, detail=shop.detail)
                return shop.response()
            name = request.path_params.get("name", "")
            call = Call(shop, name, request.query_params, body, str(request.base_url).rstrip("/"))
            return await self._answer(request, operation, name, body, lambda: work(call))

        return Route(path, handle, methods=[method])

    def refresh(self) -> Route:
        """`GET /api/v2/token/refresh`: unsigned, with the app's secret."""

        async def handle(request: Request) -> Response:
            return await self._answer(request, "token.refresh", "", b"", lambda: self._refreshed(request))

        return Route("/api/v2/token/refresh", handle, methods=["GET"])

    def _refreshed(self, request: Request) -> Answer:
        query = request.query_params
        apps = {(shop.app_key, shop.app_secret) for shop in self.store.shops()}
        if query.keys() != REFRESH_QUERY or query["grant_type"] != "refresh_token":
            return error(BAD_REFRESH_TOKEN, "Invalid parameters.")
        if (query["app_key"], query["app_secret"]) not in apps:
            return error(BAD_REFRESH_TOKEN, "Invalid app_key or app_secret.")
        row = self.store.spend(query["refresh_token"], query["app_key"])
        if row is None:
            return error(BAD_REFRESH_TOKEN, "Invalid refresh_token.")
        return said(
            {
                "access_token": row["access_token"],
                "access_token_expire_in": row["expires_at"],
                "refresh_token": row["refresh_token"],
                "refresh_token_expire_in": row["refresh_expires_at"],
                "seller_name": "Lumo",
            },
            reference=row["shop"],
        )

    async def _answer(
        self, request: Request, operation: str, reference: str, body: bytes, work: Callable[[], Answer]
    ) -> Response:
        return await answer_call(
            request,
            books=self.books,
            faults=self.faults,
            dialect=Words(),
            operation=operation,
            reference=reference or None,
            request_text=f"{request.url.path} {body.decode(errors='replace')}",
            work=work,
        )


def _shops(call: Call) -> Answer:
    shop: Shop = call.shop
    shown = {
        "id": shop.shop,
        "name": "Lumo",
        "region": "GB",
        "cipher": shop.shop_cipher,
        "seller_type": "LOCAL",
    }
    return said({"shops": [shown]}, reference=shop.shop)


def _api_routes(
    routes: _Routes, orders: OrdersApi, fulfilment: FulfilmentApi, products: ProductsApi
) -> list[Route]:
    paged = frozenset({"page_size", "page_token"})
    route = routes.route
    return [
        route("GET", "/authorization/202309/shops", "shop.list", _shops, of_shop=False),
        route("GET", "/order/202309/orders", "order.get", orders.get, query={"ids"}),
        route(
            "POST",
            "/order/202309/orders/search",
            "order.search",
            orders.search,
            query=paged | {"sort_field", "sort_order"},
        ),
        route("POST", CANCELLATIONS, "order.cancel", orders.cancel),
        route("POST", f"{CANCELLATIONS}/search", "cancellation.search", orders.cancellations, query=paged),
        route(
            "GET",
            "/logistics/202309/delivery_options/{name}/shipping_providers",
            "provider.list",
            fulfilment.providers,
        ),
        route(
            "POST", "/fulfillment/202309/orders/{name}/packages", "package.create", fulfilment.create_package
        ),
        route("POST", f"{PACKAGES}/ship", "package.ship", fulfilment.ship),
        route(
            "GET",
            f"{PACKAGES}/shipping_documents",
            "package.document",
            fulfilment.document,
            query={"document_type", "document_size"},
        ),
        route("POST", "/product/202309/products/search", "product.search", products.search, query=paged),
        route("POST", "/product/202309/products/{name}/inventory/update", "stock.update", products.update),
        routes.refresh(),
    ]


def _documents(fulfilment: FulfilmentApi) -> Route:
    async def handle(request: Request) -> Response:
        content = fulfilment.drawn(request.path_params["package_id"])
        return Response(content, media_type="application/pdf") if content else Response(status_code=404)

    return Route("/documents/{package_id}.pdf", handle, methods=["GET"])


@asynccontextmanager
async def running_tiktok_shop(
    data_dir: Path, *, port: int = 0, host: str = LOOPBACK, options: TikTokShopOptions | None = None
) -> AsyncIterator[TikTokShopSandbox]:
    """Serve on `host` until the block is left; the books are `data_dir/tiktok_shop.sqlite`."""
    options = options or TikTokShopOptions()
    books = Books(
        data_dir / "tiktok_shop.sqlite",
        webhooks.SCHEMA + trade.SCHEMA + books_of_shops.SCHEMA,
        {**webhooks.PAGES, **trade.PAGES, **books_of_shops.PAGES},
    )
    try:
        faults, store = Faults(books), Store(books)
        schedule = Schedule(
            retries=4,
            retry_base_s=options.retry_base_s,
            connect_s=options.total_timeout_s,
            total_s=options.total_timeout_s,
            concurrency=options.delivery_concurrency,
            accepted=range(200, 201),
        )
        deliverer = Deliverer(books, schedule)
        orders, fulfilment = OrdersApi(store), FulfilmentApi(store)
        routes = _Routes(books, faults, store, Door(store, options.calls_per_s))
        app = Starlette(
            routes=[
                *control_routes(books, faults),
                *shop_routes(books, store, deliverer, orders, fulfilment),
                *trade.trade_routes(books, TikTokShopTrade(store, deliverer, orders)),
                *_api_routes(routes, orders, fulfilment, ProductsApi(store)),
                _documents(fulfilment),
            ],
            exception_handlers={ValidationError: bad_request, BodyTooLarge: bad_request},
        )
        async with deliverer.running(), serving(app, listening_socket(port, host)) as base_url:
            yield TikTokShopSandbox(base_url)
    finally:
        books.close()

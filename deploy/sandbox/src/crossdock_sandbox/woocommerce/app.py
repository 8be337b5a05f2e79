"""The WooCommerce sandbox put together: REST API, control API, webhook delivery."""

import base64
import binascii
import secrets
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
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
from crossdock_sandbox.webhooks import Deliverer, Schedule
from crossdock_sandbox.woocommerce import store as books_of_sites
from crossdock_sandbox.woocommerce.control import shop_routes
from crossdock_sandbox.woocommerce.deliveries import PING
from crossdock_sandbox.woocommerce.php import php_json
from crossdock_sandbox.woocommerce.products import ProductsApi
from crossdock_sandbox.woocommerce.rest_api import JSON, Call, RestApi, Words, error, no_route
from crossdock_sandbox.woocommerce.store import Shop, Store
from crossdock_sandbox.woocommerce.trade import WooCommerceTrade

API_BODY_BYTES = 1024 * 1024

ORDERS = "/{shop}/wp-json/wc/v3/orders"
ORDER = f"{ORDERS}/{{order_id:int}}"
PRODUCTS = "/{shop}/wp-json/wc/v3/products"
TRACKINGS = "/{shop}/wp-json/wc-shipment-tracking/v3/orders/{order_id:int}/shipment-trackings"


@dataclass(frozen=True, slots=True)
class WooCommerceOptions:
    """WooCommerce waits 60 s for an answer and takes anything from 200 to 302 for a good one."""

    delivery_concurrency: int = 32
    connect_timeout_s: float = 10.0
    total_timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class _Door:
    """Who may call a site's API: HTTP Basic with that site's key and secret, and a key that may do it."""

    books: Books
    store: Store

    def enter(self, request: Request, operation: str) -> Shop | Response:
        """The shop, or what WooCommerce says to whom it does not let in."""
        shop = self.store.shop(request.path_params["shop"])
        if shop is None:
            return self._refused(operation, no_route())
        key, secret = _credentials(request)
        if not key:
            message = "Sorry, you cannot view this resource."
            return self._refused(operation, error(401, "woocommerce_rest_cannot_view", message))
        if not _same(key, shop.consumer_key):
            return self._refused(operation, _unauthorized("Consumer key is invalid."))
        if not _same(secret, shop.consumer_secret):
            return self._refused(operation, _unauthorized("Consumer secret is invalid."))
        wanted = "read" if request.method == "GET" else "write"
        if wanted not in shop.permissions:
            message = f"The API key provided does not have {wanted} permissions."
            return self._refused(operation, _unauthorized(message))
        return shop

    def _refused(self, operation: str, answer: Answer) -> Response:
        self.books.record(operation, None, answer.outcome, status=answer.status, detail=answer.detail)
        return answer.response()


def _unauthorized(message: str) -> Answer:
    return error(401, "woocommerce_rest_authentication_error", message)


def _credentials(request: Request) -> tuple[str, str]:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    try:
        key, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return (key, secret) if scheme.lower() == "basic" else ("", "")


def _same(given: str, known: str) -> bool:
    return secrets.compare_digest(given.encode(), known.encode())


def _route(
    door: _Door, faults: Faults, operation: str, work: Callable[[Call], Answer]
) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        body = await read_body(request, API_BODY_BYTES)
        shop = door.enter(request, operation)
        if isinstance(shop, Response):
            return shop
        order_id = int(request.path_params.get("order_id", 0))
        call = Call(shop, order_id, body, request.query_params)
        return await answer_call(
            request,
            books=door.books,
            faults=faults,
            dialect=Words(),
            operation=operation,
            reference=str(order_id),
            request_text=f"{shop.shop} {order_id} {body.decode(errors='replace')}",
            work=lambda: work(call),
        )

    return handle


def _index(store: Store) -> Callable[[Request], Awaitable[Response]]:
    """The index of a site's REST API, which anybody may read."""

    async def index(request: Request) -> Response:
        shop = store.shop(request.path_params["shop"])
        if shop is None:
            return no_route().response()
        whole = {"name": shop.shop, "url": shop.site.rstrip("/"), "home": shop.site.rstrip("/")}
        wanted = request.query_params.get("_fields")
        shown = {name: whole[name] for name in wanted.split(",") if name in whole} if wanted else whole
        return Answer(php_json(shown), media_type=JSON).response()

    return index


async def _no_route(_request: Request) -> Response:
    return no_route().response()


@dataclass(frozen=True, slots=True)
class WooCommerceSandbox:
    """A running sandbox; every site is below its own name."""

    base_url: str

    def shop_url(self, shop: str) -> str:
        return f"{self.base_url}/{shop}"


@asynccontextmanager
async def running_woocommerce(
    data_dir: Path, *, port: int = 0, host: str = LOOPBACK, options: WooCommerceOptions | None = None
) -> AsyncIterator[WooCommerceSandbox]:
    """Serve on `host` until the block is left; the books are `data_dir/woocommerce.sqlite`."""
    options = options or WooCommerceOptions()
    books = Books(
        data_dir / "woocommerce.sqlite",
        webhooks.SCHEMA + trade.SCHEMA + books_of_sites.SCHEMA,
        {**webhooks.PAGES, **trade.PAGES, **books_of_sites.PAGES},
    )
    try:
        faults, store = Faults(books), Store(books)
        schedule = Schedule(
            retries=0,
            retry_base_s=0,
            connect_s=options.connect_timeout_s,
            total_s=options.total_timeout_s,
            concurrency=options.delivery_concurrency,
            accepted=range(200, 303),
        )

        def settled(delivery: sqlite3.Row, delivered: bool) -> None:
            if delivery["topic"] != PING:
                store.count_delivery(delivery["sender"], delivered)

        deliverer = Deliverer(books, schedule, settled=settled)
        door, api, products = _Door(books, store), RestApi(store), ProductsApi(store)

        def route(path: str, method: str, operation: str, work: Callable[[Call], Answer]) -> Route:
            return Route(path, _route(door, faults, operation, work), methods=[method])

        app = Starlette(
            routes=[
                *control_routes(books, faults),
                *shop_routes(books, store, deliverer),
                *trade.trade_routes(books, WooCommerceTrade(store, deliverer)),
                Route("/{shop}/wp-json/", _index(store)),
                route(ORDERS, "GET", "order.list", api.list_orders),
                route(ORDER, "GET", "order.get", api.get_order),
                route(ORDER, "PUT", "order.update", api.update_order),
                route(f"{ORDER}/refunds", "GET", "refund.list", api.list_refunds),
                route(f"{ORDER}/refunds", "POST", "refund.create", api.create_refund),
                route(f"{ORDER}/notes", "GET", "note.list", api.list_notes),
                route(f"{ORDER}/notes", "POST", "note.create", api.create_note),
                route(TRACKINGS, "GET", "tracking.list", api.list_trackings),
                route(TRACKINGS, "POST", "tracking.create", api.create_tracking),
                route(PRODUCTS, "GET", "product.list", products.list_products),
                route(f"{PRODUCTS}/batch", "POST", "product.batch", products.batch),
                route(
                    f"{PRODUCTS}/{{order_id:int}}/variations/batch", "POST", "product.batch", products.batch
                ),
                Route("/{shop}/wp-json/{rest:path}", _no_route),
            ],
            exception_handlers={ValidationError: bad_request, BodyTooLarge: bad_request},
        )
        async with deliverer.running(), serving(app, listening_socket(port, host)) as base_url:
            yield WooCommerceSandbox(base_url)
    finally:
        books.close()

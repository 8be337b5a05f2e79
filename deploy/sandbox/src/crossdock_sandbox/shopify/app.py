"""The Shopify sandbox put together: Admin API, control API, webhook delivery."""

import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox import webhooks
from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import Answer, BodyTooLarge, answer_call, read_body
from crossdock_sandbox.control import bad_request, control_routes
from crossdock_sandbox.faults import Faults
from crossdock_sandbox.serving import LOOPBACK, listening_socket, serving
from crossdock_sandbox.shopify import store as books_of_shops
from crossdock_sandbox.shopify import tokens as books_of_tokens
from crossdock_sandbox.shopify.control import shop_routes
from crossdock_sandbox.shopify.graphql_api import GraphQLApi, GraphQLRequest, parsed_request
from crossdock_sandbox.shopify.rest_api import ORDER, ORDERS, RestApi, RestWords
from crossdock_sandbox.shopify.store import Shop, Store
from crossdock_sandbox.shopify.tokens import REFRESH, TokenDesk
from crossdock_sandbox.webhooks import Deliverer, Schedule

API_BODY_BYTES = 1024 * 1024

_VERSION = re.compile(r"(\d{4}-(01|04|07|10)|unstable)")
_HOST = re.compile(r"([a-z0-9][a-z0-9-]*)\.myshopify\.com(:\d+)?")
_BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"


@dataclass(frozen=True, slots=True)
class ShopifyOptions:
    """Shopify retries 8 times over 4 hours, which is `retry_base_s=56.5`; the default takes 64 s in all."""

    retry_base_s: float = 0.25
    retries: int = 8
    delivery_concurrency: int = 32
    connect_timeout_s: float = 1.0
    total_timeout_s: float = 5.0
    points_per_s: float = 2000.0  # cost points that flow back, per shop: Shopify's highest plan


@dataclass(frozen=True, slots=True)
class _Words:
    """Shopify's way of saying it for one call."""

    api: GraphQLApi
    shop: str
    cost: int

    def server_error(self) -> Answer:
        error = {
            "message": "Internal error. Looks like something went wrong on our end.",
            "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": secrets.token_hex(8)},
        }
        return Answer({"errors": [error]}, 500, "server_error")

    def throttled(self) -> Answer:
        return self.api.throttled(self.shop, self.cost)

    def refused(self, operation: str) -> Answer:
        """A user error for each mutation; a query has none, its field is null."""
        data = {name: _refusal(name) for name in operation.split("+")}
        return Answer({"data": data}, outcome="refused")


def _refusal(field: str) -> dict[str, object] | None:
    errors = [{"field": None, "message": "The request was refused."}]
    if field == "orderCancel":
        return {"job": None, "orderCancelUserErrors": errors, "userErrors": errors}
    if field == "inventorySetQuantities":
        return {"userErrors": errors}
    return {"fulfillment": None, "userErrors": errors} if field.startswith("fulfillment") else None


@dataclass(frozen=True, slots=True)
class _Door:
    """Who may call the Admin API: the shop is known, the version has its form, the token is that shop's."""

    books: Books
    store: Store
    tokens: TokenDesk

    def enter(self, request: Request, operation: str) -> Shop | Response:
        """The shop, or what Shopify says to whom it does not let in."""
        shop = self.shop(request)
        if shop is None or not _VERSION.fullmatch(request.path_params["version"]):
            self.books.record(operation, None, "not_found", status=404)
            return JSONResponse({"errors": "Not Found"}, 404)
        if not self.tokens.opens(shop, request.headers.get("X-Shopify-Access-Token", "")):
            self.books.record(operation, None, "unauthorized", status=401, detail={"shop": shop.shop})
            return JSONResponse({"errors": _BAD_TOKEN}, 401)
        return shop

    def shop(self, request: Request) -> Shop | None:
        name = request.path_params.get("shop") or _shop_of_host(request)
        return self.store.shop(name) if name else None


def _graphql_route(door: _Door, faults: Faults, api: GraphQLApi) -> Callable[[Request], Awaitable[Response]]:
    books = door.books

    async def graphql(request: Request) -> Response:
        body = await read_body(request, API_BODY_BYTES)
        shop = door.enter(request, "graphql")
        if isinstance(shop, Response):
            return shop
        call = _parsed(request, body)
        if call is None:
            books.record("graphql", None, "malformed", status=400, detail={"shop": shop.shop})
            return JSONResponse({"errors": "Bad Request"}, 400)
        document = api.document(call.query)
        return await answer_call(
            request,
            books=books,
            faults=faults,
            dialect=_Words(api, shop.shop, document.cost),
            operation=document.operation,
            reference=None,
            request_text=f"{shop.shop} {body.decode()}",
            work=lambda: api.execute(shop.shop, call, document),
        )

    return graphql


def _order_route(door: _Door, faults: Faults, api: RestApi) -> Callable[[Request], Awaitable[Response]]:
    async def order(request: Request) -> Response:
        shop = door.enter(request, ORDER)
        if isinstance(shop, Response):
            return shop
        order_id, version = request.path_params["order_id"], request.path_params["version"]
        return await answer_call(
            request,
            books=door.books,
            faults=faults,
            dialect=RestWords(api, shop.shop, version),
            operation=ORDER,
            reference=order_id,
            request_text=f"{shop.shop} {order_id}",
            work=lambda: api.order(shop.shop, order_id, version),
        )

    return order


def _orders_route(door: _Door, faults: Faults, api: RestApi) -> Callable[[Request], Awaitable[Response]]:
    async def orders(request: Request) -> Response:
        shop = door.enter(request, ORDERS)
        if isinstance(shop, Response):
            return shop
        version, query = request.path_params["version"], dict(request.query_params)
        return await answer_call(
            request,
            books=door.books,
            faults=faults,
            dialect=RestWords(api, shop.shop, version),
            operation=ORDERS,
            reference=None,
            request_text=f"{shop.shop} {request.url.query}",
            work=lambda: api.orders(shop.shop, query, version, str(request.url.replace(query=""))),
        )

    return orders


def _refresh_route(door: _Door, faults: Faults, api: RestApi) -> Callable[[Request], Awaitable[Response]]:
    async def refresh(request: Request) -> Response:
        body, shop = await read_body(request, API_BODY_BYTES), door.shop(request)
        if shop is None:
            door.books.record(REFRESH, None, "not_found", status=404)
            return JSONResponse({"errors": "Not Found"}, 404)
        return await answer_call(
            request,
            books=door.books,
            faults=faults,
            dialect=RestWords(api, shop.shop, shop.api_version),
            operation=REFRESH,
            reference=None,
            request_text=shop.shop,
            work=lambda: door.tokens.refresh(shop, body),
        )

    return refresh


def _parsed(request: Request, body: bytes) -> GraphQLRequest | None:
    if request.headers.get("Content-Type", "").split(";")[0].strip() != "application/json":
        return None
    try:
        return parsed_request(body)
    except (ValidationError, ValueError):
        return None


def _shop_of_host(request: Request) -> str | None:
    match = _HOST.fullmatch(request.headers.get("Host", ""))
    return match[1] if match else None


@dataclass(frozen=True, slots=True)
class ShopifySandbox:
    """A running sandbox. Without the shop's prefix in the path the Host header names the shop."""

    base_url: str

    def shop_url(self, shop: str) -> str:
        return f"{self.base_url}/{shop}"


@asynccontextmanager
async def running_shopify(
    data_dir: Path, *, port: int = 0, host: str = LOOPBACK, options: ShopifyOptions | None = None
) -> AsyncIterator[ShopifySandbox]:
    """Serve on `host` until the block is left; the books are `data_dir/shopify.sqlite`."""
    options = options or ShopifyOptions()
    books = Books(
        data_dir / "shopify.sqlite",
        webhooks.SCHEMA + books_of_shops.SCHEMA + books_of_tokens.SCHEMA,
        {**webhooks.PAGES, **books_of_shops.PAGES, **books_of_tokens.PAGES},
    )
    try:
        faults, store = Faults(books), Store(books)
        api = GraphQLApi(store, options.points_per_s)
        schedule = Schedule(
            retries=options.retries,
            retry_base_s=options.retry_base_s,
            connect_s=options.connect_timeout_s,
            total_s=options.total_timeout_s,
            concurrency=options.delivery_concurrency,
        )
        deliverer = Deliverer(books, schedule)
        door, rest = _Door(books, store, TokenDesk(books)), RestApi(store, options.points_per_s)
        graphql = _graphql_route(door, faults, api)
        order, orders = _order_route(door, faults, rest), _orders_route(door, faults, rest)
        refresh = _refresh_route(door, faults, rest)
        app = Starlette(
            routes=[
                *control_routes(books, faults),
                *shop_routes(books, store, deliverer),
                Route("/admin/api/{version}/graphql.json", graphql, methods=["POST"]),
                Route("/{shop}/admin/api/{version}/graphql.json", graphql, methods=["POST"]),
                Route("/admin/api/{version}/orders/{order_id}.json", order, methods=["GET"]),
                Route("/{shop}/admin/api/{version}/orders/{order_id}.json", order, methods=["GET"]),
                Route("/admin/api/{version}/orders.json", orders, methods=["GET"]),
                Route("/{shop}/admin/api/{version}/orders.json", orders, methods=["GET"]),
                Route("/admin/oauth/access_token", refresh, methods=["POST"]),
                Route("/{shop}/admin/oauth/access_token", refresh, methods=["POST"]),
            ],
            exception_handlers={ValidationError: bad_request, BodyTooLarge: bad_request},
        )
        async with deliverer.running(), serving(app, listening_socket(port, host)) as base_url:
            yield ShopifySandbox(base_url)
    finally:
        books.close()

"""The eBay sandbox put together: OAuth, the APIs that sellers need, control API, notices."""

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
from crossdock_sandbox.ebay import store as books_of_sellers
from crossdock_sandbox.ebay.control import MISSING, not_found, seller_routes
from crossdock_sandbox.ebay.notices import Keys
from crossdock_sandbox.ebay.oauth import Entered, OAuth
from crossdock_sandbox.ebay.orders_api import Call, SellingApi
from crossdock_sandbox.ebay.store import Store
from crossdock_sandbox.ebay.trade import EbayTrade
from crossdock_sandbox.ebay.words import Words, error
from crossdock_sandbox.faults import Faults
from crossdock_sandbox.serving import LOOPBACK, listening_socket, serving
from crossdock_sandbox.webhooks import Deliverer, Schedule

API_BODY_BYTES = 1024 * 1024

ORDERS = "/sell/fulfillment/v1/order"
ORDER = f"{ORDERS}/{{order_id}}"
FULFILLMENTS = f"{ORDER}/shipping_fulfillment"
CANCELS = "/post-order/v2/cancellation"
QUANTITIES = "/sell/inventory/v1/bulk_update_price_quantity"


@dataclass(frozen=True, slots=True)
class EbayOptions:
    """eBay's own figures, but for the retries, which it does not tell. `signing_key`: the id of a key and its
    private half as PEM, where notices are to be signed by one that is known beforehand.
    """

    token_s: float = 7200.0
    calls_per_day: int = 100_000
    retries: int = 4
    retry_base_s: float = 0.25
    delivery_concurrency: int = 32
    total_timeout_s: float = 3.0
    signing_key: tuple[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class EbaySandbox:
    """A running sandbox; all sellers are below one address, and a token says whose they are."""

    base_url: str


class _Desk:
    """Takes calls of the APIs: who calls, then the work, with its entry in the books."""

    def __init__(self, books: Books, faults: Faults, oauth: OAuth, api: SellingApi, keys: Keys) -> None:
        self._books = books
        self._faults = faults
        self._oauth = oauth
        self._api = api
        self._keys = keys

    def routes(self) -> list[Route]:
        api = self._api
        return [
            Route("/identity/v1/oauth2/token", self._token, methods=["POST"]),
            Route("/commerce/notification/v1/public_key/{kid}", self._public_key, methods=["GET"]),
            self._route("/commerce/identity/v1/user/", "GET", "user.get", api.get_user),
            self._route(ORDERS, "GET", "order.list", api.get_orders),
            self._route(ORDER, "GET", "order.get", api.get_order),
            self._route(FULFILLMENTS, "GET", "fulfillment.list", api.get_fulfillments),
            self._route(FULFILLMENTS, "POST", "fulfillment.create", api.create_fulfillment),
            self._route(QUANTITIES, "POST", "quantity.update", api.update_quantities),
            self._route(CANCELS, "POST", "cancel.create", self._if_signed(api.create_cancel)),
            self._route(
                f"{CANCELS}/{{cancel_id}}/approve",
                "POST",
                "cancel.approve",
                self._if_signed(api.approve_cancel),
            ),
        ]

    def _route(self, path: str, method: str, operation: str, work: Callable[[Call], Answer]) -> Route:
        """A call of a seller's. The Post-Order API has a word of its own before the token."""
        api = path.split("/")[2]
        scheme = "IAF" if path.startswith(CANCELS) else "Bearer"

        async def handle(request: Request) -> Response:
            body = await read_body(request, API_BODY_BYTES)

            def work_of_seller(entered: Entered) -> Answer:
                if entered.seller is None:
                    return error(403, 1100, "A user token is needed.", domain="ACCESS")
                base_url = str(request.base_url).rstrip("/")
                return work(
                    Call(
                        entered.seller,
                        request.path_params,
                        body,
                        request.query_params,
                        request.headers,
                        base_url,
                    )
                )

            reference = request.path_params.get("order_id")
            return await self._answer(
                request, operation, reference, body, api, scheme, work_of_seller, of_seller=True
            )

        return Route(path, handle, methods=[method])

    def _if_signed(self, work: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def checked(call: Call) -> Answer:
            if "x-ebay-c-marketplace-id" not in call.headers:
                return error(400, 1618, "X-EBAY-C-MARKETPLACE-ID is missing.", domain="returnErrorDomain")
            if call.seller.wants_signatures:
                return error(403, 215001, "A digital signature is missing.", domain="ACCESS")
            return work(call)

        return checked

    async def _public_key(self, request: Request) -> Response:
        kid = request.path_params["kid"]

        def shown(_: Entered) -> Answer:
            key = self._keys.shown(kid)
            if key is None:
                return error(404, 195019, "Invalid public key id.", domain="API_NOTIFICATION")
            return Answer(key)

        return await self._answer(
            request, "key.get", kid, b"", "notification", "Bearer", shown, of_seller=False
        )

    async def _answer(
        self,
        request: Request,
        operation: str,
        reference: str | None,
        body: bytes,
        api: str,
        scheme: str,
        work: Callable[[Entered], Answer],
        *,
        of_seller: bool,
    ) -> Response:
        def entered() -> Answer:
            who = self._oauth.enter(request, api=api, scheme=scheme, of_seller=of_seller)
            return who if isinstance(who, Answer) else work(who)

        return await self._call(request, operation, reference, body, entered)

    async def _token(self, request: Request) -> Response:
        body = await read_body(request, API_BODY_BYTES)
        return await self._call(
            request, "token.create", None, body, lambda: self._oauth.sell_token(request.headers, body)
        )

    async def _call(
        self,
        request: Request,
        operation: str,
        reference: str | None,
        body: bytes,
        work: Callable[[], Answer],
    ) -> Response:
        return await answer_call(
            request,
            books=self._books,
            faults=self._faults,
            dialect=Words(),
            operation=operation,
            reference=reference,
            request_text=f"{request.url.path}?{request.url.query} {body.decode(errors='replace')}",
            work=work,
        )


async def _no_route(_request: Request) -> Response:
    return error(404, 2002, "Resource not found.", domain="ACCESS").response()


@asynccontextmanager
async def running_ebay(
    data_dir: Path, *, port: int = 0, host: str = LOOPBACK, options: EbayOptions | None = None
) -> AsyncIterator[EbaySandbox]:
    """Serve on `host` until the block is left; the books are `data_dir/ebay.sqlite`."""
    options = options or EbayOptions()
    books = Books(
        data_dir / "ebay.sqlite",
        webhooks.SCHEMA + trade.SCHEMA + books_of_sellers.SCHEMA,
        {**webhooks.PAGES, **trade.PAGES, **books_of_sellers.PAGES},
    )
    try:
        faults, store = Faults(books), Store(books)
        keys, api = Keys(store, options.signing_key), SellingApi(store)
        oauth = OAuth(store, token_s=options.token_s, calls_per_day=options.calls_per_day)
        schedule = Schedule(
            retries=options.retries,
            retry_base_s=options.retry_base_s,
            connect_s=options.total_timeout_s,
            total_s=options.total_timeout_s,
            concurrency=options.delivery_concurrency,
            accepted=range(200, 205),
        )
        deliverer = Deliverer(books, schedule)
        app = Starlette(
            routes=[
                *control_routes(books, faults),
                *seller_routes(books, store, keys, api, deliverer),
                *trade.trade_routes(books, EbayTrade(store, deliverer, keys, api, oauth)),
                *_Desk(books, faults, oauth, api, keys).routes(),
                Route("/{rest:path}", _no_route),
            ],
            exception_handlers={
                ValidationError: bad_request,
                BodyTooLarge: bad_request,
                **dict.fromkeys(MISSING, not_found),
            },
        )
        async with deliverer.running(), serving(app, listening_socket(port, host)) as base_url:
            yield EbaySandbox(base_url)
    finally:
        books.close()

"""The trade's side of the control API, in the same words for every marketplace: open a shop, buy in it, look.

Whoever buys here needs no word of the platform's own format: the sandbox turns a cart into an order as that
platform shows it, and tells of it as that platform does.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Annotated, Literal, Protocol, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.books import PAGE_LIMIT, Books, Page
from crossdock_sandbox.control import problem, read_model

SCHEMA = """
CREATE TABLE IF NOT EXISTS bought (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shop TEXT NOT NULL,
    number TEXT NOT NULL,
    order_id TEXT NOT NULL,
    UNIQUE (shop, number)
);
"""
PAGES = {"bought": Page(("id", "shop", "number", "order_id"))}

#: Digits behind the point (ISO 4217) where they are not two.
_PLACES: Mapping[str, int] = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "VND", "XAF", "XOF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}

Text = Annotated[str, Field(min_length=1, max_length=500)]
Minor = Annotated[int, Field(ge=0, le=10**12)]
Change = Literal["paid", "cancelled"]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Listing(_Given):
    """Something that the shop sells."""

    sku: Text
    title: Text


class ShopWanted(_Given):
    """`notices_url`: where the platform tells of orders, for those that are not asked instead."""

    notices_url: Annotated[str, Field(pattern=r"^https?://", max_length=2000)]
    listings: Annotated[list[Listing], Field(max_length=1000)] = []


class Sold(_Given):
    """A line of a cart. `price` is of one unit, in minor units of the cart's currency."""

    sku: Text
    title: Text
    units: Annotated[int, Field(ge=1, le=10_000)]
    price: Minor


class Address(_Given):
    """Where a parcel goes, and who lives there."""

    first_name: Text
    last_name: Text
    street: Text
    street2: Text | None = None
    city: Text
    province: Text | None = None
    postal_code: Text
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    phone: Text

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


class Cart(_Given):
    """What somebody buys. Prices contain the tax; `shipping` is in minor units, too."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    lines: Annotated[list[Sold], Field(min_length=1, max_length=500)]
    shipping: Minor = 0
    method: Text = "Standard"
    address: Address
    email: Text
    locale: Text
    paid: bool = True

    @property
    def goods(self) -> int:
        """The price of all lines, in minor units."""
        return sum(line.price * line.units for line in self.lines)

    def amount(self, minor: int) -> str:
        """In major units, with as many digits as the currency has: `12.50`, `1200`, `1.250`."""
        return str(Decimal(minor).scaleb(-_PLACES.get(self.currency, 2)))


@dataclass(frozen=True, slots=True)
class Pair:
    """Tokens that run out: the seller's consent brings the first."""

    access_token: str
    expires_at: str  # RFC 3339
    refresh_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What the merchant is shown when the shop is opened, under the names that the account has for it."""

    shop_ref: str
    api_base_url: str | None = None
    webhook_secrets: tuple[str, ...] = ()
    access_token: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    tokens: Pair | None = None
    label_source: Literal["carrier", "marketplace"] = "carrier"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel that the platform knows of. `units` by SKU."""

    tracking_number: str
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Known:
    """What the platform knows of an order. `labels`: tracking numbers of the labels that it issued itself."""

    is_cancelled: bool
    parcels: Sequence[Parcel] = ()
    labels: Sequence[str] = ()


_KNOWN = TypeAdapter(Known)


class Trade(Protocol):
    """What a marketplace's folder offers. All but `confirm` run inside a transaction of the books.

    `tells_email`: the platform tells sellers where a buyer can be written to. `issues_labels`: it makes the
    labels itself, one for all of an order.
    """

    @property
    def tells_email(self) -> bool: ...

    @property
    def issues_labels(self) -> bool: ...

    def open_shop(self, shop: str, wanted: ShopWanted, base_url: str) -> Keys:
        """Safe to repeat: the same shop keeps its keys. `base_url`: where the caller sees this sandbox."""

    async def confirm(self, shop: str) -> str | None:
        """Once the merchant has typed in the keys: the platform's ping or handshake. What went wrong."""

    def place(self, shop: str, number: str, cart: Cart) -> str:
        """The platform's id of a new order, of which a notice is queued. `number`: what the buyer is shown,
        on platforms that have such a thing beside the id.
        """

    def change(self, shop: str, order_id: str, change: Change) -> None:
        """The buyer pays or cancels; a notice is queued. Safe to repeat."""

    def known(self, shop: str, order_id: str) -> Known:
        """Of an order that was placed."""

    def stock(self, shop: str) -> Mapping[str, int | None]:
        """Units that the shop shows, by SKU; None: nobody has told it."""

    def has_shop(self, shop: str) -> bool: ...

    def send_notices(self) -> None:
        """After the transaction: what is queued goes out."""


def trade_routes(books: Books, trade: Trade) -> list[Route]:
    """For the app of a marketplace, whose books have SCHEMA and show PAGES."""

    async def get_trade(_request: Request) -> Response:
        return JSONResponse({"tells_email": trade.tells_email, "issues_labels": trade.issues_labels})

    async def put_shop(request: Request) -> Response:
        wanted = await read_model(request, ShopWanted)
        base_url = str(request.base_url).rstrip("/")
        with books.transaction():
            keys = trade.open_shop(request.path_params["shop"], wanted, base_url)
        return JSONResponse(asdict(keys))

    async def post_confirmation(request: Request) -> Response:
        shop = request.path_params["shop"]
        if not trade.has_shop(shop):
            return _no_shop()
        wrong = await trade.confirm(shop)
        return problem(409, wrong) if wrong else Response(status_code=204)

    async def put_order(request: Request) -> Response:
        shop, number = request.path_params["shop"], request.path_params["number"]
        cart = await read_model(request, Cart)
        if not trade.has_shop(shop):
            return _no_shop()
        with books.transaction():
            order_id = _order_id(books, shop, number)
            if order_id is None:
                order_id = trade.place(shop, number, cart)
                values = (shop, number, order_id)
                books.execute("INSERT INTO bought (shop, number, order_id) VALUES (?, ?, ?)", values)
        trade.send_notices()
        return JSONResponse({"number": number, "order_id": order_id})

    def changed(change: Change) -> Callable[[Request], Awaitable[Response]]:
        async def post_change(request: Request) -> Response:
            shop, number = request.path_params["shop"], request.path_params["number"]
            order_id = _order_id(books, shop, number)
            if order_id is None:
                return problem(404, "no such order")
            with books.transaction():
                trade.change(shop, order_id, change)
            trade.send_notices()
            return Response(status_code=204)

        return post_change

    async def get_orders(request: Request) -> Response:
        try:
            after = int(request.query_params.get("after", "0"))
        except ValueError:
            return problem(400, "after is a whole number")
        shop = request.path_params["shop"]
        rows = books.all(
            "SELECT * FROM bought WHERE shop = ? AND id > ? ORDER BY id LIMIT ?", (shop, after, PAGE_LIMIT)
        )
        shown = [
            {
                "number": row["number"],
                "order_id": row["order_id"],
                **_KNOWN.dump_python(trade.known(shop, row["order_id"]), mode="json"),
            }
            for row in rows
        ]
        return JSONResponse(
            {"rows": shown, "next_after": rows[-1]["id"] if len(rows) == PAGE_LIMIT else None}
        )

    async def get_stock(request: Request) -> Response:
        shop = request.path_params["shop"]
        return JSONResponse({"stock": dict(trade.stock(shop))}) if trade.has_shop(shop) else _no_shop()

    shop = "/_sandbox/trade/{shop}"
    return [
        Route("/_sandbox/trade", get_trade, methods=["GET"]),
        Route(shop, put_shop, methods=["PUT"]),
        Route(f"{shop}/confirmation", post_confirmation, methods=["POST"]),
        Route(f"{shop}/stock", get_stock, methods=["GET"]),
        Route(f"{shop}/orders", get_orders, methods=["GET"]),
        Route(f"{shop}/orders/{{number}}", put_order, methods=["PUT"]),
        *(
            Route(f"{shop}/orders/{{number}}/{change}", changed(change), methods=["POST"])
            for change in get_args(Change)
        ),
    ]


def _order_id(books: Books, shop: str, number: str) -> str | None:
    row = books.one("SELECT order_id FROM bought WHERE shop = ? AND number = ?", (shop, number))
    return None if row is None else str(row["order_id"])


def _no_shop() -> Response:
    return problem(404, "no such shop")

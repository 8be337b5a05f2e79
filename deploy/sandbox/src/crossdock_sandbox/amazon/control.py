"""The sellers' side of the control API: sellers, their orders and listings, what is written into a queue."""

import json

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.amazon.notices import NoticeGiven, body_of
from crossdock_sandbox.amazon.store import USAGE_PLANS, Seller, Store
from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import read_body
from crossdock_sandbox.control import CONTROL_BODY_BYTES, problem, read_model


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SellerGiven(_Given):
    seller_id: str = Field(pattern=r"^[A-Z0-9]{6,20}$")
    marketplace_ids: str = "ATVPDKIKX0DER"
    application_id: str
    client_id: str
    client_secret: str
    refresh_token: str
    aws_access_key_id: str = Field(pattern=r"^[A-Z0-9]{6,40}$")
    aws_secret_access_key: str
    queue_region: str = "us-east-1"


class _Item(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    orderItemId: str
    quantityOrdered: int = Field(ge=0)


class _Channel(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    marketplaceId: str


class _Fulfillment(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    fulfillmentStatus: str
    fulfilledBy: str


class _Order(BaseModel):
    """Of an order only what the sandbox works with; everything else is kept as it comes."""

    model_config = ConfigDict(extra="allow", strict=True)

    orderId: str = Field(pattern=r"^\d{3}-\d{7}-\d{7}$")
    createdTime: str
    lastUpdatedTime: str
    salesChannel: _Channel
    fulfillment: _Fulfillment
    orderItems: list[_Item]


class _Listing(_Given):
    quantity: int | None = Field(default=None, ge=0)
    lead_time_days: int | None = Field(default=None, ge=0)
    locked: bool = False


class _Plan(_Given):
    rate_per_s: float = Field(gt=0)
    burst: int = Field(ge=1)


_ONE_OR_MANY: TypeAdapter[NoticeGiven | list[NoticeGiven]] = TypeAdapter(NoticeGiven | list[NoticeGiven])


def seller_routes(books: Books, store: Store) -> list[Route]:
    async def post_seller(request: Request) -> Response:
        given = await read_model(request, SellerGiven)
        with books.transaction():
            store.put_seller(Seller(**given.model_dump()))
        return JSONResponse({"seller_id": given.seller_id}, 201)

    async def put_order(request: Request) -> Response:
        seller, text = _seller(request), await read_body(request, CONTROL_BODY_BYTES)
        if seller is None:
            return problem(404, "no such seller")
        if _Order.model_validate_json(text).orderId != request.path_params["order_id"]:
            return problem(422, "the body's orderId is another one than the path's")
        with books.transaction():
            kept = store.put_order(seller.seller_id, json.loads(text))
        return JSONResponse({"orderId": kept["orderId"], "lastUpdatedTime": kept["lastUpdatedTime"]})

    async def get_order(request: Request) -> Response:
        order = store.order(request.path_params["seller"], request.path_params["order_id"])
        return JSONResponse(order) if order else problem(404, "no such order")

    async def put_listing(request: Request) -> Response:
        seller, given = _seller(request), await read_model(request, _Listing)
        if seller is None:
            return problem(404, "no such seller")
        sku = request.path_params["sku"]
        with books.transaction():
            store.put_listing(
                seller.seller_id, sku, given.quantity, given.lead_time_days, locked=given.locked
            )
        return JSONResponse({"sku": sku})

    async def put_plan(request: Request) -> Response:
        seller, given = _seller(request), await read_model(request, _Plan)
        operation = request.path_params["operation"]
        if seller is None or operation not in USAGE_PLANS:
            return problem(404, "no such seller or operation", operations=sorted(USAGE_PLANS))
        with books.transaction():
            store.set_plan(seller.seller_id, operation, given.rate_per_s, given.burst)
        return JSONResponse({"operation": operation})

    async def post_notices(request: Request) -> Response:
        seller = _seller(request)
        if seller is None:
            return problem(404, "no such seller")
        given = _ONE_OR_MANY.validate_json(await read_body(request, CONTROL_BODY_BYTES))
        with books.transaction():
            queued = [
                store.add_notice(seller.seller_id, body)
                for one in (given if isinstance(given, list) else [given])
                for body in [body_of(one, seller, store)] * one.copies
            ]
        return JSONResponse({"message_ids": queued}, 202)

    async def post_expiry(request: Request) -> Response:
        seller = _seller(request)
        if seller is None:
            return problem(404, "no such seller")
        with books.transaction():
            expired = store.expire_tokens(seller.seller_id)
        return JSONResponse({"expired": expired})

    def _seller(request: Request) -> Seller | None:
        return store.seller(request.path_params["seller"])

    at = "/_sandbox/sellers/{seller}"
    return [
        Route("/_sandbox/sellers", post_seller, methods=["POST"]),
        Route(f"{at}/orders/{{order_id}}", put_order, methods=["PUT"]),
        Route(f"{at}/orders/{{order_id}}", get_order, methods=["GET"]),
        Route(f"{at}/listings/{{sku:path}}", put_listing, methods=["PUT"]),
        Route(f"{at}/usage-plans/{{operation}}", put_plan, methods=["PUT"]),
        Route(f"{at}/notices", post_notices, methods=["POST"]),
        Route(f"{at}/expired-tokens", post_expiry, methods=["POST"]),
    ]

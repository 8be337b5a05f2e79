"""The shops' side of the control API: shops, their orders, the webhooks they send."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import read_body
from crossdock_sandbox.control import CONTROL_BODY_BYTES, problem, read_model
from crossdock_sandbox.shopify.deliveries import DeliveryGiven, OrderUnknown, ShopGiven, deliveries_of
from crossdock_sandbox.shopify.store import Shop, Store
from crossdock_sandbox.shopify.tokens import TokenDesk, shown
from crossdock_sandbox.webhooks import Deliverer


class _Line(BaseModel):
    """Of a line only what the sandbox counts with; everything else is kept as it comes."""

    model_config = ConfigDict(extra="allow", strict=True)

    id: int = Field(ge=1)
    quantity: int = Field(ge=0)


class _Order(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    id: int | None = Field(default=None, ge=1)
    line_items: list[_Line] = Field(max_length=1000)


class _Variant(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    available: int = 0
    locked: bool = False


class _Tokens(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    client_id: str = Field(min_length=1, max_length=100)
    lives_s: float = Field(default=3600.0, gt=0, le=86_400)


_ONE_OR_MANY: TypeAdapter[DeliveryGiven | list[DeliveryGiven]] = TypeAdapter(
    DeliveryGiven | list[DeliveryGiven]
)


def shop_routes(books: Books, store: Store, deliverer: Deliverer) -> list[Route]:
    async def get_shops(_request: Request) -> Response:
        shown = [
            {"shop": shop.shop, "webhook_url": shop.webhook_url, "api_version": shop.api_version}
            for shop in store.shops()
        ]
        return JSONResponse({"shops": shown})

    async def post_shop(request: Request) -> Response:
        given = await read_model(request, ShopGiven)
        with books.transaction():
            store.put_shop(given.shop_row())
        return JSONResponse({"shop": given.shop, "domain": given.shop_row().domain}, 201)

    async def put_order(request: Request) -> Response:
        shop, order_id = _shop(request), int(request.path_params["order_id"])
        if shop is None:
            return problem(404, "no such shop")
        text = await read_body(request, CONTROL_BODY_BYTES)
        given = _Order.model_validate_json(text)
        if given.id not in {None, order_id}:
            return problem(422, "the body's id is another one than the path's")
        body: dict[str, Any] = json.loads(text)
        with books.transaction():
            kept = store.put_order(shop.shop, order_id, body)
        return JSONResponse({"id": order_id, "updated_at": kept["updated_at"]})

    async def get_order(request: Request) -> Response:
        shop = _shop(request)
        row = store.order(shop.shop, int(request.path_params["order_id"])) if shop else None
        return JSONResponse(json.loads(row["body_json"])) if row else problem(404, "no such order")

    async def put_variant(request: Request) -> Response:
        shop = _shop(request)
        if shop is None:
            return problem(404, "no such shop")
        given = await read_model(request, _Variant)
        with books.transaction():
            store.put_variant(shop.shop, request.path_params["sku"], given.available, locked=given.locked)
        return JSONResponse({"sku": request.path_params["sku"]})

    async def post_tokens(request: Request) -> Response:
        shop = _shop(request)
        if shop is None:
            return problem(404, "no such shop")
        given = await read_model(request, _Tokens)
        with books.transaction():
            pair = TokenDesk(books).issue(shop.shop, given.client_id, given.lives_s)
        return JSONResponse(shown(pair), 201)

    async def post_deliveries(request: Request) -> Response:
        shop = _shop(request)
        if shop is None:
            return problem(404, "no such shop")
        given = _ONE_OR_MANY.validate_json(await read_body(request, CONTROL_BODY_BYTES))
        try:
            queued = [
                one
                for each in (given if isinstance(given, list) else [given])
                for one in deliveries_of(shop, store, each)
            ]
        except OrderUnknown as error:
            return problem(404, str(error))
        with books.transaction():
            shown = [{"id": deliverer.add(one), "webhook_id": one.webhook_id} for one in queued]
        deliverer.wake()
        return JSONResponse({"deliveries": shown}, 202)

    async def delivery_status(request: Request) -> Response:
        return JSONResponse(deliverer.status(request.query_params.get("shop")))

    def _shop(request: Request) -> Shop | None:
        return store.shop(request.path_params["shop"])

    return [
        Route("/_sandbox/shops", get_shops, methods=["GET"]),
        Route("/_sandbox/shops", post_shop, methods=["POST"]),
        Route("/_sandbox/shops/{shop}/orders/{order_id:int}", put_order, methods=["PUT"]),
        Route("/_sandbox/shops/{shop}/orders/{order_id:int}", get_order, methods=["GET"]),
        Route("/_sandbox/shops/{shop}/variants/{sku}", put_variant, methods=["PUT"]),
        Route("/_sandbox/shops/{shop}/tokens", post_tokens, methods=["POST"]),
        Route("/_sandbox/shops/{shop}/deliveries", post_deliveries, methods=["POST"]),
        Route("/_sandbox/deliveries", delivery_status),
    ]

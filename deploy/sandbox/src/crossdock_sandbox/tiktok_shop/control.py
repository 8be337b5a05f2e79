"""The shops' side of the control API: shops, their orders, products and tokens, the notices they send."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import read_body
from crossdock_sandbox.control import CONTROL_BODY_BYTES, problem, read_model
from crossdock_sandbox.tiktok_shop.deliveries import (
    DeliveryGiven,
    Digits,
    OrderUnknown,
    ShopGiven,
    Text,
    deliveries_of,
)
from crossdock_sandbox.tiktok_shop.fulfilment_api import FulfilmentApi
from crossdock_sandbox.tiktok_shop.orders_api import OrdersApi
from crossdock_sandbox.tiktok_shop.store import WAREHOUSE, Shop, Store
from crossdock_sandbox.webhooks import Deliverer


class _Unit(BaseModel):
    """Of a unit only what the sandbox counts with; everything else is kept as it comes."""

    model_config = ConfigDict(extra="allow", strict=True)

    id: Digits
    display_status: str
    tracking_number: str
    package_id: str


class _Order(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    status: str = Field(min_length=1, max_length=100)
    shipping_type: str
    update_time: int = Field(ge=0)
    line_items: list[_Unit] = Field(min_length=1, max_length=1000)


class _Sku(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: Digits
    seller_sku: Text
    warehouses: list[Digits] = [WAREHOUSE]
    locked: bool = False


class _Product(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    skus: list[_Sku] = Field(min_length=1)


_ONE_OR_MANY: TypeAdapter[DeliveryGiven | list[DeliveryGiven]] = TypeAdapter(
    DeliveryGiven | list[DeliveryGiven]
)


def shop_routes(
    books: Books, store: Store, deliverer: Deliverer, orders: OrdersApi, fulfilment: FulfilmentApi
) -> list[Route]:
    async def get_shops(_request: Request) -> Response:
        shown = [{"shop": shop.shop, "webhook_url": shop.webhook_url} for shop in store.shops()]
        return JSONResponse({"shops": shown})

    async def post_shop(request: Request) -> Response:
        given = await read_model(request, ShopGiven)
        shop = given.shop_row()
        with books.transaction():
            store.put_shop(shop)
            if store.token(given.access_token) is None:
                store.put_tokens(shop, given.access_token, given.refresh_token)
        return JSONResponse({"shop": shop.shop}, 201)

    async def put_order(request: Request) -> Response:
        shop, order_id = _shop(request), request.path_params["order_id"]
        if shop is None:
            return problem(404, "no such shop")
        text = await read_body(request, CONTROL_BODY_BYTES)
        _Order.model_validate_json(text)
        body: dict[str, Any] = json.loads(text)
        if body.get("id", order_id) != order_id:
            return problem(422, "the body's id is another one than the path's")
        with books.transaction():
            kept = store.put_order(shop.shop, order_id, body)
        return JSONResponse({"id": order_id, "update_time": kept["update_time"]})

    async def get_order(request: Request) -> Response:
        shop = _shop(request)
        order = store.order(shop.shop, request.path_params["order_id"]) if shop else None
        return JSONResponse(order) if order else problem(404, "no such order")

    async def make_labels(request: Request) -> Response:
        shop = _shop(request)
        if shop is None:
            return problem(404, "no such shop")
        with books.transaction():
            fulfilment.make_labels(shop, request.path_params["order_id"])
        return Response(status_code=204)

    async def complete_cancel(request: Request) -> Response:
        shop = _shop(request)
        order = store.order(shop.shop, request.path_params["order_id"]) if shop else None
        if shop is None or order is None:
            return problem(404, "no such order")
        with books.transaction():
            orders.complete_cancel(shop, order)
        return Response(status_code=204)

    async def put_product(request: Request) -> Response:
        shop = _shop(request)
        if shop is None:
            return problem(404, "no such shop")
        given, product_id = await read_model(request, _Product), request.path_params["product_id"]
        with books.transaction():
            for sku in given.skus:
                for place in sku.warehouses:
                    store.put_sku(shop.shop, product_id, sku.id, sku.seller_sku, place, locked=sku.locked)
        return JSONResponse({"id": product_id})

    async def expire_tokens(request: Request) -> Response:
        with books.transaction():
            store.expire_tokens(request.path_params["shop"])
        return Response(status_code=204)

    async def post_deliveries(request: Request) -> Response:
        shop = _shop(request)
        if shop is None:
            return problem(404, "no such shop")
        given = _ONE_OR_MANY.validate_json(await read_body(request, CONTROL_BODY_BYTES))
        try:
            with books.transaction():
                queued = [
                    one
                    for each in (given if isinstance(given, list) else [given])
                    for one in deliveries_of(shop, store, each)
                ]
                shown = [{"id": deliverer.add(one), "notification_id": one.webhook_id} for one in queued]
        except OrderUnknown as error:
            return problem(404, str(error))
        deliverer.wake()
        return JSONResponse({"deliveries": shown}, 202)

    async def delivery_status(request: Request) -> Response:
        return JSONResponse(deliverer.status(request.query_params.get("shop")))

    def _shop(request: Request) -> Shop | None:
        return store.shop(request.path_params["shop"])

    order = "/_sandbox/shops/{shop}/orders/{order_id}"
    return [
        Route("/_sandbox/shops", get_shops, methods=["GET"]),
        Route("/_sandbox/shops", post_shop, methods=["POST"]),
        Route(order, put_order, methods=["PUT"]),
        Route(order, get_order, methods=["GET"]),
        Route(f"{order}/labels", make_labels, methods=["POST"]),
        Route(f"{order}/cancel", complete_cancel, methods=["POST"]),
        Route("/_sandbox/shops/{shop}/products/{product_id}", put_product, methods=["PUT"]),
        Route("/_sandbox/shops/{shop}/tokens/expire", expire_tokens, methods=["POST"]),
        Route("/_sandbox/shops/{shop}/deliveries", post_deliveries, methods=["POST"]),
        Route("/_sandbox/deliveries", delivery_status),
    ]

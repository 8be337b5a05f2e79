"""The sites' side of the control API: shops, their orders and refunds, the webhooks they send."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import read_body
from crossdock_sandbox.control import CONTROL_BODY_BYTES, problem, read_model
from crossdock_sandbox.webhooks import Deliverer, Delivery
from crossdock_sandbox.woocommerce.deliveries import (
    DeliveryGiven,
    OrderUnknown,
    RefundGiven,
    ShopGiven,
    deliveries_of,
    ping_of,
)
from crossdock_sandbox.woocommerce.store import Shop, Store


class _Line(BaseModel):
    """Of a line only what the sandbox counts with; everything else is kept as it comes."""

    model_config = ConfigDict(extra="allow", strict=True)

    id: int = Field(ge=1)
    quantity: int = Field(ge=0)


class _Order(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    id: int | None = Field(default=None, ge=1)
    status: str = Field(min_length=1, max_length=100)
    line_items: list[_Line] = Field(max_length=1000)


class _Product(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    parent_id: int = Field(default=0, ge=0)
    locked: bool = False


_ONE_OR_MANY: TypeAdapter[DeliveryGiven | list[DeliveryGiven]] = TypeAdapter(
    DeliveryGiven | list[DeliveryGiven]
)


def shop_routes(books: Books, store: Store, deliverer: Deliverer) -> list[Route]:
    async def get_shops(_request: Request) -> Response:
        shown = [
            {"shop": shop.shop, "site": shop.site, "webhook_url": shop.webhook_url, "webhook_status": status}
            for shop, status in store.shops()
        ]
        return JSONResponse({"shops": shown})

    async def post_shop(request: Request) -> Response:
        shop = (await read_model(request, ShopGiven)).shop_row()
        with books.transaction():
            store.put_shop(shop)
        return JSONResponse({"shop": shop.shop, "site": shop.site}, 201)

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
            kept = store.put_order(shop, order_id, body)
        return JSONResponse({"id": order_id, "date_modified_gmt": kept["date_modified_gmt"]})

    async def get_order(request: Request) -> Response:
        shop = _shop(request)
        order = store.order(shop.shop, int(request.path_params["order_id"])) if shop else None
        return JSONResponse(order) if order else problem(404, "no such order")

    async def post_refund(request: Request) -> Response:
        shop = _shop(request)
        order = store.order(shop.shop, int(request.path_params["order_id"])) if shop else None
        if shop is None or order is None:
            return problem(404, "no such order")
        given = await read_model(request, RefundGiven)
        with books.transaction():
            refund_id = store.add_refund(
                shop, order, amount=given.amount, reason=given.reason, units=given.units
            )
        return JSONResponse({"id": refund_id}, 201)

    async def put_product(request: Request) -> Response:
        shop = _shop(request)
        if shop is None:
            return problem(404, "no such shop")
        given, sku = await read_model(request, _Product), request.path_params["sku"]
        with books.transaction():
            store.put_product(shop.shop, sku, given.parent_id, locked=given.locked)
        return JSONResponse({"sku": sku})

    async def post_deliveries(request: Request) -> Response:
        shop = _shop(request)
        if shop is None:
            return problem(404, "no such shop")
        if not store.webhook_is_active(shop.shop):
            return problem(409, "the webhook is disabled")
        given = _ONE_OR_MANY.validate_json(await read_body(request, CONTROL_BODY_BYTES))
        try:
            queued = [
                one
                for each in (given if isinstance(given, list) else [given])
                for one in deliveries_of(shop, store, each)
            ]
        except OrderUnknown as error:
            return problem(404, str(error))
        return _queued(queued)

    async def post_ping(request: Request) -> Response:
        shop = _shop(request)
        return _queued([ping_of(shop)]) if shop else problem(404, "no such shop")

    async def delivery_status(request: Request) -> Response:
        return JSONResponse(deliverer.status(request.query_params.get("shop")))

    def _queued(deliveries: list[Delivery]) -> Response:
        with books.transaction():
            shown = [{"id": deliverer.add(one), "delivery_id": one.webhook_id} for one in deliveries]
        deliverer.wake()
        return JSONResponse({"deliveries": shown}, 202)

    def _shop(request: Request) -> Shop | None:
        return store.shop(request.path_params["shop"])

    return [
        Route("/_sandbox/shops", get_shops, methods=["GET"]),
        Route("/_sandbox/shops", post_shop, methods=["POST"]),
        Route("/_sandbox/shops/{shop}/orders/{order_id:int}", put_order, methods=["PUT"]),
        Route("/_sandbox/shops/{shop}/orders/{order_id:int}", get_order, methods=["GET"]),
        Route("/_sandbox/shops/{shop}/orders/{order_id:int}/refunds", post_refund, methods=["POST"]),
        Route("/_sandbox/shops/{shop}/products/{sku}", put_product, methods=["PUT"]),
        Route("/_sandbox/shops/{shop}/deliveries", post_deliveries, methods=["POST"]),
        Route("/_sandbox/shops/{shop}/ping", post_ping, methods=["POST"]),
        Route("/_sandbox/deliveries", delivery_status),
    ]

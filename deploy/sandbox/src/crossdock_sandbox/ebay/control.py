"""The control API's part about sellers: who they are, their orders and items, what befalls them, notices."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import read_body
from crossdock_sandbox.control import CONTROL_BODY_BYTES, problem, read_model
from crossdock_sandbox.ebay.notices import (
    Keys,
    NothingToSay,
    NoticeGiven,
    SellerGiven,
    challenge,
    notices_of,
)
from crossdock_sandbox.ebay.orders_api import SellingApi
from crossdock_sandbox.ebay.store import Seller, Store
from crossdock_sandbox.webhooks import Deliverer


class _Line(BaseModel):
    """Of a line only what the sandbox counts with; everything else is kept as it comes."""

    model_config = ConfigDict(extra="allow", strict=True)

    lineItemId: str = Field(min_length=1)
    quantity: int = Field(ge=1)


class _Order(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    orderPaymentStatus: str
    orderFulfillmentStatus: str
    pricingSummary: dict[str, Any]
    lineItems: list[_Line] = Field(min_length=1, max_length=1000)


class _Item(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    locked: bool = False


_ONE_OR_MANY: TypeAdapter[NoticeGiven | list[NoticeGiven]] = TypeAdapter(NoticeGiven | list[NoticeGiven])


class NoSuchSeller(LookupError):
    """Nobody of this name has let the application in."""


class NoSuchOrder(LookupError):
    """The seller has no such order."""


async def not_found(_request: Request, error: Exception) -> Response:
    return problem(404, str(error))


def seller_routes(
    books: Books, store: Store, keys: Keys, api: SellingApi, deliverer: Deliverer
) -> list[Route]:
    async def get_sellers(_request: Request) -> Response:
        return JSONResponse(
            {"shops": [{"shop": one.shop, "endpoint": one.endpoint} for one in store.sellers()]}
        )

    async def post_seller(request: Request) -> Response:
        seller = (await read_model(request, SellerGiven)).row()
        with books.transaction():
            store.put_seller(seller)
        return JSONResponse({"shop": seller.shop}, 201)

    async def post_challenge(request: Request) -> Response:
        status, verified = await challenge(_seller(request))
        return JSONResponse({"status": status, "verified": verified})

    async def expire_tokens(request: Request) -> Response:
        with books.transaction():
            store.expire_tokens(_seller(request).shop)
        return Response(status_code=204)

    async def withdraw_consent(request: Request) -> Response:
        with books.transaction():
            store.withdraw_consent(_seller(request).shop)
        return Response(status_code=204)

    async def put_order(request: Request) -> Response:
        seller, order_id = _seller(request), request.path_params["order_id"]
        text = await read_body(request, CONTROL_BODY_BYTES)
        _Order.model_validate_json(text)
        with books.transaction():
            kept = store.put_order(seller.shop, order_id, json.loads(text))
        return JSONResponse({"id": order_id, "lastModifiedDate": kept["lastModifiedDate"]})

    async def get_order(request: Request) -> Response:
        return JSONResponse(_order(request))

    async def wish_cancel(request: Request) -> Response:
        with books.transaction():
            cancel_id = api.wish_cancel(_seller(request).shop, _order(request))
        return JSONResponse({"cancel_id": cancel_id}, 201)

    async def end_cancel(request: Request) -> Response:
        seller, order = _seller(request), _order(request)
        with books.transaction():
            for row in store.cancels(seller.shop, order["orderId"]):
                api.complete_cancel(seller.shop, order, row["id"])
        return Response(status_code=204)

    async def put_item(request: Request) -> Response:
        given, sku = await read_model(request, _Item), request.path_params["sku"]
        with books.transaction():
            store.put_item(_seller(request).shop, sku, locked=given.locked)
        return JSONResponse({"sku": sku})

    async def post_deliveries(request: Request) -> Response:
        seller = _seller(request)
        given = _ONE_OR_MANY.validate_json(await read_body(request, CONTROL_BODY_BYTES))
        queued = [
            one
            for each in (given if isinstance(given, list) else [given])
            for one in notices_of(seller, store, keys, each)
        ]
        with books.transaction():
            shown = [{"id": deliverer.add(one), "notification_id": one.webhook_id} for one in queued]
        deliverer.wake()
        return JSONResponse({"deliveries": shown}, 202)

    async def post_key(_request: Request) -> Response:
        with books.transaction():
            kid = keys.rotate()
        return JSONResponse({"kid": kid}, 201)

    async def delivery_status(request: Request) -> Response:
        return JSONResponse(deliverer.status(request.query_params.get("shop")))

    def _seller(request: Request) -> Seller:
        seller = store.seller(request.path_params["shop"])
        if seller is None:
            raise NoSuchSeller("no such shop")
        return seller

    def _order(request: Request) -> dict[str, Any]:
        order = store.order(_seller(request).shop, request.path_params["order_id"])
        if order is None:
            raise NoSuchOrder("no such order")
        return order

    shop, order = "/_sandbox/shops/{shop}", "/_sandbox/shops/{shop}/orders/{order_id}"
    return [
        Route("/_sandbox/shops", get_sellers, methods=["GET"]),
        Route("/_sandbox/shops", post_seller, methods=["POST"]),
        Route(f"{shop}/challenge", post_challenge, methods=["POST"]),
        Route(f"{shop}/tokens", expire_tokens, methods=["DELETE"]),
        Route(f"{shop}/consent", withdraw_consent, methods=["DELETE"]),
        Route(order, put_order, methods=["PUT"]),
        Route(order, get_order, methods=["GET"]),
        Route(f"{order}/cancel-wish", wish_cancel, methods=["POST"]),
        Route(f"{order}/cancel-end", end_cancel, methods=["POST"]),
        Route(f"{shop}/items/{{sku}}", put_item, methods=["PUT"]),
        Route(f"{shop}/deliveries", post_deliveries, methods=["POST"]),
        Route("/_sandbox/signing-keys", post_key, methods=["POST"]),
        Route("/_sandbox/deliveries", delivery_status),
    ]


MISSING: tuple[type[LookupError], ...] = (NoSuchSeller, NoSuchOrder, NothingToSay)

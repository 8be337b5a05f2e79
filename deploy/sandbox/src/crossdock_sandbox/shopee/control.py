"""Shopee's side of the control API: shops, their orders and products, the pushes they send."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import read_body
from crossdock_sandbox.control import CONTROL_BODY_BYTES, problem, read_model
from crossdock_sandbox.shopee.pushes import OrderUnknown, PushGiven, pushes_of
from crossdock_sandbox.shopee.store import Shop, Store
from crossdock_sandbox.webhooks import Deliverer

Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=2000)]
_PUSHES: TypeAdapter[PushGiven | list[PushGiven]] = TypeAdapter(PushGiven | list[PushGiven])


class _Shop(BaseModel):
    model_config = ConfigDict(extra="forbid")

    shop_id: int = Field(ge=1)
    partner_id: int = Field(ge=1)
    partner_key: Text
    push_key: Text
    callback_url: Url
    webhook_url: Url
    access_token: Text
    refresh_token: Text
    handover: list[Literal["pickup", "dropoff", "non_integrated"]] = ["pickup", "dropoff"]
    locations: list[Text] = []


class _Package(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    package_number: Text
    item_list: list[dict[str, Any]]


class _Order(BaseModel):
    """Of an order only what the sandbox counts with; everything else is kept as it comes."""

    model_config = ConfigDict(extra="allow", strict=True)

    order_sn: Text
    order_status: Text
    update_time: int = Field(ge=0)
    item_list: list[dict[str, Any]] = Field(min_length=1)
    package_list: list[_Package] = []


class _PackageChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    document_fails: bool


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    item_id: int = Field(ge=1)
    model_id: int = Field(default=0, ge=0)
    locked: bool = False


def shop_routes(books: Books, store: Store, deliverer: Deliverer) -> list[Route]:
    async def post_shop(request: Request) -> Response:
        given = await read_model(request, _Shop)
        with books.transaction():
            store.put_shop(given.model_dump())
        return JSONResponse({"shop_id": given.shop_id}, 201)

    async def post_expiry(request: Request) -> Response:
        shop = _shop(request)
        if shop is None:
            return problem(404, "no such shop")
        with books.transaction():
            store.expire(shop.shop_id)
        return Response(status_code=204)

    async def get_tokens(request: Request) -> Response:
        shop = _shop(request)
        if shop is None:
            return problem(404, "no such shop")
        return JSONResponse({"access_token": shop.access_token, "refresh_token": shop.refresh_token})

    async def put_order(request: Request) -> Response:
        shop = _shop(request)
        if shop is None:
            return problem(404, "no such shop")
        text = await read_body(request, CONTROL_BODY_BYTES)
        _Order.model_validate_json(text)
        with books.transaction():
            kept = store.put_order(shop.shop_id, json.loads(text))
        return JSONResponse({"order_sn": kept["order_sn"], "update_time": kept["update_time"]})

    async def get_order(request: Request) -> Response:
        shop = _shop(request)
        order = store.order(shop.shop_id, request.path_params["order_sn"]) if shop else None
        return JSONResponse(order) if order else problem(404, "no such order")

    async def put_package(request: Request) -> Response:
        given = await read_model(request, _PackageChange)
        with books.transaction():
            store.change_package(request.path_params["number"], document_fails=given.document_fails)
        return Response(status_code=204)

    async def put_model(request: Request) -> Response:
        shop = _shop(request)
        if shop is None:
            return problem(404, "no such shop")
        given, sku = await read_model(request, _Model), request.path_params["sku"]
        with books.transaction():
            store.put_model(shop.shop_id, given.item_id, given.model_id, sku, locked=given.locked)
        return JSONResponse({"sku": sku})

    async def post_pushes(request: Request) -> Response:
        shop = _shop(request)
        if shop is None:
            return problem(404, "no such shop")
        given = _PUSHES.validate_json(await read_body(request, CONTROL_BODY_BYTES))
        try:
            wanted = given if isinstance(given, list) else [given]
            queued = [one for each in wanted for one in pushes_of(shop, store, each)]
        except OrderUnknown as unknown:
            return problem(404, str(unknown))
        with books.transaction():
            ids = [deliverer.add(one) for one in queued]
        deliverer.wake()
        return JSONResponse({"deliveries": ids}, 202)

    async def delivery_status(request: Request) -> Response:
        return JSONResponse(deliverer.status(request.query_params.get("shop")))

    def _shop(request: Request) -> Shop | None:
        return store.shop(int(request.path_params["shop_id"]))

    shop = "/_sandbox/shops/{shop_id:int}"
    return [
        Route("/_sandbox/shops", post_shop, methods=["POST"]),
        Route(f"{shop}/expiry", post_expiry, methods=["POST"]),
        Route(f"{shop}/tokens", get_tokens, methods=["GET"]),
        Route(f"{shop}/orders", put_order, methods=["PUT"]),
        Route(f"{shop}/orders/{{order_sn}}", get_order, methods=["GET"]),
        Route("/_sandbox/packages/{number}", put_package, methods=["PUT"]),
        Route(f"{shop}/models/{{sku}}", put_model, methods=["PUT"]),
        Route(f"{shop}/pushes", post_pushes, methods=["POST"]),
        Route("/_sandbox/deliveries", delivery_status),
    ]

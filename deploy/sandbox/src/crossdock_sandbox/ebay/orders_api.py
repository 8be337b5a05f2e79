"""Orders and their fulfilments (Fulfillment API), stock (Inventory API), cancels (Post-Order API).

Source: developer.ebay.com, Fulfillment API "getOrder", "getOrders", "createShippingFulfillment",
"getShippingFulfillments", Inventory API "bulkUpdatePriceQuantity", Post-Order API v2 "Create Cancellation
Request", read 2026-11-22.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from crossdock_sandbox import clock
from crossdock_sandbox.calls import Answer
from crossdock_sandbox.ebay.store import Seller, Store, millis
from crossdock_sandbox.ebay.words import error

#: Of the list of carriers those that a test may name.
CARRIERS = frozenset(
    {"FourPX", "YANWEN", "ChinaPost", "DHLEXPRESS", "DHLGlobalMail", "FedEx", "RoyalMail", "UPS", "USPS"}
    | {"DHL", "DeutschePost", "Hermes", "DPD", "GLS", "Other"}
)
CANCEL_REASONS = frozenset({"OUT_OF_STOCK_OR_CANNOT_FULFILL", "ADDRESS_ISSUES", "BUYER_ASKED_CANCEL"})
MOST_UPDATES = 25
LARGEST_PAGE = 200
_FILTER = re.compile(r"lastmodifieddate:\[([0-9TZ:.-]+)\.\.([0-9TZ:.-]*)\]")
_LAST = "9999-12-31T00:00:00.000Z"

T = TypeVar("T", bound=BaseModel)


class _Given(BaseModel):
    """The original passes over some fields that it does not know; here they are a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True)


class _Line(_Given):
    lineItemId: str
    quantity: int


class _FulfillmentGiven(_Given):
    lineItems: list[_Line] = Field(min_length=1, max_length=1000)
    shippedDate: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT.*Z$")] | None = None
    shippingCarrierCode: str
    trackingNumber: str


class _Availability(_Given):
    quantity: int = Field(ge=0)


class _Offer(_Given):
    offerId: str
    availableQuantity: int = Field(ge=0)


class _Update(_Given):
    sku: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    shipToLocationAvailability: _Availability
    offers: list[_Offer] = []


class _Updates(_Given):
    requests: list[_Update] = Field(min_length=1)


class _Moment(_Given):
    value: str


class _CancelGiven(_Given):
    legacyOrderId: str
    cancelReason: str
    buyerPaid: bool
    buyerPaidDate: _Moment | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one seller, let in. `named`: what stands in the path."""

    seller: Seller
    named: Mapping[str, str]
    body: bytes
    query: Mapping[str, str]
    headers: Mapping[str, str]
    base_url: str


class SellingApi:
    """Every method is one operation, and runs inside the transaction that records it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get_user(self, call: Call) -> Answer:
        return Answer({"username": call.seller.shop, "userId": f"id-of-{call.seller.shop}"})

    # -- orders

    def get_order(self, call: Call) -> Answer:
        order = self._order(call)
        if order is None:
            return _no_order()
        requests = [
            {
                "cancelRequestId": str(row["id"]),
                "cancelInitiator": row["initiator"],
                "cancelReason": row["reason"],
                "cancelRequestState": row["state"],
            }
            for row in self._store.cancels(call.seller.shop, order["orderId"])
        ]
        status = order.get("cancelStatus") or {"cancelState": "NONE_REQUESTED"}
        return Answer({**order, "cancelStatus": {**status, "cancelRequests": requests}})

    def get_orders(self, call: Call) -> Answer:
        """A page of the orders that changed in a span; without the requests for cancels."""
        given = {**{"limit": "50", "offset": "0"}, **call.query}
        unknown = given.keys() - {"filter", "fieldGroups", "limit", "offset"}
        span = _FILTER.fullmatch(given.get("filter", ""))
        if unknown or span is None or given.get("fieldGroups", "TAX_BREAKDOWN") != "TAX_BREAKDOWN":
            return error(400, 30700, "Invalid filter or parameter.")
        if not (given["limit"].isdecimal() and 1 <= int(given["limit"]) <= LARGEST_PAGE):
            return error(400, 30810, "Invalid limit.")
        if not given["offset"].isdecimal():
            return error(400, 30820, "Invalid offset.")
        limit, offset = int(given["limit"]), int(given["offset"])
        try:
            since, until = (millis(datetime.fromisoformat(one or _LAST)) for one in span.groups())
        except ValueError:
            return error(400, 30700, "Invalid date in the filter.")
        found = self._store.changed(call.seller.shop, since, until)
        page = [
            {**one, "cancelStatus": {**one.get("cancelStatus", {}), "cancelRequests": []}}
            for one in found[offset : offset + limit]
        ]
        return Answer({"total": len(found), "limit": limit, "offset": offset, "orders": page})

    # -- fulfilments

    def get_fulfillments(self, call: Call) -> Answer:
        order = self._order(call)
        if order is None:
            return _no_order()
        shown = [
            {
                "fulfillmentId": row["tracking_number"],
                "shipmentTrackingNumber": row["tracking_number"],
                "shippingCarrierCode": row["carrier"],
                "shippedDate": row["shipped_date"],
            }
            for row in self._store.fulfillments(call.seller.shop, order["orderId"])
        ]
        return Answer({"fulfillments": shown, "total": len(shown)})

    def create_fulfillment(self, call: Call) -> Answer:
        order, given = self._order(call), _read(call, _FulfillmentGiven)
        if order is None:
            return _no_order()
        if given is None:
            return error(400, 32600, "Invalid request.")
        if given.shippingCarrierCode not in CARRIERS:
            return error(400, 32300, "Invalid shipping carrier code.")
        if not re.fullmatch(r"[0-9A-Za-z]{1,50}", given.trackingNumber):
            return error(400, 32500, "Invalid tracking number.")
        if (order.get("cancelStatus") or {}).get("cancelState") == "CANCELED":
            return error(409, 34100, "The order is cancelled.")
        left = self._left(call.seller.shop, order)
        wanted = Counter({one.lineItemId: 0 for one in given.lineItems})
        for one in given.lineItems:
            wanted[one.lineItemId] += one.quantity
        if wanted.keys() - left.keys():
            return error(400, 32200, "Invalid line item ID.")
        if any(not 0 < units <= left[line] for line, units in wanted.items()):
            return error(400, 32210, "Invalid line item quantity.")
        self._store.add_fulfillment(
            call.seller.shop,
            order["orderId"],
            number=given.trackingNumber,
            carrier=given.shippingCarrierCode,
            shipped=given.shippedDate or millis(clock.now()),
            lines=[one.model_dump() for one in given.lineItems],
        )
        self._show_fulfilment(call, order)
        path = f"/sell/fulfillment/v1/order/{order['orderId']}/shipping_fulfillment/{given.trackingNumber}"
        return Answer(b"", 201, headers={"Location": call.base_url + path})

    def _left(self, shop: str, order: Mapping[str, Any]) -> Counter[str]:
        """Line to units that are not in a parcel."""
        left = Counter({line["lineItemId"]: line["quantity"] for line in order["lineItems"]})
        for row in self._fulfilled(shop, order):
            left.subtract({row["lineItemId"]: row["quantity"]})
        return left

    def _fulfilled(self, shop: str, order: Mapping[str, Any]) -> list[dict[str, Any]]:
        rows = self._store.fulfillments(shop, order["orderId"])
        return [line for row in rows for line in json.loads(row["lines_json"])]

    def _show_fulfilment(self, call: Call, order: Mapping[str, Any]) -> None:
        shop = call.seller.shop
        left = self._left(shop, order)
        lines = [
            {**line, "lineItemFulfillmentStatus": _status(left[line["lineItemId"]], line["quantity"])}
            for line in order["lineItems"]
        ]
        hrefs = [
            f"{call.base_url}/sell/fulfillment/v1/order/{order['orderId']}/shipping_fulfillment/{number}"
            for number in (row["tracking_number"] for row in self._store.fulfillments(shop, order["orderId"]))
        ]
        whole = "IN_PROGRESS" if any(left.values()) else "FULFILLED"
        changes = {"lineItems": lines, "orderFulfillmentStatus": whole, "fulfillmentHrefs": hrefs}
        self._store.change_order(shop, order, changes)

    # -- stock

    def update_quantities(self, call: Call) -> Answer:
        given = _read(call, _Updates)
        if given is None or len(given.requests) > MOST_UPDATES:
            return error(400, 25709, "Invalid request.", domain="API_INVENTORY")
        return Answer({"responses": [self._updated(call.seller.shop, one) for one in given.requests]})

    def _updated(self, shop: str, given: _Update) -> dict[str, Any]:
        item = self._store.item(shop, given.sku)
        if item is None or item["locked"]:
            number = 25710 if item is None else 25002
            errors = [{"errorId": number, "domain": "API_INVENTORY", "message": "It was not updated."}]
            return {"sku": given.sku, "statusCode": 404 if item is None else 400, "errors": errors}
        self._store.set_quantity(shop, given.sku, given.shipToLocationAvailability.quantity)
        return {"sku": given.sku, "statusCode": 200}

    # -- cancels

    def create_cancel(self, call: Call) -> Answer:
        given = _read(call, _CancelGiven)
        if given is None or given.cancelReason not in CANCEL_REASONS:
            return error(400, 1616, "Invalid request.", domain="returnErrorDomain")
        order = self._store.order(call.seller.shop, given.legacyOrderId)
        if order is None:
            return error(404, 1617, "Order is not found.", domain="returnErrorDomain")
        state = (order.get("cancelStatus") or {}).get("cancelState", "NONE_REQUESTED")
        if state != "NONE_REQUESTED" or order.get("orderFulfillmentStatus") != "NOT_STARTED":
            return error(400, 1615, "The order is not eligible for a cancel.", domain="returnErrorDomain")
        if given.buyerPaid is not (order["orderPaymentStatus"] == "PAID"):
            return error(400, 1616, "buyerPaid is wrong.", domain="returnErrorDomain")
        cancel_id = self._store.add_cancel(call.seller.shop, order["orderId"], "SELLER", given.cancelReason)
        self._begin_cancel(call.seller, order, cancel_id)
        return Answer({"cancelId": str(cancel_id)}, 201)

    def approve_cancel(self, call: Call) -> Answer:
        named = call.named["cancel_id"]
        row = self._store.cancel(call.seller.shop, int(named)) if named.isdecimal() else None
        if row is None or row["initiator"] != "BUYER" or row["state"] != "REQUESTED":
            return error(404, 1617, "There is no such request.", domain="returnErrorDomain")
        order = self._store.order(call.seller.shop, row["order_id"]) or {}
        self._begin_cancel(call.seller, order, row["id"])
        return Answer(b"", 200)

    def _begin_cancel(self, seller: Seller, order: Mapping[str, Any], cancel_id: int) -> None:
        if seller.slow_cancels:
            self._store.change_order(seller.shop, order, {"cancelStatus": {"cancelState": "IN_PROGRESS"}})
        else:
            self.complete_cancel(seller.shop, order, cancel_id)

    def wish_cancel(self, shop: str, order: Mapping[str, Any]) -> int:
        """The buyer asks the seller to cancel."""
        cancel_id = self._store.add_cancel(shop, order["orderId"], "BUYER", "ORDER_MISTAKE")
        self._store.change_order(shop, order, {"cancelStatus": {"cancelState": "IN_PROGRESS"}})
        return cancel_id

    def complete_cancel(self, shop: str, order: Mapping[str, Any], cancel_id: int) -> None:
        """The buyer has the money back, and the order is cancelled."""
        self._store.complete_cancel(cancel_id)
        changes: dict[str, Any] = {
            "cancelStatus": {"cancelState": "CANCELED", "cancelledDate": millis(clock.now())}
        }
        if order["orderPaymentStatus"] == "PAID":
            refund = {"amount": order["pricingSummary"]["total"], "refundStatus": "REFUNDED"}
            summary = {**(order.get("paymentSummary") or {}), "refunds": [refund]}
            changes |= {"orderPaymentStatus": "FULLY_REFUNDED", "paymentSummary": summary}
        self._store.change_order(shop, order, changes)

    def _order(self, call: Call) -> dict[str, Any] | None:
        return self._store.order(call.seller.shop, call.named["order_id"])


def _read(call: Call, model: type[T]) -> T | None:
    if call.headers.get("content-type", "").split(";")[0] != "application/json":
        return None
    try:
        return model.model_validate_json(call.body)
    except ValidationError:
        return None


def _no_order() -> Answer:
    return error(404, 32100, "Invalid order ID.")


def _status(left: int, ordered: int) -> str:
    return "FULFILLED" if left == 0 else "NOT_STARTED" if left == ordered else "IN_PROGRESS"

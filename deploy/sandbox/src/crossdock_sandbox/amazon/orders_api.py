"""Orders 2026-01-01 and the shipment confirmation of v0, over the books."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from crossdock_sandbox import clock
from crossdock_sandbox.amazon.store import Seller, Store
from crossdock_sandbox.amazon.words import Refused, api_error
from crossdock_sandbox.calls import Answer

#: Dataset -> the fields it brings: of the order, of its items.
DATASETS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "BUYER": (("buyer",), ()),
    "RECIPIENT": (("recipient",), ()),
    "PROCEEDS": (("proceeds",), ("proceeds",)),
    "EXPENSE": ((), ("expense",)),
    "PROMOTION": ((), ("promotion",)),
    "CANCELLATION": ((), ("cancellation",)),
    "FULFILLMENT": (("fulfillment",), ("fulfillment",)),
    "PACKAGES": (("packages",), ()),
    "TAX": (("tax",), ("tax",)),
    "PAYMENT": (("payment",), ()),
    "FULFILLMENT_ORDERS": (("fulfillmentOrders",), ()),
}
STATUSES = frozenset(
    {
        "PENDING_AVAILABILITY",
        "PENDING",
        "UNSHIPPED",
        "PARTIALLY_SHIPPED",
        "SHIPPED",
        "CANCELLED",
        "UNFULFILLABLE",
    }
)
#: What has neither an address nor prices yet.
PENDING = frozenset({"PENDING_AVAILABILITY", "PENDING"})
#: Some names of the order fulfilment feed's schema.
CARRIERS = frozenset(
    {"USPS", "UPS", "FedEx", "DHL", "DPD", "GLS", "TNT", "Royal Mail", "Canada Post", "Deutsche Post"}
)
SEARCH_PARAMETERS = frozenset(
    {
        "createdAfter",
        "createdBefore",
        "lastUpdatedAfter",
        "lastUpdatedBefore",
        "fulfillmentStatuses",
        "marketplaceIds",
        "fulfilledBy",
        "maxResultsPerPage",
        "paginationToken",
        "includedData",
    }
)
LAG = timedelta(minutes=2)
CLOCKS_APART = timedelta(minutes=5)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Item(_Body):
    orderItemId: str = Field(min_length=1)
    quantity: int = Field(ge=1)


class _PackageDetail(_Body):
    packageReferenceId: str = Field(pattern=r"^[1-9]\d{0,17}$")
    carrierCode: str = Field(min_length=1)
    carrierName: str | None = Field(default=None, min_length=1)
    shippingMethod: str | None = None
    trackingNumber: str = Field(min_length=1)
    shipDate: Annotated[AwareDatetime, Field(strict=False)]
    orderItems: list[_Item] = Field(min_length=1)


class Confirmation(_Body):
    marketplaceId: str
    packageDetail: _PackageDetail
    codCollectionMethod: Literal["DirectPayment"] | None = None


class OrdersApi:
    def __init__(self, store: Store) -> None:
        self._store = store

    def get_order(self, seller: Seller, order_id: str, query: Mapping[str, str]) -> Answer:
        _refuse_others(query, {"includedData"})
        order = self._order(seller, order_id)
        return Answer({"order": self._shown(seller, order, _datasets(query))}, reference=order_id)

    def search(self, seller: Seller, query: Mapping[str, str]) -> Answer:
        _refuse_others(query, SEARCH_PARAMETERS)
        if "createdAfter" in query or "createdBefore" in query or "lastUpdatedAfter" not in query:
            raise _invalid("The sandbox searches by lastUpdatedAfter alone.")
        latest = clock.now() - LAG
        before = _moment(query["lastUpdatedBefore"]) if "lastUpdatedBefore" in query else latest
        after = _moment(query["lastUpdatedAfter"])
        if before > latest:
            raise _invalid("lastUpdatedBefore must be at least two minutes before the time of the request.")
        if after > before:
            raise _invalid("lastUpdatedBefore must be equal to or after lastUpdatedAfter.")
        marketplaces = _list(query, "marketplaceIds", seller.marketplaces)
        statuses = _list(query, "fulfillmentStatuses", STATUSES)
        fulfillers = _list(query, "fulfilledBy", frozenset({"MERCHANT", "AMAZON"}))
        size, datasets = _size(query), _datasets(query)
        found = [
            one
            for one in self._store.updated_orders(
                seller.seller_id, clock.rfc3339(after), clock.rfc3339(before), _beyond(query)
            )
            if one["salesChannel"]["marketplaceId"] in marketplaces
            and one["fulfillment"]["fulfillmentStatus"] in statuses
            and one["fulfillment"]["fulfilledBy"] in fulfillers
        ]
        page = found[:size]
        answer: dict[str, Any] = {
            "orders": [self._shown(seller, one, datasets) for one in page],
            "lastUpdatedBefore": clock.rfc3339(before),
        }
        if len(found) > size:
            last = json.dumps([page[-1]["lastUpdatedTime"], page[-1]["orderId"]])
            answer["pagination"] = {"nextToken": base64.urlsafe_b64encode(last.encode()).decode()}
        return Answer(answer, detail={"orders": len(page)})

    def confirm(self, seller: Seller, order_id: str, given: Confirmation) -> Answer:
        order, detail = self._order(seller, order_id), given.packageDetail
        known = self._store.package(seller.seller_id, order_id, detail.packageReferenceId)
        self._check(order, given, edits=known is not None)
        fulfilled = self._units(seller, order_id, without=detail.packageReferenceId)
        for one in detail.orderItems:
            fulfilled[one.orderItemId] = fulfilled.get(one.orderItemId, 0) + one.quantity
        for item in order["orderItems"]:
            if fulfilled.get(item["orderItemId"], 0) > item["quantityOrdered"]:
                raise _invalid("The quantity is more than what is left to ship.")
        self._store.put_package(seller.seller_id, order_id, detail.model_dump(mode="json"))
        self._store.put_order(seller.seller_id, _with_units(order, fulfilled))
        said = {"packageReferenceId": detail.packageReferenceId, "trackingNumber": detail.trackingNumber}
        return Answer(b"", 204, reference=order_id, detail=said)

    def _check(self, order: Mapping[str, Any], given: Confirmation, *, edits: bool) -> None:
        detail, fulfillment = given.packageDetail, order["fulfillment"]
        if fulfillment["fulfilledBy"] != "MERCHANT":
            raise _invalid("The order is not fulfilled by the merchant.")
        shippable = {"UNSHIPPED", "PARTIALLY_SHIPPED"} | ({"SHIPPED"} if edits else set())
        if fulfillment["fulfillmentStatus"] not in shippable:
            raise _invalid(f"The order is {fulfillment['fulfillmentStatus']}.")
        if given.marketplaceId != order["salesChannel"]["marketplaceId"]:
            raise _invalid("The order was placed in another marketplace.")
        if detail.carrierCode not in CARRIERS and detail.carrierCode != "Other":
            raise _invalid("carrierCode is not known.")
        if detail.carrierCode == "Other" and not detail.carrierName:
            raise _invalid("carrierName is needed where carrierCode is Other.")
        if detail.shipDate > clock.now() + CLOCKS_APART:
            raise _invalid("shipDate is in the future.")
        if detail.shipDate < datetime.fromisoformat(order["createdTime"]):
            raise _invalid("shipDate is before the order was placed.")
        ids = [one.orderItemId for one in detail.orderItems]
        if len(ids) != len(set(ids)) or not set(ids) <= {one["orderItemId"] for one in order["orderItems"]}:
            raise _invalid("orderItemId is not of this order, or there twice.")

    def _units(self, seller: Seller, order_id: str, *, without: str) -> dict[str, int]:
        """Line id -> units in the order's other packages."""
        units: dict[str, int] = {}
        for package in self._store.packages(seller.seller_id, order_id):
            if package["package_reference_id"] != without:
                for one in json.loads(package["items_json"]):
                    units[one["orderItemId"]] = units.get(one["orderItemId"], 0) + one["quantity"]
        return units

    def _order(self, seller: Seller, order_id: str) -> dict[str, Any]:
        if re.fullmatch(r"\d{3}-\d{7}-\d{7}", order_id) is None:
            raise _invalid("orderId is not of the form 3-7-7.")
        order = self._store.order(seller.seller_id, order_id)
        if order is None:
            raise Refused(api_error(404, "NotFound", "The order does not exist."))
        return order

    def _shown(self, seller: Seller, order: Mapping[str, Any], datasets: frozenset[str]) -> dict[str, Any]:
        """The order with what was asked for and what always comes."""
        whole = {**order, "packages": self._told(seller, order["orderId"])}
        if order["fulfillment"]["fulfillmentStatus"] in PENDING:
            datasets -= {"RECIPIENT", "PROCEEDS"}
        hidden = [fields for name, fields in DATASETS.items() if name not in datasets]
        of_order = {field for fields, _ in hidden for field in fields}
        of_items = {field for _, fields in hidden for field in fields}
        items = [_without(one, of_items) for one in order["orderItems"]]
        return {**_without(whole, of_order), "orderItems": items}

    def _told(self, seller: Seller, order_id: str) -> list[dict[str, Any]]:
        return [
            {
                "packageReferenceId": one["package_reference_id"],
                "carrier": one["carrier_name"] or one["carrier_code"],
                "trackingNumber": one["tracking_number"],
                "shipTime": one["ship_date"],
                "packageItems": json.loads(one["items_json"]),
            }
            for one in self._store.packages(seller.seller_id, order_id)
        ]


def _with_units(order: Mapping[str, Any], fulfilled: Mapping[str, int]) -> dict[str, Any]:
    """The order after these units have left."""
    items = []
    for item in order["orderItems"]:
        gone = fulfilled.get(item["orderItemId"], 0)
        left = {"quantityFulfilled": gone, "quantityUnfulfilled": item["quantityOrdered"] - gone}
        items.append({**item, "fulfillment": {**item.get("fulfillment", {}), **left}})
    whole = all(one["fulfillment"]["quantityUnfulfilled"] == 0 for one in items)
    status = "SHIPPED" if whole else "PARTIALLY_SHIPPED"
    fulfillment = {**order["fulfillment"], "fulfillmentStatus": status}
    updated = {"lastUpdatedTime": clock.rfc3339(clock.now())}
    return {**order, **updated, "orderItems": items, "fulfillment": fulfillment}


def _without(one: Mapping[str, Any], fields: set[str]) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key not in fields}


def _datasets(query: Mapping[str, str]) -> frozenset[str]:
    return _list(query, "includedData", frozenset(DATASETS)) if "includedData" in query else frozenset()


def _list(query: Mapping[str, str], name: str, known: frozenset[str]) -> frozenset[str]:
    """What was asked for, or all there is."""
    given = frozenset(query[name].split(",")) if name in query else known
    if not given <= known:
        raise _invalid(f"{name} has a value that is not known.")
    return given


def _size(query: Mapping[str, str]) -> int:
    given = query.get("maxResultsPerPage", "100")
    if not given.isdecimal() or not 1 <= int(given) <= 100:
        raise _invalid("maxResultsPerPage must be between 1 and 100.")
    return int(given)


def _beyond(query: Mapping[str, str]) -> tuple[str, str]:
    try:
        at, order_id = json.loads(base64.urlsafe_b64decode(query.get("paginationToken", "WyIiLCAiIl0=")))
    except (binascii.Error, ValueError, TypeError) as error:
        raise _invalid("paginationToken is not one of ours.") from error
    return str(at), str(order_id)


def _moment(given: str) -> datetime:
    try:
        at = datetime.fromisoformat(given)
    except ValueError as error:
        raise _invalid("A time is not in ISO 8601.") from error
    if at.tzinfo is None:
        raise _invalid("A time has no offset.")
    return at


def _refuse_others(query: Mapping[str, str], known: frozenset[str] | set[str]) -> None:
    if not query.keys() <= known:
        raise _invalid("There is a parameter that is not known.")


def _invalid(message: str) -> Refused:
    return Refused(api_error(400, "InvalidInput", message))

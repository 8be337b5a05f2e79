"""Rows of the books in the shape of the GraphQL types; nested callables are fields with arguments."""

import json
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from crossdock_sandbox.shopify.store import Store

View = Mapping[str, Any]
Info = GraphQLResolveInfo[Any]
PAGE = 250  # Shopify's own upper bound for `first`

_GID = re.compile(r"gid://shopify/([A-Za-z]+)/([0-9]{1,18})")


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def parse_gid(kind: str, given: str) -> int:
    """The number in an id of this kind. Raises GraphQLError, as Shopify does, for any other text."""
    match = _GID.fullmatch(given)
    if match is None or match[1] != kind:
        raise GraphQLError(f"Invalid id: {given[:100]}", extensions={"code": "RESOURCE_NOT_FOUND"})
    return int(match[2])


def order_view(store: Store, row: sqlite3.Row) -> View:
    body = json.loads(row["body_json"])
    return {
        "id": gid("Order", row["id"]),
        "legacyResourceId": str(row["id"]),
        "name": row["name"],
        "createdAt": body.get("created_at") or row["updated_at"],
        "updatedAt": row["updated_at"],
        "cancelledAt": row["cancelled_at"],
        "cancelReason": (body.get("cancel_reason") or "other").upper() if row["cancelled_at"] else None,
        "displayFulfillmentStatus": lambda _info: _display_status(store, row),
        "fulfillmentOrders": _connection(lambda: [fulfillment_order_view(store, row)]),
        "fulfillments": _listed(
            lambda: [fulfillment_view(store, row, one) for one in store.fulfillments(row["shop"], row["id"])]
        ),
        "lineItems": _connection(lambda: [_line_view(line) for line in body.get("line_items") or []]),
    }


def fulfillment_order_view(store: Store, order: sqlite3.Row) -> View:
    body = json.loads(order["body_json"])
    return {
        "id": gid("FulfillmentOrder", order["fulfillment_order_id"]),
        "status": fulfillment_order_status(store, order),
        "orderId": gid("Order", order["id"]),
        "orderName": order["name"],
        "createdAt": body.get("created_at") or order["updated_at"],
        "updatedAt": order["updated_at"],
        "lineItems": _connection(lambda: _unit_views(store, order, body)),
    }


def fulfillment_view(store: Store, order: sqlite3.Row, row: sqlite3.Row) -> View:
    numbers, urls = json.loads(row["numbers_json"]), json.loads(row["urls_json"])
    lines = json.loads(row["lines_json"])
    by_id = {line["id"]: line for line in json.loads(order["body_json"]).get("line_items") or []}
    return {
        "id": gid("Fulfillment", row["id"]),
        "legacyResourceId": str(row["id"]),
        "name": row["name"],
        "status": "SUCCESS",
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "totalQuantity": sum(line["quantity"] for line in lines),
        "order": lambda _info: order_view(store, order),
        "trackingInfo": _listed(
            lambda: [
                {"company": row["company"], "number": number, "url": urls[i] if i < len(urls) else None}
                for i, number in enumerate(numbers)
            ]
        ),
        "fulfillmentLineItems": _connection(
            lambda: [
                {
                    "id": gid("FulfillmentLineItem", line["id"]),
                    "quantity": line["quantity"],
                    "lineItem": _line_view(by_id[line["line_item_id"]]),
                }
                for line in lines
                if line["line_item_id"] in by_id
            ]
        ),
    }


def fulfillment_order_status(store: Store, order: sqlite3.Row) -> str:
    if order["cancelled_at"]:
        return "CANCELLED"
    units = store.units(order["fulfillment_order_id"])
    if all(row["fulfilled"] >= row["total"] for row in units):
        return "CLOSED"
    return "IN_PROGRESS" if any(row["fulfilled"] for row in units) else "OPEN"


def _display_status(store: Store, order: sqlite3.Row) -> str:
    units = store.units(order["fulfillment_order_id"])
    if not any(row["fulfilled"] for row in units):
        return "UNFULFILLED"
    left = any(row["fulfilled"] < row["total"] for row in units)
    return "PARTIALLY_FULFILLED" if left else "FULFILLED"


def _unit_views(store: Store, order: sqlite3.Row, body: Mapping[str, Any]) -> list[View]:
    by_id = {line["id"]: line for line in body.get("line_items") or []}
    return [
        {
            "id": gid("FulfillmentOrderLineItem", row["id"]),
            "remainingQuantity": 0 if order["cancelled_at"] else max(row["total"] - row["fulfilled"], 0),
            "totalQuantity": row["total"],
            "sku": row["sku"],
            "lineItem": _line_view(by_id[row["line_item_id"]]),
        }
        for row in store.units(order["fulfillment_order_id"])
        if row["line_item_id"] in by_id
    ]


def _line_view(line: Mapping[str, Any]) -> View:
    return {
        "id": gid("LineItem", line["id"]),
        "name": line.get("name") or line.get("title") or "",
        "title": line.get("title") or "",
        "sku": line.get("sku"),
        "quantity": line.get("quantity", 0),
        "currentQuantity": line.get("current_quantity", line.get("quantity", 0)),
        "requiresShipping": line.get("requires_shipping", True),
    }


def _first(given: int | None) -> int:
    if given is not None and not 0 <= given <= PAGE:
        raise GraphQLError(f"first must be between 0 and {PAGE}", extensions={"code": "BAD_REQUEST"})
    return PAGE if given is None else given


def _connection(views: Callable[[], Sequence[View]]) -> Callable[..., View]:
    """A connection that needs `first`, as Shopify's do. The cursor is the position."""

    def resolve(_info: Info, first: int | None = None, after: str | None = None) -> View:
        if first is None:
            raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
        if after is not None and not after.isdecimal():
            raise GraphQLError(f"Invalid cursor: {after[:40]}", extensions={"code": "BAD_REQUEST"})
        everything, start = views(), int(after or 0)
        end = start + _first(first)
        shown = everything[start:end]
        return {
            "nodes": shown,
            "pageInfo": {
                "hasNextPage": end < len(everything),
                "hasPreviousPage": start > 0,
                "startCursor": str(start) if shown else None,
                "endCursor": str(start + len(shown)) if shown else None,
            },
        }

    return resolve


def _listed(views: Callable[[], Sequence[View]]) -> Callable[..., Sequence[View]]:
    def resolve(_info: Info, first: int | None = None) -> Sequence[View]:
        return views()[: _first(first)]

    return resolve

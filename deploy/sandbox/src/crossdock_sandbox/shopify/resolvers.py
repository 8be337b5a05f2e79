"""The root fields: what can be asked of a shop and what can be done in it."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from graphql import GraphQLError

from crossdock_sandbox.shopify.inventory import Inventory
from crossdock_sandbox.shopify.store import Store, Tracking
from crossdock_sandbox.shopify.views import (
    Info,
    View,
    fulfillment_order_status,
    fulfillment_order_view,
    fulfillment_view,
    gid,
    order_view,
    parse_gid,
)

BAD_QUANTITY = "Invalid fulfillment order line item quantity requested."


class _Refused(Exception):
    """A mutation that Shopify understands and will not do: it becomes a user error."""


class Resolvers:
    """The root value of one request: graphql-core calls these by the schema's field names."""

    def __init__(self, store: Store, shop: str) -> None:
        self._store = store
        self._shop = shop
        self.references: list[str] = []  # orders that this request was about
        self.refusals: list[str] = []  # messages of its user errors

    def root(self) -> Mapping[str, Any]:
        return {
            "shop": self._whose,
            "order": self._order,
            "fulfillmentOrder": self._fulfillment_order,
            "fulfillment": self._fulfillment,
            "fulfillmentCreate": self._fulfillment_create,
            "fulfillmentTrackingInfoUpdate": self._fulfillment_tracking_info_update,
            "orderCancel": self._order_cancel,
            **Inventory(self._store, self._shop, self.refusals).root(),
        }

    def _whose(self, _info: Info) -> View:
        return {"myshopifyDomain": f"{self._shop}.myshopify.com"}

    def _order(self, _info: Info, *, id: str) -> View | None:
        row = self._store.order(self._shop, parse_gid("Order", id))
        return order_view(self._store, self._about(row)) if row else None

    def _fulfillment_order(self, _info: Info, *, id: str) -> View | None:
        row = self._store.order_of_fulfillment_order(self._shop, parse_gid("FulfillmentOrder", id))
        return fulfillment_order_view(self._store, self._about(row)) if row else None

    def _fulfillment(self, _info: Info, *, id: str) -> View | None:
        row = self._store.fulfillment(self._shop, parse_gid("Fulfillment", id))
        return self._shown(row["id"]) if row else None

    def _fulfillment_create(
        self, _info: Info, *, fulfillment: Mapping[str, Any], message: str | None = None
    ) -> View:
        try:
            fulfillment_id = self._fulfil(fulfillment)
        except _Refused as refused:
            return {"fulfillment": None, "userErrors": self._errors(["fulfillment"], refused)}
        return {"fulfillment": self._shown(fulfillment_id), "userErrors": []}

    def _fulfil(self, given: Mapping[str, Any]) -> int:
        groups = given["lineItemsByFulfillmentOrder"]
        if not groups:
            raise _Refused("Line items by fulfillment order can't be empty.")
        orders: dict[int, sqlite3.Row] = {}
        lines: dict[int, int] = {}
        for group in groups:
            number = parse_gid("FulfillmentOrder", group["fulfillmentOrderId"])
            order = self._store.order_of_fulfillment_order(self._shop, number)
            if order is None:
                raise _Refused("Fulfillment order does not exist.")
            orders[order["id"]] = self._about(order)
            for unit_id, quantity in self._taken(order, group.get("fulfillmentOrderLineItems")).items():
                lines[unit_id] = lines.get(unit_id, 0) + quantity
        if len(orders) > 1:
            raise _Refused("All fulfillment orders must belong to the same order.")
        order = next(iter(orders.values()))
        left = {row["id"]: row["total"] - row["fulfilled"] for row in self._units(order)}
        if any(quantity > left[unit_id] for unit_id, quantity in lines.items()):
            raise _Refused(BAD_QUANTITY)
        tracking = _tracking(given.get("trackingInfo") or {})
        notify = bool(given.get("notifyCustomer"))
        return self._store.add_fulfillment(self._shop, order, tracking, lines, notify=notify)

    def _taken(self, order: sqlite3.Row, given: Sequence[Mapping[str, Any]] | None) -> dict[int, int]:
        """Unit row ids and quantities of one fulfilment order; without lines everything that is left."""
        status = fulfillment_order_status(self._store, order)
        if status not in {"OPEN", "IN_PROGRESS"}:
            number = order["fulfillment_order_id"]
            raise _Refused(f"Fulfillment order {number} has an unfulfillable status= {status.lower()}.")
        units = {row["id"]: row["total"] - row["fulfilled"] for row in self._units(order)}
        if not given:
            return {unit_id: left for unit_id, left in units.items() if left > 0}
        taken: dict[int, int] = {}
        for line in given:
            unit_id = parse_gid("FulfillmentOrderLineItem", line["id"])
            if unit_id not in units:
                raise _Refused("Fulfillment order line item does not exist.")
            if line["quantity"] < 1:
                raise _Refused(BAD_QUANTITY)
            taken[unit_id] = taken.get(unit_id, 0) + line["quantity"]
        return taken

    def _fulfillment_tracking_info_update(
        self,
        _info: Info,
        *,
        fulfillmentId: str,
        trackingInfoInput: Mapping[str, Any],
        notifyCustomer: bool | None = None,
    ) -> View:
        row = self._store.fulfillment(self._shop, parse_gid("Fulfillment", fulfillmentId))
        if row is None:
            refused = _Refused("Fulfillment does not exist.")
            return {"fulfillment": None, "userErrors": self._errors(["fulfillmentId"], refused)}
        tracking = _tracking(trackingInfoInput)
        self._store.update_tracking(row["id"], tracking, notify=bool(notifyCustomer))
        return {"fulfillment": self._shown(row["id"]), "userErrors": []}

    def _order_cancel(
        self,
        _info: Info,
        *,
        orderId: str,
        reason: str,
        refundMethod: Mapping[str, Any] | None = None,
        **_more: object,
    ) -> View:
        row = self._store.order(self._shop, parse_gid("Order", orderId))
        if row is None:
            return self._not_cancelled("NOT_FOUND", "Order does not exist.")
        self._about(row)
        if row["cancelled_at"]:
            return self._not_cancelled("INVALID", "Order has already been cancelled.")
        if self._store.fulfillments(self._shop, row["id"]):
            return self._not_cancelled("INVALID", "Cannot cancel an order that has fulfillments.")
        refund = bool((refundMethod or {}).get("originalPaymentMethodsRefund"))
        self._store.cancel_order(self._shop, row, reason, refund=refund)
        job = {"id": gid("Job", row["id"]), "done": False}
        return {"job": job, "orderCancelUserErrors": [], "userErrors": []}

    def _not_cancelled(self, code: str, message: str) -> View:
        errors = self._errors(["orderId"], _Refused(message))
        return {
            "job": None,
            "orderCancelUserErrors": [{**error, "code": code} for error in errors],
            "userErrors": errors,
        }

    def _errors(self, field: list[str], refused: _Refused) -> list[dict[str, Any]]:
        self.refusals.append(str(refused))
        return [{"field": field, "message": str(refused)}]

    def _shown(self, fulfillment_id: int) -> View:
        row = self._store.fulfillment(self._shop, fulfillment_id)
        order = self._store.order(self._shop, row["order_id"]) if row else None
        if row is None or order is None:
            raise GraphQLError("Internal error", extensions={"code": "INTERNAL_SERVER_ERROR"})
        return fulfillment_view(self._store, self._about(order), row)

    def _units(self, order: sqlite3.Row) -> list[sqlite3.Row]:
        return self._store.units(order["fulfillment_order_id"])

    def _about(self, order: sqlite3.Row) -> sqlite3.Row:
        reference = str(order["id"])
        if reference not in self.references:
            self.references.append(reference)
        return order


def _tracking(given: Mapping[str, Any]) -> Tracking:
    numbers = tuple(given.get("numbers") or ([given["number"]] if given.get("number") else []))
    urls = tuple(given.get("urls") or ([given["url"]] if given.get("url") else []))
    return Tracking(given.get("company"), numbers, urls)


def parse_url(given: Any) -> str:
    """The scalar URL. Raises GraphQLError for anything but an absolute http or https address."""
    parts = urlsplit(given) if isinstance(given, str) else None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.netloc:
        raise GraphQLError(f"Invalid url '{str(given)[:100]}', missing scheme")
    return str(given)

"""Orders: fetched by id, searched by when they changed, cancelled."""

from typing import Any

from pydantic import Field

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.tiktok_shop.store import CANCELLED, Shop, Store
from crossdock_sandbox.tiktok_shop.words import (
    ALREADY_SHIPPED,
    INVALID,
    NOT_FOUND,
    Call,
    Given,
    error,
    reading,
    said,
)

MOST_IDS = 50
CANCELLABLE = frozenset({"UNPAID", "ON_HOLD", "AWAITING_SHIPMENT"})
REASONS = frozenset(
    {
        "seller_cancel_reason_out_of_stock",
        "seller_cancel_reason_wrong_price",
        "seller_cancel_unpaid_reason_out_of_stock",
    }
)


class _Span(Given):
    update_time_ge: int = Field(ge=0)
    update_time_lt: int = Field(ge=0)


class _Cancel(Given):
    order_id: str = Field(pattern=r"^\d+$")
    cancel_reason: str


class _Cancels(Given):
    order_ids: list[str] = Field(min_length=1, max_length=50)


class OrdersApi:
    """Every method is one operation, and runs inside the transaction that records it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, call: Call) -> Answer:
        ids = call.query.get("ids", "").split(",")
        if not (0 < len(ids) <= MOST_IDS and all(one.isdecimal() for one in ids)):
            return error(INVALID, "Invalid parameters: ids")
        found = [order for one in ids if (order := self._store.order(call.shop.shop, one))]
        return said({"orders": found}, reference=call.query["ids"])

    def search(self, call: Call) -> Answer:
        size, token = call.query.get("page_size", ""), call.query.get("page_token", "0")
        if not (size.isdecimal() and 1 <= int(size) <= 100 and token.isdecimal()):
            return error(INVALID, "Invalid parameters: page_size, page_token")
        return reading(call, _Span, lambda given: self._page(call.shop, given, int(token), int(size)))

    def _page(self, shop: Shop, span: _Span, offset: int, size: int) -> Answer:
        since, until = span.update_time_ge, span.update_time_lt
        found = self._store.changed(shop.shop, since, until, offset, size + 1)
        more = {"next_page_token": str(offset + size)} if len(found) > size else {"next_page_token": ""}
        return said({"orders": found[:size], **more})

    def cancel(self, call: Call) -> Answer:
        return reading(call, _Cancel, lambda given: self._cancel(call.shop, given))

    def _cancel(self, shop: Shop, given: _Cancel) -> Answer:
        order = self._store.order(shop.shop, given.order_id)
        if order is None:
            return error(NOT_FOUND, "Order not found.")
        if order["status"] not in CANCELLABLE:
            return error(ALREADY_SHIPPED, "The order cannot be cancelled any more.")
        if given.cancel_reason not in REASONS or ("unpaid" in given.cancel_reason) != (
            order["status"] == "UNPAID"
        ):
            return error(INVALID, "Invalid parameters: cancel_reason")
        if any(
            row["status"].endswith("SUCCESS") for row in self._store.cancellations(shop.shop, given.order_id)
        ):
            return error(INVALID, "The order is being cancelled.")
        status = "CANCELLATION_REQUEST_SUCCESS"
        cancel_id = self._store.add_cancellation(shop.shop, given.order_id, given.cancel_reason, status)
        if not shop.cancels_wait:
            self.complete_cancel(shop, order)
        return said({"cancel_id": cancel_id, "cancel_status": status}, reference=given.order_id)

    def complete_cancel(self, shop: Shop, order: dict[str, Any]) -> None:
        units = [{**one, "display_status": CANCELLED} for one in order["line_items"]]
        self._store.change_order(shop.shop, order, {"status": CANCELLED, "line_items": units})
        self._store.complete_cancellations(shop.shop, order["id"])

    def cancellations(self, call: Call) -> Answer:
        return reading(call, _Cancels, lambda given: self._cancellations(call.shop, given.order_ids))

    def _cancellations(self, shop: Shop, order_ids: list[str]) -> Answer:
        shown = [
            {
                "cancel_id": row["id"],
                "order_id": row["order_id"],
                "cancel_status": row["status"],
                "role": "SELLER",
            }
            for order_id in order_ids
            for row in self._store.cancellations(shop.shop, order_id)
        ]
        return said({"cancellations": shown, "next_page_token": ""})

"""Orders: told in full, listed by time, cancelled."""

from typing import Any, Literal

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.shopee.door import Call
from crossdock_sandbox.shopee.store import Store
from crossdock_sandbox.shopee.words import Body, error, given, good, wrong

WINDOW_S = 15 * 86_400
MOST_ORDERS, MOST_LISTED = 50, 100
#: What an order tells unasked; anything else has to be named in `response_optional_fields`.
ALWAYS = frozenset(
    {
        "order_sn",
        "region",
        "currency",
        "cod",
        "order_status",
        "message_to_seller",
        "create_time",
        "update_time",
        "days_to_ship",
        "ship_by_date",
    }
)
TERMS = "pending_terms"
CANCELLABLE = frozenset({"READY_TO_SHIP", "PROCESSED"})


class _Item(Body):
    item_id: int
    model_id: int


class _Cancel(Body):
    order_sn: str
    cancel_reason: Literal["OUT_OF_STOCK", "UNDELIVERABLE_AREA"]
    item_list: tuple[_Item, ...] = ()


class _Handle(Body):
    order_sn: str
    operation: Literal["ACCEPT", "REJECT"]


class OrdersApi:
    """Every method is one operation."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def detail(self, call: Call) -> Answer:
        numbers = [one for one in call.query.get("order_sn_list", "").split(",") if one]
        if not 1 <= len(numbers) <= MOST_ORDERS:
            return wrong("order_sn_list has 1 to 50 numbers")
        fields = {*ALWAYS, *call.query.get("response_optional_fields", "").split(",")}
        if call.query.get("request_order_status_pending") == "true":
            fields.add(TERMS)
        found = [one for number in numbers if (one := self._store.order(call.shop.shop_id, number))]
        if not found:
            return error("error_not_found", "Wrong parameters, detail: the order is not found.")
        warning = "" if len(found) == len(numbers) else "some orders are not found"
        shown = [{name: value for name, value in one.items() if name in fields} for one in found]
        return good({"order_list": shown}, warning=warning, reference=",".join(numbers)[:200])

    def listed(self, call: Call) -> Answer:
        query = call.query
        names = ("time_from", "time_to", "page_size")
        if not all(query.get(name, "").isdecimal() for name in names):
            return wrong("time_from, time_to and page_size are whole numbers")
        since, until, size = (int(query[name]) for name in names)
        if query.get("time_range_field") != "update_time" or not 1 <= size <= MOST_LISTED:
            return wrong("time_range_field or page_size")
        if not 0 <= until - since <= WINDOW_S:
            return wrong("time_from and time_to are at most 15 days apart")
        cursor = query.get("cursor") or "0"
        if not cursor.isdecimal():
            return wrong("cursor")
        start = int(cursor)
        rows = self._store.changed(call.shop.shop_id, since, until, start, size + 1)
        more = len(rows) > size
        shown = [{"order_sn": row["order_sn"], "booking_sn": ""} for row in rows[:size]]
        return good(
            {"more": more, "next_cursor": str(start + size) if more else "", "order_list": shown},
            since=since,
            until=until,
        )

    def cancel(self, call: Call) -> Answer:
        def work(asked: _Cancel) -> Answer:
            order = self._store.order(call.shop.shop_id, asked.order_sn)
            if order is None:
                return error("error_not_found", "The order is not found.")
            if order["order_status"] not in CANCELLABLE:
                return error("order.cannot_cancel_order", "The order status cannot be cancelled.")
            sold = {(one["item_id"], one["model_id"]) for one in order["item_list"]}
            named = {(one.item_id, one.model_id) for one in asked.item_list}
            if asked.cancel_reason == "OUT_OF_STOCK" and not (named and named <= sold):
                return wrong("item_list names the items that are out of stock")
            return self._cancelled(order, call, "cancel_order", asked.cancel_reason)

        return given(call.body, _Cancel, work)

    def handle(self, call: Call) -> Answer:
        def work(asked: _Handle) -> Answer:
            order = self._store.order(call.shop.shop_id, asked.order_sn)
            if order is None or order["order_status"] != "IN_CANCEL":
                return error("order.not_in_cancel", "No buyer asks to cancel this order.")
            if asked.operation == "REJECT":
                self._store.set_status(call.shop.shop_id, asked.order_sn, "READY_TO_SHIP")
                return good({"update_time": order["update_time"]}, reference=asked.order_sn)
            return self._cancelled(order, call, "handle_buyer_cancellation", None)

        return given(call.body, _Handle, work)

    def _cancelled(self, order: dict[str, Any], call: Call, way: str, reason: str | None) -> Answer:
        self._store.set_status(call.shop.shop_id, order["order_sn"], "CANCELLED")
        self._store.note_cancel(order["order_sn"], way, reason)
        return good({"update_time": order["update_time"]}, reference=order["order_sn"], reason=reason)

"""The routes that are needed of REST v3 and of the Shipment Tracking plug-in: what may be asked and changed.

Source: developer.woocommerce.com, REST API v3 "Orders", "Order notes", "Order refunds", read 2026-11-22;
woocommerce.com, Shipment Tracking's REST documentation, as the marketplace fact sheet has it. Codes of errors
as public code that meets them writes them down; README.md names what is not recorded.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from crossdock_sandbox import clock
from crossdock_sandbox.calls import Answer
from crossdock_sandbox.woocommerce.php import php_json
from crossdock_sandbox.woocommerce.store import Shop, Store

STATUSES = frozenset(
    {"pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft"}
)
#: A few of the names that the plug-in knows links for.
PROVIDERS = frozenset({"Australia Post", "DHL US", "Fedex", "Royal Mail", "UPS", "USPS"})
#: Payment methods whose money nobody but the merchant can give back.
BY_HAND = frozenset({"bacs", "cheque", "cod"})
JSON = "application/json; charset=UTF-8"

T = TypeVar("T", bound=BaseModel)

Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class _Given(BaseModel):
    """The original passes over fields that it does not know; here they are a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True)


class _MetaGiven(_Given):
    key: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    value: Any


class _OrderGiven(_Given):
    status: str | None = None
    meta_data: list[_MetaGiven] | None = Field(default=None, max_length=100)

    @model_validator(mode="after")
    def _known_status(self) -> "_OrderGiven":
        if self.status is not None and self.status not in STATUSES:
            raise ValueError("status")
        return self


class _Listing(BaseModel):
    """What may be asked of the list. Times are the site's own, or UTC where `dates_are_gmt`."""

    model_config = ConfigDict(extra="forbid")

    modified_after: datetime | None = None
    modified_before: datetime | None = None
    dates_are_gmt: bool = False
    orderby: Literal["date", "id", "modified"] = "date"
    order: Literal["asc", "desc"] = "desc"
    per_page: int = Field(default=10, ge=1, le=100)
    page: int = Field(default=1, ge=1)

    def utc(self, given: datetime | None, shop: Shop) -> datetime | None:
        if given is None or given.tzinfo is not None:
            return given.astimezone(UTC).replace(tzinfo=None) if given else None
        return given if self.dates_are_gmt else given - timedelta(hours=shop.gmt_offset_h)


class _RefundGiven(_Given):
    amount: Annotated[Decimal, Field(gt=0)]
    reason: str = ""
    api_refund: bool = True


class _NoteGiven(_Given):
    note: Text
    customer_note: bool = False
    added_by_user: bool = False


class _TrackingGiven(_Given):
    tracking_number: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    tracking_provider: str | None = None
    custom_tracking_provider: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    custom_tracking_link: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] | None = None
    date_shipped: date | None = None

    @model_validator(mode="after")
    def _one_provider(self) -> "_TrackingGiven":
        if (self.tracking_provider is None) == (self.custom_tracking_provider is None):
            raise ValueError("tracking_provider")
        if self.tracking_provider is not None and self.tracking_provider not in PROVIDERS:
            raise ValueError("tracking_provider")
        return self


@dataclass(frozen=True, slots=True)
class Call:
    """One call to one order of one shop, let in."""

    shop: Shop
    order_id: int
    body: bytes
    query: Mapping[str, str]


class RestApi:
    """Every method is one operation, and runs inside the transaction that records it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get_order(self, call: Call) -> Answer:
        order = self._store.order(call.shop.shop, call.order_id)
        return _answer(order) if order else invalid_id(404)

    def list_orders(self, call: Call) -> Answer:
        """A page, and in headers how much there is. What lies in the trash is not shown; bounds are not
        included.
        """
        try:
            asked = _Listing.model_validate(dict(call.query))
        except ValidationError as wrong:
            field = str(wrong.errors()[0]["loc"][0])
            return error(400, "rest_invalid_param", f"Invalid parameter(s): {field}")
        after, before = (asked.utc(one, call.shop) for one in (asked.modified_after, asked.modified_before))
        found = self._store.orders_modified(call.shop.shop, after, before)
        keys = {"date": "date_created_gmt", "id": "id", "modified": "date_modified_gmt"}
        found.sort(key=lambda one: (one[keys[asked.orderby]], one["id"]), reverse=asked.order == "desc")
        start = (asked.page - 1) * asked.per_page
        headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(-(-len(found) // asked.per_page))}
        page = found[start : start + asked.per_page]
        return Answer(php_json(page), media_type=JSON, headers=headers, detail={"orders": len(page)})

    def update_order(self, call: Call) -> Answer:
        order = self._store.order(call.shop.shop, call.order_id)
        if order is None:
            return invalid_id(400)
        return _given(call, _OrderGiven, lambda given: self._updated(call.shop, order, given))

    def _updated(self, shop: Shop, order: Mapping[str, Any], given: _OrderGiven) -> Answer:
        changes: dict[str, Any] = {} if given.status is None else {"status": given.status}
        if given.meta_data is not None:
            new = [one.model_dump() for one in given.meta_data]
            changes["meta_data"] = self._store.merged_meta(order, new)
        return _answer(self._store.change_order(shop, order, changes))

    def list_refunds(self, call: Call) -> Answer:
        if self._store.order(call.shop.shop, call.order_id) is None:
            return error(404, "woocommerce_rest_invalid_order_id", "Invalid order ID.")
        size, page = call.query.get("per_page", "10"), call.query.get("page", "1")
        if not (size.isdecimal() and 1 <= int(size) <= 100 and page.isdecimal() and int(page) >= 1):
            return error(400, "rest_invalid_param", "Invalid parameter(s): per_page")
        refunds = self._store.refunds(call.shop.shop, call.order_id)
        start = (int(page) - 1) * int(size)
        return _answer(refunds[start : start + int(size)])

    def create_refund(self, call: Call) -> Answer:
        """The payment gateway gives the money back; those of `BY_HAND` cannot. Never more than is left."""
        order = self._store.order(call.shop.shop, call.order_id)
        if order is None:
            return error(404, "woocommerce_rest_invalid_order_id", "Invalid order ID.")
        return _given(call, _RefundGiven, lambda given: self._refunded(call.shop, order, given))

    def _refunded(self, shop: Shop, order: Mapping[str, Any], given: _RefundGiven) -> Answer:
        left = Decimal(order["total"]) + sum(Decimal(one["total"]) for one in order.get("refunds") or [])
        if given.api_refund and order.get("payment_method") in BY_HAND:
            return _not_refunded("The payment gateway for this order does not support automatic refunds.")
        if given.amount > left:
            return _not_refunded("Invalid refund amount.")
        amount = f"{given.amount:f}"
        refund_id = self._store.add_refund(shop, order, amount=amount, reason=given.reason, units={})
        if given.amount == left:
            whole = self._store.order(shop.shop, order["id"])
            self._store.change_order(shop, whole or order, {"status": "refunded"})
        return _answer({"id": refund_id, "amount": amount, "reason": given.reason}, 201)

    def list_notes(self, call: Call) -> Answer:
        if self._store.order(call.shop.shop, call.order_id) is None:
            return error(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
        return _answer([_note(row) for row in self._store.notes(call.shop.shop, call.order_id)])

    def create_note(self, call: Call) -> Answer:
        if self._store.order(call.shop.shop, call.order_id) is None:
            return error(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
        return _given(
            call,
            _NoteGiven,
            lambda given: _answer(
                _note(
                    self._store.add_note(
                        call.shop.shop, call.order_id, given.note, for_customer=given.customer_note
                    )
                ),
                201,
            ),
        )

    def list_trackings(self, call: Call) -> Answer:
        missing = self._no_plug_in(call)
        rows = self._store.trackings(call.shop.shop, call.order_id)
        return missing or _answer([_tracking(row) for row in rows])

    def create_tracking(self, call: Call) -> Answer:
        missing = self._no_plug_in(call)
        return missing or _given(call, _TrackingGiven, lambda given: self._tracked(call, given))

    def _tracked(self, call: Call, given: _TrackingGiven) -> Answer:
        provider = given.tracking_provider or given.custom_tracking_provider or ""
        row = self._store.add_tracking(
            call.shop.shop,
            call.order_id,
            number=given.tracking_number,
            provider=provider,
            link=given.custom_tracking_link or "",
            date_shipped=(given.date_shipped or clock.now().date()).isoformat(),
        )
        return _answer(_tracking(row), 201)

    def _no_plug_in(self, call: Call) -> Answer | None:
        if not call.shop.shipment_tracking:
            return no_route()
        if self._store.order(call.shop.shop, call.order_id) is None:
            return error(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
        return None


class Words:
    """How a WooCommerce site, or the host in front of it, says what any platform says."""

    def server_error(self) -> Answer:
        return error(500, "internal_server_error", "There has been a critical error on this website.")

    def throttled(self) -> Answer:
        """The host's, not WordPress's: there is no limit of calls in REST v3."""
        page = b"<html><body><h1>429 Too Many Requests</h1></body></html>"
        return Answer(page, 429, "throttled", media_type="text/html", headers={"Retry-After": "2"})

    def refused(self, operation: str) -> Answer:
        """What a user gets who may not do it."""
        return error(
            403, "woocommerce_rest_cannot_edit", f"Sorry, you are not allowed to do this: {operation}"
        )


def error(status: int, code: str, message: str) -> Answer:
    content = {"code": code, "message": message, "data": {"status": status}}
    outcome = {404: "not_found", 500: "server_error"}.get(status, "refused")
    return Answer(php_json(content), status, outcome, detail={"code": code}, media_type=JSON)


def invalid_id(status: int) -> Answer:
    return error(status, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")


def no_route() -> Answer:
    return error(404, "rest_no_route", "No route was found matching the URL and request method.")


def _answer(content: object, status: int = 200) -> Answer:
    return Answer(php_json(content), status, media_type=JSON)


def _not_refunded(message: str) -> Answer:
    return error(500, "woocommerce_rest_cannot_create_order_refund", message)


def _given(call: Call, model: type[T], work: Callable[[T], Answer]) -> Answer:
    """The work on a body that fits; else WordPress's word for what does not."""
    try:
        given = model.model_validate_json(call.body)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        if first["type"] == "json_invalid":
            return error(400, "rest_invalid_json", "Invalid JSON body passed.")
        field = ".".join(map(str, first["loc"])) or str(first.get("ctx", {}).get("error", "body"))
        if first["type"] == "missing":
            return error(400, "rest_missing_callback_param", f"Missing parameter(s): {field}")
        return error(400, "rest_invalid_param", f"Invalid parameter(s): {field}")
    return work(given)


def _note(row: sqlite3.Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "author": "system",
        "date_created_gmt": row["date_created_gmt"],
        "note": row["note"],
        "customer_note": bool(row["customer_note"]),
    }


def _tracking(row: sqlite3.Row) -> dict[str, object]:
    names = ("tracking_id", "tracking_provider", "tracking_link", "tracking_number", "date_shipped")
    return {name: row[name] for name in names}

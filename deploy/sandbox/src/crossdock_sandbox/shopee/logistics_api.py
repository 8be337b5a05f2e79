"""Packages: how they can be handed over, their shipment, number and airway bill.

Source: Shopee's guide "Order management", seen 2026-11.
"""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.labels import Label
from crossdock_sandbox.shopee.door import Call
from crossdock_sandbox.shopee.store import Store
from crossdock_sandbox.shopee.words import Body, error, given, good, wrong

READY, CREATED, PICKED_UP = "LOGISTICS_READY", "LOGISTICS_REQUEST_CREATED", "LOGISTICS_PICKUP_DONE"
INVALID = "LOGISTICS_INVALID"  # its order was cancelled before anything was arranged
ADDRESS_ID, SLOTS = 2826, ("1771380000", "1771466400")
NEEDED = {"pickup": ["address_id", "pickup_time_id"], "dropoff": [], "non_integrated": ["tracking_number"]}
DocumentType = Literal[
    "NORMAL_AIR_WAYBILL", "THERMAL_AIR_WAYBILL", "NORMAL_JOB_AIR_WAYBILL", "THERMAL_JOB_AIR_WAYBILL"
]


class _Pickup(Body):
    address_id: int
    pickup_time_id: str


class _Dropoff(Body):
    pass


class _NonIntegrated(Body):
    tracking_number: str


class _Ship(Body):
    order_sn: str
    package_number: str
    pickup: _Pickup | None = None
    dropoff: _Dropoff | None = None
    non_integrated: _NonIntegrated | None = None


class _Document(Body):
    order_sn: str
    package_number: str
    tracking_number: str | None = None
    shipping_document_type: DocumentType | None = None


class _Documents(Body):
    order_list: list[_Document]


class _Download(_Documents):
    shipping_document_type: DocumentType


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds until a tracking number is there, and until a document is made."""

    number_s: float = 0.0
    document_s: float = 0.0


class LogisticsApi:
    """Every method is one operation."""

    def __init__(self, store: Store, delays: Delays) -> None:
        self._store = store
        self._delays = delays

    def parameter(self, call: Call) -> Answer:
        if self._asked(call) is None:
            return wrong("the package is not found")
        offered = call.shop.handover
        address = {
            "address_id": ADDRESS_ID,
            "address_flag": ["default_address", "pickup_address"],
            "time_slot_list": [{"date": int(one), "pickup_time_id": one} for one in SLOTS],
        }
        return good(
            {
                "info_needed": {name: NEEDED[name] for name in offered},
                "dropoff": {"branch_list": None},
                "pickup": {"address_list": [address] if "pickup" in offered else []},
            }
        )

    def ship(self, call: Call) -> Answer:
        return given(call.body, _Ship, lambda asked: self._ship(call, asked))

    def _ship(self, call: Call, asked: _Ship) -> Answer:
        order = self._store.order(call.shop.shop_id, asked.order_sn)
        package = self._store.package(asked.order_sn, asked.package_number)
        if order is None or package is None:
            return wrong("the package is not found")
        ways = [name for name in NEEDED if getattr(asked, name) is not None]
        if len(ways) != 1 or ways[0] not in call.shop.handover:
            return wrong("one of the ways that get_shipping_parameter tells")
        if package["logistics_status"] != READY or order.get("pending_terms"):
            return error("logistics.error_status_limit", "logistic status not ready to ship")
        pickup = asked.pickup
        if pickup and (pickup.address_id != ADDRESS_ID or pickup.pickup_time_id not in SLOTS):
            return wrong("address_id or pickup_time_id")
        number = asked.non_integrated.tracking_number if asked.non_integrated else None
        self._store.change_package(
            asked.package_number,
            handover=ways[0],
            logistics_status=PICKED_UP if number else CREATED,
            tracking_number=number or f"SPX{asked.package_number[-12:]}",
            number_at=time.time() + (0.0 if number else self._delays.number_s),
        )
        states = {one["logistics_status"] for one in self._store.packages(asked.order_sn)}
        if READY not in states:
            status = "PROCESSED" if CREATED in states else "SHIPPED"
            self._store.set_status(call.shop.shop_id, asked.order_sn, status)
        return good(None, reference=asked.package_number, handover=ways[0])

    def number(self, call: Call) -> Answer:
        package = self._asked(call)
        if package is None:
            return wrong("the package is not found")
        return good({"tracking_number": number_of(package) or "", "hint": ""})

    def create(self, call: Call) -> Answer:
        def make(one: _Document, package: sqlite3.Row) -> str | None:
            if one.tracking_number is None or one.tracking_number != number_of(package):
                return "logistics.tracking_number_invalid"
            if package["logistics_status"] != CREATED:
                return "logistics.package_can_not_print"
            if one.shipping_document_type is None:
                return "logistics.shipping_document_type_missing"
            self._store.change_package(
                one.package_number,
                document_type=one.shipping_document_type,
                document_at=time.time() + self._delays.document_s,
            )
            return None

        return given(call.body, _Documents, lambda asked: self._each(call, asked, make))

    def result(self, call: Call) -> Answer:
        def status(one: _Document, package: sqlite3.Row) -> str | None:
            return None if package["document_type"] else "logistics.shipping_document_not_created"

        return given(call.body, _Documents, lambda asked: self._each(call, asked, status))

    def _each(
        self, call: Call, asked: _Documents, check: Callable[[_Document, sqlite3.Row], str | None]
    ) -> Answer:
        """A result for each; an error for the whole call only when all have failed."""
        results: list[dict[str, Any]] = []
        for one in asked.order_list:
            package = self._known(call, one)
            failed = "logistics.package_not_found" if package is None else check(one, package)
            named = {"order_sn": one.order_sn, "package_number": one.package_number}
            if failed:
                results.append({**named, "fail_error": failed, "fail_message": failed})
            else:
                results.append({**named, "status": self._made(one)})
        if all("fail_error" in one for one in results):
            return error("common.batch_api_all_failed", "All failed.", response={"result_list": results})
        return good({"result_list": results})

    def _made(self, asked: _Document) -> str:
        package = self._store.package(asked.order_sn, asked.package_number)
        if package is None or package["document_at"] is None or package["document_at"] > time.time():
            return "PROCESSING"
        return "FAILED" if package["document_fails"] else "READY"

    def download(self, call: Call) -> Answer:
        def work(asked: _Download) -> Answer:
            if len(asked.order_list) != 1:
                return wrong("this sandbox downloads one document at a time")
            one = asked.order_list[0]
            package = self._known(call, one)
            if package is None or package["document_type"] != asked.shipping_document_type:
                return error("logistics.shipping_document_not_created", "Create the document first.")
            if self._made(one) != "READY":
                return error("logistics.shipping_document_not_ready", "The document is not ready.")
            self._store.change_package(one.package_number, downloads=package["downloads"] + 1)
            label = Label(
                "Shopee Xpress", "Standard", package["tracking_number"], [one.package_number], ["-"], "-"
            )
            return Answer(label.draw("pdf"), reference=one.package_number, media_type="application/pdf")

        return given(call.body, _Download, work)

    def _asked(self, call: Call) -> sqlite3.Row | None:
        order_sn, number = call.query.get("order_sn", ""), call.query.get("package_number", "")
        return self._known(call, _Document(order_sn=order_sn, package_number=number))

    def _known(self, call: Call, one: _Document) -> sqlite3.Row | None:
        if self._store.order(call.shop.shop_id, one.order_sn) is None:
            return None
        return self._store.package(one.order_sn, one.package_number)


def number_of(package: sqlite3.Row) -> str | None:
    """The tracking number, once it is there."""
    there = package["number_at"] is not None and package["number_at"] <= time.time()
    return package["tracking_number"] if there else None

"""Packages: made by the seller with a number, or arranged with TikTok, which gives number and label."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.labels import Label
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

PROVIDERS = {
    "7117858858072016686": "USPS",
    "7117859084333745966": "Royal Mail",
    "7129720299146184490": "Yun Express",
    "7132708441532597026": "DHL Express",
    "7163203562109724418": "4PX",
}
TIKTOKS = "Evri"
SHIPPABLE = frozenset({"AWAITING_SHIPMENT", "PARTIALLY_SHIPPING"})
SENT = "AWAITING_COLLECTION"


class _Package(Given):
    order_line_item_ids: list[str] = Field(min_length=1, max_length=1000)
    shipping_provider_id: str
    tracking_number: str = Field(pattern=r"^[A-Za-z0-9-]{2,60}$")


class _Ship(Given):
    handover_method: Literal["PICKUP", "DROP_OFF"]


class FulfilmentApi:
    """Every method is one operation, and runs inside the transaction that records it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def providers(self, call: Call) -> Answer:
        if not call.name.isdecimal():
            return error(NOT_FOUND, "Delivery option not found.")
        return said({"shipping_providers": [{"id": one, "name": name} for one, name in PROVIDERS.items()]})

    def create_package(self, call: Call) -> Answer:
        return reading(call, _Package, lambda given: self._create_package(call.shop, call.name, given))

    def _create_package(self, shop: Shop, order_id: str, given: _Package) -> Answer:
        order = self._store.order(shop.shop, order_id)
        if order is None:
            return error(NOT_FOUND, "Order not found.")
        if order.get("shipping_type") != "SELLER":
            return error(INVALID, "The order is shipped by TikTok.")
        wanted = given.order_line_item_ids
        open_units = {one["id"] for one in order["line_items"] if one["display_status"] in SHIPPABLE}
        if (
            order["status"] not in SHIPPABLE
            or not open_units.issuperset(wanted)
            or len(set(wanted)) < len(wanted)
        ):
            return error(ALREADY_SHIPPED, "Units are shipped already, or not of this order.")
        if given.shipping_provider_id not in PROVIDERS:
            return error(INVALID, "Invalid parameters: shipping_provider_id")
        package_id = self._store.next_id()
        self._store.add_package(
            package_id,
            shop.shop,
            order_id,
            way="SELLER",
            provider=PROVIDERS[given.shipping_provider_id],
            number=given.tracking_number,
            units=wanted,
        )
        marks = {
            "package_id": package_id,
            "package_status": "FULFILLING",
            "tracking_number": given.tracking_number,
            "shipping_provider_id": given.shipping_provider_id,
            "shipping_provider_name": PROVIDERS[given.shipping_provider_id],
            "display_status": SENT,
        }
        self._mark(shop, order, wanted, marks)
        return said({"package_id": package_id}, reference=order_id)

    def ship(self, call: Call) -> Answer:
        return reading(call, _Ship, lambda given: self._ship(call.shop, call.name, given))

    def _ship(self, shop: Shop, package_id: str, given: _Ship) -> Answer:
        order = self._store.order_of_package(shop.shop, package_id)
        if order is None or order.get("shipping_type") != "TIKTOK":
            return error(NOT_FOUND, "Package not found.")
        units = _units_of(order, package_id)
        if order["status"] not in SHIPPABLE or self._store.package(package_id) is not None or not units:
            return error(ALREADY_SHIPPED, "The package is shipped already.")
        self._store.add_package(
            package_id,
            shop.shop,
            order["id"],
            way=given.handover_method,
            provider=TIKTOKS,
            number=f"H{package_id}",
            units=[one["id"] for one in units],
        )
        self._mark(
            shop,
            order,
            [one["id"] for one in units],
            {"package_status": "PROCESSING", "display_status": SENT},
        )
        if not shop.labels_wait:
            self.make_labels(shop, order["id"])
        return said({}, reference=package_id)

    def make_labels(self, shop: Shop, order_id: str) -> None:
        """Give the order's arranged packages their numbers."""
        order = self._store.order(shop.shop, order_id)
        if order is None:
            return
        units = []
        for one in order["line_items"]:
            package = self._store.package(one.get("package_id") or "")
            number = package["tracking_number"] if package else one["tracking_number"]
            provider = package["provider"] if package else one["shipping_provider_name"]
            units.append({**one, "tracking_number": number, "shipping_provider_name": provider})
        self._store.change_order(shop.shop, order, {"line_items": units})

    def document(self, call: Call) -> Answer:
        order = self._store.order_of_package(call.shop.shop, call.name)
        if order is None:
            return error(NOT_FOUND, "Package not found.")
        if call.query.get("document_type") != "SHIPPING_LABEL" or call.query.get("document_size") not in {
            "A5",
            "A6",
        }:
            return error(INVALID, "Invalid parameters: document_type, document_size")
        number = _units_of(order, call.name)[0]["tracking_number"]
        if not number:
            return error(NOT_FOUND, "The package is not shipped.")
        url = f"{call.base_url}/documents/{call.name}.pdf"
        return said({"doc_url": url, "tracking_number": number}, reference=call.name)

    def drawn(self, package_id: str) -> bytes | None:
        """The document itself."""
        package = self._store.package(package_id)
        if package is None:
            return None
        number = package["tracking_number"]
        return Label(
            package["provider"], "TikTok Shipping", number, ("Lumo",), (f"Order {package['order_id']}",), ""
        ).draw("pdf")

    def _mark(self, shop: Shop, order: dict[str, Any], ids: Sequence[str], marks: dict[str, Any]) -> None:
        units = [{**one, **marks} if one["id"] in ids else one for one in order["line_items"]]
        left = any(one["display_status"] in SHIPPABLE for one in units)
        status = "PARTIALLY_SHIPPING" if left else SENT
        self._store.change_order(shop.shop, order, {"line_items": units, "status": status})


def _units_of(order: dict[str, Any], package_id: str) -> list[dict[str, Any]]:
    return [
        one
        for one in order["line_items"]
        if one.get("package_id") == package_id and one["display_status"] != CANCELLED
    ]

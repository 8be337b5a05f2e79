"""What the calls about orders do. Each runs inside the caller's transaction."""

import base64
import re
import time
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from crossdock_sandbox.countries import POSTAL_CODE_NEEDED
from crossdock_sandbox.labels import Label
from crossdock_sandbox.parcels import is_plausible
from crossdock_sandbox.yunexpress.errors import (
    DUPLICATE,
    INVALID,
    NO_LABEL_YET,
    NO_SUCH_PRODUCT,
    NOT_FOUND,
    TOO_LATE,
    Refused,
)
from crossdock_sandbox.yunexpress.store import Order, Store
from crossdock_sandbox.yunexpress.wire import CreateOrder, PriceQuestion

HEAVIEST_KG = 30  # not confirmed by YunExpress
GRAMS = {"KG": Decimal(1000), "G": Decimal(1), "LBS": Decimal("453.59237")}
REFUSE_ADDRESS = "REFUSE ADDRESS"

_IOSS = re.compile(r"[A-Za-z]{2}[0-9]{10}")


@dataclass(frozen=True, slots=True)
class Product:
    """`track_type`: 1 the last-mile number is there at once, 2 it comes later, 3 there is none."""

    name: str
    track_type: str
    base: str  # the prices are made up
    per_kg: str
    days: str


PRODUCTS = {
    "BKPHR": Product("云途全球专线挂号（标快普货）", "1", "22.00", "66.10", "5-9"),
    "THPHR": Product("云途全球专线挂号（特惠普货）", "2", "19.00", "52.40", "7-12"),
    "THPHU": Product("云途全球专线平邮（特惠普货）", "3", "9.00", "40.00", "12-20"),
}


@dataclass(frozen=True, slots=True)
class Desk:
    """`number_delay_s`, `label_delay_s`: how long after its order a late number, and a label, comes."""

    store: Store
    number_delay_s: float
    label_delay_s: float
    labels_as_links: bool

    def create(self, asked: CreateOrder) -> dict[str, Any]:
        check(asked)
        product, now = PRODUCTS[asked.product_code], time.time()
        number_at = {"1": now, "2": now + self.number_delay_s}.get(product.track_type)
        request = asked.model_dump(mode="json", exclude_none=True)
        order = self.store.add(request, number_at=number_at, label_at=now + self.label_delay_s)
        if order is None:
            raise Refused(DUPLICATE, "customer order number already exists (客户订单号重复)")
        return {
            "customer_order_number": order.customer_order_number,
            "waybill_number": order.waybill_number,
            "tracking_number": order.tracking_number,
            "bar_codes": [order.waybill_number],
            "remote_area": False,
            "track_type": product.track_type,
            "shipper_boxs": [],
        }

    def known(self, number: str) -> Order:
        order = self.store.find(number)
        if order is None:
            raise Refused(NOT_FOUND, "order_number: no such order")
        return order

    def look(self, number: str) -> dict[str, Any]:
        """As the original's answer, which tells no track_type."""
        order = self.known(number)
        kept = ("weight_unit", "size_unit", "packages", "receiver", "sender", "declaration_info")
        return {
            "waybill_number": order.waybill_number,
            "customer_order_number": order.customer_order_number,
            "product_code": order.product_code,
            "tracking_number": order.tracking_number,
            "platform_account_code": "",
            "pieces": 1,
            "status": order.status,
            "chargeWeight": 0,
            **{name: order.request[name] for name in kept if name in order.request},
        }

    def label(self, number: str, base_url: str) -> dict[str, Any]:
        order = self.known(number)
        late = time.time() < order.label_at
        if late or (PRODUCTS[order.product_code].track_type == "2" and not order.tracking_number):
            raise Refused(NO_LABEL_YET, "the label is being made, try again later")
        link = f"{base_url}/label-files/{order.waybill_number}.pdf"
        content = "" if self.labels_as_links else base64.b64encode(self.label_file(order)).decode()
        return {
            "order_number": order.waybill_number,
            "url": link,
            "label_type": "PDF",
            "label_string": content,
        }

    def label_file(self, order: Order) -> bytes:
        request = order.request
        return Label(
            carrier="YUNEXPRESS",
            service=order.product_code,
            tracking_code=order.tracking_number or order.waybill_number,
            from_lines=_lines(request.get("sender", request["receiver"])),
            to_lines=_lines(request["receiver"]),
            weight=f"{Decimal(request['packages'][0]['weight']):.3f} kg",
        ).draw("pdf")

    def cancel(self, waybill: str) -> None:
        order = self.known(waybill)
        if order.waybill_number != waybill:
            raise Refused(INVALID, "waybill_number: not a waybill number")
        if order.status == "E":
            raise Refused(TOO_LATE, "the order is cancelled already")
        if order.status != "A":
            raise Refused(TOO_LATE, "the parcel is in the warehouse: hold it instead")
        self.store.set_status(waybill, "E")

    def prices(self, asked: PriceQuestion) -> list[dict[str, Any]]:
        """Two rows a product: the freight and the fee per parcel."""
        kg = asked.weight * GRAMS[asked.weight_unit] / 1000
        rows = []
        for code, product in PRODUCTS.items():
            freight = (Decimal(product.per_kg) * kg).quantize(Decimal("0.01"), ROUND_HALF_UP)
            for fee, amount in (("E1", freight), ("E2", Decimal(product.base))):
                rows.append(
                    {
                        "product_code": code,
                        "product_name": product.name,
                        "fee_name": fee,
                        "calculate_amount": float(amount),
                        "currency": "RMB",
                        "interval_day": product.days,
                    }
                )
        return rows


def check(asked: CreateOrder) -> None:
    """Raises Refused with what is wrong first. Stricter than anything written, so that mistakes show."""
    if asked.product_code not in PRODUCTS:
        raise Refused(NO_SUCH_PRODUCT, "product_code: not open to this account")
    receiver, package = asked.receiver, asked.packages[0]
    if receiver.country_code in POSTAL_CODE_NEEDED and not (receiver.postal_code or "").strip():
        raise Refused(INVALID, "receiver.postal_code: needed in this country")
    if REFUSE_ADDRESS in " ".join(receiver.address_lines).upper():
        raise Refused(INVALID, "receiver.address_lines: not served: " + ", ".join(receiver.address_lines))
    if package.weight > HEAVIEST_KG:
        raise Refused(INVALID, "packages[0].weight: is it in kilograms?")
    if package.length and package.width and package.height:
        volume_cm3 = float(package.length * package.width * package.height)
        if not is_plausible(float(package.weight) * 1000, volume_cm3):
            raise Refused(INVALID, "packages[0].weight: no parcel: is it in kilograms, the size in cm?")
    net = sum((one.unit_weight * one.quantity for one in asked.declaration_info), Decimal(0))
    if net > package.weight:
        raise Refused(INVALID, "declaration_info[0].unit_weight: the goods weigh more than the parcel")
    if len({one.currency for one in asked.declaration_info}) > 1:
        raise Refused(INVALID, "declaration_info[0].currency: one currency for all lines")
    number = asked.customs_number
    if isinstance(number, str) and number.upper().startswith("IM") and not _IOSS.fullmatch(number):
        raise Refused(INVALID, "customs_number: no IOSS number")


def _lines(party: dict[str, Any]) -> list[str]:
    place = " ".join(party[one] for one in ("postal_code", "city", "province") if party.get(one))
    return [party["first_name"], *party["address_lines"], place, party["country_code"]]

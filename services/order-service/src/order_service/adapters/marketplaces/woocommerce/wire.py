"""The fields of WooCommerce's orders and of its REST answers that we use, named as they name them.

Source: the fact sheet's table of the REST v3 order and its sample order, and developer.woocommerce.com, REST
API v3 "Orders", "Order refunds" and "Order notes", read 2026-11-22. Not compared with a live shop's order
(README.md). Everything but what makes an order an order is optional.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _in_utc(given: datetime) -> datetime:
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)


#: A `*_gmt` time: UTC, written without an offset. The same names without `_gmt` are the site's local time.
Gmt = Annotated[datetime, AfterValidator(_in_utc)]


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Meta(Wire):
    """`value` is whatever a plug-in has put there: text, a number, a list, an object."""

    key: str
    value: Any = None


class Address(Wire):
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address_1: str | None = None
    address_2: str | None = None
    city: str | None = None
    state: str | None = None
    postcode: str | None = None
    country: str | None = None
    phone: str | None = None


class Billing(Address):
    email: str | None = None


class LineItem(Wire):
    """`subtotal` and `total`: of all units before and after coupons, always without tax."""

    id: int
    name: str | None = None
    sku: str | None = None
    quantity: int = Field(ge=0)
    subtotal: str = "0"
    total: str = "0"
    total_tax: str = "0"


class ShippingLine(Wire):
    method_title: str | None = None
    method_id: str | None = None


class FeeLine(Wire):
    total: str = "0"


class RefundedLine(Wire):
    """`quantity` is negative; `_refunded_item_id` among `meta_data` names the order's line."""

    quantity: int = 0
    meta_data: tuple[Meta, ...] = ()


class Refund(Wire):
    """`total` is a negative amount. An order's own body tells no lines; `GET …/refunds` does."""

    id: int
    total: str = "0"
    line_items: tuple[RefundedLine, ...] | None = None


class Order(Wire):
    """The body of every `order.*` webhook but `deleted`, and of `GET …/orders/{id}`; no wrapper around it."""

    id: int = Field(gt=0)
    number: str | None = None
    status: str = Field(min_length=1, max_length=100)
    date_created_gmt: Gmt
    date_modified_gmt: Gmt | None = None
    date_paid_gmt: Gmt | None = None
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    discount_total: str = "0"
    shipping_total: str = "0"
    total_tax: str = "0"
    total: str = "0"
    billing: Billing = Billing()
    shipping: Address = Address()
    customer_note: str | None = None
    line_items: tuple[LineItem, ...]
    shipping_lines: tuple[ShippingLine, ...] = ()
    fee_lines: tuple[FeeLine, ...] = ()
    refunds: tuple[Refund, ...] = ()
    meta_data: tuple[Meta, ...] = ()


class Changed(Wire):
    """Of an order in a list, when it was changed."""

    date_modified_gmt: Gmt | None = None


class Site(Wire):
    """Of the index of a site's REST API, the address of its front page."""

    home: str


class Refusal(Wire):
    """WordPress's answer to what it will not do."""

    code: str


class ShipmentTracking(Wire):
    """One tracking number in the Shipment Tracking plug-in."""

    tracking_id: str
    tracking_number: str | None = None


class Note(Wire):
    id: int
    note: str = ""


class Product(Wire):
    """`parent_id`: of a variation, the product it belongs to."""

    id: int
    sku: str = ""
    type: str = "simple"
    parent_id: int = 0


class ProductUpdated(Wire):
    id: int
    error: Refusal | None = None


class ProductsUpdated(Wire):
    update: tuple[ProductUpdated, ...]

"""The JSON that we and a seller's own shop exchange: ours to define, and strict about what is in it.

`order.schema.json` is made from them: `python -m order_service.adapters.marketplaces.generic.schema`.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from order_service.domain.canonical import FulfilmentStatus, PaymentStatus

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
Text = Annotated[str, StringConstraints(max_length=1000)]
Amount = Annotated[
    str,
    Field(
        description="a decimal in major units, with no more places than its currency has",
        pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$",
    ),
]
SignedAmount = Annotated[
    str,
    Field(description="a decimal in major units, below zero too", pattern=r"^-?[0-9]{1,12}(\.[0-9]{1,4})?$"),
]
Units = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class Given(BaseModel):
    """What a shop sends: an unknown field is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Line(Given):
    id: Id
    sku: Annotated[str, StringConstraints(max_length=200)] | None = None
    title: Text
    quantity: Units = Field(description="as ordered")
    cancelled_quantity: int = Field(default=0, strict=True, ge=0, description="of it not wanted any more")
    unit_price: Amount = Field(description="of one unit before discounts")
    discount: Amount = Field(default="0", description="on all units of the line together")
    tax: Amount = "0"
    ships: bool = Field(default=True, strict=True, description="false: nothing that could be sent")


class Totals(Given):
    discount: Amount = Field(default="0", description="of lines and order, without shipping's")
    shipping: Amount = "0"
    tax: Amount = "0"
    other_charges: SignedAmount = Field(default="0", description="fees, gift wrap; a credit is negative")
    grand_total: Amount
    refunded: Amount = Field(default="0", description="given back already")


class Address(Given):
    name: Text | None = None
    company: Text | None = None
    lines: Annotated[tuple[Text, ...], Field(max_length=6)] = ()
    district: Text | None = None
    city: Text | None = None
    province: Text | None = None
    postal_code: Text | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = Field(
        description="ISO 3166-1 alpha-2"
    )
    phone: Text | None = None


class Buyer(Given):
    name: Text | None = None
    email: Text | None = None
    locale: Text | None = None


class TaxId(Given):
    kind: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    value: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Shipment(Given):
    """A parcel that the shop was told of, shown again where the shop can be asked for orders."""

    tracking_number: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    reference: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Order(Given):
    """One order as it is now, whole: every change of it is sent as a whole again."""

    shop: Annotated[str, StringConstraints(min_length=1, max_length=255)] = Field(
        description="the account's `shop_ref`"
    )
    id: Id = Field(description="never changes and is never used again")
    number: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = Field(
        default=None, description="as the buyer knows it; the id where it is missing"
    )
    placed_at: AwareDatetime
    updated_at: AwareDatetime = Field(
        description="decides which of two bodies is newer; moves with any change"
    )
    status: Literal["open", "on_hold", "cancelled"] = "open"
    cancel_reason: Text | None = None
    test: bool = Field(default=False, strict=True, description="true: never sent")
    payment: PaymentStatus
    fulfilment: FulfilmentStatus = FulfilmentStatus.UNFULFILLED
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(description="ISO 4217")
    tax_included: bool = Field(strict=True, description="whether prices contain the tax")
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=500)]
    totals: Totals
    ship_to: Address | None = None
    buyer: Buyer = Buyer()
    shipping_method: Text | None = None
    notes: Annotated[str, StringConstraints(max_length=5000)] | None = None
    tax_ids: Annotated[tuple[TaxId, ...], Field(max_length=10)] = ()
    shipments: Annotated[tuple[Shipment, ...], Field(max_length=500)] = ()


# -- what the shop answers: here a field more does no harm


class Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Named(Answer):
    """Of an order, or of the answer to a check, whose it is."""

    shop: str


class Done(Answer):
    reference: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Cancelled(Done):
    """Lines that were not cancelled, by their ids, with a code each."""

    refused: dict[Id, Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}$")]] = {}


class StockSet(Answer):
    """SKUs that were refused, with a code each."""

    refused: dict[str, Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}$")]] = {}


class Refusal(Answer):
    error: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}$")]


class Page(Answer):
    orders: Annotated[tuple[dict[str, object], ...], Field(max_length=500)]
    next_cursor: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,500}$")] | None = None

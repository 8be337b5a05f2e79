"""The fields of EasyPost that we use, named as they name them. Ounces, inches, amounts in whole units.

Source: docs.easypost.com, "Shipments", "Customs Info", "Options", "Rates", "Errors", read 2026-11-21.
"""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class Said(BaseModel):
    """What we send. Only what is set goes out: see `body`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def body(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()


class Heard(BaseModel):
    """What they answer: more than we read, and addresses that an error must not repeat."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Address(Said):
    name: str | None
    company: str | None
    street1: str
    street2: str | None
    city: str | None
    state: str | None
    zip: str | None
    country: str
    phone: str | None
    email: str | None


class Parcel(Said):
    weight: float
    length: float | None
    width: float | None
    height: float | None


class CustomsItem(Said):
    """`value` and `weight` are of the whole line."""

    description: str
    quantity: int
    value: float
    weight: float
    hs_tariff_number: str
    origin_country: str
    currency: str
    code: str


class CustomsInfo(Said):
    contents_type: str
    customs_certify: bool
    customs_signer: str | None
    eel_pfc: str | None
    non_delivery_option: str
    restriction_type: str
    customs_items: tuple[CustomsItem, ...]


class Options(Said):
    label_format: str
    incoterm: str | None


class TaxIdentifier(Said):
    entity: str
    tax_id: str
    tax_id_type: str
    issuing_country: str


class NewShipment(Said):
    reference: str
    to_address: Address
    from_address: Address
    parcel: Parcel
    customs_info: CustomsInfo | None
    options: Options
    tax_identifiers: tuple[TaxIdentifier, ...] | None


class CreateShipment(Said):
    shipment: NewShipment


class RateChosen(Said):
    id: str


class BuyShipment(Said):
    rate: RateChosen


class Rate(Heard):
    id: str
    carrier: str
    service: str
    rate: Decimal = Field(ge=0, max_digits=12)
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class RateMessage(Heard):
    """Why one carrier gave no rate. Its text may repeat the address."""

    carrier: str | None = None
    type: str | None = None
    message: str | None = None


class PostageLabel(Heard):
    label_url: str


class Tracker(Heard):
    id: str
    public_url: str | None = None


class Form(Heard):
    form_type: str
    form_url: str


class Shipment(Heard):
    id: str = Field(min_length=1)
    rates: tuple[Rate, ...] = ()
    messages: tuple[RateMessage, ...] = ()
    selected_rate: Rate | None = None
    postage_label: PostageLabel | None = None
    tracking_code: str | None = None
    tracker: Tracker | None = None
    forms: tuple[Form, ...] = ()
    refund_status: str | None = None


class FieldError(Heard):
    field: str | None = None
    message: str | None = None


class Error(Heard):
    code: str
    message: str | None = None
    errors: tuple[FieldError | str, ...] | None = None


class ErrorAnswer(Heard):
    error: Error

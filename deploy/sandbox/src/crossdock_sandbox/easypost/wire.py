"""What a request may hold, named as EasyPost names it. Everything else is refused, unlike by the original.

Source: docs.easypost.com, "Shipments", "Addresses", "Parcels", "Customs Info", "Options", read 2026-11-21.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(max_length=500)]
Named = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Ounces = Annotated[float, Field(gt=0, le=2400)]  # 150 lb: no parcel carrier takes more
Inches = Annotated[float, Field(gt=0, le=108)]


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Address(Wire):
    name: Text | None = None
    company: Text | None = None
    street1: Named
    street2: Text | None = None
    city: Named
    state: Text | None = None
    zip: Text | None = None
    country: Country
    phone: Text | None = None
    email: Text | None = None
    residential: bool | None = None
    carrier_facility: Text | None = None
    federal_tax_id: Text | None = None
    state_tax_id: Text | None = None


class Parcel(Wire):
    weight: Ounces
    length: Inches | None = None
    width: Inches | None = None
    height: Inches | None = None
    predefined_package: Text | None = None


class CustomsItem(Wire):
    description: Named
    quantity: Annotated[int, Field(ge=1, le=100_000)]
    value: Annotated[float, Field(gt=0)]  # of the whole line
    weight: Ounces  # of the whole line
    hs_tariff_number: Annotated[str, StringConstraints(pattern=r"^[0-9.]{6,13}$")]
    origin_country: Country
    currency: Currency = "USD"
    code: Text | None = None
    manufacturer: Text | None = None
    eccn: Text | None = None
    printed_commodity_identifier: Text | None = None


class CustomsInfo(Wire):
    contents_type: Literal[
        "merchandise",
        "returned_goods",
        "documents",
        "gift",
        "sample",
        "dangerous_goods",
        "humanitarian_donation",
        "other",
    ]
    contents_explanation: Text | None = None
    customs_certify: bool | None = None
    customs_signer: Text | None = None
    eel_pfc: Text | None = None
    non_delivery_option: Literal["return", "abandon"] = "return"
    restriction_type: Literal["none", "other", "quarantine", "sanitary_phytosanitary_inspection"] = "none"
    restriction_comments: Text | None = None
    declaration: Text | None = None
    customs_items: Annotated[list[CustomsItem], Field(min_length=1, max_length=100)]


class DutyPayment(Wire):
    type: Literal["SENDER", "RECEIVER", "THIRD_PARTY"]
    account: Text | None = None
    country: Country | None = None
    postal_code: Text | None = None


class Options(Wire):
    label_format: Literal["PNG", "PDF", "ZPL"] = "PNG"
    label_size: Literal["4x6"] = "4x6"
    incoterm: Literal["EXW", "FCA", "CPT", "CIP", "DAT", "DAP", "DDP", "FAS", "FOB", "CFR", "CIF"] | None = (
        None
    )
    invoice_number: Text | None = None
    date_advance: Annotated[int, Field(ge=0, le=30)] | None = None
    delivery_confirmation: Text | None = None
    duty_payment: DutyPayment | None = None
    import_federal_tax_id: Text | None = None
    print_custom_1: Text | None = None
    print_custom_2: Text | None = None
    print_custom_3: Text | None = None
    currency: Currency | None = None


class TaxIdentifier(Wire):
    entity: Literal["SENDER", "RECEIVER"]
    tax_id: Named
    tax_id_type: Named
    issuing_country: Country


class Shipment(Wire):
    to_address: Address
    from_address: Address
    return_address: Address | None = None
    buyer_address: Address | None = None
    parcel: Parcel
    customs_info: CustomsInfo | None = None
    options: Options = Field(default_factory=Options)
    carrier_accounts: Annotated[list[Named], Field(max_length=60)] = Field(default_factory=list)
    reference: Text | None = None
    is_return: bool = False
    tax_identifiers: Annotated[list[TaxIdentifier], Field(max_length=20)] = Field(default_factory=list)


class CreateShipment(Wire):
    shipment: Shipment


class RateChosen(Wire):
    id: Named


class BuyShipment(Wire):
    rate: RateChosen
    insurance: Annotated[float, Field(gt=0, le=50_000)] | None = None
    end_shipper_id: Text | None = None


class Webhook(Wire):
    url: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=2000)]
    webhook_secret: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None


class CreateWebhook(Wire):
    webhook: Webhook

"""What a shipment's request may hold, named and bounded as MyDHL does it: the part of it that is needed here.

Kilograms and centimetres. Source: the OpenAPI document of MyDHL API 3.1.1 (karrioapi/karrio,
modules/connectors/mydhl/vendors), schema CreateShipmentRequest, read 2026-11-22.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=45)]
Thousandths = Annotated[Decimal, Field(ge=0, le=999_999_999_999, decimal_places=3)]
Kilograms = Annotated[Decimal, Field(gt=0, le=999_999_999_999, decimal_places=3)]
Centimetres = Annotated[Decimal, Field(gt=0, le=9_999_999, decimal_places=3)]
RegistrationType = Annotated[
    str,
    StringConstraints(
        pattern=r"^(VAT|EIN|GST|SSN|EOR|DUN|FED|STA|CNP|IE|INN|KPP|OGR|OKP|MRN|SDT|FTZ|DAN|TAN|DTF|RGP|DLI|NID"
        r"|PAS|MID|IMS|EIC|FTN|CIC|PEP)$"
    ),
]
Incoterm = Annotated[
    str, StringConstraints(pattern=r"^(EXW|FCA|CPT|CIP|DPU|DAP|DDP|FAS|FOB|CFR|CIF|DAF|DAT|DDU|DEQ|DES)$")
]
ExportReason = Annotated[
    str,
    StringConstraints(
        pattern=r"^(permanent|temporary|return|used_exhibition_goods_to_origin|intercompany_use"
        r"|commercial_purpose_or_sale|personal_belongings_or_personal_use|sample|gift|return_to_origin"
        r"|warranty_replacement|diplomatic_goods|defence_material)$"
    ),
]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=35)]


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PostalAddress(Wire):
    postalCode: Annotated[str, StringConstraints(max_length=12)]  # empty where the country has none
    cityName: Line
    countryCode: Country
    provinceCode: Annotated[str, StringConstraints(min_length=2, max_length=35)] | None = None
    addressLine1: Line
    addressLine2: Line | None = None
    addressLine3: Line | None = None


class ContactInformation(Wire):
    phone: Annotated[str, StringConstraints(min_length=1, max_length=70)]
    companyName: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    fullName: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    email: Annotated[str, StringConstraints(min_length=1, max_length=70)] | None = None


class RegistrationNumber(Wire):
    typeCode: RegistrationType
    number: Reference
    issuerCountryCode: Country


class Party(Wire):
    postalAddress: PostalAddress
    contactInformation: ContactInformation
    registrationNumbers: Annotated[list[RegistrationNumber], Field(max_length=50)] = Field(
        default_factory=list
    )


class CustomerDetails(Wire):
    shipperDetails: Party
    receiverDetails: Party


class Dimensions(Wire):
    length: Centimetres
    width: Centimetres
    height: Centimetres


class Package(Wire):
    weight: Kilograms
    dimensions: Dimensions | None = None


class Quantity(Wire):
    value: Annotated[int, Field(ge=1, le=1_000_000_000)]
    unitOfMeasurement: Literal["PCS", "BOX", "KG", "PRS", "SET"]


class CommodityCode(Wire):
    typeCode: Literal["outbound", "inbound"]
    value: Annotated[str, StringConstraints(min_length=2, max_length=18)]


class LineWeight(Wire):
    """Of the whole line; one of the two is needed."""

    netValue: Thousandths | None = None
    grossValue: Thousandths | None = None


class LineItem(Wire):
    number: Annotated[int, Field(ge=1, le=999)]
    description: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    price: Thousandths  # of one unit
    quantity: Quantity
    commodityCodes: Annotated[list[CommodityCode], Field(max_length=2)] = Field(default_factory=list)
    exportReasonType: ExportReason | None = None
    manufacturerCountry: Country
    weight: LineWeight


class Invoice(Wire):
    number: Reference
    date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    signatureName: Annotated[str, StringConstraints(max_length=35)] | None = None


class ExportDeclaration(Wire):
    lineItems: Annotated[list[LineItem], Field(min_length=1, max_length=999)]
    invoice: Invoice | None = None
    exportReasonType: ExportReason | None = None
    shipmentType: Literal["personal", "commercial"] | None = None


class Content(Wire):
    packages: Annotated[list[Package], Field(min_length=1, max_length=999)]
    isCustomsDeclarable: bool
    declaredValue: Thousandths | None = None
    declaredValueCurrency: Currency | None = None
    description: Annotated[str, StringConstraints(min_length=1, max_length=70, pattern=r"^\S")]
    incoterm: Incoterm
    unitOfMeasurement: Literal["metric"]  # the original takes imperial as well
    exportDeclaration: ExportDeclaration | None = None


class Pickup(Wire):
    isRequested: Literal[False]  # the original books a courier as well


class Account(Wire):
    typeCode: Literal["shipper", "payer", "duties-taxes"]
    number: Annotated[str, StringConstraints(min_length=1, max_length=12)]


class ValueAddedService(Wire):
    serviceCode: Annotated[str, StringConstraints(min_length=1, max_length=6)]


class CustomerReference(Wire):
    value: Reference
    typeCode: Literal["CU", "AAO", "FF", "FN"] = "CU"


class ImageOption(Wire):
    typeCode: Literal["label", "invoice"]
    templateName: Annotated[str, StringConstraints(max_length=25)] | None = None
    isRequested: bool | None = None
    invoiceType: Literal["commercial", "proforma", "returns"] | None = None


class OutputImageProperties(Wire):
    printerDPI: Literal[200, 300] = 300
    encodingFormat: Literal["pdf", "zpl"] = "pdf"
    imageOptions: Annotated[list[ImageOption], Field(max_length=20)] = Field(default_factory=list)
    splitInvoiceAndReceipt: bool = False


class CreateShipment(Wire):
    plannedShippingDateAndTime: Annotated[str, StringConstraints(min_length=1, max_length=29)]
    pickup: Pickup
    productCode: Annotated[str, StringConstraints(min_length=1, max_length=6)]
    localProductCode: Annotated[str, StringConstraints(min_length=1, max_length=3)] | None = None
    getRateEstimates: bool = False
    accounts: Annotated[list[Account], Field(min_length=1, max_length=3)]
    valueAddedServices: Annotated[list[ValueAddedService], Field(max_length=99)] = Field(default_factory=list)
    outputImageProperties: OutputImageProperties = Field(default_factory=OutputImageProperties)
    customerReferences: Annotated[list[CustomerReference], Field(max_length=999)] = Field(
        default_factory=list
    )
    customerDetails: CustomerDetails
    content: Content

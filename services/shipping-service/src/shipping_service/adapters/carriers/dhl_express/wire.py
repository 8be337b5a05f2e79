"""The fields of MyDHL API that we use, named as they name them. Kilograms, centimetres, whole units of money.

Source: the OpenAPI document of MyDHL API 3.1.1 (see codes.py), POST /shipments, read 2026-11-22.
"""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class Said(BaseModel):
    """What we send. Only what is set goes out: see `body`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def body(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()


class Heard(BaseModel):
    """What they answer: more than we read, and texts that an error must not repeat."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class PostalAddress(Said):
    """`postalCode` is empty where the country has none."""

    postalCode: str
    cityName: str
    countryCode: str
    provinceCode: str | None
    addressLine1: str
    addressLine2: str | None
    addressLine3: str | None


class ContactInformation(Said):
    phone: str
    companyName: str
    fullName: str
    email: str | None


class RegistrationNumber(Said):
    typeCode: str
    number: str
    issuerCountryCode: str


class Party(Said):
    postalAddress: PostalAddress
    contactInformation: ContactInformation
    registrationNumbers: tuple[RegistrationNumber, ...] | None


class CustomerDetails(Said):
    shipperDetails: Party
    receiverDetails: Party


class Dimensions(Said):
    length: int
    width: int
    height: int


class Package(Said):
    weight: float
    dimensions: Dimensions | None


class Quantity(Said):
    value: int
    unitOfMeasurement: str


class CommodityCode(Said):
    typeCode: str
    value: str


class LineWeight(Said):
    """Of the whole line."""

    netValue: float


class LineItem(Said):
    """`price` is of one unit."""

    number: int
    description: str
    price: float
    quantity: Quantity
    commodityCodes: tuple[CommodityCode, ...]
    exportReasonType: str
    manufacturerCountry: str
    weight: LineWeight


class Invoice(Said):
    number: str
    date: str
    signatureName: str | None


class ExportDeclaration(Said):
    lineItems: tuple[LineItem, ...]
    invoice: Invoice
    exportReasonType: str
    shipmentType: str


class Content(Said):
    packages: tuple[Package, ...]
    isCustomsDeclarable: bool
    declaredValue: float | None
    declaredValueCurrency: str | None
    description: str
    incoterm: str
    unitOfMeasurement: str
    exportDeclaration: ExportDeclaration | None


class Pickup(Said):
    isRequested: bool


class Account(Said):
    typeCode: str
    number: str


class ValueAddedService(Said):
    serviceCode: str


class ImageOption(Said):
    typeCode: str
    templateName: str
    isRequested: bool
    invoiceType: str | None


class OutputImageProperties(Said):
    printerDPI: int
    encodingFormat: str
    imageOptions: tuple[ImageOption, ...]
    splitInvoiceAndReceipt: bool


class CustomerReference(Said):
    typeCode: str
    value: str


class CreateShipment(Said):
    plannedShippingDateAndTime: str
    pickup: Pickup
    productCode: str
    localProductCode: str | None
    getRateEstimates: bool
    accounts: tuple[Account, ...]
    valueAddedServices: tuple[ValueAddedService, ...] | None
    outputImageProperties: OutputImageProperties
    customerReferences: tuple[CustomerReference, ...]
    customerDetails: CustomerDetails
    content: Content


class ShipmentDocument(Heard):
    imageFormat: str
    content: str = Field(repr=False)
    typeCode: str


class Charge(Heard):
    currencyType: str
    priceCurrency: str = Field(pattern=r"^[A-Z]{3}$")
    price: Decimal = Field(ge=0, max_digits=15)


class ShipmentCreated(Heard):
    """`shipmentTrackingNumber` is the waybill. `trackingUrl` asks for our login, so it is not read."""

    shipmentTrackingNumber: str = Field(min_length=1, max_length=64)
    documents: tuple[ShipmentDocument, ...] = ()
    shipmentCharges: tuple[Charge, ...] = ()


class Problem(Heard):
    """Their texts repeat what was sent: numbers, pointers and known words are read out of them, the whole is
    kept as personal data.
    """

    detail: str = Field(min_length=1)
    additionalDetails: tuple[str, ...] = ()

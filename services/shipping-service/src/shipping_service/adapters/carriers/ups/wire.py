"""The fields of UPS's Shipping API that we use, named as they name them. Numbers and money are texts.

Source: UPS-API/api-documentation, Shipping.yaml and OAuthClientCredentials.yaml, read 2026-11-22.
"""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

#: What stands in a field whose presence is all that is read.
PRESENT = "Y"


class Said(BaseModel):
    """What we send. Only what is set goes out: see `body`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def body(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()


class Heard(BaseModel):
    """What they answer: more than we read, and texts that an error must not repeat."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


# -- out


class Code(Said):
    Code: str


class Context(Said):
    CustomerContext: str


class Head(Said):
    RequestOption: str | None
    TransactionReference: Context


class PhoneNumber(Said):
    Number: str


class PostalAddress(Said):
    AddressLine: tuple[str, ...]
    City: str
    StateProvinceCode: str | None
    PostalCode: str | None
    CountryCode: str


class Party(Said):
    """`Shipper`, `ShipTo`, `ShipFrom` and `SoldTo` have these in common."""

    Name: str
    AttentionName: str | None
    Phone: PhoneNumber | None
    Address: PostalAddress


class Sender(Party):
    ShipperNumber: str


class Vendor(Said):
    VendorCollectIDTypeCode: str
    VendorCollectIDNumber: str
    ConsigneeType: str


class Origin(Party):
    VendorInfo: Vendor | None


class Payer(Said):
    AccountNumber: str


class Charge(Said):
    Type: str
    BillShipper: Payer


class Payment(Said):
    ShipmentCharge: tuple[Charge, ...]


class TaxNumber(Said):
    IdentificationNumber: str
    IDNumberCustomerRole: str
    IDNumberEncryptionIndicator: str
    IDNumberIssuingCntryCd: str
    IDNumberPurposeCode: str
    IDNumberTypeCode: str


class TaxNumbersOfOne(Said):
    AgentRole: str
    TaxIdentificationNumber: tuple[TaxNumber, ...]


class TaxNumbers(Said):
    AgentTaxIdentificationNumber: tuple[TaxNumbersOfOne, ...]


class RatingOptions(Said):
    NegotiatedRatesIndicator: str


class Reference(Said):
    Value: str


class Money(Said):
    CurrencyCode: str
    MonetaryValue: str


class Size(Said):
    UnitOfMeasurement: Code
    Length: str
    Width: str
    Height: str


class Weight(Said):
    UnitOfMeasurement: Code
    Weight: str


class Parcel(Said):
    Packaging: Code
    Dimensions: Size | None
    PackageWeight: Weight
    ReferenceNumber: tuple[Reference, ...] | None


class Units(Said):
    """`Value` is of one unit."""

    Number: str
    UnitOfMeasurement: Code
    Value: str


class Line(Said):
    Description: tuple[str, ...]
    Unit: Units
    CommodityCode: str
    PartNumber: str
    OriginCountryCode: str
    CommodityFieldSpecialConditionCode: str | None


class Buyer(Said):
    SoldTo: Party


class Forms(Said):
    FormType: tuple[str, ...]
    OverridePaperlessIndicator: str
    Contacts: Buyer
    Product: tuple[Line, ...]
    InvoiceNumber: str
    InvoiceDate: str
    TermsOfShipment: str
    ReasonForExport: str
    CurrencyCode: str


class ServiceOptions(Said):
    InternationalForms: Forms


class Consignment(Said):
    Description: str | None
    Shipper: Sender
    ShipTo: Party
    ShipFrom: Origin
    PaymentInformation: Payment
    GlobalTaxInformation: TaxNumbers | None
    ShipmentRatingOptions: RatingOptions
    ReferenceNumber: tuple[Reference, ...] | None
    Service: Code
    InvoiceLineTotal: Money | None
    ShipperType: str | None
    ConsigneeType: str | None
    ShipmentServiceOptions: ServiceOptions | None
    Package: tuple[Parcel, ...]


class StockSize(Said):
    """Inches."""

    Height: str
    Width: str


class LabelWanted(Said):
    LabelImageFormat: Code
    HTTPUserAgent: str | None
    LabelStockSize: StockSize
    CharacterSet: str | None


class ConsignmentAsked(Said):
    Request: Head
    Shipment: Consignment
    LabelSpecification: LabelWanted


class CreateShipment(Said):
    ShipmentRequest: ConsignmentAsked


class ByReference(Said):
    ReferenceNumber: Reference
    ShipperNumber: str


class LabelAsked(Said):
    """By `TrackingNumber`, or by `ReferenceValues`."""

    Request: Head
    LabelSpecification: LabelWanted
    TrackingNumber: str | None
    ReferenceValues: ByReference | None


class RecoverLabel(Said):
    LabelRecoveryRequest: LabelAsked


# -- back


class Token(Heard):
    access_token: str = Field(min_length=1, repr=False)
    expires_in: float = Field(gt=0, le=2_592_000)


class Problem(Heard):
    """`message` may repeat what was sent."""

    code: str = Field(min_length=1, max_length=64)
    message: str = Field(default="", repr=False)


class Problems(Heard):
    errors: tuple[Problem, ...]


class ErrorAnswer(Heard):
    response: Problems


class CodeHeard(Heard):
    Code: str


class Image(Heard):
    ImageFormat: CodeHeard
    GraphicImage: str = Field(repr=False)


class RecoveredImage(Heard):
    LabelImageFormat: CodeHeard
    GraphicImage: str = Field(repr=False)


class FormMade(Heard):
    Code: str | None = None
    Image: Image


class Amount(Heard):
    CurrencyCode: str = Field(pattern=r"^[A-Z]{3}$")
    MonetaryValue: Decimal = Field(ge=0, max_digits=19)


class Published(Heard):
    TotalCharges: Amount


class Negotiated(Heard):
    TotalCharge: Amount | None = None


class PackageResult(Heard):
    TrackingNumber: str = Field(min_length=1, max_length=34)
    ShippingLabel: Image | None = None


class Sold(Heard):
    ShipmentIdentificationNumber: str = Field(min_length=1, max_length=34)
    ShipmentCharges: Published | None = None
    NegotiatedRateCharges: Negotiated | None = None
    PackageResults: tuple[PackageResult, ...]
    Form: FormMade | None = None


class SoldAnswer(Heard):
    ShipmentResults: Sold


class ShipmentCreated(Heard):
    ShipmentResponse: SoldAnswer


class LabelResult(Heard):
    TrackingNumber: str | None = None
    LabelImage: RecoveredImage | None = None


class RecoveredAnswer(Heard):
    ShipmentIdentificationNumber: str | None = None
    LabelResults: tuple[LabelResult, ...] = ()
    Form: FormMade | None = None


class LabelRecovered(Heard):
    LabelRecoveryResponse: RecoveredAnswer


class StatusHeard(Heard):
    Code: str


class Result(Heard):
    Status: StatusHeard


class VoidAnswer(Heard):
    SummaryResult: Result


class Voided(Heard):
    VoidShipmentResponse: VoidAnswer

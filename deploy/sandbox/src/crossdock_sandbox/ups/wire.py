"""What a request may hold, named and bounded as UPS does it: the part of it that is needed here.

Source: UPS-API/api-documentation, Shipping.yaml (v2409), read 2026-11-22.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text15 = Annotated[str, StringConstraints(min_length=1, max_length=15)]
Text35 = Annotated[str, StringConstraints(min_length=1, max_length=35)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]+$", max_length=15)]
Account = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{6}$")]
WeightText = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]{1,2})?$", max_length=5)]
SizeText = Annotated[str, StringConstraints(pattern=r"^[0-9]+$", max_length=3)]
AmountText = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]{1,6})?$", max_length=19)]
Reference = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,35}$")]
Letters = Annotated[
    str,
    StringConstraints(
        pattern=r"^(dan|nld|fin|fra|deu|itl|nor|pol|por|spa|swe|ces|hun|slk|rus|tur|ron|bul|est|ell|lav|lit|eng)$"
    ),
]


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Coded(Wire):
    Code: Annotated[str, StringConstraints(min_length=1, max_length=4)]
    Description: Text35 | None = None


class Context(Wire):
    CustomerContext: Annotated[str, StringConstraints(max_length=512)]


class Head(Wire):
    RequestOption: Literal["validate", "nonvalidate"] | None = None
    SubVersion: Annotated[str, StringConstraints(pattern=r"^\d{4}$")] | None = None
    TransactionReference: Context | None = None


class PhoneNumber(Wire):
    Number: Digits


class PostalAddress(Wire):
    AddressLine: Annotated[list[Text35], Field(min_length=1, max_length=3)]
    City: Annotated[str, StringConstraints(min_length=1, max_length=30)]
    StateProvinceCode: Annotated[str, StringConstraints(min_length=1, max_length=5)] | None = None
    PostalCode: Annotated[str, StringConstraints(min_length=1, max_length=9)] | None = None
    CountryCode: Country


class Party(Wire):
    Name: Text35
    AttentionName: Text35 | None = None
    Phone: PhoneNumber | None = None
    Address: PostalAddress


class Sender(Party):
    ShipperNumber: Account


class Vendor(Wire):
    VendorCollectIDTypeCode: Literal["0356", "0357", "0359", "1051", "1052", "1053", "1054"]
    VendorCollectIDNumber: Text35
    ConsigneeType: Literal["01", "02", "NA"]


class Origin(Party):
    VendorInfo: Vendor | None = None


class Payer(Wire):
    AccountNumber: Account


class Charge(Wire):
    Type: Literal["01", "02"]
    BillShipper: Payer


class Payment(Wire):
    ShipmentCharge: Annotated[list[Charge], Field(min_length=1, max_length=2)]


class TaxNumber(Wire):
    IdentificationNumber: Text35
    IDNumberCustomerRole: Literal["05", "06", "18", "37"]
    IDNumberEncryptionIndicator: Literal["0", "1"]
    IDNumberIssuingCntryCd: Country | None = None
    IDNumberPurposeCode: Literal["00", "01", "02", "99"]
    IDNumberTypeCode: Literal["0000", "0001", "0002", "0005", "1001", "1002", "1003", "1004", "1005", "1006"]


class TaxNumbersOfOne(Wire):
    AgentRole: Literal["20", "30"]
    TaxIdentificationNumber: Annotated[list[TaxNumber], Field(min_length=1)]


class TaxNumbers(Wire):
    AgentTaxIdentificationNumber: Annotated[list[TaxNumbersOfOne], Field(min_length=1)]


class RatingOptions(Wire):
    NegotiatedRatesIndicator: str | None = None


class ReferenceGiven(Wire):
    Value: Reference


class Money(Wire):
    CurrencyCode: Currency
    MonetaryValue: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]{1,2})?$", max_length=11)]


class Size(Wire):
    UnitOfMeasurement: Coded
    Length: SizeText
    Width: SizeText
    Height: SizeText


class Weight(Wire):
    UnitOfMeasurement: Coded
    Weight: WeightText


class Parcel(Wire):
    Packaging: Coded
    Dimensions: Size | None = None
    PackageWeight: Weight
    ReferenceNumber: Annotated[list[ReferenceGiven], Field(max_length=5)] | None = None


class Units(Wire):
    Number: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,6}$")]
    UnitOfMeasurement: Coded
    Value: AmountText  # of one unit


class Line(Wire):
    Description: Annotated[list[Text35], Field(min_length=1, max_length=3)]
    Unit: Units
    CommodityCode: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{6,15}$")]
    PartNumber: Text35
    OriginCountryCode: Country
    CommodityFieldSpecialConditionCode: Literal["01"] | None = None


class Buyer(Wire):
    SoldTo: Party


class Forms(Wire):
    FormType: Annotated[list[Literal["01"]], Field(min_length=1, max_length=1)]
    OverridePaperlessIndicator: str | None = None
    Contacts: Buyer
    Product: Annotated[list[Line], Field(min_length=1, max_length=50)]
    InvoiceNumber: Text35
    InvoiceDate: Annotated[str, StringConstraints(pattern=r"^\d{8}$")]
    TermsOfShipment: Annotated[
        str, StringConstraints(pattern=r"^(CFR|CIF|CIP|CPT|DAF|DDP|DAP|DDU|DEQ|DES|EXW|FAS|FCA|FOB)$")
    ]
    ReasonForExport: Annotated[str, StringConstraints(min_length=1, max_length=20)]
    CurrencyCode: Currency


class ServiceOptions(Wire):
    InternationalForms: Forms | None = None


class Consignment(Wire):
    Description: Annotated[str, StringConstraints(min_length=1, max_length=50)] | None = None
    Shipper: Sender
    ShipTo: Party
    ShipFrom: Origin | None = None
    PaymentInformation: Payment
    GlobalTaxInformation: TaxNumbers | None = None
    ShipmentRatingOptions: RatingOptions | None = None
    ReferenceNumber: Annotated[list[ReferenceGiven], Field(max_length=5)] | None = None
    Service: Coded
    InvoiceLineTotal: Money | None = None
    ShipperType: Literal["01", "02", "NA"] | None = None
    ConsigneeType: Literal["01", "02", "NA"] | None = None
    ShipmentServiceOptions: ServiceOptions | None = None
    Package: Annotated[list[Parcel], Field(min_length=1, max_length=1)]  # the original takes 200

    @property
    def forms(self) -> Forms | None:
        return self.ShipmentServiceOptions.InternationalForms if self.ShipmentServiceOptions else None


class ImageFormat(Wire):
    Code: Literal["GIF", "ZPL", "PDF"]  # PDF only where a label is got again; EPL and SPL are not made here
    Description: Text35 | None = None


class StockSize(Wire):
    Height: Literal["6", "8"]
    Width: Literal["4"]


class LabelWanted(Wire):
    LabelImageFormat: ImageFormat
    HTTPUserAgent: Annotated[str, StringConstraints(max_length=64)] | None = None
    LabelStockSize: StockSize
    CharacterSet: Letters | None = None


class ConsignmentAsked(Wire):
    Request: Head
    Shipment: Consignment
    LabelSpecification: LabelWanted


class CreateShipment(Wire):
    ShipmentRequest: ConsignmentAsked


class ByReference(Wire):
    ReferenceNumber: ReferenceGiven
    ShipperNumber: Account


class LabelAsked(Wire):
    Request: Head
    LabelSpecification: LabelWanted
    TrackingNumber: Annotated[str, StringConstraints(max_length=18)] | None = None
    ReferenceValues: ByReference | None = None


class RecoverLabel(Wire):
    LabelRecoveryRequest: LabelAsked


class Subscription(Wire):
    locale: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}_[A-Z]{2}$")]
    countryCode: Country | None = None
    trackingNumberList: list[Annotated[str, StringConstraints(min_length=7, max_length=34)]]

"""The fields of eBay's notices and answers that we use, named as they name them.

Source: the marketplace fact sheet on eBay with its sample order; developer.ebay.com, asyncapi
`order_confirmation.yaml`, Fulfillment API "getOrder", "getOrders" and "createShippingFulfillment", Inventory
API "bulkUpdatePriceQuantity", Post-Order API "CreateCancelRequest", read 2026-11-22. Everything but what
makes an order an order is optional.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _in_utc(given: datetime) -> datetime:
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)


#: ISO 8601 in UTC, with milliseconds and a Z.
Time = Annotated[datetime, AfterValidator(_in_utc)]


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


# -- notices


class Signature(Wire):
    """What is in `X-EBAY-SIGNATURE`, after base64. `kid`: the public key's id."""

    kid: str
    signature: str


class PublicKey(Wire):
    """`key`: a PEM without its line breaks."""

    key: str
    algorithm: str = "ECDSA"
    digest: str = "SHA1"


class Metadata(Wire):
    topic: str = Field(min_length=1, max_length=255)


class Notification(Wire):
    notificationId: str = Field(min_length=1, max_length=255)
    data: dict[str, Any] = {}


class Notice(Wire):
    metadata: Metadata
    notification: Notification


class User(Wire):
    """Of MARKETPLACE_ACCOUNT_DELETION."""

    username: str | None = None
    userId: str | None = None
    eiasToken: str | None = None


# -- the order


class Amount(Wire):
    """`value` is not padded: "58.8". What the buyer's currency makes of it is left out."""

    value: str
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class Reference(Wire):
    """A number the tax was collected under, such as eBay's IOSS number."""

    name: str | None = None
    value: str | None = None


class CollectedTax(Wire):
    amount: Amount
    collectionMethod: str | None = None
    ebayReference: Reference | None = None


class Tax(Wire):
    amount: Amount


class LineItem(Wire):
    """`lineItemCost` is of all units, before discounts; the second cost is left out where there are none."""

    lineItemId: str = Field(min_length=1)
    legacyItemId: str | None = None
    legacyVariationId: str | None = None
    sku: str | None = None
    title: str | None = None
    quantity: int = Field(ge=0)
    lineItemCost: Amount
    discountedLineItemCost: Amount | None = None
    listingMarketplaceId: str | None = None
    taxes: tuple[Tax, ...] = ()
    ebayCollectAndRemitTaxes: tuple[CollectedTax, ...] = ()


class PricingSummary(Wire):
    priceSubtotal: Amount | None = None
    deliveryCost: Amount | None = None
    deliveryDiscount: Amount | None = None
    adjustment: Amount | None = None
    fee: Amount | None = None
    tax: Amount | None = None
    total: Amount


class ContactAddress(Wire):
    addressLine1: str | None = None
    addressLine2: str | None = None
    city: str | None = None
    stateOrProvince: str | None = None
    postalCode: str | None = None
    countryCode: str | None = None


class Phone(Wire):
    phoneNumber: str | None = None


class ShipTo(Wire):
    fullName: str | None = None
    companyName: str | None = None
    contactAddress: ContactAddress = ContactAddress()
    primaryPhone: Phone | None = None
    email: str | None = None


class ShippingStep(Wire):
    shipTo: ShipTo | None = None
    shippingServiceCode: str | None = None
    shippingCarrierCode: str | None = None


class Instructions(Wire):
    """`finalDestinationAddress`: where a forwarder sends what it gets at `shipTo`."""

    fulfillmentInstructionsType: str | None = None
    shippingStep: ShippingStep | None = None
    finalDestinationAddress: dict[str, Any] | None = None


class TaxIdentifier(Wire):
    taxpayerId: str | None = None
    taxIdentifierType: str | None = None


class Buyer(Wire):
    username: str | None = None
    taxIdentifier: TaxIdentifier | None = None


class CancelRequest(Wire):
    """In the answer of getOrder; getOrders leaves the list empty."""

    cancelRequestId: str | None = None
    cancelInitiator: str | None = None
    cancelRequestState: str | None = None


class CancelStatus(Wire):
    cancelState: str | None = None
    cancelRequests: tuple[CancelRequest, ...] = ()


class Refund(Wire):
    amount: Amount | None = None


class Payment(Wire):
    paymentDate: Time | None = None


class PaymentSummary(Wire):
    payments: tuple[Payment, ...] = ()
    refunds: tuple[Refund, ...] = ()


class Order(Wire):
    orderId: str = Field(min_length=1, max_length=100)
    legacyOrderId: str | None = None
    creationDate: Time
    lastModifiedDate: Time | None = None
    orderPaymentStatus: str
    orderFulfillmentStatus: str | None = None
    buyer: Buyer = Buyer()
    buyerCheckoutNotes: str | None = None
    pricingSummary: PricingSummary
    cancelStatus: CancelStatus = CancelStatus()
    paymentSummary: PaymentSummary = PaymentSummary()
    fulfillmentStartInstructions: tuple[Instructions, ...] = ()
    lineItems: tuple[LineItem, ...]


class Orders(Wire):
    """A page of getOrders. `total`: of all pages."""

    total: int = 0
    orders: tuple[dict[str, Any], ...] = ()


# -- the other answers


class Token(Wire):
    """`expires_in`: seconds."""

    access_token: str = Field(min_length=1)
    expires_in: int = Field(ge=1, le=10**9)


class TokenRefusal(Wire):
    error: str = Field(min_length=1, max_length=100, pattern=r"^[a-z_]+$")


class Error(Wire):
    errorId: int


class Errors(Wire):
    error: tuple[Error, ...] = ()


class Refusal(Wire):
    """The APIs of today say `errors`, Post-Order says `error`, at the top or a level below."""

    errors: tuple[Error, ...] = ()
    error: tuple[Error, ...] = ()
    errorMessage: Errors | None = None


class Fulfilment(Wire):
    fulfillmentId: str
    shipmentTrackingNumber: str | None = None


class Fulfilments(Wire):
    fulfillments: tuple[Fulfilment, ...] = ()


class StockResult(Wire):
    sku: str | None = None
    statusCode: int
    errors: tuple[Error, ...] = ()


class StockResults(Wire):
    responses: tuple[StockResult, ...]


class Cancel(Wire):
    cancelId: str = Field(min_length=1)


class Seller(Wire):
    username: str = Field(min_length=1)

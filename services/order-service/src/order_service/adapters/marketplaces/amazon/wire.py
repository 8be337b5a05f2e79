"""The fields of Amazon's orders, notices and answers that we use, named as they name them.

Source: amzn/selling-partner-api-models `orders_2026-01-01.json` and `OrderChangeNotification.json`, read
2026-11-22. Everything but what makes an order an order is optional: which parts come depends on the roles
that the application has.
"""

from datetime import UTC
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel, to_pascal

Time = Annotated[AwareDatetime, AfterValidator(lambda given: given.astimezone(UTC))]
OrderId = Annotated[str, Field(pattern=r"^\d{3}-\d{7}-\d{7}$")]
Units = Annotated[int, Field(ge=0, le=1_000_000)]


class Wire(BaseModel):
    """A field that is null is one that is not there."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        return (
            {key: value for key, value in given.items() if value is not None}
            if isinstance(given, dict)
            else given
        )


class Money(Wire):
    """`amount` in major units; currencies without decimals come without them."""

    amount: str
    currency_code: str = Field(pattern=r"^[A-Z]{3}$")


class DetailedBreakdown(Wire):
    subtype: str | None = None
    value: Money | None = None


class Breakdown(Wire):
    type: str
    subtotal: Money | None = None
    detailed_breakdowns: tuple[DetailedBreakdown, ...] = ()


class OrderProceeds(Wire):
    grand_total: Money | None = None
    breakdowns: tuple[Breakdown, ...] = ()


class ItemProceeds(Wire):
    proceeds_total: Money | None = None
    breakdowns: tuple[Breakdown, ...] = ()


class Price(Wire):
    unit_price: Money | None = None


class Customization(Wire):
    customized_url: str | None = None


class Product(Wire):
    title: str | None = None
    seller_sku: str | None = None
    price: Price = Price()
    customization: Customization | None = None


class CancellationRequest(Wire):
    requester: str | None = None


class CancellationExecution(Wire):
    cancelled_by: str | None = None


class Cancellation(Wire):
    """A request is not a cancel yet."""

    cancellation_request: CancellationRequest | None = None
    cancellation_execution: CancellationExecution | None = None


class GiftOption(Wire):
    gift_message: str | None = None
    gift_wrap_level: str | None = None


class Packing(Wire):
    gift_option: GiftOption | None = None


class InternationalShipping(Wire):
    ioss_number: str | None = None


class ItemShipping(Wire):
    international_shipping: InternationalShipping | None = None


class ItemFulfillment(Wire):
    quantity_fulfilled: Units = 0
    quantity_unfulfilled: Units = 0
    packing: Packing | None = None
    shipping: ItemShipping | None = None


class TaxCollection(Wire):
    model: str | None = None


class ItemTax(Wire):
    tax_collections: tuple[TaxCollection, ...] = ()


class OrderItem(Wire):
    order_item_id: str = Field(min_length=1, max_length=100)
    quantity_ordered: Units
    product: Product = Product()
    proceeds: ItemProceeds = ItemProceeds()
    cancellation: Cancellation = Cancellation()
    fulfillment: ItemFulfillment | None = None
    tax: ItemTax = ItemTax()


class Association(Wire):
    association_type: str | None = None


class SalesChannel(Wire):
    marketplace_id: str | None = None


class Buyer(Wire):
    buyer_name: str | None = None
    buyer_email: str | None = None


class ExtendedFields(Wire):
    """Brazil's parts of a street, where the lines may be empty."""

    street_name: str | None = None
    street_number: str | None = None
    complement: str | None = None
    neighborhood: str | None = None


class DeliveryAddress(Wire):
    name: str | None = None
    company_name: str | None = None
    address_line1: str | None = Field(default=None, alias="addressLine1")
    address_line2: str | None = Field(default=None, alias="addressLine2")
    address_line3: str | None = Field(default=None, alias="addressLine3")
    city: str | None = None
    district_or_county: str | None = None
    municipality: str | None = None
    state_or_region: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    phone: str | None = None
    extended_fields: ExtendedFields = ExtendedFields()


class DeliveryPreference(Wire):
    address_instruction: str | None = None


class Recipient(Wire):
    delivery_address: DeliveryAddress | None = None
    delivery_preference: DeliveryPreference = DeliveryPreference()


class Fulfillment(Wire):
    """Without these two nobody knows whether an order is ours to send."""

    fulfillment_status: str = Field(min_length=1, max_length=100)
    fulfilled_by: str = Field(min_length=1, max_length=100)
    fulfillment_service_level: str | None = None


class TaxRegistration(Wire):
    entity_type: str | None = None
    tax_registration_type: str | None = None
    tax_registration_number: str | None = None


class OrderTax(Wire):
    tax_registrations: tuple[TaxRegistration, ...] = ()


class Package(Wire):
    package_reference_id: str
    tracking_number: str | None = None


class Order(Wire):
    order_id: OrderId
    created_time: Time
    last_updated_time: Time
    associated_orders: tuple[Association, ...] = ()
    sales_channel: SalesChannel = SalesChannel()
    buyer: Buyer = Buyer()
    recipient: Recipient = Recipient()
    proceeds: OrderProceeds = OrderProceeds()
    fulfillment: Fulfillment
    tax: OrderTax = OrderTax()
    order_items: tuple[OrderItem, ...] = Field(max_length=10_000)
    packages: tuple[Package, ...] = ()


class OneOrder(Wire):
    """What getOrder answers."""

    order: Order


class Pagination(Wire):
    next_token: str | None = None


class Said(Wire):
    code: str = "unknown"
    message: str | None = None
    details: str | None = None


class Errors(Wire):
    errors: tuple[Said, ...] = Field(min_length=1)


class ListingIssue(Wire):
    code: str = "unknown"
    severity: str | None = None


class ListingAnswer(Wire):
    status: str
    issues: tuple[ListingIssue, ...] = ()


class SoldTokens(BaseModel):
    """Login with Amazon writes with underscores, as OAuth has it."""

    access_token: str = Field(min_length=1)
    expires_in: int = Field(gt=0)


class TokenError(BaseModel):
    error: str


# -- notices: PascalCase, unlike the API


class Notice(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_pascal, populate_by_name=True)


class Summary(Notice):
    fulfillment_type: str | None = None


class OrderChange(Notice):
    seller_id: str
    amazon_order_id: OrderId
    summary: Summary = Summary()


class Payload(Notice):
    order_change_notification: OrderChange


class Metadata(Notice):
    application_id: str
    notification_id: str = Field(min_length=1, max_length=200)


class OrderChangeNotice(Notice):
    notification_type: str
    payload: Payload
    notification_metadata: Metadata

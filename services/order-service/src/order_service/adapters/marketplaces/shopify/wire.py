"""The fields of Shopify's order webhooks and GraphQL answers that we use, named as they name them.

Source: shopify.dev, "Webhooks" and the GraphQL Admin API reference, API version 2026-10, read 2026-11-21. A
subscription may trim the body (`include_fields`), so everything but `id` is optional.
"""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class MoneyAmount(Wire):
    amount: str
    currency_code: str


class MoneySet(Wire):
    shop_money: MoneyAmount
    presentment_money: MoneyAmount | None = None


class TaxLine(Wire):
    price: str = "0"
    channel_liable: bool | None = None


class DiscountAllocation(Wire):
    amount: str = "0"


class LineItem(Wire):
    id: int
    sku: str | None = None
    title: str | None = None
    quantity: int = Field(ge=0)
    current_quantity: int | None = Field(default=None, ge=0)
    price: str = "0"
    requires_shipping: bool | None = None
    discount_allocations: tuple[DiscountAllocation, ...] = ()
    tax_lines: tuple[TaxLine, ...] = ()


class ShippingLine(Wire):
    title: str | None = None
    code: str | None = None
    discounted_price: str = "0"
    is_removed: bool | None = None


class Address(Wire):
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    zip: str | None = None
    country_code: str | None = None
    phone: str | None = None


class Customer(Wire):
    first_name: str | None = None
    last_name: str | None = None


class Transaction(Wire):
    amount: str = "0"
    kind: str | None = None
    status: str | None = None


class Refund(Wire):
    transactions: tuple[Transaction, ...] = ()


class Order(Wire):
    """The body of every `orders/*` webhook but `edited` and `delete`; no wrapper around it."""

    id: int = Field(gt=0)
    name: str | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    cancelled_at: AwareDatetime | None = None
    cancel_reason: str | None = None
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    taxes_included: bool | None = None
    test: bool = False
    financial_status: str | None = None
    fulfillment_status: str | None = None
    total_line_items_price: str = "0"
    total_discounts: str = "0"
    total_tax: str = "0"
    total_price: str = "0"
    total_price_set: MoneySet | None = None
    total_tip_received: str | None = None
    original_total_duties_set: MoneySet | None = None
    original_total_additional_fees_set: MoneySet | None = None
    tax_lines: tuple[TaxLine, ...] = ()
    line_items: tuple[LineItem, ...]
    shipping_lines: tuple[ShippingLine, ...] = ()
    shipping_address: Address | None = None
    customer: Customer | None = None
    customer_locale: str | None = None
    email: str | None = None
    contact_email: str | None = None
    note: str | None = None
    refunds: tuple[Refund, ...] = ()


class OrderEnvelope(Wire):
    """`GET …/orders/{id}.json`."""

    order: dict[str, object]


class OrdersEnvelope(Wire):
    """`GET …/orders.json`."""

    orders: tuple[dict[str, object], ...]


class TokenPair(Wire):
    """The answer of `POST /admin/oauth/access_token`. Times are in seconds from now. Never printed."""

    access_token: str = Field(min_length=1, repr=False)
    expires_in: float = Field(gt=0, le=366 * 86_400)
    refresh_token: str = Field(min_length=1, repr=False)
    refresh_token_expires_in: float | None = Field(default=None, gt=0, le=366 * 86_400)


# -- GraphQL: errors are of transport, userErrors are of business; both come with HTTP 200


class ErrorExtensions(Wire):
    code: str | None = None


class GraphQLErrorBody(Wire):
    message: str = ""
    extensions: ErrorExtensions = ErrorExtensions()


class ThrottleStatus(Wire):
    maximumAvailable: float
    currentlyAvailable: float
    restoreRate: float


class Cost(Wire):
    requestedQueryCost: float | None = None
    throttleStatus: ThrottleStatus | None = None


class Extensions(Wire):
    cost: Cost | None = None


class UserError(Wire):
    field: tuple[str, ...] | None = None
    message: str
    code: str | None = None


class TrackingInfo(Wire):
    number: str | None = None


class Fulfillment(Wire):
    id: str
    status: str
    trackingInfo: tuple[TrackingInfo, ...] = ()


class LineItemRef(Wire):
    id: str


class FulfillmentOrderLine(Wire):
    id: str
    remainingQuantity: int
    lineItem: LineItemRef


class PageInfo(Wire):
    hasNextPage: bool
    endCursor: str | None = None


class FulfillmentOrderLines(Wire):
    nodes: tuple[FulfillmentOrderLine, ...]
    pageInfo: PageInfo


class FulfillmentOrder(Wire):
    id: str
    status: str
    lineItems: FulfillmentOrderLines


class FulfillmentOrders(Wire):
    nodes: tuple[FulfillmentOrder, ...]


class OrderFulfillments(Wire):
    id: str
    cancelledAt: datetime | None = None
    fulfillments: tuple[Fulfillment, ...] = ()
    fulfillmentOrders: FulfillmentOrders


class Shop(Wire):
    myshopifyDomain: str


class ShopData(Wire):
    shop: Shop


class OrderData(Wire):
    order: OrderFulfillments | None


class MoreLines(Wire):
    lineItems: FulfillmentOrderLines


class FulfillmentOrderData(Wire):
    fulfillmentOrder: MoreLines | None


class FulfillmentCreated(Wire):
    fulfillment: Fulfillment | None = None
    userErrors: tuple[UserError, ...] = ()


class FulfillmentCreateData(Wire):
    fulfillmentCreate: FulfillmentCreated | None


class InventoryItem(Wire):
    id: str


class Variant(Wire):
    sku: str | None = None
    inventoryItem: InventoryItem


class Variants(Wire):
    nodes: tuple[Variant, ...]


class VariantsData(Wire):
    productVariants: Variants


class Location(Wire):
    id: str


class Locations(Wire):
    nodes: tuple[Location, ...]


class LocationsData(Wire):
    locations: Locations


class SetQuantities(Wire):
    userErrors: tuple[UserError, ...] = ()


class SetQuantitiesData(Wire):
    inventorySetQuantities: SetQuantities | None


class CancelledOrder(Wire):
    id: str
    cancelledAt: datetime | None = None


class CancelledData(Wire):
    order: CancelledOrder | None


class CancelJob(Wire):
    id: str


class OrderCancelled(Wire):
    job: CancelJob | None = None
    orderCancelUserErrors: tuple[UserError, ...] = ()


class OrderCancelData(Wire):
    orderCancel: OrderCancelled | None


class Answer(Wire):
    """Any GraphQL answer; `data` is read by whoever asked."""

    data: dict[str, object] | None = None
    errors: tuple[GraphQLErrorBody, ...] = ()
    extensions: Extensions = Extensions()

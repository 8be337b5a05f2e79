"""What order-service tells: always the whole order as it stands, never what was different before."""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from crossdock_contracts.envelope import Country, DecimalString, Money, OrderKeyed, Record, Sku, Timestamp
from crossdock_contracts.privacy import Personal


class FulfilmentState(StrEnum):
    OPEN = "open"  # may be promised and shipped
    HELD = "held"  # stock may be reserved, nothing leaves
    CANCELLING = "cancelling"  # asked for; shipping has not answered yet
    CANCELLED = "cancelled"
    CLOSED = "closed"  # every unit shipped or cancelled


class FulfilmentPolicy(StrEnum):
    ALL_OR_NOTHING = "all_or_nothing"  # every unit from stock there is now, or none
    SPLIT = "split"  # what there is, from as many warehouses as it takes; the rest is not waited for
    BACKORDER = "backorder"  # what there is now, the rest when it arrives


class LabelSource(StrEnum):
    CARRIER = "carrier"
    MARKETPLACE = "marketplace"


class HoldReason(StrEnum):
    UNPAID = "unpaid"
    UNKNOWN_SKU = "unknown_sku"
    ADDRESS = "address"
    CUSTOMS_DATA = "customs_data"
    OUT_OF_STOCK = "out_of_stock"
    RISK = "risk"
    TEST_ORDER = "test_order"
    MANUAL = "manual"


class AccountRef(Record):
    """The seller's account on one marketplace. `shop_ref` is the platform's own identity of the shop."""

    account: str = Field(min_length=1, max_length=64)
    platform: str = Field(min_length=1, max_length=32)
    shop_ref: str = Field(min_length=1, max_length=255)


class Fulfilment(Record):
    state: FulfilmentState
    holds: tuple[HoldReason, ...] = ()
    policy: FulfilmentPolicy
    label_source: LabelSource = LabelSource.CARRIER
    ship_by: Timestamp | None = None
    shipping_method: str | None = Field(
        default=None, max_length=255, description="what the buyer chose, as named there"
    )
    incoterm: str | None = Field(default=None, pattern=r"^(DAP|DDP)$")
    reserve_until: Timestamp | None = Field(
        default=None, description="only while unpaid: stock is kept until then"
    )


class Destination(Record):
    """Where it goes, as far as choosing a warehouse and a service needs it."""

    country: Country
    province: str | None = Field(default=None, max_length=128)


class KitOrigin(Record):
    """The bundle a component line came from; three kits of two make six units of the component."""

    kit_sku: Sku
    units_per_kit: int = Field(ge=1)


class OrderLine(Record):
    """One stock-keeping unit and a quantity in an order. A kit appears as its components.

    `units` is what is still wanted: ordered minus cancelled. `external_line_ids` are the platform's;
    a component line carries its kit's.
    """

    line_id: UUID
    external_line_ids: tuple[str, ...]
    sku: Sku | None = Field(description="null while the marketplace's SKU is unknown to us")
    external_sku: str | None = Field(default=None, max_length=255)
    title: str = Field(max_length=1000)
    units_ordered: int = Field(ge=0)
    units: int = Field(ge=0)
    unit_value: DecimalString = Field(
        description="value of one unit for customs, in the currency of line_total"
    )
    line_total: Money = Field(description="what was paid for the line before order-level charges: the fact")
    kit: KitOrigin | None = None


class OrderTotals(Record):
    """Amounts in the shop's currency; `presentment_total` is what the buyer saw and paid."""

    items_subtotal: Money
    discount_total: Money
    shipping_total: Money | None
    tax_total: Money
    grand_total: Money
    presentment_total: Money | None = None
    tax_included: bool | None


class TaxId(Record):
    kind: str = Field(max_length=32, description="IOSS, VAT, EORI, CPF, ...")
    value: str = Field(max_length=64)


class Consignee(Record):
    """Who receives the parcel and where. Empty parts are null, the text is kept as the buyer wrote it."""

    name: str | None = Field(default=None, max_length=255)
    company: str | None = Field(default=None, max_length=255)
    lines: tuple[str, ...] = ()
    district: str | None = Field(default=None, max_length=255)
    city: str | None = Field(default=None, max_length=255)
    province: str | None = Field(default=None, max_length=255)
    postal_code: str | None = Field(default=None, max_length=32)
    country: Country
    phone: str | None = Field(default=None, max_length=64)
    email: str | None = Field(default=None, max_length=320)
    tax_ids: tuple[TaxId, ...] = ()


class Buyer(Record):
    """Whom to tell, in which language (BCP 47), and whether the marketplace lets us write at all."""

    name: str | None = Field(default=None, max_length=255)
    email: str | None = Field(default=None, max_length=320)
    locale: str | None = Field(default=None, max_length=35)
    may_write: bool = True


class OrderSnapshot(OrderKeyed):
    """The whole order. Its aggregate version is *the* order version that the other services answer.

    `label_revision` counts up whenever something that a label depends on changes (consignee, units, method,
    incoterm): a label of an older revision must not be handed over, and only such a change needs an answer
    from shipping.
    """

    SOURCE: ClassVar[str] = "/crossdock/order"

    account: AccountRef
    marketplace_order_ref: str = Field(min_length=1, max_length=255)
    order_number: str = Field(max_length=255)
    placed_at: Timestamp
    fulfilment: Fulfilment
    destination: Destination | None = Field(description="null when the order has no address")
    label_revision: int = Field(ge=1)
    totals: OrderTotals
    lines: tuple[OrderLine, ...]
    consignee: Personal[Consignee | None] = None
    buyer: Personal[Buyer | None] = None


class OrderCreatedV1(OrderSnapshot):
    """A marketplace order was imported; its state is `open` or `held`."""

    TYPE: ClassVar[str] = "crossdock.order.created.v1"
    TOPIC: ClassVar[str] = "order.created"


class OrderChangedV1(OrderSnapshot):
    """The order stands differently now: content, holds, or the end of a cancel (cancelled, or open again)."""

    TYPE: ClassVar[str] = "crossdock.order.changed.v1"
    TOPIC: ClassVar[str] = "order.changed"


class OrderCancelledV1(OrderSnapshot):
    """Somebody wishes the order to stop. A wish: shipping answers, and only then units come free."""

    TYPE: ClassVar[str] = "crossdock.order.cancelled.v1"
    TOPIC: ClassVar[str] = "order.cancelled"


class LabelDocument(Record):
    """A label that the marketplace issued, fetched and kept by order-service."""

    document_id: UUID
    media_type: str = Field(max_length=64)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    content_base64: str = Field(max_length=180_000)


class OrderLabelProvidedV1(OrderKeyed):
    """The marketplace issued the label that shipping had asked for with `shipment.label_requested`."""

    TYPE: ClassVar[str] = "crossdock.order.label_provided.v1"
    TOPIC: ClassVar[str] = "order.label_provided"
    SOURCE: ClassVar[str] = "/crossdock/order"

    shipment_id: UUID
    parcel_id: UUID
    carrier: str = Field(max_length=64)
    service: str = Field(max_length=128)
    tracking_number: str = Field(min_length=1, max_length=128)
    label: LabelDocument

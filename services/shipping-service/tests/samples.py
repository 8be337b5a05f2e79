"""Orders and allocation sets as the other services tell them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from crossdock_chassis.ids import new_id
from crossdock_contracts.envelope import Actor, ActorKind, Event, EventMeta, Money
from crossdock_contracts.inventory import (
    Allocation,
    HandOver,
    Place,
    ReleaseCause,
    SkuFacts,
    StockReleasedV1,
    StockReservedV1,
    WarehouseFacts,
)
from crossdock_contracts.orders import (
    AccountRef,
    Consignee,
    Destination,
    Fulfilment,
    FulfilmentPolicy,
    FulfilmentState,
    LabelSource,
    OrderCancelledV1,
    OrderChangedV1,
    OrderCreatedV1,
    OrderLine,
    OrderSnapshot,
    OrderTotals,
)

MERCHANT = "default"
ORDERS = Actor(kind=ActorKind.SERVICE, name="order")
INVENTORY = Actor(kind=ActorKind.SERVICE, name="inventory")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOTHING = Money(amount_minor=0, currency="EUR", exponent=2)
E = TypeVar("E", bound=Event)
S = TypeVar("S", bound=OrderSnapshot)

BERLIN = Consignee(
    name="Jörg Beispiel",
    lines=("Musterstraße 1",),
    city="Berlin",
    postal_code="10115",
    country="DE",
    phone="+49301234567",
    email="joerg@example.com",
)
HAMBURG = BERLIN.model_copy(update={"lines": ("Neuer Wall 2",), "city": "Hamburg", "postal_code": "20354"})
NEW_YORK = BERLIN.model_copy(
    update={
        "lines": ("1 Main St",),
        "city": "New York",
        "province": "NY",
        "postal_code": "10001",
        "country": "US",
    }
)

WAREHOUSES = {
    code: Place(
        name=f"Warehouse {code}",
        lines=("Dock 1",),
        city="Potsdam",
        postal_code="14467",
        country="DE",
        phone="+493311234567",
    )
    for code in ("BER", "POZ")
}
SKUS = {
    "mug": SkuFacts(
        sku="mug",
        title="Mug",
        weight_g=320,
        length_mm=120,
        width_mm=90,
        height_mm=90,
        hs_code="691110",
        origin_country="CN",
        customs_description="Porcelain mug",
    ),
    "cap": SkuFacts(sku="cap", title="Cap", weight_g=80, hs_code="650500", origin_country="PT"),
    "bare": SkuFacts(sku="bare", title="Nobody has said anything about it"),
}


def as_read(event: E) -> E:
    """The event as a consumer gets it: parsed, with an id."""
    meta = EventMeta(new_id(), event.SOURCE, NOON, new_id(), None, None)
    return type(event).read(event.model_dump_json().encode(), meta)


@dataclass(kw_only=True)
class AnOrder:
    """An order of one line per SKU, and its story: each verb is the next version of it or of its stock."""

    skus: Sequence[str] = ("mug",)
    units: int = 1
    label_source: LabelSource = LabelSource.CARRIER
    hand_over: HandOver = HandOver.AUTOMATIC
    merchant_id: str = MERCHANT
    method: str | None = "Standard"
    order_id: UUID = field(default_factory=new_id)
    version: int = 0
    label_revision: int = 1
    allocation_version: int = 0
    consignee: Consignee | None = BERLIN
    line_ids: dict[str, UUID] = field(default_factory=dict)

    def created(self, state: FulfilmentState = FulfilmentState.OPEN) -> OrderCreatedV1:
        return self._next(OrderCreatedV1, state)

    def changed(self, state: FulfilmentState = FulfilmentState.OPEN) -> OrderChangedV1:
        return self._next(OrderChangedV1, state)

    def moved_to(self, consignee: Consignee, state: FulfilmentState = FulfilmentState.OPEN) -> OrderChangedV1:
        """Another address: a higher label revision."""
        self.consignee = consignee
        self.label_revision += 1
        return self._next(OrderChangedV1, state)

    def cancelled(self) -> OrderCancelledV1:
        return self._next(OrderCancelledV1, FulfilmentState.CANCELLING)

    def line(self, sku: str) -> UUID:
        return self.line_ids.setdefault(sku, new_id())

    def allocation(self, sku: str = "mug", *, units: int | None = None, warehouse: str = "BER") -> Allocation:
        return Allocation(
            allocation_id=new_id(),
            line_id=self.line(sku),
            sku=sku,
            units=units or self.units,
            warehouse=warehouse,
        )

    def reserved(
        self,
        *allocations: Allocation,
        withdrawn: Sequence[Allocation] = (),
        order_version: int | None = None,
    ) -> StockReservedV1:
        """The whole set, by default one allocation of every SKU from BER."""
        self.allocation_version += 1
        chosen = allocations if allocations or withdrawn else tuple(map(self.allocation, self.skus))
        return as_read(
            StockReservedV1(
                merchant_id=self.merchant_id,
                aggregate_version=self.allocation_version,
                actor=INVENTORY,
                order_id=self.order_id,
                order_version=order_version or max(1, self.version),
                allocation_version=self.allocation_version,
                policy=FulfilmentPolicy.SPLIT,
                complete=True,
                allocations=chosen,
                withdrawn_allocation_ids=tuple(one.allocation_id for one in withdrawn),
                unfilled=(),
                warehouses=tuple(
                    WarehouseFacts(
                        warehouse=code,
                        address=WAREHOUSES[code],
                        time_zone="Europe/Berlin",
                        cut_off="15:00",
                        hand_over=self.hand_over,
                    )
                    for code in sorted({one.warehouse for one in chosen})
                ),
                skus=tuple(SKUS[sku] for sku in sorted({one.sku for one in chosen})),
            )
        )

    def released(self, *allocations: Allocation) -> StockReleasedV1:
        return as_read(
            StockReleasedV1(
                merchant_id=self.merchant_id,
                aggregate_version=self.allocation_version + 1,
                actor=INVENTORY,
                order_id=self.order_id,
                order_version=max(1, self.version),
                released_because=ReleaseCause.CANCELLED,
                released_allocation_ids=tuple(one.allocation_id for one in allocations),
            )
        )

    def _next(self, kind: type[S], state: FulfilmentState) -> S:
        self.version += 1
        to = self.consignee
        return as_read(
            kind(
                merchant_id=self.merchant_id,
                aggregate_version=self.version,
                actor=ORDERS,
                order_id=self.order_id,
                account=AccountRef(account="main", platform="shopify", shop_ref="shop"),
                marketplace_order_ref="1042",
                order_number="#1042",
                placed_at=NOON,
                fulfilment=Fulfilment(
                    state=state,
                    policy=FulfilmentPolicy.SPLIT,
                    label_source=self.label_source,
                    shipping_method=self.method,
                    incoterm="DAP",
                ),
                destination=None if to is None else Destination(country=to.country),
                label_revision=self.label_revision,
                totals=OrderTotals(
                    items_subtotal=NOTHING,
                    discount_total=NOTHING,
                    shipping_total=None,
                    tax_total=NOTHING,
                    grand_total=NOTHING,
                    tax_included=True,
                ),
                lines=tuple(
                    OrderLine(
                        line_id=self.line(sku),
                        external_line_ids=(f"ext-{sku}",),
                        sku=sku,
                        title=sku,
                        units_ordered=self.units,
                        units=self.units,
                        unit_value="12.50",
                        line_total=Money(amount_minor=1250 * self.units, currency="EUR", exponent=2),
                    )
                    for sku in self.skus
                ),
                consignee=to,
            )
        )

"""Orders and parcels as the other services tell them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from crossdock_chassis.ids import new_id
from crossdock_contracts.envelope import Actor, ActorKind, Event, EventMeta, Money
from crossdock_contracts.inventory import Allocation
from crossdock_contracts.orders import (
    AccountRef,
    Destination,
    Fulfilment,
    FulfilmentPolicy,
    FulfilmentState,
    OrderCancelledV1,
    OrderChangedV1,
    OrderCreatedV1,
    OrderLine,
    OrderSnapshot,
    OrderTotals,
)
from crossdock_contracts.shipping import (
    Content,
    ParcelReturnedV1,
    ParcelShippedV1,
    Request,
    ShipmentCancelledV1,
    ShipmentRefusedV1,
    VoidState,
)

MERCHANT = "default"
ORDERS = Actor(kind=ActorKind.SERVICE, name="order-service")
SHIPPING = Actor(kind=ActorKind.SERVICE, name="shipping-service")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
E = TypeVar("E", bound=Event)
S = TypeVar("S", bound=OrderSnapshot)


def as_read(event: E) -> E:
    """The event as a consumer gets it: parsed, with an id."""
    meta = EventMeta(new_id(), event.SOURCE, NOON, new_id(), None, None)
    return type(event).read(event.model_dump_json().encode(), meta)


@dataclass(kw_only=True)
class AnOrder:
    """An order and its story; each verb is the next version."""

    lines: Mapping[str | None, int] | Sequence[tuple[str | None, int]]
    policy: FulfilmentPolicy = FulfilmentPolicy.SPLIT
    country: str | None = "DE"
    placed_at: datetime = NOON
    ship_by: datetime | None = NOON + timedelta(days=1)
    order_id: UUID = field(default_factory=new_id)
    version: int = 0
    line_ids: list[UUID] = field(default_factory=list)

    def created(
        self, state: FulfilmentState = FulfilmentState.OPEN, **more: datetime | None
    ) -> OrderCreatedV1:
        return self._next(OrderCreatedV1, state, **more)

    def changed(
        self, state: FulfilmentState = FulfilmentState.OPEN, **more: datetime | None
    ) -> OrderChangedV1:
        return self._next(OrderChangedV1, state, **more)

    def cancelled(self) -> OrderCancelledV1:
        return self._next(OrderCancelledV1, FulfilmentState.CANCELLING)

    def _next(self, kind: type[S], state: FulfilmentState, *, reserve_until: datetime | None = None) -> S:
        self.version += 1
        lines = list(self.lines.items()) if isinstance(self.lines, Mapping) else list(self.lines)
        while len(self.line_ids) < len(lines):
            self.line_ids.append(new_id())
        nothing = Money(amount_minor=0, currency="EUR", exponent=2)
        return as_read(
            kind(
                merchant_id=MERCHANT,
                aggregate_version=self.version,
                actor=ORDERS,
                order_id=self.order_id,
                account=AccountRef(account="shop", platform="shopify", shop_ref="shop-1"),
                marketplace_order_ref=str(self.order_id),
                order_number="1001",
                placed_at=self.placed_at,
                fulfilment=Fulfilment(
                    state=state, policy=self.policy, ship_by=self.ship_by, reserve_until=reserve_until
                ),
                destination=Destination(country=self.country) if self.country else None,
                label_revision=1,
                totals=OrderTotals(
                    items_subtotal=nothing,
                    discount_total=nothing,
                    shipping_total=nothing,
                    tax_total=nothing,
                    grand_total=nothing,
                    tax_included=True,
                ),
                lines=tuple(
                    OrderLine(
                        line_id=line_id,
                        external_line_ids=("1",),
                        sku=sku,
                        title="thing",
                        units_ordered=units,
                        units=units,
                        unit_value="1.00",
                        line_total=nothing,
                    )
                    for line_id, (sku, units) in zip(self.line_ids, lines, strict=True)
                ),
            )
        )

    def shipped(
        self, *allocations: Allocation, parcel_id: UUID | None = None, units: int | None = None
    ) -> ParcelShippedV1:
        return as_read(
            ParcelShippedV1(**self._parcel(allocations, parcel_id or new_id(), units), handed_over_at=NOON)
        )

    def returned(self, shipped: ParcelShippedV1) -> ParcelReturnedV1:
        parcel = shipped.model_dump(exclude={"handed_over_at"})
        return as_read(ParcelReturnedV1.model_validate(parcel | {"returned_at": NOON}))

    def let_go(
        self,
        *allocation_ids: UUID,
        request: Request = Request.CANCEL,
        pending: Sequence[UUID] = (),
        version: int | None = None,
    ) -> ShipmentCancelledV1:
        return as_read(
            ShipmentCancelledV1(
                merchant_id=MERCHANT,
                aggregate_version=1,
                actor=SHIPPING,
                order_id=self.order_id,
                order_version=version or max(self.version, 1),
                request=request,
                shipment_ids=(),
                allocation_ids=allocation_ids,
                pending_allocation_ids=tuple(pending),
                void=VoidState.NONE,
            )
        )

    def refused(self, *allocation_ids: UUID, request: Request = Request.CANCEL) -> ShipmentRefusedV1:
        return as_read(
            ShipmentRefusedV1(
                merchant_id=MERCHANT,
                aggregate_version=1,
                actor=SHIPPING,
                order_id=self.order_id,
                order_version=self.version,
                request=request,
                shipment_ids=(),
                allocation_ids=allocation_ids,
                pending_allocation_ids=(),
                code="handed_over",
            )
        )

    def _parcel(
        self, allocations: Sequence[Allocation], parcel_id: UUID, units: int | None
    ) -> dict[str, Any]:
        return {
            "merchant_id": MERCHANT,
            "aggregate_version": 1,
            "actor": SHIPPING,
            "order_id": self.order_id,
            "order_version": self.version,
            "label_revision": 1,
            "shipment_id": new_id(),
            "parcel_id": parcel_id,
            "warehouse": allocations[0].warehouse,
            "carrier": "parrot_post",
            "service": "standard",
            "tracking_number": "PP1",
            "contents": tuple(
                Content(
                    allocation_id=one.allocation_id,
                    line_id=one.line_id,
                    external_line_ids=("1",),
                    sku=one.sku,
                    units=units or one.units,
                )
                for one in allocations
            ),
        }

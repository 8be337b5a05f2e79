"""Orders, accounts and words of other services for tests, as short as tests need them."""

import json
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import order_service
from crossdock_chassis.ids import new_id
from crossdock_contracts.envelope import Actor, ActorKind, EventMeta
from crossdock_contracts.inventory import (
    Allocation,
    ReleaseCause,
    StockRejectedV1,
    StockReleasedV1,
    StockReservedV1,
    Unfilled,
    UnfilledReason,
)
from crossdock_contracts.orders import FulfilmentPolicy
from crossdock_contracts.shipping import (
    Content,
    ParcelLabelledV1,
    ParcelShippedV1,
    Request,
    ShipmentCancelledV1,
    ShipmentLabelRequestedV1,
    ShipmentRefusedV1,
    VoidState,
)
from order_service.domain.order import LabelSource, Order, Policy
from order_service.use_cases.ports import Account, Secrets

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PERSON = Actor(kind=ActorKind.PERSON, name="tester")
INVENTORY = Actor(kind=ActorKind.SERVICE, name="inventory")
SHIPPING = Actor(kind=ActorKind.SERVICE, name="shipping")
SHOP = "lumo-demo.myshopify.com"
SECRET = "shpss_test_secret"

_SAMPLE = (
    Path(order_service.__file__).parent / "adapters/marketplaces/shopify/tests/samples/order.json"
).read_text()


def shopify_body(**changes: Any) -> dict[str, Any]:
    """The sample order as Shopify sends it, with changes at its top level."""
    return {**deepcopy(json.loads(_SAMPLE)), **changes}


class Unmetered:
    """No quotas: what was taken and learnt is kept."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.learnt: dict[str, float] = {}

    async def take(self, operation: str) -> None:
        self.taken.append(operation)

    async def learn(self, operation: str, rate_per_s: float) -> None:
        self.learnt[operation] = rate_per_s


def an_account(**changes: Any) -> Account:
    values: dict[str, Any] = {
        "merchant_id": "default",
        "account": "lumo",
        "platform": "shopify",
        "shop_ref": SHOP,
        "api_base_url": None,
        "secrets": Secrets(webhook=(SECRET,), access_token="shpat_test"),
        "policy": Policy.SPLIT,
        "label_source": LabelSource.CARRIER,
        "ship_by_days": 3,
        "domestic_countries": frozenset({"US"}),
        "may_write": True,
        "incoterm": None,
        "unpaid_hours": 48,
        "active": True,
    }
    return Account(**{**values, **changes})


def read(event: Any, *, event_id: UUID | None = None) -> Any:
    """The event as a consumer hands it over: with the attributes it was read with."""
    meta = EventMeta(event_id or new_id(), event.SOURCE, NOON, new_id(), None, None)
    return type(event).read(event.model_dump_json().encode(), meta)


class Inventory:
    """Says of one order what inventory would, counting its versions."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self.version = 0
        self.allocations: list[Allocation] = []

    def _common(self, answers: int | None) -> dict[str, Any]:
        self.version += 1
        return {
            "merchant_id": self._order.identity.merchant_id,
            "aggregate_version": self.version,
            "actor": INVENTORY,
            "order_id": self._order.identity.order_id,
            "order_version": answers or self._order.version or 1,
        }

    def reserves(
        self,
        units: dict[int, int] | None = None,
        *,
        answers: int | None = None,
        unfilled: Sequence[Unfilled] = (),
        withdrawn: Sequence[UUID] = (),
        warehouses: Sequence[str] = (),
    ) -> StockReservedV1:
        """Allocations by line position (default: all of every line), kept beside those of earlier calls."""
        wanted = units if units is not None else {i: line.units for i, line in enumerate(self._order.lines)}
        for position, (index, count) in enumerate(wanted.items()):
            line = self._order.lines[index]
            self.allocations.append(
                Allocation(
                    allocation_id=new_id(),
                    line_id=line.line_id,
                    sku=line.sku or "?",
                    units=count,
                    warehouse=warehouses[position] if warehouses else "W1",
                )
            )
        self.allocations = [one for one in self.allocations if one.allocation_id not in withdrawn]
        event: StockReservedV1 = read(
            StockReservedV1(
                **self._common(answers),
                allocation_version=self.version,
                policy=FulfilmentPolicy(self._order.terms.policy.value),
                complete=not unfilled,
                allocations=tuple(self.allocations),
                withdrawn_allocation_ids=tuple(withdrawn),
                unfilled=tuple(unfilled),
                warehouses=(),
                skus=(),
            )
        )
        return event

    def lacks(self, index: int, units: int, *, waiting: bool) -> Unfilled:
        line = self._order.lines[index]
        return Unfilled(
            line_id=line.line_id, sku=line.sku, units=units, reason=UnfilledReason.NO_STOCK, waiting=waiting
        )

    def rejects(self, unfilled: Sequence[Unfilled], *, answers: int | None = None) -> StockRejectedV1:
        event: StockRejectedV1 = read(StockRejectedV1(**self._common(answers), unfilled=tuple(unfilled)))
        return event

    def releases(
        self,
        ids: Sequence[UUID] = (),
        *,
        answers: int | None = None,
        because: ReleaseCause = ReleaseCause.CANCELLED,
    ) -> StockReleasedV1:
        event: StockReleasedV1 = read(
            StockReleasedV1(
                **self._common(answers), released_because=because, released_allocation_ids=tuple(ids)
            )
        )
        return event


class Shipping:
    """Says of one order what shipping would, counting its versions."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self.version = 0

    def _common(self, answers: int | None = None) -> dict[str, Any]:
        self.version += 1
        return {
            "merchant_id": self._order.identity.merchant_id,
            "aggregate_version": self.version,
            "actor": SHIPPING,
            "order_id": self._order.identity.order_id,
            "order_version": answers or self._order.version or 1,
        }

    def _contents(self, allocations: Sequence[Allocation]) -> tuple[Content, ...]:
        external = {line.line_id: line.external_line_ids for line in self._order.lines}
        return tuple(
            Content(
                allocation_id=one.allocation_id,
                line_id=one.line_id,
                external_line_ids=external[one.line_id],
                sku=one.sku,
                units=one.units,
            )
            for one in allocations
        )

    def parcel(
        self,
        kind: type[Any],
        allocations: Sequence[Allocation],
        *,
        parcel_id: UUID,
        revision: int = 1,
        **more: Any,
    ) -> Any:
        """Any word about a parcel; `more` are the fields only that kind has."""
        extra: dict[str, Any] = {}
        if kind is ParcelLabelledV1:
            extra = {"weight_g": 500, "cost": None, "document_id": new_id(), "labelled_at": NOON}
        elif kind is ParcelShippedV1:
            extra = {"handed_over_at": NOON}
        return read(
            kind(
                **self._common(),
                label_revision=revision,
                shipment_id=new_id(),
                parcel_id=parcel_id,
                warehouse="W1",
                carrier="yunexpress",
                service="standard",
                tracking_number=f"YT{str(parcel_id)[-8:]}",
                contents=self._contents(allocations),
                **{**extra, **more},
            )
        )

    def asks_for_label(
        self, allocations: Sequence[Allocation], *, parcel_id: UUID
    ) -> ShipmentLabelRequestedV1:
        event: ShipmentLabelRequestedV1 = read(
            ShipmentLabelRequestedV1(
                **self._common(),
                shipment_id=new_id(),
                parcel_id=parcel_id,
                label_revision=1,
                warehouse="W1",
                weight_g=420,
                contents=self._contents(allocations),
            )
        )
        return event

    def cancels(
        self,
        ids: Sequence[UUID],
        *,
        pending: Sequence[UUID] = (),
        request: Request = Request.CANCEL,
        answers: int | None = None,
    ) -> ShipmentCancelledV1:
        event: ShipmentCancelledV1 = read(
            ShipmentCancelledV1(
                **self._common(answers),
                request=request,
                shipment_ids=(),
                allocation_ids=tuple(ids),
                pending_allocation_ids=tuple(pending),
                void=VoidState.NONE,
            )
        )
        return event

    def refuses(
        self,
        ids: Sequence[UUID],
        *,
        pending: Sequence[UUID] = (),
        request: Request = Request.CANCEL,
        answers: int | None = None,
    ) -> ShipmentRefusedV1:
        event: ShipmentRefusedV1 = read(
            ShipmentRefusedV1(
                **self._common(answers),
                request=request,
                shipment_ids=(),
                allocation_ids=tuple(ids),
                pending_allocation_ids=tuple(pending),
                code="handed_over",
            )
        )
        return event

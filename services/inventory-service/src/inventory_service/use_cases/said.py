"""The domain's values in the words of the contracts."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from crossdock_contracts.envelope import Actor, ActorKind
from crossdock_contracts.inventory import (
    Allocation,
    Battery,
    HandOver,
    Place,
    SkuFacts,
    StockLevelChangedV1,
    Unfilled,
    UnfilledReason,
    WarehouseFacts,
)
from inventory_service.domain.allocation import AllocationState
from inventory_service.domain.because import Because
from inventory_service.domain.book import Book
from inventory_service.domain.catalogue import Sku, Warehouse
from inventory_service.domain.level import Level
from inventory_service.domain.order import Order
from inventory_service.domain.promising import Gap

#: Who answers orders and shipping.
OURSELVES = Because("service", "inventory-service")


def actor_of(because: Because) -> Actor:
    return Actor(kind=ActorKind(because.actor_kind), name=because.actor_name)


# The same few hundred SKUs and warehouses are told in thousands of sets; the values are immutable.
@lru_cache(maxsize=4096)
def sku_facts(sku: Sku) -> SkuFacts:
    return SkuFacts(
        sku=sku.sku,
        title=sku.title,
        weight_g=sku.weight_g,
        length_mm=sku.length_mm,
        width_mm=sku.width_mm,
        height_mm=sku.height_mm,
        hs_code=sku.hs_code,
        origin_country=sku.origin_country,
        customs_description=sku.customs_description,
        battery=Battery(sku.battery),
    )


@lru_cache(maxsize=256)
def warehouse_facts(warehouse: Warehouse) -> WarehouseFacts:
    return WarehouseFacts(
        warehouse=warehouse.code,
        address=Place(
            name=warehouse.name,
            company=warehouse.company,
            lines=warehouse.address_lines,
            city=warehouse.city,
            province=warehouse.province,
            postal_code=warehouse.postal_code,
            country=warehouse.country,
            phone=warehouse.phone,
            email=warehouse.email,
        ),
        time_zone=warehouse.time_zone,
        cut_off=warehouse.cut_off,
        hand_over=HandOver(warehouse.hand_over),
    )


def current_set(order: Order) -> tuple[Allocation, ...]:
    """The published set: what is to leave and what has left, without what is being withdrawn."""
    found: list[Allocation] = []
    for one in order.allocations:
        if one.state in {AllocationState.PUBLISHED, AllocationState.CONSUMED}:
            units = one.units
        elif one.consumed and not one.live:
            units = one.consumed  # the rest of it came back
        else:
            continue
        found.append(
            Allocation(
                allocation_id=one.allocation_id,
                line_id=one.line_id,
                sku=one.key.sku,
                units=units,
                warehouse=one.key.warehouse,
            )
        )
    return tuple(found)


def unfilled(found: Iterable[Gap]) -> tuple[Unfilled, ...]:
    return tuple(
        Unfilled(
            line_id=gap.line_id,
            sku=gap.sku,
            units=gap.units,
            reason=UnfilledReason(gap.reason),
            waiting=gap.waiting,
        )
        for gap in found
    )


def facts_used(
    merchant_id: str, allocations: Iterable[Allocation], book: Book
) -> tuple[tuple[WarehouseFacts, ...], tuple[SkuFacts, ...]]:
    codes = {one.warehouse for one in allocations}
    names = sorted({one.sku for one in allocations})
    return (
        tuple(warehouse_facts(one) for one in book.warehouses.get(merchant_id, ()) if one.code in codes),
        tuple(sku_facts(book.skus[merchant_id, name]) for name in names if (merchant_id, name) in book.skus),
    )


def level_changed(level: Level, version: int, because: Because, as_of: datetime) -> StockLevelChangedV1:
    return StockLevelChangedV1(
        merchant_id=level.key.merchant_id,
        aggregate_version=version,
        actor=actor_of(because),
        reason=because.reason,
        sku=level.key.sku,
        warehouse=level.key.warehouse,
        lot=level.key.lot,
        condition=level.key.condition,
        on_hand=level.on_hand,
        reserved=level.reserved,
        short=level.short,
        available_to_promise=level.on_hand - level.reserved,
        as_of=as_of,
    )

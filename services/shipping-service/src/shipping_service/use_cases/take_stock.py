"""stock.*: plan what inventory promises, take back what it withdraws."""

from collections.abc import Sequence

from crossdock_contracts.inventory import (
    HandOver,
    Place,
    StockRejectedV1,
    StockReleasedV1,
    StockReservedV1,
)
from shipping_service.domain import planning
from shipping_service.domain.consignment import Address
from shipping_service.domain.customs import SkuFacts
from shipping_service.domain.dispatch import Dispatch, Origin, Terms
from shipping_service.domain.effects import Noted
from shipping_service.domain.planning import Allocated, AllocationSet
from shipping_service.use_cases.announce import announce, terms_of
from shipping_service.use_cases.ports import Transaction


async def take_reservations(events: Sequence[StockReservedV1], *, tx: Transaction) -> None:
    """Plan legs for the allocations that have none. A set that is ahead of its order waits for it."""
    dispatches = await tx.dispatches.lock({one.order_id: one.merchant_id for one in events})
    terms: dict[str, Terms] = {}
    ahead: list[StockReservedV1] = []
    for event in events:
        dispatch = dispatches[event.order_id]
        if event.merchant_id not in terms:
            terms[event.merchant_id] = await terms_of(tx, event.merchant_id)
        allocated = to_set(event)
        if planning.must_wait(dispatch, allocated):
            ahead.append(event)
            dispatch.effects.append(Noted(None, "deferred", event.TYPE))
        else:
            planning.allocate(dispatch, allocated, terms[event.merchant_id])
        await announce(dispatch, tx=tx, cause=event.cause)
    if ahead:
        await tx.deferred.add(ahead)
    await tx.dispatches.save(list(dispatches.values()))


async def offer_deferred(
    dispatch: Dispatch, waiting: Sequence[StockReservedV1], terms: Terms, *, tx: Transaction
) -> list[StockReservedV1]:
    """Offer what waits for the order, in its versions' order. Returns what was taken: drop it."""
    taken: list[StockReservedV1] = []
    for event in sorted(waiting, key=lambda one: one.allocation_version):
        allocated = to_set(event)
        if not planning.must_wait(dispatch, allocated):
            planning.allocate(dispatch, allocated, terms)
            taken.append(event)
            await announce(dispatch, tx=tx, cause=event.cause)
    return taken


async def take_releases(events: Sequence[StockReleasedV1], *, tx: Transaction) -> None:
    """Usually nothing: what is released was never published, or is our own answer coming back."""
    dispatches = await tx.dispatches.lock({one.order_id: one.merchant_id for one in events})
    for event in events:
        dispatch = dispatches[event.order_id]
        terms = await terms_of(tx, event.merchant_id)
        planning.stock_released(dispatch, set(event.released_allocation_ids), terms)
        await announce(dispatch, tx=tx, cause=event.cause)
    await tx.dispatches.save(list(dispatches.values()))


async def take_rejections(events: Sequence[StockRejectedV1], *, tx: Transaction) -> None:
    """Nothing is promised, so there is nothing to plan; the timeline says so."""
    dispatches = await tx.dispatches.lock({one.order_id: one.merchant_id for one in events})
    for event in events:
        dispatch = dispatches[event.order_id]
        dispatch.effects.append(Noted(None, "stock_rejected", f"order version {event.order_version}"))
        await announce(dispatch, tx=tx, cause=event.cause)


def to_set(event: StockReservedV1) -> AllocationSet:
    return AllocationSet(
        version=event.allocation_version,
        order_version=event.order_version,
        allocations=tuple(
            Allocated(one.allocation_id, one.line_id, one.sku, one.units, one.warehouse)
            for one in event.allocations
        ),
        withdrawn=event.withdrawn_allocation_ids,
        origins={
            one.warehouse: Origin(one.warehouse, _address(one.address), one.hand_over is HandOver.AUTOMATIC)
            for one in event.warehouses
        },
        skus={
            one.sku: SkuFacts(
                title=one.title,
                weight_g=one.weight_g,
                length_mm=one.length_mm,
                width_mm=one.width_mm,
                height_mm=one.height_mm,
                hs_code=one.hs_code,
                origin_country=one.origin_country,
                customs_description=one.customs_description,
            )
            for one in event.skus
        },
    )


def _address(place: Place) -> Address:
    return Address(
        name=place.name,
        lines=place.lines,
        city=place.city,
        country=place.country,
        company=place.company,
        province=place.province,
        postal_code=place.postal_code,
        phone=place.phone,
        email=place.email,
    )

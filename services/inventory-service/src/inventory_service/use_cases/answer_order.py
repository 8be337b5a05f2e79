"""What inventory says to an order's version; each version that is not held gets its answer exactly once."""

from uuid import UUID

from crossdock_contracts.envelope import Cause
from crossdock_contracts.inventory import ReleaseCause, StockRejectedV1, StockReleasedV1, StockReservedV1
from crossdock_contracts.orders import FulfilmentPolicy
from inventory_service.domain.allocation import AllocationState
from inventory_service.domain.because import Because
from inventory_service.domain.order import Order, OrderState
from inventory_service.domain.promising import gaps, lacking
from inventory_service.use_cases.ports import Transaction
from inventory_service.use_cases.said import actor_of, current_set, facts_used, unfilled


async def answer_open(order: Order, *, because: Because, cause: Cause, tx: Transaction) -> None:
    """Answer the newest version of an open order: the set, a rejection, or that nothing is wanted."""
    order.answered_version = order.seen_version
    order.changed = True
    missing = gaps(order, tx.book)
    has_something = any(one.live or one.consumed for one in order.allocations)
    if has_something or any(one.waiting for one in missing):
        await publish_set(order, because=because, cause=cause, tx=tx)
    elif missing:
        order.aggregate_version = max(order.aggregate_version, tx.version_floor) + 1
        rejected = StockRejectedV1(
            merchant_id=order.merchant_id,
            aggregate_version=order.aggregate_version,
            actor=actor_of(because),
            order_id=order.order_id,
            order_version=order.answered_version,
            unfilled=unfilled(lacking(order, missing, tx.book)),
        )
        await tx.outbox.add(rejected, caused_by=cause)
    else:
        await publish_release(order, ReleaseCause.NOTHING_HELD, (), because=because, cause=cause, tx=tx)


async def publish_set(order: Order, *, because: Because, cause: Cause, tx: Transaction) -> None:
    """Say the whole set for the version that was answered last. From now on only shipping ends it.

    What a held order got since it was last open stays unsaid until it is open again.
    """
    silent = [one for one in order.allocations if one.state is AllocationState.RESERVED]
    if order.state is OrderState.OPEN:
        for one in silent:
            one.move_to(AllocationState.PUBLISHED, because)
        silent = []
    order.aggregate_version = max(order.aggregate_version, tx.version_floor) + 1
    order.allocation_version = max(order.allocation_version, tx.version_floor) + 1
    order.changed = True
    allocations = current_set(order)
    missing = gaps(order, tx.book)
    warehouses, skus = facts_used(order.merchant_id, allocations, tx.book)
    reserved = StockReservedV1(
        merchant_id=order.merchant_id,
        aggregate_version=order.aggregate_version,
        actor=actor_of(because),
        reason=because.reason,
        order_id=order.order_id,
        order_version=order.answered_version,
        allocation_version=order.allocation_version,
        policy=FulfilmentPolicy(order.policy),
        complete=not missing and not silent,
        allocations=allocations,
        withdrawn_allocation_ids=tuple(one.allocation_id for one in order.withdrawing),
        unfilled=unfilled(missing),
        warehouses=warehouses,
        skus=skus,
    )
    await tx.outbox.add(reserved, caused_by=cause)


async def publish_release(
    order: Order,
    released_because: ReleaseCause,
    allocation_ids: tuple[UUID, ...],
    *,
    because: Because,
    cause: Cause,
    tx: Transaction,
) -> None:
    """Say which units came free, and what is held all the same."""
    live = {one.allocation_id for one in order.live}
    order.aggregate_version = max(order.aggregate_version, tx.version_floor) + 1
    order.changed = True
    released = StockReleasedV1(
        merchant_id=order.merchant_id,
        aggregate_version=order.aggregate_version,
        actor=actor_of(because),
        reason=because.reason,
        order_id=order.order_id,
        order_version=order.answered_version,
        released_because=released_because,
        released_allocation_ids=allocation_ids,
        still_allocated=tuple(one for one in current_set(order) if one.allocation_id in live),
    )
    await tx.outbox.add(released, caused_by=cause)


async def answer_stopped(order: Order, *, because: Because, cause: Cause, tx: Transaction) -> None:
    """Answer a cancel once shipping has answered for every unit it knows of; else note that it is open."""
    told = [one for one in order.live if one.state is not AllocationState.RESERVED and not one.refused]
    if told:
        order.cancel_version = order.seen_version
        order.changed = True
        return
    order.cancel_version = None
    order.answered_version = order.seen_version
    released = tuple(one.allocation_id for one in order.allocations if one.state is AllocationState.RELEASED)
    await publish_release(order, ReleaseCause.CANCELLED, released, because=because, cause=cause, tx=tx)

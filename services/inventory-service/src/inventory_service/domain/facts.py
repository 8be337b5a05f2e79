"""What shipping tells: parcels that left or came back, promises that ended. Facts are never refused."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from inventory_service.domain.allocation import Allocation, AllocationState
from inventory_service.domain.because import Because
from inventory_service.domain.book import Book, Movement, Surprise
from inventory_service.domain.level import NO_LOT, RETURNED_PENDING, LevelKey
from inventory_service.domain.order import Order


def ship(
    order: Order,
    book: Book,
    because: Because,
    *,
    parcel_id: UUID,
    allocation_id: UUID,
    fallback: LevelKey,
    units: int,
) -> bool:
    """Units of one allocation left in a parcel. True when that ended a withdrawal: too late to stop it.

    `fallback` is the level that loses the units when the allocation is not known here. Where the books hold
    fewer than what left, they were wrong: an adjustment puts the difference in before it is taken out.
    """
    allocation = _find(order, allocation_id)
    key = fallback if allocation is None else allocation.key
    if (key.merchant_id, key.sku) not in book.skus or not _has_warehouse(book, key):
        book.surprises.append(
            Surprise(
                kind="shipped_unknown_stock",
                reference=f"{parcel_id}/{allocation_id}",
                merchant_id=order.merchant_id,
                order_id=order.order_id,
                sku=key.sku,
                warehouse=key.warehouse,
                text=f"{units} units left a warehouse or are of a SKU that is not in the books",
                next_step="Enter the SKU and the warehouse, then count the stock.",
                cause_event_id=because.cause_event_id,
            )
        )
        return False
    covered = 0
    was_withdrawing = False
    if allocation is not None and allocation.live:
        was_withdrawing = allocation.state is AllocationState.WITHDRAWING
        covered = min(units, allocation.outstanding)
        level = book.level(key)
        level.reserved -= covered
        allocation.consume(covered, because)
    if covered < units:
        _report(
            "shipped_without_reservation",
            f"{parcel_id}/{allocation_id}",
            order,
            key,
            book,
            because,
            f"{units} units left, {covered} of them were reserved",
            "Check the parcel against the order, then count the stock.",
        )
    _take_out(order, key, units, book, because, parcel_id, allocation_id)
    return was_withdrawing


def take_back_in(
    order: Order,
    book: Book,
    because: Because,
    *,
    parcel_id: UUID,
    allocation_id: UUID,
    key: LevelKey,
    units: int,
) -> None:
    """Units of a returned parcel are in the warehouse again, apart, until somebody has looked at them."""
    apart = key._replace(lot=NO_LOT, condition=RETURNED_PENDING)
    if (key.merchant_id, key.sku) in book.skus and _has_warehouse(book, key):
        book.move(Movement(apart, "return", units, because, str(parcel_id), allocation_id))
    _report(
        "returned",
        f"{parcel_id}/{allocation_id}",
        order,
        apart,
        book,
        because,
        f"{units} units came back",
        "Look at them; then adjust them out of 'returned_pending' and, if they can be sold, into 'sellable'.",
    )


def give_back(order: Order, allocation_ids: Iterable[UUID], book: Book, because: Because) -> list[Allocation]:
    """Shipping will never ship these. Returns those that ended by it; others had ended before."""
    ended: list[Allocation] = []
    for allocation_id in allocation_ids:
        one = _find(order, allocation_id)
        if one is not None and one.live:
            units = one.outstanding
            one.move_to(AllocationState.RELEASED, because)
            book.free(one.key, units)
            ended.append(one)
    return ended


def refuse(order: Order, allocation_ids: Iterable[UUID], because: Because) -> list[Allocation]:
    """Shipping cannot stop these. Returns those that had been asked back by us."""
    asked_back: list[Allocation] = []
    for allocation_id in allocation_ids:
        one = _find(order, allocation_id)
        if one is not None and one.live and not one.refused:
            if one.state is AllocationState.WITHDRAWING:
                asked_back.append(one)
            one.refuse(because)
    return asked_back


def report_refusals(order: Order, refused: Sequence[Allocation], book: Book, because: Because) -> None:
    for one in refused:
        _report(
            "withdrawal_refused",
            str(one.allocation_id),
            order,
            one.key,
            book,
            because,
            f"{one.outstanding} units were wanted back and are on their way to the buyer",
            "Tell the buyer or arrange a return; the parcel takes the units out of the books.",
        )


def report_short(book: Book, because: Because) -> None:
    """Open an exception for each level of which more is promised and not there than when it was read."""
    for level in book.levels.values():
        if level.short > level.stored[2]:
            book.surprises.append(
                Surprise(
                    kind="short",
                    reference="/".join(level.key[1:]),
                    merchant_id=level.key.merchant_id,
                    sku=level.key.sku,
                    warehouse=level.key.warehouse,
                    text=f"{level.short} units are promised and not there",
                    next_step="Receive stock, or cancel orders, until nothing is short.",
                    cause_event_id=because.cause_event_id,
                )
            )


def _take_out(
    order: Order,
    key: LevelKey,
    units: int,
    book: Book,
    because: Because,
    parcel_id: UUID,
    allocation_id: UUID,
) -> None:
    missing = units - book.level(key).on_hand
    if missing > 0:
        found = Because(
            because.actor_kind, because.actor_name, "more left than the books held", because.cause_event_id
        )
        book.move(Movement(key, "adjustment", missing, found, str(parcel_id)))
        _report(
            "books_were_wrong",
            f"{parcel_id}/{allocation_id}",
            order,
            key,
            book,
            because,
            f"{units} units left, the books held {units - missing}",
            "Count the stock of this SKU in this warehouse.",
        )
    book.move(Movement(key, "shipped", -units, because, str(parcel_id), allocation_id))


def _find(order: Order, allocation_id: UUID) -> Allocation | None:
    return next((one for one in order.allocations if one.allocation_id == allocation_id), None)


def _has_warehouse(book: Book, key: LevelKey) -> bool:
    return any(one.code == key.warehouse for one in book.warehouses.get(key.merchant_id, ()))


def _report(
    kind: str,
    reference: str,
    order: Order,
    key: LevelKey,
    book: Book,
    because: Because,
    text: str,
    next_step: str,
) -> None:
    book.surprises.append(
        Surprise(
            kind=kind,
            reference=reference,
            merchant_id=order.merchant_id,
            order_id=order.order_id,
            sku=key.sku,
            warehouse=key.warehouse,
            text=text,
            next_step=next_step,
            cause_event_id=because.cause_event_id,
        )
    )

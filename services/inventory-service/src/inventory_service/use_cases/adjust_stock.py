"""Somebody counted, or knows of units lost or found. A fact: never refused because of what is promised."""

from dataclasses import dataclass

from inventory_service.domain import facts
from inventory_service.domain.because import Because
from inventory_service.domain.book import Movement
from inventory_service.domain.errors import StockError, UnknownSku, UnknownWarehouse
from inventory_service.domain.level import Level, LevelKey
from inventory_service.domain.order import OrderState
from inventory_service.domain.promising import take_back
from inventory_service.use_cases.answer_order import publish_set
from inventory_service.use_cases.ports import Transaction
from inventory_service.use_cases.wake_waiting import wake_waiting

#: Allocations looked at in one adjustment; what they do not cover stays short, with an exception.
MOST_TAKEN_BACK = 1000


class BelowNothing(StockError):
    """An adjustment by a difference would leave fewer than no units: somebody counted wrong."""

    def __init__(self, on_hand: int, units: int) -> None:
        super().__init__(f"{on_hand} on hand cannot change by {units}")


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Either `counted` (units there are now) or `change` (units more or fewer)."""

    key: LevelKey
    counted: int | None = None
    change: int | None = None


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What came of it, or with a dry run what would. `asked_back` units wait for shipping's answer."""

    level: Level
    change: int
    freed: int
    asked_back: int


async def adjust_stock(
    adjustment: Adjustment, *, because: Because, dry_run: bool, tx: Transaction
) -> Adjusted:
    """Book the difference; take promises back as far as the units are not there any more.

    Unpublished ones end at once; published ones are asked back and stay `short` until shipping answers.
    Raises UnknownWarehouse, UnknownSku or BelowNothing. A dry run changes nothing.
    """
    key, book = adjustment.key, tx.book
    await tx.books.lock_skus({(key.merchant_id, key.sku)})
    if all(one.code != key.warehouse for one in book.warehouses[key.merchant_id]):
        raise UnknownWarehouse(key.warehouse)
    if (key.merchant_id, key.sku) not in book.skus:
        raise UnknownSku(key.sku)
    level = book.level(key)
    change = adjustment.change or 0
    if adjustment.counted is not None:
        change = adjustment.counted - level.on_hand
    if level.on_hand + change < 0:
        raise BelowNothing(level.on_hand, change)
    if change:
        book.move(Movement(key, "adjustment", change, because))
    book.freed.add((key.merchant_id, key.sku))

    reserved = level.reserved
    lacking = level.short - await tx.books.asked_back(key) if level.short else 0
    smaller = []
    if lacking > 0:
        victims = await tx.books.lock_promised(key, MOST_TAKEN_BACK)
        smaller = take_back(lacking, victims, book, because)
    freed = reserved - level.reserved
    asked_back = sum(
        one.outstanding for order in smaller for one in order.withdrawing if one.key == key and one.changed
    )
    if dry_run:
        return Adjusted(level, change, freed, asked_back)
    facts.report_short(book, because)
    for order in smaller:
        if order.state in {OrderState.OPEN, OrderState.HELD}:
            await publish_set(order, because=because, cause=tx.cause, tx=tx)
    await tx.books.save()
    await wake_waiting(because=because, cause=tx.cause, tx=tx)
    return Adjusted(level, change, freed, asked_back)

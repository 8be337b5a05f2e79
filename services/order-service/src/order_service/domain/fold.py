"""The order's state as a pure function of lines, legs, parcels, holds and wishes, in any order of arrival."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from order_service.domain.leg import GONE, Leg, LegState, Parcel, ParcelState
from order_service.domain.lines import Line
from order_service.domain.order_table import OrderStatus
from order_service.domain.process import Process, Wish


def cancel_ended(wish: Wish, legs: Mapping[UUID, Leg]) -> bool:
    """Whether everybody the cancel waits for has answered.

    Shipping always: its newest answer has nothing pending. After a refusal the refused legs have to be known,
    so that what stays can be told from what goes. Without a refusal inventory's `stock.released` is the last
    word.
    """
    if not wish.shipping_done:
        return False
    if wish.refused:
        return all(one in legs for one in wish.refused)
    return wish.inventory_done


def kept_units(wish: Wish, process: Process) -> Mapping[UUID, int]:
    """Units by line id that stay in the order after the cancel: refused, or gone already."""
    kept: Counter[UUID] = Counter()
    for leg in process.legs.values():
        refused = leg.allocation_id in wish.refused and leg.state is not LegState.CANCELLED
        if refused or leg.state in GONE:
            kept[leg.line_id] += leg.units
    return kept


def shipped_units(parcels: Iterable[Parcel]) -> Counter[UUID]:
    """Units by line id that have left the warehouses."""
    shipped: Counter[UUID] = Counter()
    for parcel in parcels:
        if parcel.left:
            for packed in parcel.contents:
                shipped[packed.line_id] += packed.units
    return shipped


def everything_shipped(lines: Sequence[Line], parcels: Mapping[UUID, Parcel]) -> bool:
    """Whether something has left, and with it every unit that is wanted, be it none any more."""
    shipped = shipped_units(parcels.values())
    return bool(shipped) and all(shipped[line.line_id] >= line.units for line in lines)


def finished(lines: Sequence[Line], process: Process) -> bool:
    """Whether everything has left and nothing is on its way out.

    A leg that is not wanted any more has to be asked back first, and a closed order asks for nothing.
    """
    under_way = any(leg.state not in GONE | {LegState.CANCELLED} for leg in process.legs.values())
    return not under_way and everything_shipped(lines, process.parcels)


def progress(
    status: OrderStatus, version: int, label_revision: int, lines: Sequence[Line], process: Process
) -> tuple[str, ...]:
    """What a person sees beside the status; several can hold at once."""
    legs, parcels = process.legs.values(), process.parcels.values()
    shipped = shipped_units(parcels)
    left = [parcel for parcel in parcels if parcel.left]
    live = status in {OrderStatus.OPEN, OrderStatus.HELD, OrderStatus.CANCELLING}
    stale_label = any(not parcel.left and parcel.label_revision < label_revision for parcel in parcels)
    facts = {
        "awaiting_stock": status is OrderStatus.OPEN and process.stock.answers < version,
        "backordered": live and any(one.waiting for one in process.stock.unfilled),
        "unfilled": live and any(not one.waiting for one in process.stock.unfilled),
        "change_pending": live and stale_label and any(leg.state is LegState.LABELLED for leg in legs),
        "needs_repair": any(leg.state is LegState.NEEDS_REPAIR for leg in legs),
        "partially_shipped": bool(left) and any(shipped[line.line_id] < line.units for line in lines),
        "shipped": bool(left) and all(shipped[line.line_id] >= line.units for line in lines),
        "partially_delivered": _some_but_not_all(parcel.state is ParcelState.DELIVERED for parcel in left),
        "delivered": bool(left) and all(parcel.state is ParcelState.DELIVERED for parcel in left),
        "returned": any(parcel.state is ParcelState.RETURNED for parcel in left),
        "lost": any(parcel.state is ParcelState.LOST for parcel in left),
    }
    return tuple(name for name, holds in facts.items() if holds)


def _some_but_not_all(given: Iterable[bool]) -> bool:
    found = set(given)
    return found == {True, False}

"""The leg: units of one line on their way from one warehouse, as order-service sees it. One per allocation.

Parcels are facts with a natural key of their own; a leg's state is the farthest its parcels have come.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from order_service.domain.reactions import Move, Reaction, apply, compensate, surprise


class LegState(StrEnum):
    ABSENT = "absent"  # nobody has told us of this allocation yet
    PLANNED = "planned"
    LABELLED = "labelled"
    NEEDS_REPAIR = "needs_repair"
    CANCELLING = "cancelling"  # asked to stop, by a cancel or because inventory does not want it any more
    CANCELLED = "cancelled"
    HANDED_OVER = "handed_over"
    DELIVERED = "delivered"
    RETURNED = "returned"
    LOST = "lost"


class LegEvent(StrEnum):
    RESERVED = "reserved"  # in an allocation set
    WITHDRAWN = "withdrawn"  # a newer set asks for it to be stopped
    RELEASED = "released"  # inventory freed its units
    CANCEL_ASKED = "cancel_asked"  # we published order.cancelled
    LABELLED = "labelled"
    SHIPPED = "shipped"
    TRACKED = "tracked"
    DELIVERED = "delivered"
    TROUBLE = "trouble"  # parcel.exception that may still end well
    LOST = "lost"  # parcel.exception: lost or destroyed
    RETURNED = "returned"
    REJECTED = "rejected"  # no label could be had
    CANCELLED = "cancelled"
    REFUSED = "refused"  # the cancel or the withdrawal comes too late
    CHANGE_REFUSED = "change_refused"


S = LegState
#: Units that have left the warehouse.
GONE: Final = frozenset({S.HANDED_OVER, S.DELIVERED, S.RETURNED, S.LOST})

_ignore: Final[Move[LegState]] = Move(Reaction.IGNORE)
_defer: Final[Move[LegState]] = Move(Reaction.DEFER)


def _row(
    *,
    reserved: Move[LegState] = _ignore,
    withdrawn: Move[LegState] = _ignore,
    released: Move[LegState] = _ignore,
    cancel_asked: Move[LegState] = _ignore,
    labelled: Move[LegState],
    shipped: Move[LegState],
    tracked: Move[LegState],
    delivered: Move[LegState],
    trouble: Move[LegState],
    lost: Move[LegState],
    returned: Move[LegState],
    rejected: Move[LegState],
    cancelled: Move[LegState],
    refused: Move[LegState],
    change_refused: Move[LegState],
) -> Mapping[LegEvent, Move[LegState]]:
    given: dict[str, Any] = locals()
    return MappingProxyType({event: given[event.value] for event in LegEvent})


#: Every (state, event) pair. What shipping says about its parcels is a fact and moves the leg wherever it is;
#: what it says about allocations we do not know yet waits for the allocation set that names them.
LEG_TABLE: Final[Mapping[LegState, Mapping[LegEvent, Move[LegState]]]] = MappingProxyType(
    {
        S.ABSENT: _row(
            reserved=apply(S.PLANNED),
            labelled=apply(S.LABELLED),
            shipped=apply(S.HANDED_OVER),
            tracked=apply(S.LABELLED),
            delivered=apply(S.DELIVERED),
            trouble=surprise("parcel_trouble", S.LABELLED),
            lost=surprise("parcel_lost", S.LOST),
            returned=surprise("parcel_returned", S.RETURNED),
            rejected=_defer,
            cancelled=_defer,
            refused=_defer,
            change_refused=_defer,
        ),
        S.PLANNED: _row(
            withdrawn=apply(S.CANCELLING),
            released=apply(S.CANCELLED),
            cancel_asked=apply(S.CANCELLING),
            labelled=apply(S.LABELLED),
            shipped=apply(S.HANDED_OVER),
            tracked=apply(S.LABELLED),
            delivered=apply(S.DELIVERED),
            trouble=surprise("parcel_trouble", S.LABELLED),
            lost=surprise("parcel_lost", S.LOST),
            returned=surprise("parcel_returned", S.RETURNED),
            rejected=surprise("shipment_rejected", S.NEEDS_REPAIR),
            cancelled=apply(S.CANCELLED),
            refused=apply(S.LABELLED),
            change_refused=surprise("change_refused"),
        ),
        S.LABELLED: _row(
            withdrawn=apply(S.CANCELLING),
            released=apply(S.CANCELLED),
            cancel_asked=apply(S.CANCELLING),
            labelled=apply(),
            shipped=apply(S.HANDED_OVER),
            tracked=apply(),
            delivered=apply(S.DELIVERED),
            trouble=surprise("parcel_trouble"),
            lost=surprise("parcel_lost", S.LOST),
            returned=surprise("parcel_returned", S.RETURNED),
            rejected=surprise("shipment_rejected", S.NEEDS_REPAIR),
            cancelled=apply(S.CANCELLED),
            refused=_ignore,
            change_refused=surprise("change_refused"),
        ),
        S.NEEDS_REPAIR: _row(
            withdrawn=apply(S.CANCELLING),
            released=apply(S.CANCELLED),
            cancel_asked=apply(S.CANCELLING),
            labelled=apply(S.LABELLED),
            shipped=apply(S.HANDED_OVER),
            tracked=apply(),
            delivered=apply(S.DELIVERED),
            trouble=surprise("parcel_trouble"),
            lost=surprise("parcel_lost", S.LOST),
            returned=surprise("parcel_returned", S.RETURNED),
            rejected=surprise("shipment_rejected"),
            cancelled=apply(S.CANCELLED),
            refused=apply(S.LABELLED),
            change_refused=surprise("change_refused"),
        ),
        S.CANCELLING: _row(
            released=apply(S.CANCELLED),
            labelled=_ignore,  # bought before shipping read the wish; it voids the label itself
            shipped=apply(S.HANDED_OVER),
            tracked=apply(),
            delivered=apply(S.DELIVERED),
            trouble=surprise("parcel_trouble"),
            lost=surprise("parcel_lost", S.LOST),
            returned=surprise("parcel_returned", S.RETURNED),
            rejected=_ignore,
            cancelled=apply(S.CANCELLED),
            refused=apply(S.LABELLED),
            change_refused=_ignore,
        ),
        S.CANCELLED: _row(
            labelled=_ignore,  # said before the cancel and read after it
            shipped=compensate("shipped_after_cancel", S.HANDED_OVER),
            tracked=_ignore,
            delivered=compensate("shipped_after_cancel", S.DELIVERED),
            trouble=surprise("parcel_trouble"),
            lost=surprise("parcel_lost"),
            returned=compensate("shipped_after_cancel", S.RETURNED),
            rejected=_ignore,
            cancelled=_ignore,
            refused=surprise("refused_after_cancel"),
            change_refused=_ignore,
        ),
        S.HANDED_OVER: _row(
            released=surprise("released_after_shipping"),
            labelled=_ignore,
            shipped=apply(),  # another parcel of the same allocation
            tracked=apply(),
            delivered=apply(S.DELIVERED),
            trouble=surprise("parcel_trouble"),
            lost=surprise("parcel_lost", S.LOST),
            returned=surprise("parcel_returned", S.RETURNED),
            rejected=surprise("rejected_after_shipping"),
            cancelled=surprise("cancelled_after_shipping"),
            refused=_ignore,
            change_refused=surprise("change_refused"),
        ),
        S.DELIVERED: _row(
            released=surprise("released_after_shipping"),
            labelled=_ignore,
            shipped=apply(),
            tracked=apply(),
            delivered=_ignore,
            trouble=surprise("trouble_after_delivery"),
            lost=surprise("lost_after_delivery"),
            returned=surprise("parcel_returned", S.RETURNED),
            rejected=surprise("rejected_after_shipping"),
            cancelled=surprise("cancelled_after_shipping"),
            refused=_ignore,
            change_refused=surprise("change_refused"),
        ),
        S.RETURNED: _row(
            released=surprise("released_after_shipping"),
            labelled=_ignore,
            shipped=apply(),
            tracked=apply(),
            delivered=surprise("delivered_after_return"),
            trouble=_ignore,
            lost=surprise("lost_after_return"),
            returned=_ignore,
            rejected=surprise("rejected_after_shipping"),
            cancelled=surprise("cancelled_after_shipping"),
            refused=_ignore,
            change_refused=surprise("change_refused"),
        ),
        S.LOST: _row(
            released=surprise("released_after_shipping"),
            labelled=_ignore,
            shipped=apply(),
            tracked=apply(),
            delivered=apply(S.DELIVERED),  # found again: carriers do this
            trouble=_ignore,
            lost=_ignore,
            returned=surprise("parcel_returned", S.RETURNED),
            rejected=surprise("rejected_after_shipping"),
            cancelled=surprise("cancelled_after_shipping"),
            refused=_ignore,
            change_refused=surprise("change_refused"),
        ),
    }
)


@dataclass(slots=True)
class Leg:
    allocation_id: UUID
    line_id: UUID
    sku: str
    units: int
    warehouse: str
    state: LegState = LegState.ABSENT


class ParcelState(StrEnum):
    LABELLED = "labelled"
    SHIPPED = "shipped"
    TROUBLE = "trouble"
    DELIVERED = "delivered"
    RETURNED = "returned"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Packed:
    """Units of one allocation in a parcel."""

    allocation_id: UUID
    line_id: UUID
    external_line_ids: tuple[str, ...]
    sku: str
    units: int


@dataclass(slots=True)
class Parcel:
    """One box as shipping tells of it. `label_version`: the publisher's version of the newest label news."""

    parcel_id: UUID
    shipment_id: UUID
    warehouse: str
    carrier: str
    service: str
    tracking_number: str
    tracking_url: str | None
    label_revision: int
    label_version: int
    contents: tuple[Packed, ...]
    state: ParcelState = ParcelState.LABELLED
    left: bool = False  # handed over, whatever became of it later
    told: bool = False  # what the marketplace is owed for it was noted
    last_scan: str | None = None

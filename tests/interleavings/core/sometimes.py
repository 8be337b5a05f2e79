"""States that are rare and have to be met: a machine that never came there has proven little."""

from collections.abc import Iterator
from typing import Final

from crossdock_contracts.inventory import ReleaseCause, StockReleasedV1, StockReservedV1
from notify_service.domain.messages import MessageState
from order_service.domain.order_table import OrderStatus
from shipping_service.domain.leg_table import LegState

from .looking import CoreLook
from .world import CoreWorld

#: Every run of a few thousand steps comes here.
OFTEN: Final = (
    "a batch died before its commit",
    "a batch came again after its commit",
    "an event came twice",
    "an event came again past the inbox",
    "an outbox stalled",
    "a parcel left",
    "an order was held",
    "an order was cancelled",
    "units were asked back",
    "a line waited for stock",
)
#: A run of a night does.
SELDOM: Final = (
    "a label was taken back",
    "a call's answer was lost",
    "a cancel came while the label was being bought",
    "a cancel came before its order",
    "a cancel came too late",
    "a change came too late",
    "units were asked back too late",
    "a count left too little for what was promised",
    "a backorder was filled",
    "an unpaid order expired",
    "a set came before its order",
    "news waited for other news",
    "a leg waited for a person",
    "a mail was in doubt",
    "a timer fired while an outbox stalled",
)

_FROM_CODES = {
    "cancel_refused": "a cancel came too late",
    "change_refused": "a change came too late",
    "withdraw_refused": "units were asked back too late",
}
_FROM_LEGS = {
    LegState.OUTCOME_UNKNOWN: "a call's answer was lost",
    LegState.NEEDS_REPAIR: "a leg waited for a person",
    LegState.HANDED_OVER: "a parcel left",
    LegState.CLOSED: "a parcel left",
}


def met(world: CoreWorld) -> Iterator[str]:
    """What the rows and the bus show of it now."""
    look = world.core
    yield from _stock(look)
    for one in look.order.orders.look():
        if one.status is OrderStatus.HELD:
            yield "an order was held"
        if one.status is OrderStatus.CANCELLED:
            yield "an order was cancelled"
    for _, code, _ in look.order.exceptions:
        if code in _FROM_CODES:
            yield _FROM_CODES[code]
    for dispatch in look.shipping.dispatches.look():
        for leg in dispatch.legs:
            if leg.state in _FROM_LEGS:
                yield _FROM_LEGS[leg.state]
            if leg.state is LegState.CANCELLING and leg.label is not None:
                yield "a cancel came while the label was being bought"
    if look.shipping.deferred:
        yield "a set came before its order"
    if look.order.deferred:
        yield "news waited for other news"
    if any(one.voided for one in world.carrier.sold):
        yield "a label was taken back"
    if any(one.state is MessageState.OUTCOME_UNKNOWN for one in look.notify.messages.values()):
        yield "a mail was in doubt"
    yield from _heard(world)


def _stock(look: CoreLook) -> Iterator[str]:
    for order in look.stock.orders.look():
        if order.withdrawing:
            yield "units were asked back"
        if any(line.waiting for line in order.lines.values()):
            yield "a line waited for stock"
    if any(level.short for level in look.stock.levels.look()):
        yield "a count left too little for what was promised"


def _heard(world: CoreWorld) -> Iterator[str]:
    for consumer in ("inventory", "shipping"):
        created = {one.event.key for one in world.bus.heard[consumer] if one.event.TOPIC == "order.created"}
        if any(
            one.event.TOPIC == "order.cancelled" and one.event.key not in created
            for one in world.bus.heard[consumer]
        ):
            yield "a cancel came before its order"
    waited: set[object] = set()
    for one in world.bus.log:
        match one.event:
            case StockReservedV1() as said:
                if (said.order_id, said.order_version) in waited and not said.unfilled:
                    yield "a backorder was filled"
                if any(gap.waiting for gap in said.unfilled):
                    waited.add((said.order_id, said.order_version))
            case StockReleasedV1(released_because=ReleaseCause.EXPIRED):
                yield "an unpaid order expired"
            case _:
                continue

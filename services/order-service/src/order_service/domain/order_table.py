"""The order's state table: what each state answers to each thing that can happen to an order.

The state itself is a pure fold (fold.py); this table says which news may change what it is folded from.
"""

from collections.abc import Mapping, Set
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from order_service.domain.reactions import Move, Reaction, apply, compensate, surprise


class OrderStatus(StrEnum):
    OPEN = "open"  # may be promised and shipped
    HELD = "held"  # a person has to act; stock may be reserved, nothing leaves
    CANCELLING = "cancelling"  # asked for; shipping has not answered yet
    CANCELLED = "cancelled"
    CLOSED = "closed"  # every unit shipped or cancelled


#: The whole state machine: a move that is not listed cannot happen.
MOVES: Final[Mapping[OrderStatus, Set[OrderStatus]]] = MappingProxyType(
    {
        OrderStatus.OPEN: {OrderStatus.HELD, OrderStatus.CANCELLING, OrderStatus.CLOSED},
        OrderStatus.HELD: {OrderStatus.OPEN, OrderStatus.CANCELLING, OrderStatus.CLOSED},
        # Back from a cancel that was refused, wherever the order's holds and parcels put it now.
        OrderStatus.CANCELLING: {
            OrderStatus.CANCELLED,
            OrderStatus.OPEN,
            OrderStatus.HELD,
            OrderStatus.CLOSED,
        },
        OrderStatus.CANCELLED: set(),
        OrderStatus.CLOSED: set(),
    }
)


class OrderEvent(StrEnum):
    STOCK_RESERVED = "stock_reserved"
    STOCK_REJECTED = "stock_rejected"
    STOCK_RELEASED = "stock_released"
    PARCEL_NEWS = "parcel_news"  # labelled, tracked, delivered, trouble, returned: the leg's table decides
    PARCEL_SHIPPED = "parcel_shipped"
    SHIPMENT_REJECTED = "shipment_rejected"
    SHIPMENT_CANCELLED = "shipment_cancelled"
    SHIPMENT_REFUSED = "shipment_refused"
    LABEL_REQUESTED = "label_requested"
    SKU_NEWS = "sku_news"
    CONTENT_CHANGED = "content_changed"  # the marketplace says something else than before
    MARKETPLACE_CANCELLED = "marketplace_cancelled"
    UNPAID_EXPIRED = "unpaid_expired"
    HOLD = "hold"
    RELEASE = "release"
    CANCEL = "cancel"
    CHANGE_ADDRESS = "change_address"
    RETRY = "retry"


#: A person asked; EXCEPTION in the table means that the person is told no, at once.
COMMANDS: Final = frozenset(
    {OrderEvent.HOLD, OrderEvent.RELEASE, OrderEvent.CANCEL, OrderEvent.CHANGE_ADDRESS, OrderEvent.RETRY}
)

O = OrderStatus  # noqa: E741 - the table is read by column
E = OrderEvent
_apply: Final[Move[OrderStatus]] = apply()
_ignore: Final[Move[OrderStatus]] = Move(Reaction.IGNORE)
_no: Final[Move[OrderStatus]] = Move(Reaction.EXCEPTION, None, "not_possible")


def _row(*moves: Move[OrderStatus]) -> Mapping[OrderStatus, Move[OrderStatus]]:
    return MappingProxyType(dict(zip(OrderStatus, moves, strict=True)))


#: event -> state -> move.                  OPEN     HELD     CANCELLING  CANCELLED  CLOSED
ORDER_TABLE: Final[Mapping[OrderEvent, Mapping[OrderStatus, Move[OrderStatus]]]] = MappingProxyType(
    {
        E.STOCK_RESERVED: _row(
            _apply, _apply, _apply, compensate("reserved_after_cancel"), surprise("reserved_after_close")
        ),
        E.STOCK_REJECTED: _row(_apply, _apply, _apply, _ignore, _ignore),
        E.STOCK_RELEASED: _row(_apply, _apply, _apply, _apply, _apply),
        E.PARCEL_NEWS: _row(_apply, _apply, _apply, _apply, _apply),
        E.PARCEL_SHIPPED: _row(
            _apply, surprise("shipped_while_held"), _apply, compensate("shipped_after_cancel"), _apply
        ),
        E.SHIPMENT_REJECTED: _row(_apply, _apply, _apply, _ignore, surprise("rejected_after_close")),
        E.SHIPMENT_CANCELLED: _row(_apply, _apply, _apply, _apply, _apply),
        E.SHIPMENT_REFUSED: _row(_apply, _apply, _apply, _apply, _apply),
        E.LABEL_REQUESTED: _row(_apply, _apply, _ignore, _ignore, surprise("label_asked_after_close")),
        E.SKU_NEWS: _row(_ignore, _apply, _apply, _ignore, _ignore),
        # While cancelling the content is kept and told with the end of the cancel, if there is anything left.
        E.CONTENT_CHANGED: _row(_apply, _apply, _apply, _ignore, surprise("changed_after_close")),
        E.MARKETPLACE_CANCELLED: _row(_apply, _apply, _ignore, _ignore, surprise("cancelled_after_close")),
        E.UNPAID_EXPIRED: _row(_ignore, _apply, _ignore, _ignore, _ignore),
        E.HOLD: _row(_apply, _apply, _no, _no, _no),
        E.RELEASE: _row(_apply, _apply, _no, _no, _no),
        E.CANCEL: _row(_apply, _apply, _ignore, _ignore, _no),
        E.CHANGE_ADDRESS: _row(_apply, _apply, _no, _no, _no),
        E.RETRY: _row(_apply, _apply, _no, _no, _no),
    }
)

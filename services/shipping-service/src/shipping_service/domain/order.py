"""An order as shipping needs to know it: the newest snapshot, without the people in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID


class OrderState(StrEnum):
    OPEN = "open"
    HELD = "held"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    CLOSED = "closed"


#: Nothing of such an order is shipped any more; what is allocated to it late is answered at once.
STOPPED: Final = frozenset({OrderState.CANCELLING, OrderState.CANCELLED, OrderState.CLOSED})


@dataclass(frozen=True, slots=True)
class Line:
    """What customs and the write-back need of an order line. `unit_value` is in `currency`."""

    unit_value: Decimal
    currency: str
    external_line_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`country`: of the destination, None without an address; `has_address`: street and place are there."""

    version: int
    label_revision: int
    state: OrderState
    from_marketplace: bool  # the marketplace issues the labels
    country: str | None
    has_address: bool
    shipping_method: str | None
    incoterm: str | None
    order_number: str
    lines: Mapping[UUID, Line]

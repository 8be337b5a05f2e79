"""How far an order has come, as others told it: what the order's state is folded from."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from order_service.domain.holds import Hold, HoldReason
from order_service.domain.leg import Leg, Parcel


@dataclass(frozen=True, slots=True)
class Unfilled:
    line_id: UUID
    units: int
    reason: str
    waiting: bool


@dataclass(slots=True)
class Stock:
    """Inventory's newest word. `version` is its aggregate version, `answers` the order version it answers."""

    version: int = 0
    answers: int = 0
    rejected: bool = False
    complete: bool = False
    wanted: frozenset[UUID] = frozenset()
    unfilled: tuple[Unfilled, ...] = ()


@dataclass(slots=True)
class Wish:
    """A cancel that was asked for, and who has answered it. `version` is the order version that said it."""

    version: int
    reason: str
    shipping_version: int = 0
    shipping_done: bool = False
    inventory_done: bool = False
    refused: set[UUID] = field(default_factory=set)


@dataclass(slots=True)
class Process:
    """How far the order has come: what the fold reads."""

    holds: dict[HoldReason, Hold] = field(default_factory=dict)
    waived: set[HoldReason] = field(default_factory=set)
    waiting_skus: set[str] = field(default_factory=set)
    reserve_until: datetime | None = None
    has_timer: bool = False
    wish: Wish | None = None
    #: The platform's cancel is taken as one wish, however often its later words repeat it.
    platform_cancelled: bool = False
    #: The newest wish to cancel came from us: the platform has to be told when it goes through.
    cancel_is_ours: bool = False
    stock: Stock = field(default_factory=Stock)
    legs: dict[UUID, Leg] = field(default_factory=dict)
    parcels: dict[UUID, Parcel] = field(default_factory=dict)
    #: Something labels depend on changed while nothing could be told: the next `changed` counts the revision
    #: up.
    label_change_untold: bool = False

    def known(self, allocation_ids: Iterable[UUID]) -> list[Leg]:
        return [self.legs[one] for one in allocation_ids if one in self.legs]

"""Units held for a line in one warehouse, and how that ends: each allocation ends exactly once."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from inventory_service.domain.because import Because
from inventory_service.domain.errors import IllegalMove
from inventory_service.domain.level import LevelKey


class AllocationState(StrEnum):
    RESERVED = "reserved"  # nobody was told: inventory may free it by itself
    PUBLISHED = "published"  # stands in a published set: only shipping ends it
    WITHDRAWING = "withdrawing"  # published, not wanted any more; shipping was asked to let go of it
    CONSUMED = "consumed"
    RELEASED = "released"
    EXPIRED = "expired"


#: A move that is not listed cannot happen. A parcel is a fact and ends whatever has not ended yet.
MOVES: Mapping[AllocationState, Set[AllocationState]] = {
    AllocationState.RESERVED: {
        AllocationState.PUBLISHED,
        AllocationState.CONSUMED,
        AllocationState.RELEASED,
        AllocationState.EXPIRED,
    },
    AllocationState.PUBLISHED: {
        AllocationState.WITHDRAWING,
        AllocationState.CONSUMED,
        AllocationState.RELEASED,
    },
    AllocationState.WITHDRAWING: {
        AllocationState.PUBLISHED,  # shipping refused to let go
        AllocationState.CONSUMED,
        AllocationState.RELEASED,
    },
    AllocationState.CONSUMED: set(),
    AllocationState.RELEASED: set(),
    AllocationState.EXPIRED: set(),
}

LIVE = frozenset({AllocationState.RESERVED, AllocationState.PUBLISHED, AllocationState.WITHDRAWING})
#: What the current set of an order holds.
KEPT = frozenset({AllocationState.RESERVED, AllocationState.PUBLISHED})


@dataclass(slots=True, eq=False)
class Allocation:
    """`consumed` units have left in parcels; a leg may take several."""

    allocation_id: UUID
    order_id: UUID
    line_id: UUID
    key: LevelKey
    units: int
    state: AllocationState
    because: Because
    consumed: int = 0
    refused: bool = False  # shipping said that it cannot be stopped any more
    stored_state: AllocationState | None = None  # as read; None: not written yet
    changed: bool = field(default=False)

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def outstanding(self) -> int:
        """Units of the level's `reserved` that are this allocation's."""
        return self.units - self.consumed if self.state in LIVE else 0

    def move_to(self, target: AllocationState, because: Because) -> None:
        """Raises IllegalMove."""
        if target not in MOVES[self.state]:
            raise IllegalMove(f"allocation {self.allocation_id} cannot go from {self.state} to {target}")
        self.state = target
        self.because = because
        self.changed = True

    def consume(self, units: int, because: Because) -> None:
        """`units` left in a parcel, at most what is outstanding."""
        self.consumed += units
        self.because = because
        self.changed = True
        if self.consumed == self.units:
            self.move_to(AllocationState.CONSUMED, because)

    def refuse(self, because: Because) -> None:
        """Shipping cannot stop it: it stays until its parcel is handed over."""
        self.refused = True
        self.because = because
        self.changed = True
        if self.state is AllocationState.WITHDRAWING:
            self.move_to(AllocationState.PUBLISHED, because)

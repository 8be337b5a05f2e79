"""What inventory knows of an order: the newest snapshot, what it wants, what it has, what was said."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from inventory_service.domain.allocation import KEPT, Allocation, AllocationState


class OrderState(StrEnum):
    UNKNOWN = "unknown"  # only events of shipping have named it so far
    OPEN = "open"
    HELD = "held"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    CLOSED = "closed"


class Policy(StrEnum):
    ALL_OR_NOTHING = "all_or_nothing"
    SPLIT = "split"
    BACKORDER = "backorder"


WANTING = frozenset({OrderState.OPEN, OrderState.HELD})


@dataclass(slots=True)
class Line:
    """`units` are wanted in all, shipped ones included; `waiting` ones are filled by arriving stock."""

    line_id: UUID
    position: int
    sku: str | None
    units: int
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What an order event says that matters to stock."""

    order_id: UUID
    merchant_id: str
    version: int
    state: OrderState
    policy: Policy
    country: str | None
    placed_at: datetime
    ship_by: datetime | None
    reserve_until: datetime | None
    lines: tuple[Line, ...]


class OpenUnits(NamedTuple):
    """Units of a line that nothing fills: `missing` may be promised now, `blocked` after shipping's answer.

    While shipping may still send a withdrawn allocation its units are not promised a second time.
    """

    missing: int
    blocked: int


@dataclass(slots=True, eq=False)
class Order:
    """`answered_version` is the newest version with an answer, `cancel_version` a cancel without one yet."""

    order_id: UUID
    merchant_id: str
    seen_version: int = 0
    state: OrderState = OrderState.UNKNOWN
    policy: Policy = Policy.ALL_OR_NOTHING
    country: str | None = None
    placed_at: datetime | None = None
    ship_by: datetime | None = None
    reserve_until: datetime | None = None
    expired: bool = False
    answered_version: int = 0
    cancel_version: int | None = None
    aggregate_version: int = 0
    allocation_version: int = 0
    lines: dict[UUID, Line] = field(default_factory=dict)
    allocations: list[Allocation] = field(default_factory=list)
    changed: bool = False
    changed_lines: set[UUID] = field(default_factory=set)

    def see(self, snapshot: Snapshot) -> bool:
        """Take over a newer snapshot. False, and nothing changed, when one at least as new was seen before.

        A line that the snapshot does not name any more stays with no units wanted.
        """
        if snapshot.version <= self.seen_version:
            return False
        self.seen_version = snapshot.version
        self.state = snapshot.state
        self.policy = snapshot.policy
        self.country = snapshot.country
        self.placed_at = snapshot.placed_at
        self.ship_by = snapshot.ship_by
        self.reserve_until = snapshot.reserve_until if snapshot.state is OrderState.HELD else None
        self.expired = False
        self.cancel_version = None
        named = {line.line_id: line for line in snapshot.lines}
        for line_id, line in self.lines.items():
            if line_id not in named:
                named[line_id] = Line(line_id, line.position, line.sku, 0)
        self.lines = named
        self.changed_lines = set(named)
        self.changed = True
        return True

    @property
    def live(self) -> list[Allocation]:
        return [one for one in self.allocations if one.live]

    @property
    def was_told(self) -> bool:
        """Whether shipping may know of live units: then only shipping ends them."""
        return any(one.live and one.state is not AllocationState.RESERVED for one in self.allocations)

    @property
    def withdrawing(self) -> list[Allocation]:
        return [one for one in self.allocations if one.state is AllocationState.WITHDRAWING]

    def open_units(self) -> dict[UUID, OpenUnits]:
        """Per line what nothing fills yet."""
        missing = {line_id: line.units for line_id, line in self.lines.items()}
        blocked = dict.fromkeys(missing, 0)
        for one in self.allocations:
            if one.line_id in missing:
                missing[one.line_id] -= one.consumed
                if one.state in KEPT:
                    missing[one.line_id] -= one.outstanding
                elif one.state is AllocationState.WITHDRAWING:
                    blocked[one.line_id] += one.outstanding
        found: dict[UUID, OpenUnits] = {}
        for line_id, units in missing.items():
            left = max(0, units)
            found[line_id] = OpenUnits(left - min(left, blocked[line_id]), min(left, blocked[line_id]))
        return found

    def refresh_waiting(self) -> None:
        """Note what arriving stock may fill by itself: the gaps of a backorder that still wants units."""
        waits = self.policy is Policy.BACKORDER and self.state in WANTING and not self.expired
        units = self.open_units() if waits else {}
        for line in self.lines.values():
            waiting = units[line.line_id].missing if waits and line.sku is not None else 0
            if waiting != line.waiting:
                line.waiting = waiting
                self.changed_lines.add(line.line_id)

    def stop_waiting(self) -> None:
        for line in self.lines.values():
            if line.waiting:
                line.waiting = 0
                self.changed_lines.add(line.line_id)

    def wanted_lines(self) -> Sequence[Line]:
        return sorted((line for line in self.lines.values() if line.units), key=lambda line: line.position)

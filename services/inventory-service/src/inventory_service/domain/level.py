"""One level of stock: what is there, what is promised of it, and by how much the promises are too many."""

from dataclasses import dataclass
from typing import NamedTuple

from inventory_service.domain.errors import NotEnough

SELLABLE = "sellable"
RETURNED_PENDING = "returned_pending"  # back in the warehouse; nobody has looked at it yet
NO_LOT = "-"


class LevelKey(NamedTuple):
    merchant_id: str
    sku: str
    warehouse: str
    lot: str = NO_LOT
    condition: str = SELLABLE


@dataclass(slots=True)
class Level:
    """`reserved <= on_hand + short` always holds: promises that break it are refused, facts raise `short`."""

    key: LevelKey
    on_hand: int = 0
    reserved: int = 0
    short: int = 0
    stored: tuple[int, int, int] = (0, 0, 0)  # on_hand, reserved and short as they were read or written last
    new: bool = False  # there is no row yet

    @property
    def available(self) -> int:
        """Units that may still be promised; never below zero."""
        return max(0, self.on_hand - self.reserved)

    @property
    def changed(self) -> bool:
        return (self.on_hand, self.reserved, self.short) != self.stored

    def written(self) -> None:
        """The rows hold what stands here."""
        self.stored = (self.on_hand, self.reserved, self.short)
        self.new = False

    def promise(self, units: int) -> None:
        """Reserve. Raises NotEnough; `short` is never raised for a promise."""
        if units > self.available:
            raise NotEnough(self.key.sku, self.key.warehouse, units, self.available)
        self.reserved += units

    def free(self, units: int) -> None:
        """Give reserved units back: first what was promised and is not there, then to ATP."""
        self.reserved -= units
        self._settle_short()

    def book(self, units: int) -> None:
        """Add units, or take away when negative. The caller sees to it that `on_hand` stays above -1."""
        self.on_hand += units
        self._settle_short()

    def _settle_short(self) -> None:
        self.short = max(0, self.reserved - self.on_hand)

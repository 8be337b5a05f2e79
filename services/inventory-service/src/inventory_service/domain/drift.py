"""Where a level and the rows it is derived from do not agree."""

from dataclasses import dataclass

from inventory_service.domain.level import LevelKey


@dataclass(frozen=True, slots=True)
class Drift:
    """`ledger` is the sum of the movements, `allocated` of the outstanding units of live allocations."""

    key: LevelKey
    on_hand: int
    ledger: int
    reserved: int
    allocated: int
    short: int

"""What the use cases need of a transaction; persistence gives it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from crossdock_contracts.envelope import Cause, Event
from inventory_service.domain.allocation import Allocation
from inventory_service.domain.because import Because
from inventory_service.domain.book import Book, SkuKey
from inventory_service.domain.catalogue import Sku, Warehouse
from inventory_service.domain.drift import Drift
from inventory_service.domain.level import LevelKey
from inventory_service.domain.order import Line, Order


class Outbox(Protocol):
    async def add(self, event: Event, *, caused_by: Cause | None = None) -> None: ...


class Timers(Protocol):
    async def set(
        self,
        name: str,
        key: str,
        *,
        merchant_id: str,
        due_at: datetime,
        payload: Mapping[str, Any] | None = None,
        caused_by: Cause | None = None,
    ) -> None: ...

    async def clear(self, name: str, key: str) -> None: ...


class Books(Protocol):
    """Locks rows and reads them into the transaction's book; writes back what changed.

    The order of locks is what keeps transactions from waiting on each other in a circle: orders by id, then
    SKUs by (merchant, SKU), each at most once in a transaction; after that orders only with SKIP LOCKED. Who
    holds the lock of a skipped order is about to wait for one of these SKUs, and looks at the stock then.
    """

    async def lock_orders(self, merchants: Mapping[UUID, str]) -> None:
        """Lock the orders (new ones come into being) and read them with lines and allocations."""

    async def lock_skus(self, keys: Collection[SkuKey]) -> None:
        """Lock the SKUs; read their levels and facts and their merchants' warehouses."""

    async def lock_waiting(self, keys: Collection[SkuKey], limit: int) -> Sequence[tuple[Order, Line]]:
        """Lines that wait for units of locked SKUs which a warehouse of theirs has, by (ship-by, placed)."""

    async def lock_promised(self, key: LevelKey, limit: int) -> Sequence[tuple[Order, Allocation]]:
        """Live allocations of a level, in the order in which they are taken back.

        Unpublished before published, the latest ship-by first, the newest first. None that shipping refused
        to stop or was asked for already.
        """

    async def waited_for(self, merchant_id: str, warehouse: str, limit: int) -> Sequence[SkuKey]:
        """SKUs that orders wait for and of which a warehouse has units to promise. Locks nothing."""

    async def booked_before(self, kind: str, references: Collection[str]) -> set[tuple[str, UUID]]:
        """Which (reference, allocation) have a movement of this kind already."""

    async def received_before(
        self, merchant_id: str, references: Collection[str]
    ) -> set[tuple[str, LevelKey]]: ...

    async def asked_back(self, key: LevelKey) -> int:
        """Units of a level that shipping was asked to let go of and has not answered yet."""

    async def next_versions(self, events: Mapping[SkuKey, int]) -> Mapping[SkuKey, int]:
        """Count up the SKUs' versions by as many events; returns each SKU's first new version."""

    async def save(self) -> None:
        """Write what changed in the book. Raises IllegalMove when an allocation ended meanwhile: a defect."""


class Catalogue(Protocol):
    async def put_warehouse(self, merchant_id: str, warehouse: Warehouse, because: Because) -> None: ...

    async def put_skus(self, merchant_id: str, skus: Sequence[Sku], because: Because) -> None: ...

    async def warehouses(self, merchant_id: str) -> Sequence[Warehouse]: ...

    async def skus(self, merchant_id: str, skus: Collection[str]) -> Mapping[str, Sku]: ...


class Exceptions(Protocol):
    async def resolve(self, merchant_id: str, exception_id: UUID, *, by: str, resolution: str) -> bool:
        """False when there is none; resolving twice keeps the first resolution."""


class Drifts(Protocol):
    async def differences(self, merchant_id: str, limit: int) -> Sequence[Drift]: ...


class Transaction(Protocol):
    """One transaction with its book. Levels that `save` wrote are published at the end, each once. Versions
    counted in it are above `version_floor`.
    """

    version_floor: int

    @property
    def now(self) -> datetime: ...

    @property
    def cause(self) -> Cause: ...

    @property
    def book(self) -> Book: ...

    @property
    def books(self) -> Books: ...

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def exceptions(self) -> Exceptions: ...

    @property
    def drifts(self) -> Drifts: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def timers(self) -> Timers: ...

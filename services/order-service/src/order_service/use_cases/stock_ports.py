"""What telling marketplaces of stock needs of a transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from order_service.domain.stock import Dials, Parts
from order_service.use_cases.ports import Accounts, Exceptions, Jobs, Shop, Skus


class SkuRef(NamedTuple):
    """A SKU of ours."""

    merchant_id: str
    sku: str


class LevelKey(NamedTuple):
    merchant_id: str
    sku: str
    warehouse: str
    lot: str
    condition: str


@dataclass(frozen=True, slots=True)
class Level:
    """`version` is inventory's, per merchant and SKU."""

    key: LevelKey
    version: int
    available_to_promise: int


@dataclass(frozen=True, slots=True)
class DialsSet:
    """An account's dials. Off, its marketplace is told nothing."""

    enabled: bool = False
    dials: Dials = field(default_factory=Dials)


@dataclass(frozen=True, slots=True)
class Round:
    """The job that tells an account's numbers next. There is one at a time."""

    shop: Shop
    platform: str
    number: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What an account sells, and what its marketplace was told of it."""

    external_sku: str
    told: int | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Listings whose number is still to be told, since when, and those that were refused."""

    waiting: int
    oldest: datetime | None
    refused: int


class Stock(Protocol):
    """Levels, dials and listings. Whoever marks listings holds `share` first, whoever takes them `hold`: so
    that no level is committed behind the back of one who has just looked.
    """

    async def share(self, merchant_ids: Collection[str]) -> None:
        """Keep takers of these merchants' numbers away until the transaction ends; others may mark, too."""
        ...

    async def hold(self, merchant_id: str) -> None:
        """Be alone with this merchant's listings until the transaction ends."""
        ...

    async def learn(self, levels: Collection[Level]) -> set[SkuRef]:
        """Keep the newest of each level, given once each; the SKUs of which something became known."""
        ...

    async def mark(self, skus: Collection[SkuRef]) -> list[Round]:
        """Note that these SKUs changed, in every listing they are part of; the rounds that have to follow."""
        ...

    async def mark_listings(
        self, shop: Shop, external_skus: Collection[str] | None, *, forget: bool = False
    ) -> list[Round]:
        """The same for listings by their name, None: all. `forget`: what they were told, and refusals."""
        ...

    async def dials(self, shop: Shop) -> DialsSet: ...

    async def set_dials(self, shop: Shop, given: DialsSet) -> None: ...

    async def backlog(self, shop: Shop) -> Backlog: ...

    async def waiting(self, shop: Shop, limit: int) -> list[Listing]:
        """Listings to be looked at, those that were on their way first."""
        ...

    async def parts(self, shop: Shop, external_skus: Collection[str]) -> Mapping[str, Parts | None]:
        """What each is made of and what there is of it; None: not a SKU of ours."""
        ...

    async def take(self, shop: Shop, wanted: Mapping[str, int | None]) -> None:
        """These numbers are worked out from what there is now, None: nothing is to be told."""
        ...

    async def told(self, shop: Shop, numbers: Mapping[str, int], refused: Mapping[str, str]) -> None:
        """What the marketplace has taken, and what it has refused with which code."""
        ...

    async def next_round(self, shop: Shop) -> Round:
        """The round that is running has ended."""
        ...

    async def rounds_due(self) -> Sequence[Round]:
        """The rounds of active accounts in which something waits, of all merchants."""
        ...


class StockTransaction(Protocol):
    now: datetime

    @property
    def accounts(self) -> Accounts: ...
    @property
    def skus(self) -> Skus: ...
    @property
    def exceptions(self) -> Exceptions: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def stock(self) -> Stock: ...

"""What the use cases need of the world: accounts, messages, and a transaction's parts."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from crossdock_contracts.envelope import Actor, Cause, Event, OrderKeyed
from order_service.domain.lines import Catalog, Mapped, SkuFacts
from order_service.domain.order import LabelSource, Order, Policy


class NotFound(Exception):
    """There is no such thing for this merchant. Arguments: what, its id."""


class Conflict(Exception):
    """It contradicts what is there. Arguments: a sentence without personal data."""


class RacedImport(Exception):
    """Another transaction imported the same order first: begin again, and find it."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What only the platform and we know. Never printed. `named`: what else its folder asks for."""

    webhook: tuple[str, ...] = field(default=(), repr=False)
    access_token: str | None = field(default=None, repr=False)
    named: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an account's calls are made with where the platform gives it for a while. Never printed.

    `refresh_token` buys the next pair, on some platforms once: a pair is stored before it is used.
    """

    access_token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str | None = field(default=None, repr=False)
    refresh_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """`options`: what the platform's folder asks for that is no secret. `paused`: why nobody is called."""

    merchant_id: str
    account: str
    platform: str
    shop_ref: str
    api_base_url: str | None
    secrets: Secrets
    policy: Policy
    label_source: LabelSource
    ship_by_days: int
    domestic_countries: frozenset[str]
    may_write: bool
    incoterm: str | None
    unpaid_hours: int
    active: bool
    #: Platforms that leave the choice to us are asked to give the buyer the money back when we cancel.
    refund_on_cancel: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    tokens: Tokens | None = None
    paused: str | None = None
    #: Counts the tokens that there have been.
    token_version: int = 0
    #: Why the platform sells no more tokens; only a person can help.
    refused_because: str | None = None

    @property
    def destination(self) -> str:
        """The party that its jobs call."""
        return f"{self.platform}:{self.account}"


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery as it came. `dedupe_key` is the platform's id of the delivery; `headers` without secrets;
    `external_id` names the order that has to be fetched for it.
    """

    message_id: UUID
    merchant_id: str
    platform: str
    account: str
    dedupe_key: str
    topic: str
    headers: Mapping[str, str]
    body: bytes
    state: str = "imported"
    error: str | None = None
    order_id: UUID | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a message; `order_id` and `external_id` None leave those it has."""

    message_id: UUID
    state: str
    order_id: UUID | None
    error: str | None = None
    external_id: str | None = None


class OrderRef(NamedTuple):
    """An order as its platform names it."""

    platform: str
    shop_ref: str
    external_id: str


class Shop(NamedTuple):
    """One account of a merchant."""

    merchant_id: str
    account: str


@dataclass(frozen=True, slots=True)
class Note:
    """One line of an order's timeline."""

    order_id: UUID
    merchant_id: str
    what: str
    actor: Actor
    version: int
    detail: str | None = None
    reason: str | None = None
    cause: Cause = field(default_factory=Cause)


@dataclass(frozen=True, slots=True)
class Obligation:
    obligation_id: UUID
    merchant_id: str
    order_id: UUID
    kind: str
    subject: str
    platform: str
    account: str
    deadline_at: datetime
    details: Mapping[str, Any]
    state: str = "open"


class Orders(Protocol):
    async def lock(self, order_ids: Collection[UUID]) -> dict[UUID, Order]:
        """The orders, locked in the order of their ids until the transaction ends."""
        ...

    async def lock_one(self, merchant_id: str, order_id: UUID) -> Order:
        """Raises NotFound, for another merchant's order too."""
        ...

    async def get(self, merchant_id: str, order_id: UUID) -> Order:
        """To look at only. Raises NotFound, for another merchant's order too."""
        ...

    async def lock_external(self, refs: Collection[OrderRef]) -> dict[OrderRef, Order]:
        """Those of these that are known, locked in the order of their ids."""
        ...

    async def lock_waiting(
        self, merchant_id: str, skus: Collection[str], *, after: UUID | None, limit: int
    ) -> list[Order]:
        """Orders whose holds wait for news of one of these SKUs, by rising id behind `after`."""
        ...

    async def add(self, orders: Sequence[Order], notes: Sequence[Note], *, personal_until: datetime) -> None:
        """Store new orders and the beginnings of their timelines. Raises RacedImport when the platform's
        order is there already for one of them.
        """
        ...

    async def save(self, orders: Sequence[Order]) -> None: ...

    async def note(self, notes: Sequence[Note]) -> None: ...


class Messages(Protocol):
    async def add(self, messages: Sequence[Message], *, personal_until: datetime) -> set[UUID]:
        """Store them; the ids of those that were stored. The others' deliveries are here already."""
        ...

    async def get(self, merchant_id: str, message_id: UUID) -> Message:
        """Raises NotFound."""
        ...

    async def settle(self, settled: Sequence[Settled]) -> None: ...

    async def fetching(self, shop: "Shop", external_id: str) -> dict[UUID, UUID | None]:
        """The messages for which this order has to be fetched, and the order id each of them names."""
        ...


class Accounts(Protocol):
    async def get(self, merchant_id: str, account: str) -> Account:
        """Raises NotFound."""
        ...

    async def put(self, account: Account) -> None:
        """Create or change it, but for its tokens and its pause. Raises Conflict: name or shop is connected
        already, or the shop changes.
        """
        ...

    async def begin_check(self, merchant_id: str, account: str, check_id: UUID) -> None:
        """A check was asked for. An older one is forgotten."""
        ...

    async def end_check(self, check_id: UUID, *, trouble: str | None) -> None:
        """`trouble` None: it went well. A check that was asked for anew meanwhile stays open."""
        ...


class AccountTokens(Protocol):
    async def try_again(self, account: Account) -> None:
        """A person has changed what tokens are bought with: a refusal is forgotten. Safe to repeat."""
        ...


class Skus(Protocol):
    async def catalog(self, merchant_id: str, account: str, external_skus: Collection[str]) -> Catalog:
        """The map's entries of these SKUs, and what is known of every SKU that may stand behind them."""
        ...

    async def catalogs(self, external_skus: Mapping[Shop, Collection[str]]) -> dict[Shop, Catalog]:
        """The catalog of each shop, for many at once."""
        ...

    async def learn(self, merchant_id: str, facts: Mapping[str, tuple[int, SkuFacts]]) -> set[str]:
        """Keep the newest facts by SKU; returns the SKUs of which something became known."""
        ...

    async def map(self, merchant_id: str, account: str, external_sku: str, mapped: Mapped) -> None: ...

    async def sells(self, external_skus: Mapping[Shop, Collection[str]]) -> None:
        """Note what accounts sell, so that their marketplaces are told of its stock. Safe to repeat."""
        ...


class Exceptions(Protocol):
    async def raise_all(self, rows: Sequence[tuple[str, UUID, str, str, str | None]]) -> None:
        """(merchant, order, code, subject, detail); one open row per (order, code, subject)."""
        ...

    async def settle(self, rows: Sequence[tuple[UUID, str, str]], *, by: str) -> None:
        """Close the open rows (order, code, subject); absent ones are no error."""
        ...


class Deferred(Protocol):
    async def of(self, order_ids: Collection[UUID]) -> dict[UUID, list[OrderKeyed]]: ...

    async def add(self, events: Sequence[OrderKeyed]) -> None: ...

    async def drop(self, event_ids: Collection[UUID]) -> None: ...


class Obligations(Protocol):
    async def add(self, obligation: Obligation) -> None:
        """Safe to repeat: one per (merchant, kind, subject). Written when the transaction ends."""
        ...

    async def lock(self, obligation_ids: Collection[UUID]) -> Mapping[UUID, Obligation]:
        """Raises NotFound."""
        ...

    async def lock_of_order(self, order_id: UUID, kind: str) -> list[Obligation]:
        """All of one kind that an order has, in whatever state."""
        ...

    async def settle(self, refs: Mapping[UUID, str | None], *, state: str, error: str | None = None) -> None:
        """Obligation -> what the platform calls it, where it has said so."""
        ...

    async def overdue(self, order_id: UUID, now: datetime) -> list[Obligation]:
        """Open ones past their deadline."""
        ...

    async def next_deadline(self, order_id: UUID, now: datetime) -> datetime | None: ...


class Outbox(Protocol):
    async def add(self, event: Event, *, caused_by: Cause | None = None) -> None: ...


class Jobs(Protocol):
    async def add(
        self,
        kind: str,
        reference: str,
        *,
        merchant_id: str,
        destination: str,
        payload: Mapping[str, Any],
        run_at: datetime | None = None,
        deadline_at: datetime | None = None,
        caused_by: Cause | None = None,
    ) -> None: ...

    async def again(
        self, kind: str, reference: str, *, run_at: datetime | None = None, certainly_not_done: bool = False
    ) -> None: ...

    async def pause(self, destination: str, *, because: str) -> None: ...

    async def resume(self, destination: str) -> None: ...


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


class Transaction(Protocol):
    """One transaction: everything in it happens or nothing. `now` is the database's clock; versions
    counted in it are above `version_floor`.
    """

    now: datetime
    version_floor: int

    @property
    def orders(self) -> Orders: ...
    @property
    def messages(self) -> Messages: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def tokens(self) -> AccountTokens: ...
    @property
    def skus(self) -> Skus: ...
    @property
    def exceptions(self) -> Exceptions: ...
    @property
    def deferred(self) -> Deferred: ...
    @property
    def obligations(self) -> Obligations: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def timers(self) -> Timers: ...
    @property
    def new_id(self) -> Callable[[], UUID]: ...

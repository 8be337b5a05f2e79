"""What the use cases need of the transaction, of the templates and of a channel."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

from crossdock_contracts.envelope import Actor, ActorKind, Cause, Event
from notify_service.domain.goods import Goods
from notify_service.domain.languages import Speech
from notify_service.domain.messages import NO_FACTS, Delay, Facts, Message, Template
from notify_service.domain.order import Amount, Buyer, KnownOrder, Parcel

OURSELVES = Actor(kind=ActorKind.SERVICE, name="notify")
NO_CAUSE = Cause()
NO_REPLIES: Mapping[UUID, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Policy:
    """What the installation decides. `channels`: their codes, in the order in which buyers are told.

    `give_up_after`: how long a message may wait for a server before a person is told instead of the buyer.
    """

    channels: tuple[str, ...] = ("email",)
    tell_rejected_shipments: bool = False
    personal_days: int = 90
    give_up_after: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Profile:
    """How a shop signs and which language it falls back to."""

    display_name: str | None = None
    default_locale: str | None = None
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """Something to be told about an order, and what made it so."""

    merchant_id: str
    order_id: UUID
    template: Template
    subject: str
    facts: Facts = NO_FACTS
    cause: Cause = NO_CAUSE


@dataclass(frozen=True, slots=True)
class ParcelShown:
    carrier: str
    service: str
    tracking_number: str
    tracking_url: str | None
    contents: tuple[Goods, ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """All that a template may say."""

    template: Template
    shop: str
    name: str | None = field(repr=False)
    order_number: str = ""
    placed_at: datetime | None = None
    lines: tuple[Goods, ...] = ()
    total: Amount | None = None
    parcel: ParcelShown | None = None
    partial: bool = False
    delay: Delay | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """The words. `subject` is one line."""

    subject: str
    html: str
    text: str


class Renderer(Protocol):
    def render(self, letter: Letter, speech: Speech) -> Rendered: ...


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message, ready for a channel. `reference` is the same whenever the same is said."""

    reference: UUID
    address: str = field(repr=False)
    name: str | None = field(repr=False)
    sender_name: str | None
    reply_to: str | None
    language_tag: str
    content: Rendered = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Packed:
    """An envelope in the channel's own form."""

    address: str = field(repr=False)
    content: bytes = field(repr=False)


class ChannelRefused(Exception):
    """They understood and said no for good. Argument: a code, nothing personal."""


class ChannelUnavailable(Exception):
    """Certainly not taken: nothing arrived, or they asked us to come later. Argument: a code.

    `this_one_only`: they put off this recipient, and are there for others.
    """

    def __init__(self, code: str, *, this_one_only: bool = False) -> None:
        super().__init__(code)
        self.this_one_only = this_one_only


class ChannelOutcomeUnknown(Exception):
    """It may have been taken, and nobody can be asked. Argument: a code."""


class Channel(Protocol):
    """A way to reach a buyer."""

    @property
    def code(self) -> str: ...

    @property
    def concurrency(self) -> int:
        """How many messages it takes at once, per process."""

    def address_of(self, buyer: Buyer) -> str | None:
        """Where this channel reaches the buyer; None when it cannot."""

    def pack(self, envelope: Envelope) -> Packed:
        """Pure, so that what cannot be packed is known before anything is handed over."""

    async def hand_over(self, packed: Packed) -> str:
        """Hand it to the channel's server; returns what the server said. Never safe to repeat.

        Raises ChannelRefused, ChannelUnavailable, ChannelOutcomeUnknown.
        """

    async def close(self) -> None: ...


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
        payload: Mapping[str, str],
        caused_by: Cause | None = None,
    ) -> None: ...

    async def again(self, kind: str, reference: str, *, certainly_not_done: bool = False) -> None: ...


class Orders(Protocol):
    async def lock(self, merchants: Mapping[UUID, str]) -> Mapping[UUID, KnownOrder]:
        """Lock the orders (merchant by order id; unknown ones come into being with version 0)."""

    async def save(self, orders: Sequence[KnownOrder]) -> None:
        """Write what snapshots said; the orders are locked."""

    async def get(self, merchant_id: str, order_id: UUID) -> KnownOrder:
        """Raises OrderUnknown, also for an order without a snapshot."""

    async def next_event_versions(self, order_ids: Sequence[UUID]) -> Sequence[int]:
        """A version for each event about to be published, given the order it is about. Locks the orders."""


class Parcels(Protocol):
    async def save(self, parcels: Sequence[Parcel]) -> None:
        """Write them. A time that is known already is kept."""

    async def of_orders(self, order_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Parcel]]:
        """By order, in the order of shipping."""


class Deferred(Protocol):
    async def add(self, tellings: Sequence[Telling]) -> None:
        """Keep until the order is known. Safe to repeat."""

    async def take(self, order_ids: Collection[UUID]) -> Sequence[Telling]:
        """Take out what waits for these orders, in the order it came."""


@dataclass(frozen=True, slots=True)
class Due:
    """A locked message with what it is made from."""

    message: Message
    order: KnownOrder
    parcel: Parcel | None
    profile: Profile
    opted_out: bool


class Messages(Protocol):
    async def add(self, messages: Sequence[Message]) -> Collection[UUID]:
        """Write new messages; returns the ids of those that were not said before in that revision."""

    async def lock(self, merchant_id: str, message_id: UUID) -> Message:
        """Raises MessageUnknown."""

    async def lock_due(self, message_ids: Collection[UUID]) -> Mapping[UUID, Due]:
        """Raises MessageUnknown."""

    async def profile(self, merchant_id: str, account: str) -> Profile:
        """The account's profile, else the merchant's, else an empty one."""

    async def save(self, messages: Sequence[Message], *, replies: Mapping[UUID, str] = NO_REPLIES) -> None:
        """Write their states when the transaction ends, the last word on each. They are locked, or their
        attempt is ours. `replies`: what the channel's server said, by id.
        """


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the delivery log."""

    message: Message
    what: str
    code: str | None = None
    actor: Actor = OURSELVES
    reason: str | None = None
    cause: Cause = NO_CAUSE


class DeliveryLog(Protocol):
    async def add(self, entries: Sequence[Entry]) -> None: ...


class Transaction(Protocol):
    @property
    def now(self) -> datetime: ...

    @property
    def cause(self) -> Cause: ...

    @property
    def policy(self) -> Policy: ...

    @property
    def orders(self) -> Orders: ...

    @property
    def parcels(self) -> Parcels: ...

    @property
    def deferred(self) -> Deferred: ...

    @property
    def messages(self) -> Messages: ...

    @property
    def log(self) -> DeliveryLog: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def jobs(self) -> Jobs: ...

    def new_id(self) -> UUID: ...

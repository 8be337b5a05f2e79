"""A transaction without a database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from crossdock_contracts.envelope import Cause, Event
from notify_service.domain.errors import MessageUnknown, OrderUnknown
from notify_service.domain.languages import Speech
from notify_service.domain.messages import Message
from notify_service.domain.order import Buyer, KnownOrder, Parcel
from notify_service.use_cases.ports import (
    NO_REPLIES,
    Due,
    Entry,
    Envelope,
    Letter,
    Packed,
    Policy,
    Profile,
    Rendered,
    Telling,
)

from .samples import NOON


class FakeOrders:
    def __init__(self) -> None:
        self.rows: dict[UUID, KnownOrder] = {}
        self.said: dict[UUID, int] = {}

    async def lock(self, merchants: Mapping[UUID, str]) -> Mapping[UUID, KnownOrder]:
        return {one: self.rows.setdefault(one, KnownOrder(one, name)) for one, name in merchants.items()}

    async def save(self, orders: Sequence[KnownOrder]) -> None:
        self.rows |= {one.order_id: one for one in orders}

    async def get(self, merchant_id: str, order_id: UUID) -> KnownOrder:
        found = self.rows.get(order_id)
        if found is None or found.merchant_id != merchant_id or found.version == 0:
            raise OrderUnknown(order_id)
        return found

    async def next_event_versions(self, order_ids: Sequence[UUID]) -> Sequence[int]:
        versions = []
        for one in order_ids:
            self.said[one] = self.said.get(one, 0) + 1
            versions.append(self.said[one])
        return versions


class FakeParcels:
    def __init__(self) -> None:
        self.rows: dict[UUID, Parcel] = {}

    async def save(self, parcels: Sequence[Parcel]) -> None:
        for one in parcels:
            before = self.rows.get(one.parcel_id, one)
            self.rows[one.parcel_id] = replace(
                one,
                shipped_at=before.shipped_at or one.shipped_at,
                delivered_at=before.delivered_at or one.delivered_at,
            )

    async def of_orders(self, order_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Parcel]]:
        found: dict[UUID, list[Parcel]] = {}
        for one in sorted(self.rows.values(), key=lambda one: (one.shipped_at is None, str(one.shipped_at))):
            if one.order_id in order_ids:
                found.setdefault(one.order_id, []).append(one)
        return found


class FakeDeferred:
    def __init__(self) -> None:
        self.rows: list[Telling] = []

    async def add(self, tellings: Sequence[Telling]) -> None:
        self.rows += tellings

    async def take(self, order_ids: Collection[UUID]) -> Sequence[Telling]:
        taken = [one for one in self.rows if one.order_id in order_ids]
        self.rows = [one for one in self.rows if one.order_id not in order_ids]
        return taken


class FakeMessages:
    def __init__(self, orders: FakeOrders, parcels: FakeParcels) -> None:
        self.rows: dict[UUID, Message] = {}
        self._orders = orders
        self._parcels = parcels

    async def add(self, messages: Sequence[Message]) -> Collection[UUID]:
        new = [one for one in messages if one.reference not in {row.reference for row in self.rows.values()}]
        self.rows |= {one.message_id: one for one in new}
        return {one.message_id for one in new}

    async def lock(self, merchant_id: str, message_id: UUID) -> Message:
        found = self.rows.get(message_id)
        if found is None or found.merchant_id != merchant_id:
            raise MessageUnknown(message_id)
        return found

    async def lock_due(self, message_ids: Collection[UUID]) -> Mapping[UUID, Due]:
        return {one: self._due(self.rows[one]) for one in message_ids}

    def _due(self, message: Message) -> Due:
        parcel_id = message.facts.parcel_id
        parcel = None if parcel_id is None else self._parcels.rows.get(parcel_id)
        return Due(message, self._orders.rows[message.order_id], parcel, Profile(), opted_out=False)

    async def profile(self, merchant_id: str, account: str) -> Profile:
        return Profile()

    async def save(self, messages: Sequence[Message], *, replies: Mapping[UUID, str] = NO_REPLIES) -> None:
        self.rows |= {one.message_id: one for one in messages}


class FakeLog:
    def __init__(self) -> None:
        self.entries: list[Entry] = []

    async def add(self, entries: Sequence[Entry]) -> None:
        self.entries += entries


class FakeOutbox:
    def __init__(self) -> None:
        self.events: list[Event] = []

    async def add(self, event: Event, *, caused_by: Cause | None = None) -> None:
        self.events.append(event)


class FakeJobs:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.again_asked: list[str] = []

    async def add(self, kind: str, reference: str, **_: Any) -> None:
        self.asked.append(reference)

    async def again(self, kind: str, reference: str, *, certainly_not_done: bool = False) -> None:
        self.again_asked.append(reference)


@dataclass
class FakeTransaction:
    now: datetime = NOON
    cause: Cause = field(default_factory=Cause)
    policy: Policy = field(default_factory=Policy)
    orders: FakeOrders = field(default_factory=FakeOrders)
    parcels: FakeParcels = field(default_factory=FakeParcels)
    deferred: FakeDeferred = field(default_factory=FakeDeferred)
    log: FakeLog = field(default_factory=FakeLog)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    jobs: FakeJobs = field(default_factory=FakeJobs)

    def __post_init__(self) -> None:
        self.messages = FakeMessages(self.orders, self.parcels)

    def new_id(self) -> UUID:
        return uuid4()

    @property
    def only_message(self) -> Message:
        (message,) = self.messages.rows.values()
        return message


class FakeChannel:
    """Takes everything and keeps it."""

    code = "email"
    concurrency = 1

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    def address_of(self, buyer: Buyer) -> str | None:
        return buyer.email

    def pack(self, envelope: Envelope) -> Packed:
        self.envelopes.append(envelope)
        return Packed(envelope.address, b"")

    async def hand_over(self, packed: Packed) -> str:
        return "250 OK"

    async def close(self) -> None:
        pass


class FakeRenderer:
    def __init__(self) -> None:
        self.letters: list[tuple[Letter, Speech]] = []

    def render(self, letter: Letter, speech: Speech) -> Rendered:
        self.letters.append((letter, speech))
        return Rendered(letter.template.value, "<p></p>", "")

"""notify-service's tables in memory: the ports of its use cases."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from crossdock_contracts.envelope import Cause
from notify_service.domain.errors import MessageUnknown, OrderUnknown
from notify_service.domain.languages import Speech
from notify_service.domain.messages import Message
from notify_service.domain.order import KnownOrder, Parcel
from notify_service.use_cases.ports import (
    NO_REPLIES,
    Due,
    Entry,
    Letter,
    Policy,
    Profile,
    Rendered,
    Telling,
)

from .memory import NewId, Rows, Transaction


@dataclass(kw_only=True)
class LetterRows(Rows):
    orders: dict[UUID, KnownOrder] = field(default_factory=dict)
    said: dict[UUID, int] = field(default_factory=dict)
    parcels: dict[UUID, Parcel] = field(default_factory=dict)
    deferred: dict[tuple[UUID, str, str], Telling] = field(default_factory=dict)
    messages: dict[UUID, Message] = field(default_factory=dict)


class OrderTable:
    def __init__(self, rows: LetterRows) -> None:
        self._rows = rows

    async def lock(self, merchants: Mapping[UUID, str]) -> Mapping[UUID, KnownOrder]:
        return {
            one: self._rows.orders.setdefault(one, KnownOrder(one, name)) for one, name in merchants.items()
        }

    async def save(self, orders: Sequence[KnownOrder]) -> None:
        self._rows.orders |= {one.order_id: one for one in orders}

    async def get(self, merchant_id: str, order_id: UUID) -> KnownOrder:
        found = self._rows.orders.get(order_id)
        if found is None or found.version == 0:
            raise OrderUnknown(order_id)
        return found

    async def next_event_versions(self, order_ids: Sequence[UUID]) -> Sequence[int]:
        versions = []
        for one in order_ids:
            self._rows.said[one] = self._rows.said.get(one, 0) + 1
            versions.append(self._rows.said[one])
        return versions


class ParcelTable:
    def __init__(self, rows: LetterRows) -> None:
        self._rows = rows

    async def save(self, parcels: Sequence[Parcel]) -> None:
        for one in parcels:
            known = self._rows.parcels.get(one.parcel_id, one)
            self._rows.parcels[one.parcel_id] = replace(
                known,
                shipped_at=known.shipped_at or one.shipped_at,
                delivered_at=known.delivered_at or one.delivered_at,
            )

    async def of_orders(self, order_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Parcel]]:
        found: dict[UUID, list[Parcel]] = {}
        parcels = sorted(self._rows.parcels.values(), key=lambda one: one.parcel_id)
        for one in sorted(parcels, key=lambda one: (one.shipped_at is None, str(one.shipped_at))):
            if one.order_id in order_ids:
                found.setdefault(one.order_id, []).append(one)
        return found


class DeferredTable:
    def __init__(self, rows: LetterRows) -> None:
        self._rows = rows

    async def add(self, tellings: Sequence[Telling]) -> None:
        for one in tellings:
            self._rows.deferred.setdefault((one.order_id, one.template.value, one.subject), one)

    async def take(self, order_ids: Collection[UUID]) -> Sequence[Telling]:
        taken = {key: one for key, one in self._rows.deferred.items() if one.order_id in order_ids}
        for key in taken:
            del self._rows.deferred[key]
        return list(taken.values())


class MessageTable:
    def __init__(self, rows: LetterRows) -> None:
        self._rows = rows

    async def add(self, messages: Sequence[Message]) -> Collection[UUID]:
        there = {one.reference for one in self._rows.messages.values()}
        new = []
        for one in messages:
            if one.reference not in there:
                there.add(one.reference)
                new.append(one)
        self._rows.messages |= {one.message_id: one for one in new}
        return {one.message_id for one in new}

    async def lock(self, merchant_id: str, message_id: UUID) -> Message:
        found = self._rows.messages.get(message_id)
        if found is None:
            raise MessageUnknown(message_id)
        return found

    async def lock_due(self, message_ids: Collection[UUID]) -> Mapping[UUID, Due]:
        return {one: self._due(self._rows.messages[one]) for one in message_ids}

    def _due(self, message: Message) -> Due:
        parcel = None if message.facts.parcel_id is None else self._rows.parcels.get(message.facts.parcel_id)
        return Due(message, self._rows.orders[message.order_id], parcel, Profile(), opted_out=False)

    async def profile(self, merchant_id: str, account: str) -> Profile:
        return Profile()

    async def save(self, messages: Sequence[Message], *, replies: Mapping[UUID, str] = NO_REPLIES) -> None:
        self._rows.messages |= {one.message_id: one for one in messages}


class DeliveryLog:
    def __init__(self, rows: LetterRows) -> None:
        self._rows = rows

    async def add(self, entries: Sequence[Entry]) -> None:
        self._rows.timeline += [
            f"{one.message.template} {one.what}" + (f": {one.code}" if one.code else "") for one in entries
        ]


class PlainRenderer:
    """Of a letter only what it is about."""

    def render(self, letter: Letter, speech: Speech) -> Rendered:
        return Rendered(letter.template.value, "<p></p>", "")


class LetterTransaction(Transaction[LetterRows]):
    def __init__(self, rows: LetterRows, now: datetime, cause: Cause, ids: NewId) -> None:
        super().__init__(rows, now, cause, ids)
        self.policy = Policy()
        self.orders = OrderTable(rows)
        self.parcels = ParcelTable(rows)
        self.deferred = DeferredTable(rows)
        self.messages = MessageTable(rows)
        self.log = DeliveryLog(rows)

    def new_id(self) -> UUID:
        return self.ids()

"""A transaction in memory, as far as steering one order needs it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from crossdock_contracts.envelope import Cause, Event, OrderKeyed
from order_service.domain.lines import Catalog, Mapped, SkuFacts
from order_service.domain.order import Order
from order_service.use_cases.ports import (
    Account,
    Message,
    Note,
    NotFound,
    Obligation,
    OrderRef,
    Settled,
    Shop,
)


@dataclass
class FakeOrders:
    kept: dict[UUID, Order]
    notes: list[Note] = field(default_factory=list)
    saved: int = 0

    async def lock(self, order_ids: Collection[UUID]) -> dict[UUID, Order]:
        return {one: self.kept[one] for one in order_ids if one in self.kept}

    async def lock_one(self, merchant_id: str, order_id: UUID) -> Order:
        order = self.kept.get(order_id)
        if order is None or order.identity.merchant_id != merchant_id:
            raise NotFound("order", str(order_id))
        return order

    async def get(self, merchant_id: str, order_id: UUID) -> Order:
        return await self.lock_one(merchant_id, order_id)

    async def lock_external(self, refs: Collection[OrderRef]) -> dict[OrderRef, Order]:
        there = {
            OrderRef(one.identity.platform, one.identity.shop_ref, one.identity.external_id): one
            for one in self.kept.values()
        }
        return {one: there[one] for one in refs if one in there}

    async def lock_waiting(
        self, merchant_id: str, skus: Collection[str], *, after: UUID | None, limit: int
    ) -> list[Order]:
        return [one for one in self.kept.values() if one.process.waiting_skus & set(skus)][:limit]

    async def add(self, orders: Sequence[Order], notes: Sequence[Note], *, personal_until: datetime) -> None:
        self.kept |= {one.identity.order_id: one for one in orders}
        self.notes += notes

    async def save(self, orders: Sequence[Order]) -> None:
        self.saved += len(orders)

    async def note(self, notes: Sequence[Note]) -> None:
        self.notes += notes


@dataclass
class FakeMessages:
    kept: dict[str, Message] = field(default_factory=dict)
    settled: list[Settled] = field(default_factory=list)

    async def add(self, messages: Sequence[Message], *, personal_until: datetime) -> set[UUID]:
        return {one.message_id for one in messages if self.kept.setdefault(one.dedupe_key, one) is one}

    async def get(self, merchant_id: str, message_id: UUID) -> Message:
        raise NotFound("message", str(message_id))

    async def settle(self, settled: Sequence[Settled]) -> None:
        self.settled += settled

    async def fetching(self, shop: Shop, external_id: str) -> dict[UUID, UUID | None]:
        raise AssertionError("nobody here fetches")


@dataclass
class FakeAccounts:
    account: Account

    async def get(self, merchant_id: str, account: str) -> Account:
        return self.account

    async def put(self, account: Account) -> None:
        self.account = account

    async def begin_check(self, merchant_id: str, account: str, check_id: UUID) -> None:
        raise AssertionError("nobody here checks")

    async def end_check(self, check_id: UUID, *, trouble: str | None) -> None:
        raise AssertionError("nobody here checks")


@dataclass
class FakeTokens:
    async def try_again(self, account: Account) -> None:
        raise AssertionError("nobody here authorises")


@dataclass
class FakeSkus:
    known: dict[str, SkuFacts] = field(default_factory=dict)

    async def catalog(self, merchant_id: str, account: str, external_skus: Collection[str]) -> Catalog:
        return Catalog({}, self.known)

    async def catalogs(self, external_skus: Mapping[Shop, Collection[str]]) -> dict[Shop, Catalog]:
        return {shop: Catalog({}, self.known) for shop in external_skus}

    async def learn(self, merchant_id: str, facts: Mapping[str, tuple[int, SkuFacts]]) -> set[str]:
        self.known |= {sku: one for sku, (_, one) in facts.items()}
        return set(facts)

    async def map(self, merchant_id: str, account: str, external_sku: str, mapped: Mapped) -> None:
        raise AssertionError("nobody here maps")

    async def sells(self, external_skus: Mapping[Shop, Collection[str]]) -> None:
        pass


@dataclass
class FakeExceptions:
    raised: list[tuple[str, str]] = field(default_factory=list)

    async def raise_all(self, rows: Sequence[tuple[str, UUID, str, str, str | None]]) -> None:
        self.raised += [(code, subject) for _, _, code, subject, _ in rows]

    async def settle(self, rows: Sequence[tuple[UUID, str, str]], *, by: str) -> None:
        gone = {(code, subject) for _, code, subject in rows}
        self.raised = [one for one in self.raised if one not in gone]


@dataclass
class FakeDeferred:
    async def of(self, order_ids: Collection[UUID]) -> dict[UUID, list[OrderKeyed]]:
        return {}

    async def add(self, events: Sequence[OrderKeyed]) -> None:
        assert not events

    async def drop(self, event_ids: Collection[UUID]) -> None:
        assert not event_ids


@dataclass
class FakeObligations:
    kept: list[Obligation] = field(default_factory=list)

    async def add(self, obligation: Obligation) -> None:
        self.kept.append(obligation)

    async def lock(self, obligation_ids: Collection[UUID]) -> Mapping[UUID, Obligation]:
        raise NotFound("obligation", ", ".join(map(str, obligation_ids)))

    async def lock_of_order(self, order_id: UUID, kind: str) -> list[Obligation]:
        return [one for one in self.kept if (one.order_id, one.kind) == (order_id, kind)]

    async def settle(self, refs: Mapping[UUID, str | None], *, state: str, error: str | None = None) -> None:
        assert not refs, "nobody here settles"

    async def overdue(self, order_id: UUID, now: datetime) -> list[Obligation]:
        return [one for one in self.kept if one.deadline_at <= now]

    async def next_deadline(self, order_id: UUID, now: datetime) -> datetime | None:
        return None


@dataclass
class FakeOutbox:
    events: list[Event] = field(default_factory=list)

    async def add(self, event: Event, *, caused_by: Cause | None = None) -> None:
        self.events.append(event)


@dataclass
class FakeJobs:
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def add(self, kind: str, reference: str, **values: Any) -> None:
        self.asked.append((kind, reference))

    async def again(self, kind: str, reference: str, **values: Any) -> None:
        self.asked.append((kind, reference))

    async def pause(self, destination: str, *, because: str) -> None:
        raise AssertionError("nobody here pauses")

    async def resume(self, destination: str) -> None:
        raise AssertionError("nobody here pauses")


@dataclass
class FakeTimers:
    due: dict[str, datetime] = field(default_factory=dict)

    async def set(self, name: str, key: str, *, merchant_id: str, due_at: datetime, **more: Any) -> None:
        self.due[name] = due_at

    async def clear(self, name: str, key: str) -> None:
        self.due.pop(name, None)


class FakeTransaction:
    def __init__(self, *orders: Order, account: Account, now: datetime) -> None:
        self.now = now
        self.version_floor = 0
        self.orders = FakeOrders({one.identity.order_id: one for one in orders})
        self.messages = FakeMessages()
        self.accounts = FakeAccounts(account)
        self.tokens = FakeTokens()
        self.skus = FakeSkus()
        self.exceptions = FakeExceptions()
        self.deferred = FakeDeferred()
        self.obligations = FakeObligations()
        self.outbox = FakeOutbox()
        self.jobs = FakeJobs()
        self.timers = FakeTimers()

    @property
    def new_id(self) -> Callable[[], UUID]:
        return uuid4

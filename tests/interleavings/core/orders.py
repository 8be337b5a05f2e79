"""order-service's tables in memory: the ports of its use cases."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from crossdock_contracts.envelope import Cause, OrderKeyed
from order_service.domain.exceptions import GUIDES
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
from order_service.use_cases.stock_ports import Level, Round, SkuRef

from .memory import NewId, Rows, Table, Transaction


@dataclass(kw_only=True)
class OrderRows(Rows):
    orders: Table[UUID, Order] = field(default_factory=Table)
    external: dict[OrderRef, UUID] = field(default_factory=dict)
    messages: dict[UUID, Message] = field(default_factory=dict)
    accounts: dict[tuple[str, str], Account] = field(default_factory=dict)
    skus: dict[tuple[str, str], tuple[int, SkuFacts]] = field(default_factory=dict)
    sku_map: dict[tuple[str, str, str], Mapped] = field(default_factory=dict)
    exceptions: dict[tuple[UUID, str, str], bool] = field(default_factory=dict)  # whether it is open
    deferred: dict[UUID, OrderKeyed] = field(default_factory=dict)
    obligations: dict[UUID, Obligation] = field(default_factory=dict)


class OrderTable:
    def __init__(self, rows: OrderRows) -> None:
        self._rows = rows

    async def lock(self, order_ids: Collection[UUID]) -> dict[UUID, Order]:
        found = {one: self._rows.orders.get(one) for one in sorted(order_ids)}
        return {order_id: order for order_id, order in found.items() if order is not None}

    async def get(self, merchant_id: str, order_id: UUID) -> Order:
        return await self.lock_one(merchant_id, order_id)

    async def lock_one(self, merchant_id: str, order_id: UUID) -> Order:
        order = self._rows.orders.get(order_id)
        if order is None or order.identity.merchant_id != merchant_id:
            raise NotFound("order", str(order_id))
        return order

    async def lock_external(self, refs: Collection[OrderRef]) -> dict[OrderRef, Order]:
        there = {one: self._rows.external[one] for one in refs if one in self._rows.external}
        locked = await self.lock(there.values())
        return {ref: locked[order_id] for ref, order_id in there.items()}

    async def lock_waiting(
        self, merchant_id: str, skus: Collection[str], *, after: UUID | None, limit: int
    ) -> list[Order]:
        waiting = [
            one
            for one in self._rows.orders.values()
            if one.identity.merchant_id == merchant_id and one.process.waiting_skus & set(skus)
        ]
        waiting.sort(key=lambda one: one.identity.order_id)
        return [one for one in waiting if after is None or one.identity.order_id > after][:limit]

    async def add(self, orders: Sequence[Order], notes: Sequence[Note], *, personal_until: datetime) -> None:
        for order in orders:
            one = order.identity
            ref = OrderRef(one.platform, one.shop_ref, one.external_id)
            assert ref not in self._rows.external, "nobody races in one process"
            self._rows.external[ref] = one.order_id
        await self.save(orders)
        await self.note(notes)

    async def save(self, orders: Sequence[Order]) -> None:
        for one in orders:
            # What the transaction noted on the order is no part of its row.
            stored = replace(one, surprises=[], settled=[], _changed=False, _wished=False)
            self._rows.orders.put(one.identity.order_id, stored)

    async def note(self, notes: Sequence[Note]) -> None:
        self._rows.timeline += [f"{one.what}: {one.detail}" if one.detail else one.what for one in notes]


class MessageTable:
    def __init__(self, rows: OrderRows) -> None:
        self._rows = rows

    async def add(self, messages: Sequence[Message], *, personal_until: datetime) -> set[UUID]:
        there = {one.dedupe_key for one in self._rows.messages.values()}
        new = {one.dedupe_key: one for one in messages if one.dedupe_key not in there}
        self._rows.messages |= {one.message_id: one for one in new.values()}
        return {one.message_id for one in new.values()}

    async def get(self, merchant_id: str, message_id: UUID) -> Message:
        return self._rows.messages[message_id]

    async def settle(self, settled: Sequence[Settled]) -> None:
        for one in settled:
            message = self._rows.messages[one.message_id]
            order_id = one.order_id or message.order_id
            self._rows.messages[one.message_id] = replace(
                message, state=one.state, order_id=order_id, error=one.error
            )


class AccountTable:
    def __init__(self, rows: OrderRows) -> None:
        self._rows = rows

    async def get(self, merchant_id: str, account: str) -> Account:
        found = self._rows.accounts.get((merchant_id, account))
        if found is None:
            raise NotFound("account", account)
        return found

    async def put(self, account: Account) -> None:
        self._rows.accounts[account.merchant_id, account.account] = account


class SkuTables:
    def __init__(self, rows: OrderRows) -> None:
        self._rows = rows

    async def catalog(self, merchant_id: str, account: str, external_skus: Collection[str]) -> Catalog:
        mapped = {
            name: self._rows.sku_map[merchant_id, account, name]
            for name in external_skus
            if (merchant_id, account, name) in self._rows.sku_map
        }
        names = {*external_skus, *(part.sku for one in mapped.values() for part in one.components)}
        known = {
            name: self._rows.skus[merchant_id, name][1]
            for name in sorted(names)
            if (merchant_id, name) in self._rows.skus
        }
        return Catalog(mapped, known)

    async def catalogs(self, external_skus: Mapping[Shop, Collection[str]]) -> dict[Shop, Catalog]:
        return {shop: await self.catalog(*shop, names) for shop, names in external_skus.items()}

    async def learn(self, merchant_id: str, facts: Mapping[str, tuple[int, SkuFacts]]) -> set[str]:
        learnt = set()
        for sku, (version, one) in facts.items():
            known = self._rows.skus.get((merchant_id, sku))
            if known is None or known[0] < version:
                self._rows.skus[merchant_id, sku] = (version, one)
                learnt.add(sku)
        return learnt

    async def map(self, merchant_id: str, account: str, external_sku: str, mapped: Mapped) -> None:
        self._rows.sku_map[merchant_id, account, external_sku] = mapped

    async def sells(self, external_skus: Mapping[Shop, Collection[str]]) -> None:
        pass


class StockTable:
    """Nobody here has turned a dial, so no marketplace is told of stock."""

    async def share(self, merchant_ids: Collection[str]) -> None:
        pass

    async def learn(self, levels: Collection[Level]) -> set[SkuRef]:
        return {SkuRef(one.key.merchant_id, one.key.sku) for one in levels}

    async def mark(self, skus: Collection[SkuRef]) -> list[Round]:
        return []


class ExceptionTable:
    def __init__(self, rows: OrderRows) -> None:
        self._rows = rows

    async def raise_all(self, rows: Sequence[tuple[str, UUID, str, str, str | None]]) -> None:
        for _, order_id, code, subject, _ in rows:
            assert code in GUIDES
            self._rows.exceptions[order_id, code, subject] = True

    async def settle(self, rows: Sequence[tuple[UUID, str, str]], *, by: str) -> None:
        for key in rows:
            if key in self._rows.exceptions:
                self._rows.exceptions[key] = False


class DeferredTable:
    def __init__(self, rows: OrderRows) -> None:
        self._rows = rows

    async def of(self, order_ids: Collection[UUID]) -> dict[UUID, list[OrderKeyed]]:
        found: dict[UUID, list[OrderKeyed]] = {}
        for event_id in sorted(self._rows.deferred):
            event = self._rows.deferred[event_id]
            if event.order_id in order_ids:
                found.setdefault(event.order_id, []).append(event)
        return found

    async def add(self, events: Sequence[OrderKeyed]) -> None:
        for event in events:
            self._rows.deferred.setdefault(event.meta.event_id, event)

    async def drop(self, event_ids: Collection[UUID]) -> None:
        for event_id in event_ids:
            self._rows.deferred.pop(event_id, None)


OVER = {"confirmed", "withdrawn"}


class ObligationTable:
    def __init__(self, rows: OrderRows) -> None:
        self._rows = rows

    async def add(self, obligation: Obligation) -> None:
        there = {(one.kind, one.subject) for one in self._rows.obligations.values()}
        if (obligation.kind, obligation.subject) not in there:
            self._rows.obligations[obligation.obligation_id] = obligation

    async def lock(self, obligation_ids: Collection[UUID]) -> Mapping[UUID, Obligation]:
        missing = [one for one in obligation_ids if one not in self._rows.obligations]
        if missing:
            raise NotFound("obligation", str(missing[0]))
        return {one: self._rows.obligations[one] for one in obligation_ids}

    async def lock_of_order(self, order_id: UUID, kind: str) -> list[Obligation]:
        return [one for one in self._of(order_id) if one.kind == kind]

    async def settle(self, refs: Mapping[UUID, str | None], *, state: str, error: str | None = None) -> None:
        for one in refs:
            self._rows.obligations[one] = replace(self._rows.obligations[one], state=state)

    async def overdue(self, order_id: UUID, now: datetime) -> list[Obligation]:
        return [one for one in self._of(order_id) if one.state not in OVER and one.deadline_at <= now]

    async def next_deadline(self, order_id: UUID, now: datetime) -> datetime | None:
        coming = [
            one.deadline_at for one in self._of(order_id) if one.state == "open" and one.deadline_at > now
        ]
        return min(coming, default=None)

    def _of(self, order_id: UUID) -> list[Obligation]:
        return [one for one in self._rows.obligations.values() if one.order_id == order_id]


class OrderTransaction(Transaction[OrderRows]):
    def __init__(self, rows: OrderRows, now: datetime, cause: Cause, ids: NewId) -> None:
        super().__init__(rows, now, cause, ids)
        self.orders = OrderTable(rows)
        self.messages = MessageTable(rows)
        self.accounts = AccountTable(rows)
        self.skus = SkuTables(rows)
        self.exceptions = ExceptionTable(rows)
        self.deferred = DeferredTable(rows)
        self.obligations = ObligationTable(rows)
        self.stock = StockTable()

    @property
    def new_id(self) -> Callable[[], UUID]:
        return self.ids

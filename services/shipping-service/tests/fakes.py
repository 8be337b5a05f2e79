"""A transaction in memory, for the use cases: what they keep, say and ask for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from crossdock_chassis.ids import new_id
from crossdock_contracts.envelope import Cause, Event
from crossdock_contracts.inventory import StockReservedV1
from crossdock_contracts.orders import Consignee
from shipping_service.domain.consignment import Document
from shipping_service.domain.dispatch import Dispatch
from shipping_service.domain.effects import Cleared, Raised
from shipping_service.domain.following import Followed
from shipping_service.domain.rules import Conditions, Rule
from shipping_service.domain.whereabouts import Known
from shipping_service.use_cases.ports import (
    Capabilities,
    DomainSettings,
    HistoryLine,
    NewDocument,
    NotFound,
)

from .samples import MERCHANT, NOON


@dataclass
class FakeDispatches:
    known: dict[UUID, Dispatch] = field(default_factory=dict)
    saved: int = 0

    async def lock(self, orders: Mapping[UUID, str]) -> dict[UUID, Dispatch]:
        for order_id, merchant_id in orders.items():
            self.known.setdefault(order_id, Dispatch(order_id, merchant_id))
        return {one: self.known[one] for one in orders}

    async def lock_shipments(self, shipments: Mapping[UUID, str]) -> list[Dispatch]:
        found = [await self.read(merchant_id, id_) for id_, merchant_id in shipments.items()]
        return list({one.order_id: one for one in found}.values())

    async def read(self, merchant_id: str, shipment_id: UUID) -> Dispatch:
        for one in self.known.values():
            if any(leg.shipment_id == shipment_id for leg in one.legs):
                return one
        raise NotFound("shipment", shipment_id)

    async def save(self, dispatches: Sequence[Dispatch]) -> None:
        assert all(not one.effects for one in dispatches), "effects that nobody announced"
        self.saved += len(dispatches)


@dataclass
class FakePeople:
    known: dict[UUID, Consignee] = field(default_factory=dict)

    async def keep(self, rows: Sequence[tuple[UUID, str, int, Consignee]], *, until: datetime) -> None:
        self.known.update({order_id: consignee for order_id, _, _, consignee in rows})

    async def of(self, order_ids: Collection[UUID]) -> Mapping[UUID, Consignee]:
        return {one: self.known[one] for one in order_ids if one in self.known}


@dataclass
class FakeDeferred:
    events: list[StockReservedV1] = field(default_factory=list)

    async def of(self, order_ids: Collection[UUID]) -> dict[UUID, list[StockReservedV1]]:
        found: dict[UUID, list[StockReservedV1]] = {}
        for one in self.events:
            if one.order_id in order_ids:
                found.setdefault(one.order_id, []).append(one)
        return found

    async def add(self, events: Sequence[StockReservedV1]) -> None:
        self.events += events

    async def drop(self, events: Sequence[StockReservedV1]) -> None:
        self.events = [one for one in self.events if one not in events]


@dataclass
class FakeDocuments:
    stored: dict[UUID, Document] = field(default_factory=dict)

    async def add(self, documents: Sequence[NewDocument], *, until: datetime) -> None:
        self.stored.update({one.document_id: one.document for one in documents})


@dataclass
class FakeWords:
    kept: dict[UUID, str] = field(default_factory=dict)

    async def keep(self, merchant_id: str, label_id: UUID, words: str, *, until: datetime) -> None:
        self.kept[label_id] = words


@dataclass
class FakeParcels:
    followed: dict[UUID, Followed] = field(default_factory=dict)
    known: dict[UUID, list[Known]] = field(default_factory=dict)

    async def follow(self, followed: Followed) -> None:
        self.followed.setdefault(followed.label_id, followed)

    async def of_label(self, label_id: UUID) -> Followed:
        return self.followed[label_id]

    async def scans(self, label_id: UUID) -> Sequence[Known]:
        return self.known.get(label_id, [])

    async def save(self, followed: Followed, new: Sequence[Known], *, personal_until: datetime) -> None:
        self.followed[followed.label_id] = followed
        self.known.setdefault(followed.label_id, []).extend(new)


@dataclass
class FakeRules:
    rules: list[Rule] = field(default_factory=list)

    async def of(self, merchant_id: str) -> Sequence[Rule]:
        return [one for one in self.rules if one.merchant_id == merchant_id]

    async def get(self, merchant_id: str, rule_id: UUID) -> Rule:
        return next(one for one in self.rules if one.rule_id == rule_id)

    async def put(self, rule: Rule) -> None:
        self.rules.append(rule)

    async def remove(self, merchant_id: str, rule_id: UUID) -> None:
        self.rules = [one for one in self.rules if one.rule_id != rule_id]


@dataclass
class FakeHistory:
    lines: list[HistoryLine] = field(default_factory=list)

    async def add(self, lines: Sequence[HistoryLine]) -> None:
        self.lines += lines


@dataclass
class FakeExceptions:
    open: set[tuple[UUID, str, str]] = field(default_factory=set)

    async def raise_all(self, merchant_id: str, order_id: UUID, rows: Sequence[Raised]) -> None:
        self.open |= {(order_id, one.code, one.subject) for one in rows}

    async def clear(self, order_id: UUID, rows: Sequence[Cleared]) -> None:
        self.open -= {(order_id, one.code, one.subject) for one in rows}

    async def resolve(self, merchant_id: str, exception_id: UUID, *, by: str, resolution: str) -> None:
        raise NotFound("exception", exception_id)

    @property
    def codes(self) -> list[str]:
        return sorted(code for _, code, _ in self.open)


@dataclass
class FakeOutbox:
    events: list[Event] = field(default_factory=list)
    causes: list[Cause | None] = field(default_factory=list)

    async def add(self, event: Event, *, caused_by: Cause | None = None) -> None:
        self.events.append(event)
        self.causes.append(caused_by)


@dataclass
class FakeJobs:
    """`asked`: (kind, reference) -> payload and when."""

    asked: dict[tuple[str, str], tuple[Mapping[str, Any], datetime | None]] = field(default_factory=dict)
    repeated: list[tuple[str, str]] = field(default_factory=list)

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
    ) -> None:
        self.asked.setdefault((kind, reference), (payload, run_at))

    async def again(
        self, kind: str, reference: str, *, run_at: datetime | None = None, certainly_not_done: bool = False
    ) -> None:
        self.repeated.append((kind, reference))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.asked]


def a_rule(service: str = "Parcel:Economy") -> Rule:
    return Rule(new_id(), MERCHANT, 100, "everything", Conditions(), "scripted", service)


@dataclass
class FakeTransaction:
    now: datetime = NOON
    version_floor: int = 0
    settings: DomainSettings = field(
        default_factory=lambda: DomainSettings(
            {"scripted": Capabilities(can_find=True, can_void=True, void_is_async=True, settles_s=60)},
            timedelta(days=90),
        )
    )
    dispatches: FakeDispatches = field(default_factory=FakeDispatches)
    people: FakePeople = field(default_factory=FakePeople)
    deferred: FakeDeferred = field(default_factory=FakeDeferred)
    documents: FakeDocuments = field(default_factory=FakeDocuments)
    words: FakeWords = field(default_factory=FakeWords)
    parcels: FakeParcels = field(default_factory=FakeParcels)
    rules: FakeRules = field(default_factory=lambda: FakeRules([a_rule()]))
    history: FakeHistory = field(default_factory=FakeHistory)
    exceptions: FakeExceptions = field(default_factory=FakeExceptions)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    jobs: FakeJobs = field(default_factory=FakeJobs)

    @property
    def new_id(self) -> Callable[[], UUID]:
        return new_id

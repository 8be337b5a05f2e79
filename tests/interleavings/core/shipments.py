"""shipping-service's tables in memory: the ports of its use cases."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from crossdock_contracts.envelope import Cause
from crossdock_contracts.inventory import StockReservedV1
from crossdock_contracts.orders import Consignee
from shipping_service.domain.dispatch import Dispatch
from shipping_service.domain.effects import Cleared, Raised
from shipping_service.domain.following import Followed
from shipping_service.domain.rules import Rule
from shipping_service.domain.whereabouts import Known
from shipping_service.use_cases.ports import DomainSettings, HistoryLine, NewDocument, NotFound

from .memory import NewId, Rows, Table, Transaction


@dataclass(kw_only=True)
class ShipmentRows(Rows):
    dispatches: Table[UUID, Dispatch] = field(default_factory=Table)
    order_of: dict[UUID, UUID] = field(default_factory=dict)  # shipment -> order
    people: dict[UUID, tuple[int, Consignee]] = field(default_factory=dict)
    deferred: dict[UUID, StockReservedV1] = field(default_factory=dict)
    parcels: dict[UUID, tuple[Followed, list[Known]]] = field(default_factory=dict)
    rules: dict[UUID, Rule] = field(default_factory=dict)
    exceptions: dict[tuple[UUID, str, str], bool] = field(default_factory=dict)  # whether it is open


class DispatchTable:
    def __init__(self, rows: ShipmentRows) -> None:
        self._rows = rows

    async def lock(self, orders: Mapping[UUID, str]) -> dict[UUID, Dispatch]:
        return {one: self._get(one) or Dispatch(one, orders[one]) for one in sorted(orders)}

    async def lock_shipments(self, shipments: Mapping[UUID, str]) -> list[Dispatch]:
        missing = [one for one in shipments if one not in self._rows.order_of]
        if missing:
            raise NotFound("shipment", missing[0])
        orders = {self._rows.order_of[one]: merchant_id for one, merchant_id in shipments.items()}
        return list((await self.lock(orders)).values())

    async def read(self, merchant_id: str, shipment_id: UUID) -> Dispatch:
        return (await self.lock_shipments({shipment_id: merchant_id}))[0]

    async def save(self, dispatches: Sequence[Dispatch]) -> None:
        for one in dispatches:
            assert not one.effects, "effects that nobody announced"
            live = [label for leg in one.legs for label in leg.labels if label.live]
            assert len({label.parcel_id for label in live}) == len(live), "two live labels of one parcel"
            self._rows.dispatches.put(one.order_id, one)
            self._rows.order_of |= {leg.shipment_id: one.order_id for leg in one.legs}

    def _get(self, order_id: UUID) -> Dispatch | None:
        return self._rows.dispatches.get(order_id)


class ConsigneeTable:
    def __init__(self, rows: ShipmentRows) -> None:
        self._rows = rows

    async def keep(self, rows: Sequence[tuple[UUID, str, int, Consignee]], *, until: datetime) -> None:
        for order_id, _, version, consignee in rows:
            known = self._rows.people.get(order_id)
            if known is None or known[0] < version:
                self._rows.people[order_id] = (version, consignee)

    async def of(self, order_ids: Collection[UUID]) -> Mapping[UUID, Consignee]:
        return {one: self._rows.people[one][1] for one in order_ids if one in self._rows.people}


class DeferredTable:
    def __init__(self, rows: ShipmentRows) -> None:
        self._rows = rows

    async def of(self, order_ids: Collection[UUID]) -> dict[UUID, list[StockReservedV1]]:
        found: dict[UUID, list[StockReservedV1]] = {}
        for event in self._rows.deferred.values():
            if event.order_id in order_ids:
                found.setdefault(event.order_id, []).append(event)
        return found

    async def add(self, events: Sequence[StockReservedV1]) -> None:
        for event in events:
            self._rows.deferred.setdefault(event.meta.event_id, event)

    async def drop(self, events: Sequence[StockReservedV1]) -> None:
        for event in events:
            self._rows.deferred.pop(event.meta.event_id, None)


class DocumentTable:
    async def add(self, documents: Sequence[NewDocument], *, until: datetime) -> None:
        """Nobody prints here."""


class WordsTable:
    async def keep(self, merchant_id: str, label_id: UUID, words: str, *, until: datetime) -> None:
        """Nobody reads here."""


class ParcelTable:
    def __init__(self, rows: ShipmentRows) -> None:
        self._rows = rows

    async def follow(self, followed: Followed) -> None:
        self._rows.parcels.setdefault(followed.label_id, (followed, []))

    async def of_label(self, label_id: UUID) -> Followed:
        if label_id not in self._rows.parcels:
            raise NotFound("parcel", label_id)
        return self._rows.parcels[label_id][0]

    async def scans(self, label_id: UUID) -> Sequence[Known]:
        return self._rows.parcels[label_id][1]

    async def save(self, followed: Followed, new: Sequence[Known], *, personal_until: datetime) -> None:
        read_again = {one.scan_id for one in new}
        kept = [one for one in await self.scans(followed.label_id) if one.scan_id not in read_again]
        self._rows.parcels[followed.label_id] = (followed, [*kept, *new])


class RuleTable:
    def __init__(self, rows: ShipmentRows) -> None:
        self._rows = rows

    async def of(self, merchant_id: str) -> Sequence[Rule]:
        return [one for one in self._rows.rules.values() if one.merchant_id == merchant_id]

    async def get(self, merchant_id: str, rule_id: UUID) -> Rule:
        return self._rows.rules[rule_id]

    async def put(self, rule: Rule) -> None:
        self._rows.rules[rule.rule_id] = rule

    async def remove(self, merchant_id: str, rule_id: UUID) -> None:
        del self._rows.rules[rule_id]


class HistoryTable:
    def __init__(self, rows: ShipmentRows) -> None:
        self._rows = rows

    async def add(self, lines: Sequence[HistoryLine]) -> None:
        self._rows.timeline += [f"{one.what}: {one.detail}" if one.detail else one.what for one in lines]


class ExceptionTable:
    def __init__(self, rows: ShipmentRows) -> None:
        self._rows = rows

    async def raise_all(self, merchant_id: str, order_id: UUID, rows: Sequence[Raised]) -> None:
        self._rows.exceptions |= {(order_id, one.code, one.subject): True for one in rows}

    async def clear(self, order_id: UUID, rows: Sequence[Cleared]) -> None:
        for one in rows:
            if (order_id, one.code, one.subject) in self._rows.exceptions:
                self._rows.exceptions[order_id, one.code, one.subject] = False

    async def resolve(self, merchant_id: str, exception_id: UUID, *, by: str, resolution: str) -> None:
        raise NotFound("exception", exception_id)


class ShipmentTransaction(Transaction[ShipmentRows]):
    def __init__(
        self, rows: ShipmentRows, now: datetime, cause: Cause, ids: NewId, settings: DomainSettings
    ) -> None:
        super().__init__(rows, now, cause, ids)
        self.settings = settings
        self.dispatches = DispatchTable(rows)
        self.people = ConsigneeTable(rows)
        self.deferred = DeferredTable(rows)
        self.documents = DocumentTable()
        self.words = WordsTable()
        self.parcels = ParcelTable(rows)
        self.rules = RuleTable(rows)
        self.history = HistoryTable(rows)
        self.exceptions = ExceptionTable(rows)

    @property
    def new_id(self) -> Callable[[], UUID]:
        return self.ids

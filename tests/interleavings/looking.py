"""What the four services have written down, as rows: read from their databases, or from memory."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from .members import Member


class LevelRow(NamedTuple):
    """`booked` is the sum of the movements, `held` of the outstanding units of live allocations."""

    sku: str
    warehouse: str
    condition: str
    on_hand: int
    reserved: int
    short: int
    booked: int
    held: int


class LabelRow(NamedTuple):
    shipment_id: UUID
    carrier_ref: str | None
    state: str
    leg: str


class ShipmentRow(NamedTuple):
    shipment_id: UUID
    order_id: UUID
    warehouse: str
    state: str


class ItemRow(NamedTuple):
    allocation_id: UUID
    sku: str
    shipment_id: UUID
    state: str
    leg: str


class AllocationRow(NamedTuple):
    allocation_id: UUID
    order_id: UUID
    state: str
    sku: str
    units: int


class ObligationRow(NamedTuple):
    obligation_id: UUID
    subject: str
    state: str


class MessageRow(NamedTuple):
    template: str
    subject: str
    state: str


class ExceptionRow(NamedTuple):
    order_id: UUID | None
    code: str
    is_open: bool


class JobRow(NamedTuple):
    service: str
    kind: str
    state: str
    last_error: str | None


class Look(Protocol):
    """A merchant's rows, the oldest first. Jobs are those of everybody."""

    async def levels(self) -> Sequence[LevelRow]: ...
    async def labels(self) -> Sequence[LabelRow]: ...
    async def shipments(self) -> Sequence[ShipmentRow]: ...
    async def items(self) -> Sequence[ItemRow]: ...
    async def allocations(self) -> Sequence[AllocationRow]: ...
    async def obligations(self) -> Sequence[ObligationRow]: ...
    async def messages(self) -> Sequence[MessageRow]: ...
    async def exceptions(self, service: str) -> Sequence[ExceptionRow]:
        """All that were ever raised."""
        ...

    async def deferred(self) -> dict[str, int]:
        """Service -> how many events rest there."""
        ...

    async def progress(self, order_id: UUID) -> set[str]: ...
    async def jobs(self) -> Sequence[JobRow]: ...


class DatabaseLook:
    """Reads the four databases."""

    def __init__(self, members: dict[str, Member], merchant: str) -> None:
        self._members = members
        self._merchant = merchant

    async def levels(self) -> Sequence[LevelRow]:
        rows = await self._members["inventory"].rows(
            """
            select l.sku, l.warehouse, l.condition, l.on_hand, l.reserved, l.short,
                   coalesce((select sum(units) from stock_movement m where m.merchant_id = l.merchant_id
                      and m.sku = l.sku and m.warehouse = l.warehouse
                      and m.condition = l.condition), 0) as booked,
                   coalesce((select sum(units - consumed) from allocation a
                      where a.merchant_id = l.merchant_id and a.sku = l.sku and a.warehouse = l.warehouse
                      and a.state in ('reserved', 'published', 'withdrawing')), 0) as held
            from stock_level l where l.merchant_id = :merchant order by l.sku, l.warehouse, l.condition
            """,
            merchant=self._merchant,
        )
        return [LevelRow(*row) for row in rows]

    async def labels(self) -> Sequence[LabelRow]:
        rows = await self._members["shipping"].rows(
            "select l.shipment_id, l.carrier_ref, l.state, s.state as leg"
            " from label l join shipment s using (shipment_id)"
            " where l.merchant_id = :merchant order by l.label_id",
            merchant=self._merchant,
        )
        return [LabelRow(*row) for row in rows]

    async def shipments(self) -> Sequence[ShipmentRow]:
        rows = await self._members["shipping"].rows(
            "select shipment_id, order_id, warehouse, state from shipment where merchant_id = :merchant"
            " order by shipment_id",
            merchant=self._merchant,
        )
        return [ShipmentRow(*row) for row in rows]

    async def items(self) -> Sequence[ItemRow]:
        rows = await self._members["shipping"].rows(
            "select i.allocation_id, i.sku, i.shipment_id, i.state, s.state as leg"
            " from item i join shipment s using (shipment_id)"
            " where i.merchant_id = :merchant order by i.allocation_id",
            merchant=self._merchant,
        )
        return [ItemRow(*row) for row in rows]

    async def allocations(self) -> Sequence[AllocationRow]:
        rows = await self._members["inventory"].rows(
            "select allocation_id, order_id, state, sku, units from allocation where merchant_id = :merchant"
            " order by allocation_id",
            merchant=self._merchant,
        )
        return [AllocationRow(*row) for row in rows]

    async def obligations(self) -> Sequence[ObligationRow]:
        rows = await self._members["order"].rows(
            "select obligation_id, subject, state from obligation where merchant_id = :merchant"
            " order by obligation_id",
            merchant=self._merchant,
        )
        return [ObligationRow(*row) for row in rows]

    async def messages(self) -> Sequence[MessageRow]:
        rows = await self._members["notify"].rows(
            "select template, subject, state from message where merchant_id = :merchant order by message_id",
            merchant=self._merchant,
        )
        return [MessageRow(*row) for row in rows]

    async def exceptions(self, service: str) -> Sequence[ExceptionRow]:
        statement = {
            "order": "select order_id, code, resolved_at is null from order_exception",
            "shipping": "select order_id, code, resolved_at is null from shipment_exception",
            "inventory": "select order_id, kind, state = 'open' from stock_exception",
        }[service]
        rows = await self._members[service].rows(
            f"{statement} where merchant_id = :merchant", merchant=self._merchant
        )
        return [ExceptionRow(*row) for row in rows]

    async def deferred(self) -> dict[str, int]:
        tables = {"order": "deferred_event", "shipping": "deferred_event", "notify": "deferred_telling"}
        found = {}
        for service, table in tables.items():
            (found[service],) = await self._members[service].column(
                f"select count(*) from {table} where merchant_id = :merchant", merchant=self._merchant
            )
        return found

    async def progress(self, order_id: UUID) -> set[str]:
        (found,) = await self._members["order"].column(
            "select progress from orders where order_id = :id", id=order_id
        )
        return set(found)

    async def jobs(self) -> Sequence[JobRow]:
        return [
            JobRow(name, row.kind, row.state, row.last_error)
            for name, member in self._members.items()
            for row in await member.rows("select kind, state, last_error from job order by job_id")
        ]

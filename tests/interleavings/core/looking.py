"""The services' rows in memory, as tests look at them."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from order_service.domain.fold import progress

from ..looking import (
    AllocationRow,
    ExceptionRow,
    ItemRow,
    JobRow,
    LabelRow,
    LevelRow,
    MessageRow,
    ObligationRow,
    ShipmentRow,
)
from .letters import LetterRows
from .members import CoreMember
from .orders import OrderRows
from .shipments import ShipmentRows
from .stock import StockRows


class CoreLook:
    """See `Look`. There is one merchant."""

    def __init__(self, members: dict[str, CoreMember]) -> None:
        self.members = members

    @property
    def order(self) -> OrderRows:
        rows = self.members["order"].memory.rows
        assert isinstance(rows, OrderRows)
        return rows

    @property
    def stock(self) -> StockRows:
        rows = self.members["inventory"].memory.rows
        assert isinstance(rows, StockRows)
        return rows

    @property
    def shipping(self) -> ShipmentRows:
        rows = self.members["shipping"].memory.rows
        assert isinstance(rows, ShipmentRows)
        return rows

    @property
    def notify(self) -> LetterRows:
        rows = self.members["notify"].memory.rows
        assert isinstance(rows, LetterRows)
        return rows

    async def levels(self) -> Sequence[LevelRow]:
        booked: Counter[object] = Counter()
        held: Counter[object] = Counter()
        for movement in self.stock.movements:
            booked[movement.key] += movement.units
        for order in self.stock.orders.look():
            for one in order.allocations:
                held[one.key.sku, one.key.warehouse] += one.outstanding
        return [
            LevelRow(
                *(one.key.sku, one.key.warehouse, one.key.condition),
                *(one.on_hand, one.reserved, one.short),
                *(booked[one.key], held[one.key.sku, one.key.warehouse]),
            )
            for one in self.stock.levels.look()
        ]

    async def labels(self) -> Sequence[LabelRow]:
        return [
            LabelRow(leg.shipment_id, one.carrier_ref, one.state, leg.state)
            for dispatch in self.shipping.dispatches.look()
            for leg in dispatch.legs
            for one in leg.labels
        ]

    async def shipments(self) -> Sequence[ShipmentRow]:
        found = [
            ShipmentRow(leg.shipment_id, dispatch.order_id, leg.origin.warehouse, leg.state)
            for dispatch in self.shipping.dispatches.look()
            for leg in dispatch.legs
        ]
        return sorted(found)

    async def items(self) -> Sequence[ItemRow]:
        return [
            ItemRow(one.allocation_id, one.packed.sku, leg.shipment_id, one.state, leg.state)
            for dispatch in self.shipping.dispatches.look()
            for leg in dispatch.legs
            for one in leg.items
        ]

    async def allocations(self) -> Sequence[AllocationRow]:
        found = [
            AllocationRow(one.allocation_id, order.order_id, one.state, one.key.sku, one.units)
            for order in self.stock.orders.look()
            for one in order.allocations
        ]
        return sorted(found)

    async def obligations(self) -> Sequence[ObligationRow]:
        return [
            ObligationRow(one.obligation_id, one.subject, one.state)
            for one in self.order.obligations.values()
        ]

    async def messages(self) -> Sequence[MessageRow]:
        return [MessageRow(one.template, one.subject, one.state) for one in self.notify.messages.values()]

    async def exceptions(self, service: str) -> Sequence[ExceptionRow]:
        if service == "inventory":
            return [
                ExceptionRow(order_id, kind, is_open=True)
                for (_, kind, _), order_id in self.stock.exceptions.items()
            ]
        rows = self.order.exceptions if service == "order" else self.shipping.exceptions
        return [ExceptionRow(order_id, code, is_open) for (order_id, code, _), is_open in rows.items()]

    async def deferred(self) -> dict[str, int]:
        return {
            "order": len(self.order.deferred),
            "shipping": len(self.shipping.deferred),
            "notify": len(self.notify.deferred),
        }

    async def progress(self, order_id: UUID) -> set[str]:
        order = self.order.orders.get(order_id)
        assert order is not None
        return set(progress(order.status, order.version, order.label_revision, order.lines, order.process))

    async def jobs(self) -> Sequence[JobRow]:
        return [
            JobRow(name, kept.job.kind, kept.state, kept.last_error)
            for name, member in self.members.items()
            for kept in member.memory.rows.jobs.values()
        ]

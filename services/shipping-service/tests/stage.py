"""The service without its process: events go to the real handlers, jobs to the real runner and a scripted
carrier, and what is said is read from the real outbox."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import text

from crossdock_chassis.ids import new_id
from crossdock_chassis.job_runner import JobBounds, JobRunner
from crossdock_chassis.jobs import Destination
from crossdock_chassis.wire import decode
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_contracts.envelope import Event
from shipping_service.adapters.papers.printer import PaperPrinter
from shipping_service.domain.rules import Conditions, Rule
from shipping_service.messaging import HANDLERS
from shipping_service.messaging.carrier_jobs import CarrierJobs, Connected
from shipping_service.messaging.outages import Outages
from shipping_service.messaging.tracking_jobs import Connected as Tracks
from shipping_service.messaging.tracking_jobs import TrackingJobs, tracking_destination
from shipping_service.persistence.transaction import ShippingDatabase
from shipping_service.use_cases.ports import Capabilities, CarrierGateway, Printer
from shipping_service.use_cases.tracking_port import Tracking

from .samples import MERCHANT, AnOrder
from .scripted_carrier import ScriptedCarrier

CAPABILITIES = Capabilities(can_find=True, can_void=True, void_is_async=True, pays_once=True)
QUICK = JobBounds(first_poll_s=0.005, last_poll_s=0.02, first_retry_s=0.01, last_retry_s=0.02)
E = TypeVar("E", bound=Event)


C = TypeVar("C", bound=CarrierGateway)


@dataclass
class StageWith(Generic[C]):
    """`carrier` is what the jobs call; `others` are there besides it. `tracked_by`: who tells where parcels
    are, if not the carrier itself; `also_tracking`: who tells besides.
    """

    database: ShippingDatabase
    urls: DatabaseUrls
    carrier: C
    capabilities: Capabilities = CAPABILITIES
    code: str = "scripted"
    others: dict[str, Connected] = field(default_factory=dict)
    outages: Outages = field(default_factory=lambda: Outages(900.0))
    printer: Printer = field(default_factory=lambda: PaperPrinter({"EUR": Decimal("1.2")}))
    tracking: Tracking | None = None
    tracked_by: str | None = None
    also_tracking: dict[str, Tracking] = field(default_factory=dict)

    async def set_up(self, service: str = "Parcel:Economy") -> None:
        async with self.database.transaction() as tx:
            await tx.rules.put(Rule(new_id(), MERCHANT, 100, "everything", Conditions(), self.code, service))

    async def hear(self, *events: Event) -> list[Event]:
        """Handle the events as one batch of the consumer, and return what was published since."""
        async with self.database.transaction() as tx:
            for kind, handler in HANDLERS.items():
                some = [one for one in events if type(one) is kind]
                if some:
                    await handler(some, tx=tx)
        return await self.said()

    async def work(self) -> list[Event]:
        """Run the jobs that are due, and those that follow from them; return what was published since."""
        connected = {self.code: Connected(self.capabilities, self.carrier), **self.others}
        jobs = CarrierJobs(self.database, connected, self.outages, self.printer)
        handlers = {**jobs.handlers, **self.parcels.handlers}
        destinations = [
            *map(Destination, connected),
            *(Destination(tracking_destination(one)) for one in (self.tracker, *self.also_tracking)),
        ]
        runner = JobRunner(self.database, handlers, destinations, QUICK)
        task = asyncio.create_task(runner.run())
        try:
            async with asyncio.timeout(20):
                while True:
                    if not await self._busy():
                        break
                    await asyncio.sleep(0.01)
        finally:
            await runner.stop()
            await task
        return await self.said()

    @property
    def tracker(self) -> str:
        return self.tracked_by or self.code

    @property
    def parcels(self) -> TrackingJobs:
        offered = {} if self.tracking is None else {self.tracker: self.tracking}
        connected = {
            code: Tracks(one, one.open_tracker()) for code, one in {**offered, **self.also_tracking}.items()
        }
        return TrackingJobs(self.database, connected)

    async def ask(self) -> list[Event]:
        """Ask about every followed parcel, due or not; return what was published since."""
        async with self.database.engine.begin() as connection:
            for table in ("followed_parcel", "onward_number"):
                await connection.execute(text(f"update {table} set next_poll_at = crossdock_clock()"))
        await self.parcels.put_due_questions()
        return await self.work()

    async def read(self) -> list[Event]:
        """Read what was pushed; return what was published since."""
        await self.parcels.read_waiting_messages()
        return await self.said()

    async def _busy(self) -> bool:
        rows = await self.rows(
            "select 1 from job where state = 'running' or "
            "(state = 'ready' and run_at < crossdock_clock() + interval '2 seconds') limit 1"
        )
        return bool(rows)

    async def said(self) -> list[Event]:
        """What lies in the outbox; looked at once."""
        async with self.database.engine.begin() as connection:
            rows = (
                await connection.execute(text("delete from outbox returning seq, headers, payload"))
            ).all()
        return [
            decode(dict(zip(one.headers[::2], one.headers[1::2], strict=True)), one.payload)
            for one in sorted(rows, key=lambda one: one.seq)
        ]

    async def rows(self, sql: str, **values: Any) -> Sequence[Any]:
        async with self.database.engine.connect() as connection:
            return (await connection.execute(text(sql), values)).all()

    async def states(self, order: AnOrder) -> list[str]:
        """The states of the order's legs, the oldest leg first."""
        found = await self.rows(
            "select state from shipment where order_id = :id order by planned_at, warehouse",
            id=order.order_id,
        )
        return [one.state for one in found]

    async def labels(self, order: AnOrder) -> list[str]:
        """The states of the order's labels, in the order they were asked for."""
        found = await self.rows(
            "select l.state from label l join shipment using (shipment_id)"
            " where order_id = :id order by l.asked_at, l.number",
            id=order.order_id,
        )
        return [one.state for one in found]

    async def shipment(self, order: AnOrder) -> UUID:
        """The only shipment of the order."""
        (row,) = await self.rows("select shipment_id from shipment where order_id = :id", id=order.order_id)
        found: UUID = row.shipment_id
        return found

    async def exceptions(self, order: AnOrder) -> list[str]:
        """Codes of the order's open exceptions."""
        found = await self.rows(
            "select code from shipment_exception where order_id = :id and resolved_at is null order by code",
            id=order.order_id,
        )
        return [one.code for one in found]

    async def labelled(self, order: AnOrder) -> list[Event]:
        """Take the order to its label."""
        await self.hear(order.created(), order.reserved())
        return await self.work()


Stage = StageWith[ScriptedCarrier]


def only(kind: type[E], events: Sequence[Event]) -> E:
    """The one event there is, which is of this kind."""
    assert [type(one).__name__ for one in events] == [kind.__name__]
    (event,) = events
    assert isinstance(event, kind)
    return event


def names(events: Sequence[Event]) -> list[str]:
    """Topics of the events, in order."""
    return [one.TOPIC for one in events]

"""The service without its process: events go to the real handlers, answers are read from the real outbox."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from crossdock_chassis.database import Database
from crossdock_chassis.timers import Timer
from crossdock_chassis.wire import decode
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_contracts.envelope import Cause, Event
from crossdock_contracts.inventory import StockReservedV1
from inventory_service.domain.because import Because
from inventory_service.domain.catalogue import Sku, Warehouse
from inventory_service.domain.level import LevelKey
from inventory_service.messaging import HANDLERS
from inventory_service.messaging.timers import TIMERS
from inventory_service.persistence.database import InventoryTransaction, open_database
from inventory_service.use_cases.adjust_stock import Adjusted, Adjustment, adjust_stock
from inventory_service.use_cases.check_drift import check_drift
from inventory_service.use_cases.put_catalogue import put_skus, put_warehouse
from inventory_service.use_cases.receive_stock import ReceiptLine, receive_stock

from .samples import MERCHANT

A_PERSON = Because("person", "anna", "counted")
E = TypeVar("E", bound=Event)


def a_warehouse(code: str, *, priority: int = 1, serves: frozenset[str] | None = None) -> Warehouse:
    return Warehouse(
        code=code,
        name=f"{code} warehouse",
        address_lines=("Dock 1",),
        city="Berlin",
        country="DE",
        time_zone="Europe/Berlin",
        cut_off="15:00",
        hand_over="automatic",
        priority=priority,
        serves=serves,
    )


@dataclass
class Stage:
    database: Database[InventoryTransaction]
    urls: DatabaseUrls
    _receipts: int = field(default=0)

    async def set_up(self) -> None:
        async with self.database.transaction() as tx:
            for one in (a_warehouse("BER", priority=1), a_warehouse("POZ", priority=2)):
                await put_warehouse(MERCHANT, one, because=A_PERSON, tx=tx)
            skus = [Sku(sku="mug", title="Mug"), Sku(sku="cap", title="Cap")]
            await put_skus(MERCHANT, skus, because=A_PERSON, tx=tx)
        await self.said_since()

    async def hear(self, *events: Event) -> list[Event]:
        """Handle the events as one batch of the consumer, and return what was published since."""
        async with self.database.transaction() as tx:
            for kind, handler in HANDLERS.items():
                some = [one for one in events if type(one) is kind]
                if some:
                    await handler(some, tx=tx)
        return await self.said_since()

    async def receive(self, sku: str, units: int, warehouse: str = "BER") -> list[Event]:
        self._receipts += 1
        line = ReceiptLine(f"note-{self._receipts}", warehouse, sku, units)
        async with self.database.transaction() as tx:
            await receive_stock(MERCHANT, [line], because=A_PERSON, tx=tx)
        return await self.said_since()

    async def count(self, sku: str, units: int, warehouse: str = "BER", *, dry_run: bool = False) -> Adjusted:
        adjustment = Adjustment(LevelKey(MERCHANT, sku, warehouse), counted=units)
        async with self.database.transaction() as tx:
            return await adjust_stock(adjustment, because=A_PERSON, dry_run=dry_run, tx=tx)

    async def fire(self, name: str, key: str) -> list[Event]:
        """Fire a timer as the runner does: its row goes in the same transaction."""
        async with self.database.transaction() as tx:
            row = (
                await tx.connection.execute(
                    text("delete from timer where name = :name and key = :key returning *"),
                    {"name": name, "key": key},
                )
            ).one()
            cause = Cause(None, row.correlation_id, row.traceparent)
            timer = Timer(row.timer_id, row.merchant_id, name, key, row.due_at, row.payload, cause)
            await TIMERS[name](timer, tx=tx)
        return await self.said_since()

    async def said_since(self) -> list[Event]:
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

    async def level(
        self, sku: str, warehouse: str = "BER", condition: str = "sellable"
    ) -> tuple[int, int, int]:
        """On hand, reserved, short; zeros where there is no row."""
        found = await self.rows(
            "select on_hand, reserved, short from stock_level"
            " where sku = :sku and warehouse = :warehouse and condition = :condition",
            sku=sku,
            warehouse=warehouse,
            condition=condition,
        )
        return tuple(found[0]) if found else (0, 0, 0)

    async def exceptions(self) -> list[str]:
        return [one.kind for one in await self.rows("select kind from stock_exception order by exception_id")]

    async def drift(self) -> Sequence[Any]:
        async with self.database.transaction() as tx:
            return await check_drift(MERCHANT, tx=tx)

    async def set_clock(self, now: datetime) -> None:
        """Every transaction from now on sees this time."""
        await self.database.engine.dispose()
        settings = {"server_settings": {"crossdock.now": now.isoformat()}}
        self.database = open_database(create_async_engine(self.urls.app_url, connect_args=settings))


def only(events: Sequence[Event], kind: type[E]) -> E:
    """The one event of that type; fails when there are none or several."""
    (found,) = [one for one in events if isinstance(one, kind)]
    return found


def all_of(events: Sequence[Event], kind: type[E]) -> list[E]:
    return [one for one in events if isinstance(one, kind)]


def allocated(reserved: StockReservedV1) -> dict[tuple[str, str], int]:
    """Units per (SKU, warehouse) of a set."""
    units: dict[tuple[str, str], int] = {}
    for one in reserved.allocations:
        units[one.sku, one.warehouse] = units.get((one.sku, one.warehouse), 0) + one.units
    return units

"""shipping-service's transaction: the chassis's with our tables in it."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.ids import new_id
from crossdock_contracts.envelope import Cause
from shipping_service.persistence.dispatches import DispatchTable
from shipping_service.persistence.parcels import ParcelTable
from shipping_service.persistence.records import (
    ConsigneeTable,
    DeferredTable,
    DocumentTable,
    ExceptionTable,
    HistoryTable,
    WordsTable,
)
from shipping_service.persistence.rules import RuleTable
from shipping_service.use_cases.ports import DomainSettings


class ShippingTransaction(Transaction):
    def __init__(
        self, connection: AsyncConnection, now: datetime, cause: Cause, settings: DomainSettings
    ) -> None:
        super().__init__(connection, now, cause)
        self.settings = settings
        self.dispatches = DispatchTable(connection)
        self.people = ConsigneeTable(connection)
        self.deferred = DeferredTable(connection)
        self.documents = DocumentTable(connection)
        self.words = WordsTable(connection)
        self.parcels = ParcelTable(connection)
        self.rules = RuleTable(connection)
        self.history = HistoryTable(connection)
        self.exceptions = ExceptionTable(connection)

    @property
    def new_id(self) -> Callable[[], UUID]:
        return new_id

    async def flush(self) -> None:
        await self.parcels.flush()
        await self.history.flush()
        await self.exceptions.flush()
        await super().flush()


ShippingDatabase = Database[ShippingTransaction]


def open_database(engine: AsyncEngine, settings: DomainSettings) -> ShippingDatabase:
    return Database(
        engine, lambda connection, now, cause: ShippingTransaction(connection, now, cause, settings)
    )

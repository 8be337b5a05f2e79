"""The service's transaction: the chassis's with a book and the repositories."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from crossdock_chassis.database import Database, Transaction
from crossdock_contracts.envelope import Cause
from inventory_service.domain.book import Book
from inventory_service.persistence.books import Books
from inventory_service.persistence.catalogue import Catalogue
from inventory_service.persistence.drifts import Drifts
from inventory_service.persistence.exceptions import Exceptions
from inventory_service.use_cases.publish_levels import publish_levels
from inventory_service.use_cases.settle_arrivals import Arrivals, settle_arrivals


class InventoryTransaction(Transaction):
    """`arrivals` are settled and levels published by the last statements before the commit."""

    def __init__(self, connection: AsyncConnection, now: datetime, cause: Cause) -> None:
        super().__init__(connection, now, cause)
        self.arrivals = Arrivals()
        self.book = Book()
        self.books = Books(connection, self.book)
        self.catalogue = Catalogue(connection)
        self.exceptions = Exceptions(connection)
        self.drifts = Drifts(connection)

    async def flush(self) -> None:
        if self.arrivals:
            await settle_arrivals(self.arrivals, tx=self)
        await publish_levels(tx=self)
        await super().flush()


def open_database(engine: AsyncEngine) -> Database[InventoryTransaction]:
    return Database(engine, InventoryTransaction)

"""order-service's transaction: the chassis's with our tables in it."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.ids import new_id
from crossdock_contracts.envelope import Cause
from order_service.persistence.accounts import AccountTable
from order_service.persistence.duties import DeferredTable, ExceptionTable, ObligationTable
from order_service.persistence.messages import MessageTable
from order_service.persistence.orders import OrderTable
from order_service.persistence.sealing import Sealer
from order_service.persistence.skus import SkuTables
from order_service.persistence.stock import StockTable
from order_service.persistence.tokens import TokenTable


class OrderTransaction(Transaction):
    def __init__(self, connection: AsyncConnection, now: datetime, cause: Cause, sealer: Sealer) -> None:
        super().__init__(connection, now, cause)
        self.orders = OrderTable(connection)
        self.messages = MessageTable(connection)
        self.accounts = AccountTable(connection, sealer)
        self.tokens = TokenTable(connection, sealer, self.jobs)
        self.skus = SkuTables(connection)
        self.exceptions = ExceptionTable(connection)
        self.deferred = DeferredTable(connection)
        self.obligations = ObligationTable(connection)
        self.stock = StockTable(connection)

    @property
    def new_id(self) -> Callable[[], UUID]:
        return new_id

    async def flush(self) -> None:
        await self.obligations.flush()
        await super().flush()


OrderDatabase = Database[OrderTransaction]


def open_database(engine: AsyncEngine, sealer: Sealer) -> OrderDatabase:
    """The service's database; `sealer` opens and closes the accounts' secrets."""
    return Database(engine, lambda connection, now, cause: OrderTransaction(connection, now, cause, sealer))

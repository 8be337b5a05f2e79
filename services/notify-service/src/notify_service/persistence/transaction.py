"""notify-service's transaction: the chassis's with our tables and the installation's policy in it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from crossdock_chassis.database import Database, Transaction
from crossdock_chassis.ids import new_id
from crossdock_contracts.envelope import Cause
from notify_service.persistence.messages import DeliveryLogTable, MessageTable
from notify_service.persistence.orders import DeferredTable, OrderTable, ParcelTable
from notify_service.use_cases.ports import Policy


class NotifyTransaction(Transaction):
    def __init__(self, connection: AsyncConnection, now: datetime, cause: Cause, policy: Policy) -> None:
        super().__init__(connection, now, cause)
        self.policy = policy
        self.orders = OrderTable(connection)
        self.parcels = ParcelTable(connection)
        self.deferred = DeferredTable(connection)
        self.messages = MessageTable(connection)
        self.log = DeliveryLogTable(connection)

    def new_id(self) -> UUID:
        return new_id()

    async def flush(self) -> None:
        await self.messages.flush()
        await self.log.flush()
        await super().flush()


NotifyDatabase = Database[NotifyTransaction]


def open_database(engine: AsyncEngine, policy: Policy) -> NotifyDatabase:
    return Database(engine, lambda connection, now, cause: NotifyTransaction(connection, now, cause, policy))

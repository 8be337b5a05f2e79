"""What the service's own timers do when they fire."""

from collections.abc import Mapping
from uuid import UUID

from crossdock_chassis.timers import Timer, TimerHandler
from inventory_service.domain.because import Because
from inventory_service.persistence.database import InventoryTransaction
from inventory_service.use_cases.expire_reservation import expire_reservation
from inventory_service.use_cases.settle_arrivals import EXPIRY_TIMER
from inventory_service.use_cases.wake_waiting import WAKE_TIMER, wake_sku


async def on_reservation_expiry(timer: Timer, *, tx: InventoryTransaction) -> None:
    await expire_reservation(timer.merchant_id, UUID(timer.key), tx=tx)


async def on_wake_waiting(timer: Timer, *, tx: InventoryTransaction) -> None:
    because = Because("timer", WAKE_TIMER, "more was waiting than one transaction serves")
    await wake_sku(timer.merchant_id, timer.payload["sku"], because=because, tx=tx)


TIMERS: Mapping[str, TimerHandler[InventoryTransaction]] = {
    EXPIRY_TIMER: on_reservation_expiry,
    WAKE_TIMER: on_wake_waiting,
}

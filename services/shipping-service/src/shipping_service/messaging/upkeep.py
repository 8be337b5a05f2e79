"""Loops of the work role: erase what is past its day, and notice what waits for too long."""

import asyncio
from typing import Final

from crossdock_chassis.logging import get_logger
from crossdock_chassis.repeating import repeat
from crossdock_chassis.telemetry import meter
from shipping_service.persistence.erasing import erase_expired
from shipping_service.persistence.queries import oldest_deferred
from shipping_service.persistence.transaction import ShippingDatabase

log = get_logger(__name__)
_age = meter.create_gauge(
    "crossdock.shipping.deferred.age",
    unit="s",
    description="Age of the oldest event that waits for its order",
)

ERASE_EVERY_S: Final = 3600.0
WATCH_EVERY_S: Final = 60.0


async def erase_personal_data(database: ShippingDatabase, stop: asyncio.Event) -> None:
    """Once an hour."""

    async def erase() -> None:
        erased = await erase_expired(database)
        if erased:
            log.info("personal_data.erased", rows=erased)

    await repeat("erase_personal_data", erase, stop, every_s=ERASE_EVERY_S)


async def watch_deferred(database: ShippingDatabase, alarm_s: float, stop: asyncio.Event) -> None:
    """Once a minute. An order whose events never come is a defect somewhere: it is said, not only stored."""

    async def look() -> None:
        async with database.transaction() as tx:
            oldest = await oldest_deferred(tx.connection)
        age_s = 0.0 if oldest is None else (tx.now - oldest.deferred_at).total_seconds()
        _age.set(age_s)
        if oldest is not None and age_s > alarm_s:
            log.error("deferred.too_old", order_id=str(oldest.order_id), waiting=oldest.waiting, age_s=age_s)

    await repeat("watch_deferred", look, stop, every_s=WATCH_EVERY_S)

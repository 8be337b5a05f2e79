"""Waiting for the relays."""

import asyncio
from typing import Any

from sqlalchemy import text

from crossdock_chassis.database import Database
from crossdock_chassis.log_epoch import read_position


async def until_sent(database: Database[Any], *, epoch: int = 1, limit_s: float = 20) -> None:
    """Wait until the outbox is empty and no rebuild is due, in at least this epoch. Raises TimeoutError."""
    async with asyncio.timeout(limit_s):
        while True:
            async with database.engine.connect() as connection:
                position = await read_position(connection)
                rows = await connection.scalar(text("select count(*) from outbox"))
            if rows == 0 and not position.rebuild_due and position.epoch >= epoch:
                return
            await asyncio.sleep(0.05)

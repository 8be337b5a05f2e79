"""Waiting with a bound."""

import asyncio


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, and no longer than that. Returns whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True

"""What a service does again and again beside everything else, whatever fails meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

from crossdock_chassis.faults import Fault
from crossdock_chassis.logging import get_logger
from crossdock_chassis.waiting import set_within

log = get_logger(__name__)

RETRY_S = 60.0


async def repeat(
    name: str,
    work: Callable[[], Awaitable[object]],
    stop: asyncio.Event,
    *,
    every_s: float,
    retry_s: float = RETRY_S,
) -> None:
    """Do it now and every `every_s` until `stop` is set; after a failure `retry_s` later, if that is sooner.

    A database that is away must not end the process, whose other parts wait for it in their own way.
    """
    while not stop.is_set():
        pause_s = every_s
        try:
            await work()
        except Exception as error:
            pause_s = min(every_s, retry_s)
            log.warning("background.failed", work=name, error=Fault.of(error).error_text)
        await set_within(stop, pause_s)

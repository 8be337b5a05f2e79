"""Ending in time: what asks for it, how long a step may take, and what happens when all else hangs."""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable

from crossdock_chassis.logging import get_logger

log = get_logger(__name__)

#: What is left of a process's life after a second signal.
HURRY_S = 5.0


class Signals:
    """SIGTERM and SIGINT: the first asks for the end, the second for it at once."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurry = asyncio.Event()

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._received)

    def _received(self) -> None:
        if not self.asked.is_set():
            self.asked.set()
        elif not self.hurry.is_set():
            self.hurry.set()
            end_at_the_latest_in(HURRY_S)


async def bounded(seconds: float, step: Awaitable[object], signals: Signals) -> bool:
    """Whether `step` ended within `seconds` and before a second signal; else it is cancelled and left behind.

    An error of the step is logged: what comes after it in a shutdown has to come all the same.
    """
    task = asyncio.ensure_future(step)
    hurry = asyncio.ensure_future(signals.hurry.wait())
    done, _ = await asyncio.wait({task, hurry}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    if task not in done:
        task.cancel()
        return False
    if not task.cancelled() and task.exception() is not None:
        log.error("process.stop_failed", exc_info=task.exception())
    return True


def end_at_the_latest_in(seconds: float) -> None:
    """Exit with code 1 after that time, whatever hangs; what is cut off is as safe as after a crash.

    By a thread, because what hangs may be the event loop.
    """

    def end() -> None:
        log.error("process.shutdown_overdue", after_s=seconds)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()

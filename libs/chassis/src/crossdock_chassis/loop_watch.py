"""How late the event loop is: a timer's drift, as a metric and as the liveness probe's sign of life."""

import asyncio
import time
from collections.abc import Callable

from crossdock_chassis.telemetry import meter

TICK_S = 0.1

_lag = meter.create_histogram(
    "crossdock.loop.lag", unit="s", description="How much later than asked a timer of the event loop fired."
)


class LoopWatch:
    """`run()` ticks every 100 ms until `stop`."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ticked_at = clock()
        self._stopping = False

    async def run(self) -> None:
        while not self._stopping:
            await asyncio.sleep(TICK_S)
            now = self._clock()
            _lag.record(max(0.0, now - self._ticked_at - TICK_S))
            self._ticked_at = now

    async def stop(self) -> None:
        self._stopping = True

    def silent_s(self) -> float:
        """Seconds since the last tick."""
        return self._clock() - self._ticked_at

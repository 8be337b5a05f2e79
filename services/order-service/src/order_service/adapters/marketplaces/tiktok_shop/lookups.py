"""What was looked up at the platform and changes seldom, kept for a while in this process."""

import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST: Final = 10_000


class Lookups(Generic[K, V]):
    """Bounded: who comes when it is full takes the place of who came first."""

    def __init__(self, keep_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._keep_s = keep_s
        self._clock = clock
        self._kept: dict[K, tuple[float, V]] = {}

    async def get(self, key: K, look_up: Callable[[], Awaitable[V]]) -> V:
        """What is known, or what `look_up` finds, with its errors."""
        known = self._kept.get(key)
        if known is not None and self._clock() < known[0]:
            return known[1]
        found = await look_up()
        self._kept.pop(key, None)
        while len(self._kept) >= MOST:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (self._clock() + self._keep_s, found)
        return found

    def forget(self, key: K) -> None:
        self._kept.pop(key, None)

"""What one process may do at one destination: calls at once, calls a second, and none while it is down."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from crossdock_chassis.jobs import Destination, family_of

#: Lanes kept at once. A lane that is forgotten begins anew, with its circuit closed.
MAX_LANES = 2_000


class CircuitState(IntEnum):
    """Numbered as the metric shows it."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(frozen=True, slots=True)
class CircuitBounds:
    """Opens after so many failures in a row; tries one call after `pause_s`, doubled up to `max_pause_s`."""

    failures: int = 5
    pause_s: float = 2.0
    max_pause_s: float = 60.0


class Circuit:
    """Keeps calls away from who does not answer. Times are of one monotonic clock, in seconds."""

    def __init__(self, bounds: CircuitBounds) -> None:
        self._bounds = bounds
        self._failures = 0
        self._openings = 0
        self.open_until: float | None = None

    def state(self, now: float) -> CircuitState:
        if self.open_until is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if now < self.open_until else CircuitState.HALF_OPEN

    def succeeded(self) -> None:
        """They answered, be it with a refusal."""
        self._failures = self._openings = 0
        self.open_until = None

    def failed(self, now: float) -> None:
        """A call that began before the circuit opened does not open it for longer."""
        self._failures += 1
        if self.state(now) is CircuitState.OPEN or self._failures < self._bounds.failures:
            return
        self.open_until = now + min(self._bounds.pause_s * 2**self._openings, self._bounds.max_pause_s)
        self._openings = min(self._openings + 1, 20)

    @property
    def untroubled(self) -> bool:
        return self._failures == 0


class TokenBucket:
    """Calls a second; a tenth of a second's worth may start at once, so no second sees many more."""

    def __init__(self, rate_per_s: float) -> None:
        self._rate_per_s = rate_per_s
        self._size = max(1.0, rate_per_s / 10)
        self._tokens = self._size
        self._filled_at: float | None = None

    def available(self, now: float) -> int:
        since = 0.0 if self._filled_at is None else now - self._filled_at
        self._tokens = min(self._size, self._tokens + since * self._rate_per_s)
        self._filled_at = now
        return int(self._tokens + 1e-9)

    def take(self, calls: int) -> None:
        self._tokens -= calls

    def next_token_s(self) -> float:
        """Seconds from the last look until one more call may start."""
        return max(0.0, (1 - self._tokens) / self._rate_per_s)


class Lane:
    """The running calls to one party of a destination and the room for more."""

    def __init__(self, destination: Destination, bounds: CircuitBounds) -> None:
        self.destination = destination
        self.circuit = Circuit(bounds)
        self._bucket = TokenBucket(destination.rate_per_s) if destination.rate_per_s else None
        self._running: set[UUID] = set()
        self._probe: UUID | None = None
        self._held_until = 0.0

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def nothing_to_remember(self, now: float) -> bool:
        """A new lane would do the same."""
        return self.circuit.untroubled and now >= self._held_until and not self.busy

    def hold(self, until: float) -> None:
        """They asked to be left alone until then."""
        self._held_until = max(self._held_until, until)

    def room(self, now: float) -> int:
        """How many calls may start now."""
        if now < self._held_until:
            return 0
        state = self.circuit.state(now)
        if state is CircuitState.OPEN or (state is CircuitState.HALF_OPEN and self._probe is not None):
            return 0
        room = self.destination.concurrency - len(self._running)
        if state is CircuitState.HALF_OPEN:
            room = 1
        if self._bucket is not None:
            room = min(room, self._bucket.available(now))
        return max(0, room)

    def opens_in_s(self, now: float) -> float | None:
        """When there may be room without a call having ended, in seconds; None when only that makes room."""
        if now < self._held_until:
            return self._held_until - now
        if self.circuit.state(now) is CircuitState.OPEN and self.circuit.open_until is not None:
            return self.circuit.open_until - now
        if self._bucket is not None and len(self._running) < self.destination.concurrency:
            return self._bucket.next_token_s()
        return None

    def started(self, lease: UUID, now: float) -> None:
        self._running.add(lease)
        if self.circuit.state(now) is CircuitState.HALF_OPEN:
            self._probe = lease
        if self._bucket is not None:
            self._bucket.take(1)

    def ended(self, lease: UUID, *, answered: bool | None, now: float) -> None:
        """`answered`: they did, they did not, or (None) the call says nothing about them."""
        self._running.discard(lease)
        if self._probe == lease:
            self._probe = None
        if answered is not None:
            self.circuit.succeeded() if answered else self.circuit.failed(now)


class Lanes:
    """A lane for each party of the families, made when it is first asked for; the idle ones are forgotten."""

    def __init__(
        self, families: Iterable[Destination], bounds: CircuitBounds, *, most: int = MAX_LANES
    ) -> None:
        self._families = {one.name: one for one in families}
        self._bounds = bounds
        self._most = most
        self._lanes: dict[str, Lane] = {}  # the longest unused first

    def of(self, destination: str, now: float) -> Lane | None:
        """The party's lane; None when it belongs to no family of ours."""
        lane = self._lanes.pop(destination, None)
        if lane is None:
            family = self._families.get(family_of(destination))
            if family is None:
                return None
            if len(self._lanes) >= self._most:
                self._forget(now)
            lane = Lane(family, self._bounds)
        self._lanes[destination] = lane
        return lane

    def knows(self, family: str) -> bool:
        return family in self._families

    def worst_circuits(self, now: float) -> dict[str, CircuitState]:
        """Family -> the worst state of its lanes."""
        found = dict.fromkeys(self._families, CircuitState.CLOSED)
        for lane in self._lanes.values():
            name = lane.destination.name
            found[name] = max(found[name], lane.circuit.state(now))
        return found

    def _forget(self, now: float) -> None:
        """Make room: a tenth at once, because looking through all of them is not free."""
        idle = [name for name, lane in self._lanes.items() if not lane.busy]
        # The sort is stable: those without a past go first, and of equals the longest unused.
        idle.sort(key=lambda name: not self._lanes[name].nothing_to_remember(now))
        for name in idle[: max(1, self._most // 10)]:
            del self._lanes[name]

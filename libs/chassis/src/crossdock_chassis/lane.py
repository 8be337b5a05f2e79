"""What one process may do at one destination: calls at once, calls a second, and none while it is down."""

from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from crossdock_chassis.jobs import Destination


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
    """The running calls to one destination and the room for more."""

    def __init__(self, destination: Destination, bounds: CircuitBounds) -> None:
        self.destination = destination
        self.circuit = Circuit(bounds)
        self._bucket = TokenBucket(destination.rate_per_s) if destination.rate_per_s else None
        self._running: set[UUID] = set()
        self._probe: UUID | None = None

    def room(self, now: float) -> int:
        """How many calls may start now."""
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

"""One sample per event version, shared by publishers' and consumers' tests. A sample is never edited."""

from datetime import UTC, datetime
from importlib.resources import files
from uuid import UUID

from crossdock_contracts.envelope import Event, EventMeta
from crossdock_contracts.registry import EVENTS

META = EventMeta(
    event_id=UUID("01934f5e-7b1c-7000-8000-000000000001"),
    source="/crossdock/sample",
    time=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
    correlation_id=UUID("01934f5e-7b1c-7000-8000-000000000002"),
    causation_id=None,
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)


def sample_bytes(event_type: str) -> bytes:
    """The value of a sample record, as it was published. Raises KeyError for a type without a sample."""
    found = files(__name__).joinpath(f"{event_type}.json")
    if not found.is_file():
        raise KeyError(event_type)
    return found.read_bytes()


def sample(event_type: str) -> Event:
    """The sample as a reader gets it."""
    return EVENTS[event_type].read(sample_bytes(event_type), META)

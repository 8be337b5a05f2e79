"""What a service does with the events it listens to, as one table."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from crossdock_contracts.envelope import Event

#: `async def on_x(events: Sequence[X], *, tx: TX) -> None`. Called with the new events of one type of one
#: batch, in offset order per partition: no duplicates, nothing of a parked key. It raises only for defects
#: of our own; then the batch is rolled back and each event runs alone, so it keeps nothing outside of `tx`.
Handler = Callable[..., Awaitable[None]]

#: Everything the service listens to. Within a batch the types are handled in the order of this table.
Handlers = Mapping[type[Event], Handler]


def topics_of(handlers: Mapping[type[Event], Any]) -> tuple[str, ...]:
    return tuple(sorted({event_type.TOPIC for event_type in handlers}))

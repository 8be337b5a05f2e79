"""Who did it and why: stands on every movement and every step of an allocation."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Because:
    """`actor_kind` is a word of the contracts' ActorKind.

    `cause_event_id` is None where a request or a timer began it.
    """

    actor_kind: str
    actor_name: str
    reason: str | None = None
    cause_event_id: UUID | None = None

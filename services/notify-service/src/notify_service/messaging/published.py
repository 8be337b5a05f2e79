"""Everything the service publishes, and what a person does about one that a restore took back: ADR 19."""

from collections.abc import Mapping
from types import MappingProxyType

from crossdock_contracts.envelope import Event
from crossdock_contracts.notifications import (
    NotificationFailedV1,
    NotificationSentV1,
)

#: The weightiest first: of several that a key lost it is what the person is told.
PUBLISHES: Mapping[type[Event], str] = MappingProxyType(
    {
        NotificationSentV1: (
            "The buyer has this message. Settle; the message then waits as an unknown outcome: say "
            "that it was sent."
        ),
        NotificationFailedV1: (
            "The message was not taken, or nobody knows. Settle, and decide the message as any "
            "unknown outcome."
        ),
    }
)

"""Events for tests that only need some event."""

from uuid import UUID, uuid4

from crossdock_contracts.envelope import Actor, ActorKind
from crossdock_contracts.notifications import NotificationSentV1


def a_notification(order_id: UUID, version: int, *, reason: str | None = None) -> NotificationSentV1:
    """A notification.sent of this order and version."""
    return NotificationSentV1(
        merchant_id="default",
        aggregate_version=version,
        actor=Actor(kind=ActorKind.SERVICE, name="notify"),
        reason=reason,
        order_id=order_id,
        message_id=uuid4(),
        template="parcel_shipped",
        subject=str(order_id),
        channel="email",
        locale="en",
        revision=1,
    )

"""What notify-service tells: which messages went out, and which did not."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from crossdock_contracts.envelope import OrderKeyed


class NotificationEvent(OrderKeyed):
    """One message to one recipient; who that is stays inside notify-service."""

    SOURCE: ClassVar[str] = "/crossdock/notify"

    message_id: UUID
    template: str = Field(min_length=1, max_length=64)
    subject: str = Field(max_length=64, description="what it is about: the order id or a parcel id")
    channel: str = Field(min_length=1, max_length=32)
    locale: str = Field(min_length=2, max_length=35)
    revision: int = Field(ge=1)


class NotificationSentV1(NotificationEvent):
    """The channel's server accepted the message."""

    TYPE: ClassVar[str] = "crossdock.notification.sent.v1"
    TOPIC: ClassVar[str] = "notification.sent"


class NotificationFailedV1(NotificationEvent):
    """It did not go out, or (`outcome_unknown`) nobody can say and it is not sent again by itself."""

    TYPE: ClassVar[str] = "crossdock.notification.failed.v1"
    TOPIC: ClassVar[str] = "notification.failed"

    outcome_unknown: bool
    code: str = Field(max_length=128)

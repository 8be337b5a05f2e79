"""What the API takes and shows. Of an address only its domain and first letter."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from notify_service.domain.messages import MessageState, Template


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Why(Body):
    reason: str = Field(min_length=1, max_length=500, description="For the record. No personal data.")


class Decision(Why):
    """What a person decides about a message in doubt."""

    action: Literal["sent", "send_again"] = Field(
        description="sent: it is known to have arrived. send_again: as a new revision; it may arrive twice."
    )


class Decided(BaseModel):
    """`message_id` is the new revision's when it is sent again."""

    message_id: UUID
    state: MessageState


class MessageShown(BaseModel):
    """One message. `subject` is what it is about: the parcel's id, else the order's."""

    message_id: UUID
    order_id: UUID
    order_number: str | None
    template: Template
    subject: str
    channel: str
    revision: int
    state: MessageState
    code: str | None = Field(description="Why it was not sent, or not yet; from the server, or ours.")
    locale: str | None = Field(description="The language it was written in (BCP 47), once it was.")
    recipient: str | None = Field(description="Masked: j***@example.com. Null without an address.")
    attempts: int
    created_at: datetime
    attempt_started_at: datetime | None
    sent_at: datetime | None


class LogEntry(BaseModel):
    """One line of the delivery log."""

    at: datetime
    what: str
    code: str | None
    attempt: int
    actor_kind: str
    actor_name: str
    reason: str | None


class MessageDetail(MessageShown):
    server_reply: str | None
    next_step: str | None = Field(description="What a person can do now, if anything.")
    log: list[LogEntry]

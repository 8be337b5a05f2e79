"""What the API takes and shows. Of an address only its domain and first letter."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from notify_service.domain.addresses import mailbox
from notify_service.domain.messages import Delay, MessageState, Template

Locale = Annotated[
    str,
    Field(
        min_length=2,
        max_length=35,
        pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$",
        description="A BCP 47 tag, such as de-AT, pt-BR, zh-Hant.",
    ),
]


def _address(given: str) -> str:
    if mailbox(given) is None:
        raise ValueError("not an address that mail can go to")
    return given


Address = Annotated[str, Field(max_length=320), AfterValidator(_address)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Why(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the mail server is back"}]})

    reason: str = Field(min_length=1, max_length=500, description="For the record. No personal data.")


class Decision(Why):
    """What a person decides about a message in doubt."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"action": "sent", "reason": "found in the mail server's log"}]}
    )

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
    reference: UUID = Field(description="What servers know it by: a mail's Message-ID up to the @.")
    server_reply: str | None
    next_step: str | None = Field(description="What a person can do now, if anything.")
    log: list[LogEntry]


class TemplateShown(BaseModel):
    """`languages`: as a mail names them. Others fall back to the shop's, then to English."""

    template: Template
    languages: list[str]


class GoodsGiven(Body):
    units: int = Field(ge=1, le=100_000)
    title: str = Field(min_length=1, max_length=1000)


class SampleGiven(Body):
    """What to show instead of the made-up words."""

    shop: str | None = Field(default=None, max_length=100)
    name: str | None = Field(default=None, max_length=255)
    order_number: str | None = Field(default=None, max_length=255)
    lines: list[GoodsGiven] | None = Field(default=None, max_length=200)
    partial: bool | None = None
    delay: Delay | None = None


class PreviewAsked(Body):
    """Without an order the words are made up; with one they are its own, and the name is masked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "locale": "de-AT",
                    "sample": {"shop": "Lumo", "lines": [{"units": 2, "title": "Phone stand"}]},
                }
            ]
        }
    )

    locale: Locale | None = Field(default=None, description="Null: the buyer's, the shop's, or English.")
    order_id: UUID | None = None
    sample: SampleGiven | None = Field(default=None, description="Only without order_id.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.order_id is not None and self.sample is not None:
            raise ValueError("give order_id or sample, not both")
        return self


class PreviewShown(BaseModel):
    language: str
    locale: str = Field(description="What amounts and dates are written in.")
    subject: str
    html: str
    text: str


class ProfileGiven(Body):
    """How a shop signs its messages."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"display_name": "Lumo", "default_locale": "de", "reply_to": "help@lumo.example"}]
        }
    )

    display_name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
    default_locale: Locale = "en"
    reply_to: Address | None = None


class ProfileShown(BaseModel):
    """`account` is `*` for all accounts without a profile of their own."""

    account: str
    display_name: str
    default_locale: str
    reply_to: str | None
    updated_at: datetime
    updated_by: str


class OptOut(Why):
    """Somebody who wants no messages, or wants them again. Only a hash of the address is kept."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"address": "jo@example.com", "reason": "asked by phone"}]}
    )

    address: Address
    channel: Literal["email"] = "email"

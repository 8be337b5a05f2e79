"""A message: what it says about what, where it stands, and when it is better not said."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import NAMESPACE_URL, UUID, uuid5

from notify_service.domain.errors import IllegalMove
from notify_service.domain.order import KnownOrder, Parcel


class Template(StrEnum):
    ORDER_CONFIRMED = "order_confirmed"
    SHIPPED = "shipped"
    DELAYED = "delayed"
    CANCELLED = "cancelled"


class Delay(StrEnum):
    """Why it takes longer, as far as the buyer is told."""

    CUSTOMS = "customs"
    CARRIER = "carrier"
    PREPARATION = "preparation"  # no label could be had yet; told only where that is switched on


class MessageState(StrEnum):
    WAITING = "waiting"  # its job is to come, or comes again
    SENDING = "sending"  # handed over, as far as anybody knows; no answer is stored yet
    SENT = "sent"  # the channel's server took it
    FAILED = "failed"  # certainly not taken; a person may try again
    SUPPRESSED = "suppressed"  # not to be said; the code tells why
    OUTCOME_UNKNOWN = "outcome_unknown"  # a person decides
    REPLACED = "replaced"  # a person had it said again: the next revision


#: The whole state machine: a move that is not listed cannot happen.
MOVES: Mapping[MessageState, Set[MessageState]] = {
    MessageState.WAITING: {MessageState.SENDING, MessageState.SUPPRESSED},
    MessageState.SENDING: {
        MessageState.SENT,
        MessageState.FAILED,
        MessageState.WAITING,
        MessageState.OUTCOME_UNKNOWN,
    },
    MessageState.FAILED: {MessageState.WAITING},
    MessageState.OUTCOME_UNKNOWN: {MessageState.SENT, MessageState.REPLACED},
    MessageState.SENT: set(),
    MessageState.SUPPRESSED: set(),
    MessageState.REPLACED: set(),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a message tells beyond the order: about which parcel, whether more follow, why it is late."""

    parcel_id: UUID | None = None
    partial: bool = False
    delay: Delay | None = None


NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Message:
    """`subject` is the parcel's id where there is one, else the order's (or the shipment's)."""

    message_id: UUID
    merchant_id: str
    order_id: UUID
    template: Template
    subject: str
    channel: str
    revision: int = 1
    state: MessageState = MessageState.WAITING
    code: str | None = None
    locale: str | None = None
    facts: Facts = NO_FACTS
    attempts: int = 0
    waiting_since: datetime | None = None

    def move(self, target: MessageState, code: str | None = None) -> "Message":
        """The message in its next state. Raises IllegalMove."""
        if target not in MOVES[self.state]:
            raise IllegalMove(self.message_id, self.state.value, target.value)
        return replace(self, state=target, code=code)

    @property
    def reference(self) -> UUID:
        """The same for the same words in the same revision, whatever row or process says them."""
        return reference_of(
            self.merchant_id, self.order_id, self.template, self.subject, self.channel, self.revision
        )


def reference_of(*key: object) -> UUID:
    """`key`: merchant, order, template, subject, channel, revision."""
    return uuid5(NAMESPACE_URL, "crossdock:message:" + "/".join(map(str, key)))


def stale(message: Message, order: KnownOrder, parcel: Parcel | None) -> str | None:
    """Why it is too late to say this, or None: nobody is told of a start after the end."""
    if message.template is Template.ORDER_CONFIRMED and order.state == "cancelled":
        return "order_cancelled"
    if parcel is not None and parcel.delivered_at is not None:
        return "parcel_delivered"
    return None

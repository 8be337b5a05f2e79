"""Sending one message: the attempt is stored before anything is handed over, and so is what came of it.

SMTP knows no look-up: between the server's "taken" and our commit nobody can say later whether it was taken.
Such a message is `outcome_unknown`, is shown to a person, and is never sent again by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from crossdock_contracts.envelope import Actor
from crossdock_contracts.notifications import NotificationFailedV1, NotificationSentV1
from notify_service.domain.languages import FALLBACK, choose
from notify_service.domain.messages import Message, MessageState, stale
from notify_service.use_cases.ports import (
    OURSELVES,
    Channel,
    Due,
    Entry,
    Envelope,
    Packed,
    Renderer,
    Transaction,
)
from notify_service.use_cases.write_letter import write_letter


@dataclass(frozen=True, slots=True)
class Ready:
    """A message whose attempt is stored: hand it over after the commit, once."""

    message: Message
    channel: Channel
    packed: Packed


async def begin(
    message_id: UUID, channels: Mapping[str, Channel], renderer: Renderer, *, tx: Transaction
) -> Ready | None:
    """Store the attempt. None: nothing is to be handed over (said before, not to be said, or in doubt)."""
    due = await tx.messages.lock_due(message_id)
    message = due.message
    if message.state is MessageState.SENDING:
        await doubt(message, "no_answer_stored", tx=tx)
        return None
    if message.state is not MessageState.WAITING:
        return None
    channel = channels[message.channel]
    address = channel.address_of(due.order.buyer)
    why_not = _why_not(due, address)
    if why_not is not None or address is None:
        message = message.move(MessageState.SUPPRESSED, why_not)
        await tx.messages.save(message)
        await tx.log.add([Entry(message, "suppressed", why_not, cause=tx.cause)])
        return None
    speech = choose(due.order.buyer.locale, due.profile.default_locale)
    letter = write_letter(message.template, due.order, due.parcel, message.facts, due.profile)
    envelope = Envelope(
        reference=message.reference,
        address=address,
        name=due.order.buyer.name,
        sender_name=due.profile.display_name,
        reply_to=due.profile.reply_to,
        language_tag=speech.language.tag,
        content=renderer.render(letter, speech),
        at=tx.now,
    )
    packed = channel.pack(envelope)
    message = replace(
        message.move(MessageState.SENDING), attempts=message.attempts + 1, locale=speech.language.tag
    )
    await tx.messages.save(message)
    await tx.log.add([Entry(message, "attempt_started", cause=tx.cause)])
    return Ready(message, channel, packed)


async def accept(message: Message, reply: str, *, tx: Transaction) -> None:
    """The server took it."""
    await _settle(message.move(MessageState.SENT), "accepted", reply=reply, tx=tx)
    await tell_sent(message, tx=tx)


async def refuse(message: Message, code: str, *, tx: Transaction) -> None:
    """The server said no for good."""
    await _settle(message.move(MessageState.FAILED, code), "refused", tx=tx)
    await _tell_failed(message, code, outcome_unknown=False, tx=tx)


async def put_off(message: Message, code: str, *, tx: Transaction) -> bool:
    """Certainly not taken: it waits for the next attempt. False: it has waited too long and failed."""
    since = message.waiting_since
    if since is not None and tx.now - since > tx.policy.give_up_after:
        await _settle(message.move(MessageState.FAILED, f"gave_up: {code}"), "gave_up", tx=tx)
        await _tell_failed(message, code, outcome_unknown=False, tx=tx)
        return False
    await _settle(message.move(MessageState.WAITING, code), "not_sent", tx=tx)
    return True


async def doubt(message: Message, code: str, *, tx: Transaction) -> None:
    """Nobody can say whether it was taken."""
    await _settle(message.move(MessageState.OUTCOME_UNKNOWN, code), "outcome_unknown", tx=tx)
    await _tell_failed(message, code, outcome_unknown=True, tx=tx)


async def _settle(message: Message, what: str, *, tx: Transaction, reply: str | None = None) -> None:
    await tx.messages.save(message, reply=reply)
    await tx.log.add([Entry(message, what, message.code, cause=tx.cause)])


async def tell_sent(message: Message, *, actor: Actor = OURSELVES, tx: Transaction) -> None:
    """Publish that it went out."""
    await tx.outbox.add(
        NotificationSentV1(
            merchant_id=message.merchant_id,
            aggregate_version=await tx.orders.next_event_version(message.order_id),
            actor=actor,
            order_id=message.order_id,
            message_id=message.message_id,
            template=message.template.value,
            subject=message.subject,
            channel=message.channel,
            locale=message.locale or FALLBACK.tag,
            revision=message.revision,
        )
    )


async def _tell_failed(message: Message, code: str, *, outcome_unknown: bool, tx: Transaction) -> None:
    await tx.outbox.add(
        NotificationFailedV1(
            merchant_id=message.merchant_id,
            aggregate_version=await tx.orders.next_event_version(message.order_id),
            actor=OURSELVES,
            order_id=message.order_id,
            message_id=message.message_id,
            template=message.template.value,
            subject=message.subject,
            channel=message.channel,
            locale=message.locale or FALLBACK.tag,
            revision=message.revision,
            outcome_unknown=outcome_unknown,
            code=code[:128],
        )
    )


def _why_not(due: Due, address: str | None) -> str | None:
    if not due.order.buyer.may_write:
        return "may_not_write"
    if address is None:
        return "no_address" if due.order.buyer.email is None else "bad_address"
    if due.opted_out:
        return "opted_out"
    return stale(due.message, due.order, due.parcel)

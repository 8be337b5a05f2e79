"""Sending one message: the attempt is stored before anything is handed over, and so is what came of it.

SMTP knows no look-up: between the server's "taken" and our commit nobody can say later whether it was taken.
Such a message is `outcome_unknown`, is shown to a person, and is never sent again by itself.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from uuid import UUID

from crossdock_contracts.envelope import Cause
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
    cause: Cause


async def begin(
    asked: Mapping[UUID, Cause],
    channels: Mapping[str, Channel],
    renderer: Renderer,
    *,
    after_restore: Set[UUID] = frozenset(),
    tx: Transaction,
) -> Mapping[UUID, Ready]:
    """Store the attempts of messages (id -> what asked for it). Of those that are absent nothing is to be
    handed over: said before, not to be said, or in doubt. `after_restore`: may have been said in a time that
    a restore of our database took back.
    """
    ready: dict[UUID, Ready] = {}
    changed: list[Entry] = []
    for message_id, due in (await tx.messages.lock_due(asked)).items():
        cause = asked[message_id]
        if due.message.state is MessageState.SENDING:
            await doubt(due.message, "no_answer_stored", cause=cause, tx=tx)
        elif _may_be_said(due.message, after_restore):
            sending = due.message.move(MessageState.SENDING)
            await doubt(sending, "before_restore", cause=cause, tx=tx)
        elif due.message.state is MessageState.WAITING:
            found = _begin_one(due, channels, renderer, cause, tx=tx)
            if isinstance(found, Ready):
                ready[message_id] = found
                changed.append(Entry(found.message, "attempt_started", cause=cause))
            else:
                changed.append(Entry(found, "suppressed", found.code, cause=cause))
    await tx.messages.save([one.message for one in changed])
    await tx.log.add(changed)
    return ready


def _may_be_said(message: Message, after_restore: Set[UUID]) -> bool:
    """A later revision is a person's wish to say it again, so it is in no doubt."""
    waiting = message.state is MessageState.WAITING
    return waiting and message.revision == 1 and message.message_id in after_restore


def _begin_one(
    due: Due, channels: Mapping[str, Channel], renderer: Renderer, cause: Cause, *, tx: Transaction
) -> Ready | Message:
    """Ready to be handed over, or the message that is not to be."""
    message = due.message
    channel = channels[message.channel]
    address = channel.address_of(due.order.buyer)
    why_not = _why_not(due, address)
    if why_not is not None or address is None:
        return message.move(MessageState.SUPPRESSED, why_not)
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
    message = replace(
        message.move(MessageState.SENDING), attempts=message.attempts + 1, locale=speech.language.tag
    )
    return Ready(message, channel, channel.pack(envelope), cause)


async def accept(taken: Sequence[tuple[Ready, str]], *, tx: Transaction) -> None:
    """The server took them, and said so."""
    sent = [Entry(one.message.move(MessageState.SENT), "accepted", cause=one.cause) for one, _ in taken]
    replies = {one.message.message_id: reply for one, reply in taken}
    await tx.messages.save([one.message for one in sent], replies=replies)
    await tx.log.add(sent)
    await tell_sent(sent, tx=tx)


async def refuse(ready: Ready, code: str, *, tx: Transaction) -> None:
    """The server said no for good."""
    failed = Entry(ready.message.move(MessageState.FAILED, code), "refused", code, cause=ready.cause)
    await _settle(failed, tx=tx)
    await _tell_failed(failed, code, outcome_unknown=False, tx=tx)


async def put_off(ready: Ready, code: str, *, tx: Transaction) -> bool:
    """Certainly not taken: it waits for the next attempt. False: it has waited too long and failed."""
    since = ready.message.waiting_since
    if since is None or tx.now - since <= tx.policy.give_up_after:
        waiting = ready.message.move(MessageState.WAITING, code)
        await _settle(Entry(waiting, "not_sent", code, cause=ready.cause), tx=tx)
        return True
    message = ready.message.move(MessageState.FAILED, f"gave_up: {code}")
    failed = Entry(message, "gave_up", message.code, cause=ready.cause)
    await _settle(failed, tx=tx)
    await _tell_failed(failed, code, outcome_unknown=False, tx=tx)
    return False


async def doubt(message: Message, code: str, *, cause: Cause, tx: Transaction) -> None:
    """Nobody can say whether it was taken."""
    unknown = Entry(message.move(MessageState.OUTCOME_UNKNOWN, code), "outcome_unknown", code, cause=cause)
    await _settle(unknown, tx=tx)
    await _tell_failed(unknown, code, outcome_unknown=True, tx=tx)


async def _settle(entry: Entry, *, tx: Transaction) -> None:
    await tx.messages.save([entry.message])
    await tx.log.add([entry])


async def tell_sent(sent: Sequence[Entry], *, tx: Transaction) -> None:
    """Publish that they went out."""
    versions = await tx.orders.next_event_versions([one.message.order_id for one in sent])
    for one, version in zip(sent, versions, strict=True):
        message = one.message
        event = NotificationSentV1(
            merchant_id=message.merchant_id,
            aggregate_version=version,
            actor=one.actor,
            order_id=message.order_id,
            message_id=message.message_id,
            template=message.template.value,
            subject=message.subject,
            channel=message.channel,
            locale=message.locale or FALLBACK.tag,
            revision=message.revision,
        )
        await tx.outbox.add(event, caused_by=one.cause)


async def _tell_failed(failed: Entry, code: str, *, outcome_unknown: bool, tx: Transaction) -> None:
    message = failed.message
    (version,) = await tx.orders.next_event_versions([message.order_id])
    event = NotificationFailedV1(
        merchant_id=message.merchant_id,
        aggregate_version=version,
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
    await tx.outbox.add(event, caused_by=failed.cause)


def _why_not(due: Due, address: str | None) -> str | None:
    if not due.order.buyer.may_write:
        return "may_not_write"
    if address is None:
        return "no_address" if due.order.buyer.email is None else "bad_address"
    if due.opted_out:
        return "opted_out"
    return stale(due.message, due.order, due.parcel)

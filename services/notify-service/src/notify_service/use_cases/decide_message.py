"""What a person decides about a message that is in doubt or has failed."""

from dataclasses import replace
from uuid import UUID

from crossdock_contracts.envelope import Actor
from notify_service.domain.messages import Message, MessageState
from notify_service.use_cases.plan_messages import SEND_JOB, ask_to_send
from notify_service.use_cases.ports import Entry, Transaction
from notify_service.use_cases.send_message import tell_sent


async def mark_sent(
    merchant_id: str, message_id: UUID, actor: Actor, reason: str, *, tx: Transaction
) -> None:
    """The person knows that it arrived. Raises MessageUnknown or IllegalMove."""
    message = (await tx.messages.lock(merchant_id, message_id)).move(MessageState.SENT)
    decided = Entry(message, "marked_sent", actor=actor, reason=reason, cause=tx.cause)
    await tx.messages.save([message])
    await tx.log.add([decided])
    await tell_sent([decided], tx=tx)


async def send_again(
    merchant_id: str, message_id: UUID, actor: Actor, reason: str, *, tx: Transaction
) -> UUID:
    """Say it once more, as the next revision; its id. The buyer may get it twice: that is the decision.

    Raises MessageUnknown or IllegalMove.
    """
    replaced = (await tx.messages.lock(merchant_id, message_id)).move(MessageState.REPLACED)
    await tx.messages.save([replaced])
    again = Message(
        message_id=tx.new_id(),
        merchant_id=merchant_id,
        order_id=replaced.order_id,
        template=replaced.template,
        subject=replaced.subject,
        channel=replaced.channel,
        revision=replaced.revision + 1,
        facts=replaced.facts,
        waiting_since=tx.now,
    )
    await tx.messages.add([again])
    await tx.log.add(
        [
            Entry(replaced, "replaced", actor=actor, reason=reason),
            Entry(again, "planned", actor=actor, reason=reason),
        ]
    )
    await ask_to_send(again, tx.cause, tx=tx)
    return again.message_id


async def retry(merchant_id: str, message_id: UUID, actor: Actor, reason: str, *, tx: Transaction) -> None:
    """Try a failed message once more: it was certainly not taken. Raises MessageUnknown or IllegalMove."""
    message = (await tx.messages.lock(merchant_id, message_id)).move(MessageState.WAITING)
    await tx.messages.save([replace(message, waiting_since=tx.now)])
    await tx.log.add([Entry(message, "retried", actor=actor, reason=reason)])
    await tx.jobs.again(SEND_JOB, str(message_id), certainly_not_done=True)

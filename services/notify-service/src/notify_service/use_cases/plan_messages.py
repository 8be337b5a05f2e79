"""From something to be told to messages: one per channel, each at most once."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from crossdock_contracts.envelope import Cause
from notify_service.domain.messages import Message, MessageState
from notify_service.domain.order import KnownOrder
from notify_service.use_cases.ports import Entry, Telling, Transaction

SEND_JOB = "channel.send"


async def plan_messages(
    tellings: Sequence[Telling], orders: Mapping[UUID, KnownOrder], *, tx: Transaction
) -> None:
    """Write the messages and ask for them to be sent. Safe to repeat: what was planned before stays."""
    planned: dict[UUID, tuple[Message, Telling]] = {}
    for telling in tellings:
        for channel in tx.policy.channels:
            message = Message(
                message_id=tx.new_id(),
                merchant_id=telling.merchant_id,
                order_id=telling.order_id,
                template=telling.template,
                subject=telling.subject,
                channel=channel,
                facts=telling.facts,
                waiting_since=tx.now,
            )
            why_not = _not_wanted(orders[telling.order_id])
            if why_not is not None:
                message = message.move(MessageState.SUPPRESSED, why_not)
            planned[message.message_id] = (message, telling)
    if not planned:
        return
    new = await tx.messages.add([message for message, _ in planned.values()])
    said = [one for message_id, one in planned.items() if message_id in new]
    await tx.log.add(
        [
            Entry(
                message,
                "suppressed" if message.state is MessageState.SUPPRESSED else "planned",
                message.code,
                cause=telling.cause,
            )
            for message, telling in said
        ]
    )
    for message, telling in said:
        if message.state is MessageState.WAITING:
            await ask_to_send(message, telling.cause, tx=tx)


async def ask_to_send(message: Message, cause: Cause, *, tx: Transaction) -> None:
    """Ask for the one job that sends this message."""
    await tx.jobs.add(
        SEND_JOB,
        str(message.message_id),
        merchant_id=message.merchant_id,
        destination=message.channel,
        payload={"message_id": str(message.message_id)},
        caused_by=cause,
    )


def _not_wanted(order: KnownOrder) -> str | None:
    """Why nothing may be written to this buyer, whatever the channel."""
    return None if order.buyer.may_write else "may_not_write"

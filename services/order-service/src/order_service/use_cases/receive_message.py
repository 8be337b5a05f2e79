"""Verified deliveries: stored untouched, imported in the same transaction. Twice is once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from crossdock_contracts.envelope import Cause
from order_service.domain.canonical import CanonicalOrder
from order_service.use_cases.import_order import Import, Outcome, Retention, import_orders
from order_service.use_cases.ports import Account, Message, Settled, Transaction

FETCH_JOB = "marketplace.fetch_order"


@dataclass(frozen=True, slots=True)
class Received:
    """A delivery, proven and read. `canonical` None: it carries no order (`message.state` says `ignored`) or
    cannot be read (`failed`).
    """

    message: Message
    canonical: CanonicalOrder | None
    account: Account
    cause: Cause = field(default_factory=Cause)


async def receive_messages(
    received: Sequence[Received], *, retention: Retention, tx: Transaction
) -> list[Received]:
    """Keep the deliveries and do what they say, each of another order; those that came for the first time.

    Raises RacedImport: begin again in a new transaction.
    """
    # Most deliveries create an order: its id is known beforehand, and the row is written once.
    ready = [_with_order_id(one) for one in received]
    personal_until = tx.now + timedelta(days=retention.message_days)
    stored = await tx.messages.add([one.message for one in ready], personal_until=personal_until)
    new = [one for one in ready if one.message.message_id in stored]
    await _import(new, retention, tx=tx)
    return new


async def reimport_message(
    message: Message, canonical: CanonicalOrder, account: Account, *, retention: Retention, tx: Transaction
) -> None:
    """Read a kept message once more, after its mapping, its account or its SKU map was repaired."""
    again = Received(replace(message, state="failed"), canonical, account)
    await _import([_with_order_id(again)], retention, tx=tx)


def _with_order_id(one: Received) -> Received:
    if one.canonical is None:
        return one
    order_id = Import(one.canonical, one.account).new_order_id
    return replace(one, message=replace(one.message, order_id=order_id))


async def _import(received: Sequence[Received], retention: Retention, *, tx: Transaction) -> None:
    carrying = [
        (one, Import(one.canonical, one.account, one.cause)) for one in received if one.canonical is not None
    ]
    imported = await import_orders([given for _, given in carrying], retention=retention, tx=tx)
    settled: list[Settled] = []
    for (one, given), found in zip(carrying, imported, strict=True):
        message, order_id = one.message, found.order_id
        if found.outcome.value != message.state or order_id != message.order_id:
            settled.append(Settled(message.message_id, found.outcome.value, order_id))
        if found.outcome is Outcome.FETCHING:
            await tx.jobs.add(
                FETCH_JOB,
                f"{order_id}:{message.message_id}",
                merchant_id=one.account.merchant_id,
                destination=one.account.destination,
                payload={
                    "account": one.account.account,
                    "external_id": given.canonical.external_id,
                    "order_id": str(order_id),
                    "message_id": str(message.message_id),
                },
                caused_by=one.cause,
            )
    await tx.messages.settle(settled)

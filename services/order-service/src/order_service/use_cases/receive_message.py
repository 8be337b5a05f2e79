"""Verified deliveries: stored untouched, imported in the same transaction. Twice is once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from crossdock_contracts.envelope import Cause
from order_service.domain.canonical import CanonicalOrder
from order_service.use_cases.import_order import Import, Outcome, Retention, import_orders
from order_service.use_cases.marketplace import Content, Pointer
from order_service.use_cases.ports import Account, Message, Settled, Transaction

FETCH_JOB = "marketplace.fetch_order"


@dataclass(frozen=True, slots=True)
class Received:
    """A delivery, proven and read. `content` None: it carries no order (`message.state` says `ignored`) or
    cannot be read (`failed`).
    """

    message: Message
    content: Content
    account: Account
    cause: Cause = field(default_factory=Cause)


async def receive_messages(
    received: Sequence[Received], *, retention: Retention, tx: Transaction
) -> list[Received]:
    """Keep the deliveries and do what they say, each of another order; those that came for the first time.

    Raises RacedImport: begin again in a new transaction.
    """
    # Most deliveries create an order: its id is known beforehand, and the row is written once.
    ready = [_with_order_id(one, tx=tx) for one in received]
    personal_until = tx.now + timedelta(days=retention.message_days)
    stored = await tx.messages.add([one.message for one in ready], personal_until=personal_until)
    new = [one for one in ready if one.message.message_id in stored]
    await _import(new, retention, tx=tx)
    return new


async def reimport_message(
    message: Message,
    content: CanonicalOrder | Pointer,
    account: Account,
    *,
    retention: Retention,
    tx: Transaction,
) -> None:
    """Do once more what a kept message says, after its mapping, its account or its SKU map was repaired. An
    order that it only names is fetched again.
    """
    again = _with_order_id(Received(replace(message, state="failed"), content, account), tx=tx)
    if isinstance(content, Pointer):
        await tx.messages.settle([_fetching(again, content.external_id)])
    await _import([again], retention, tx=tx)


def _with_order_id(one: Received, *, tx: Transaction) -> Received:
    """The id that the order has if it is new. What only names one has an id of its own until the order is
    here, for what people are told meanwhile.
    """
    if one.content is None:
        return one
    if isinstance(one.content, Pointer):
        named, order_id = one.content.external_id, one.message.order_id or tx.new_id()
    else:
        named, order_id = None, Import(one.content, one.account).new_order_id
    return replace(one, message=replace(one.message, order_id=order_id, external_id=named))


async def _import(received: Sequence[Received], retention: Retention, *, tx: Transaction) -> None:
    carrying: list[tuple[Received, Import]] = []
    for one in received:
        if isinstance(one.content, Pointer):
            await _ask(one, one.content, tx=tx)
        elif one.content is not None:
            carrying.append((one, Import(one.content, one.account, one.cause)))
    imported = await import_orders([given for _, given in carrying], retention=retention, tx=tx)
    settled: list[Settled] = []
    for (one, given), found in zip(carrying, imported, strict=True):
        message, order_id = one.message, found.order_id
        if found.outcome is Outcome.FETCHING:
            named = given.canonical.external_id
            fetching = replace(one, message=replace(message, order_id=order_id))
            settled.append(_fetching(fetching, named))
            await _ask(fetching, Pointer(named), tx=tx)
        elif found.outcome.value != message.state or order_id != message.order_id:
            settled.append(Settled(message.message_id, found.outcome.value, order_id))
    await tx.messages.settle(settled)


def _fetching(one: Received, external_id: str) -> Settled:
    fetching = Outcome.FETCHING.value
    return Settled(one.message.message_id, fetching, one.message.order_id, external_id=external_id)


async def _ask(one: Received, pointer: Pointer, *, tx: Transaction) -> None:
    """Have the order fetched. A message asks when it is stored and whenever it is read again, so each time is
    a job of its own.
    """
    account, updated_at = one.account, pointer.updated_at
    await tx.jobs.add(
        FETCH_JOB,
        f"{one.message.message_id}:{tx.new_id()}",
        merchant_id=account.merchant_id,
        destination=account.destination,
        payload={
            "account": account.account,
            "external_id": pointer.external_id,
            "message_id": str(one.message.message_id),
            "updated_at": None if updated_at is None else updated_at.isoformat(),
        },
        caused_by=one.cause,
    )

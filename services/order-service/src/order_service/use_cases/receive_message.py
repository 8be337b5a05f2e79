"""A verified delivery: stored untouched, imported in the same transaction. Twice is once."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from order_service.domain.canonical import CanonicalOrder
from order_service.use_cases.import_order import Outcome, Retention, import_order
from order_service.use_cases.ports import Account, Message, Transaction

FETCH_JOB = "marketplace.fetch_order"


async def receive_message(
    message: Message,
    canonical: CanonicalOrder | None,
    account: Account,
    *,
    retention: Retention,
    tx: Transaction,
) -> bool:
    """Keep the delivery and do what it says. False: it had come before, and nothing was done.

    `canonical` None: it carries no order (`message.state` says `ignored`) or cannot be read (`failed`).
    Raises RacedImport: begin again in a new transaction.
    """
    personal_until = tx.now + timedelta(days=retention.message_days)
    if canonical is None:
        return await tx.messages.add(message, personal_until=personal_until)
    # Most deliveries create an order: its id is known beforehand, and the row is written once.
    new_order_id = tx.new_id()
    if not await tx.messages.add(replace(message, order_id=new_order_id), personal_until=personal_until):
        return False
    await _import(message, canonical, account, new_order_id, retention, tx=tx)
    return True


async def reimport_message(
    message: Message, canonical: CanonicalOrder, account: Account, *, retention: Retention, tx: Transaction
) -> None:
    """Read a kept message once more, after its mapping, its account or its SKU map was repaired."""
    await _import(replace(message, state="failed"), canonical, account, tx.new_id(), retention, tx=tx)


async def _import(
    message: Message,
    canonical: CanonicalOrder,
    account: Account,
    new_order_id: UUID,
    retention: Retention,
    *,
    tx: Transaction,
) -> None:
    imported = await import_order(canonical, account, new_order_id=new_order_id, retention=retention, tx=tx)
    if imported.outcome.value != message.state or imported.order_id != new_order_id:
        await tx.messages.settle(message.message_id, state=imported.outcome.value, order_id=imported.order_id)
    if imported.outcome is Outcome.FETCHING:
        await tx.jobs.add(
            FETCH_JOB,
            f"{imported.order_id}:{message.message_id}",
            merchant_id=account.merchant_id,
            destination=f"{account.platform}:{account.account}",
            payload={
                "account": account.account,
                "external_id": canonical.external_id,
                "order_id": str(imported.order_id),
                "message_id": str(message.message_id),
            },
        )

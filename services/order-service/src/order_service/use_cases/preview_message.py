"""What would change if a kept message were read once more."""

from dataclasses import dataclass

from order_service.domain.canonical import CanonicalOrder
from order_service.domain.differences import Difference, differences
from order_service.use_cases.import_order import Retention
from order_service.use_cases.ports import Account, Message, OrderRef, Transaction
from order_service.use_cases.receive_message import reimport_message


@dataclass(frozen=True, slots=True)
class Preview:
    outcome: str
    differences: list[Difference]


async def preview_message(
    message: Message, canonical: CanonicalOrder, account: Account, *, retention: Retention, tx: Transaction
) -> Preview:
    """Do it, and look at it. The caller rolls the transaction back: nothing of this may stay."""
    ref = OrderRef(account.platform, account.shop_ref, canonical.external_id)
    before = (await tx.orders.lock_external([ref])).get(ref)
    await reimport_message(message, canonical, account, retention=retention, tx=tx)
    after = (await tx.orders.lock_external([ref]))[ref]
    kept = await tx.messages.get(message.merchant_id, message.message_id)
    return Preview(kept.state, differences(before, after))

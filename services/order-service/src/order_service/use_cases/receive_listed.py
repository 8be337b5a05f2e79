"""Orders that a platform listed because we asked what has changed: most are known already."""

from collections.abc import Sequence

from order_service.domain.canonical import CanonicalOrder
from order_service.domain.order import Order
from order_service.use_cases.import_order import Import, Retention, import_orders
from order_service.use_cases.marketplace import Content, Pointer
from order_service.use_cases.ports import OrderRef, Transaction
from order_service.use_cases.receive_message import Received, receive_messages


async def receive_listed(received: Sequence[Received], *, retention: Retention, tx: Transaction) -> None:
    """Keep what is news; what is known, or older than what is known, leaves no message. Safe to repeat.

    Raises RacedImport: begin again in a new transaction.
    """
    refs = {id(one): _ref(one, one.content) for one in received if one.content is not None}
    known = await tx.orders.lock_external(set(refs.values()))
    news: list[Received] = []
    heard: list[Import] = []
    for one in received:
        order = known.get(refs[id(one)]) if one.content is not None else None
        if order is None or one.content is None or _is_news(one.content, order):
            news.append(one)
        elif isinstance(one.content, CanonicalOrder) and one.content.updated_at > order.platform_updated_at:
            heard.append(Import(one.content, one.account, one.cause))
    # It says what we know, but of a later time: what is older than that is stale from now on.
    await import_orders(heard, retention=retention, tx=tx)
    await receive_messages(news, retention=retention, tx=tx)


def _ref(one: Received, content: CanonicalOrder | Pointer) -> OrderRef:
    return OrderRef(one.account.platform, one.account.shop_ref, content.external_id)


def _is_news(content: Content, order: Order) -> bool:
    match content:
        case CanonicalOrder():
            older = content.updated_at < order.platform_updated_at
            return not older and content.fingerprint() != order.fingerprint
        case Pointer(updated_at=changed_at):
            return changed_at is None or changed_at > order.platform_updated_at
        case None:
            return True

"""An order that was asked for: what the platform answers is the order, whatever had been said of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from crossdock_contracts.envelope import Cause
from order_service.domain.canonical import CanonicalOrder
from order_service.domain.order import Order
from order_service.use_cases.import_order import Import, Outcome, Retention, import_orders
from order_service.use_cases.ports import Account, OrderRef, Settled, Shop, Transaction

REFUSED = "fetch_refused"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order to be fetched, and the messages that its answer settles: those that are here before it is
    asked for. With each the order id it names: that of the order, or the one it gets if it is new.
    """

    account: Account
    external_id: str
    messages: Mapping[UUID, UUID | None]

    @property
    def ref(self) -> OrderRef:
        return OrderRef(self.account.platform, self.account.shop_ref, self.external_id)


async def look_for_wanted(
    account: Account, external_id: str, message_id: UUID, updated_at: datetime | None, *, tx: Transaction
) -> Wanted | None:
    """What has to be fetched for a message that names an order which changed at `updated_at`, if it says so.

    None: the message was answered together with others, or the platform has said something newer since.
    """
    shop = Shop(account.merchant_id, account.account)
    wanted = Wanted(account, external_id, await tx.messages.fetching(shop, external_id))
    if message_id not in wanted.messages:
        return None
    if updated_at is None:
        return wanted
    order = await _order(wanted, tx=tx)
    if order is None or order.platform_updated_at <= updated_at:
        return wanted
    await tx.messages.settle([Settled(message_id, Outcome.STALE.value, order.identity.order_id)])
    return None


async def import_fetched(
    wanted: Wanted,
    canonical: CanonicalOrder | None,
    *,
    cause: Cause,
    retention: Retention,
    tx: Transaction,
) -> None:
    """Import the platform's answer and settle what waited for it. Safe to repeat.

    Raises RacedImport: begin again in a new transaction.
    """
    outcome, order_id = "ignored", None
    if canonical is not None:
        asked = Import(canonical, wanted.account, cause, asked=True)
        (imported,) = await import_orders([asked], retention=retention, tx=tx)
        outcome, order_id = imported.outcome.value, imported.order_id
    await tx.messages.settle([Settled(one, outcome, order_id) for one in wanted.messages])
    named_by = [(named, one) for one, named in wanted.messages.items() if named is not None]
    await tx.exceptions.settle([(named, REFUSED, str(one)) for named, one in named_by], by="order-service")


async def refuse_fetched(wanted: Wanted, code: str, *, tx: Transaction) -> None:
    """The platform does not show the order, or shows what cannot be read: a person sees it."""
    order = await _order(wanted, tx=tx)
    known = None if order is None else order.identity.order_id
    await tx.messages.settle([Settled(one, "failed", known, code) for one in wanted.messages])
    # An order that never came has no row; the exception carries the id that it would have had.
    of = {one: known or named for one, named in wanted.messages.items()}
    merchant_id = wanted.account.merchant_id
    await tx.exceptions.raise_all(
        [(merchant_id, order_id, REFUSED, str(one), code) for one, order_id in of.items() if order_id]
    )


async def _order(wanted: Wanted, *, tx: Transaction) -> Order | None:
    return (await tx.orders.lock_external({wanted.ref})).get(wanted.ref)

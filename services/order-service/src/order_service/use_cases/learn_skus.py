"""What inventory tells of our SKUs; orders that waited for it go on."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from crossdock_contracts.envelope import Actor, ActorKind, Cause
from crossdock_contracts.inventory import SkuChangedV1
from order_service.domain.holds import look
from order_service.domain.lines import SkuFacts, expand
from order_service.domain.order import Order
from order_service.domain.order_table import OrderEvent
from order_service.use_cases.ports import Transaction
from order_service.use_cases.tell import Change, save_all

WAITING_TIMER = "waiting_orders"
#: Orders that are looked at again in one transaction; the rest follow by a timer.
AT_ONCE = 200


async def learn_skus(events: Sequence[SkuChangedV1], *, tx: Transaction) -> set[tuple[str, str]]:
    """Keep the newest facts, and look again at the orders whose holds waited for them.

    Returns merchant and SKU of those of which something became known.
    """
    news: set[tuple[str, str]] = set()
    merchants: dict[str, dict[str, SkuChangedV1]] = defaultdict(dict)
    for event in events:
        known = merchants[event.merchant_id].get(event.facts.sku)
        if known is None or known.aggregate_version < event.aggregate_version:
            merchants[event.merchant_id][event.facts.sku] = event
    for merchant_id, newest in sorted(merchants.items()):
        learnt = await tx.skus.learn(
            merchant_id, {sku: (one.aggregate_version, _facts(one)) for sku, one in newest.items()}
        )
        news |= {(merchant_id, sku) for sku in learnt}
        actor = Actor(kind=ActorKind.SERVICE, name="inventory")
        cause = events[-1].cause
        await look_again(merchant_id, learnt, actor=actor, reason=None, cause=cause, tx=tx)
    return news


async def look_again(
    merchant_id: str,
    skus: Collection[str],
    *,
    actor: Actor,
    reason: str | None,
    cause: Cause | None = None,
    after: UUID | None = None,
    tx: Transaction,
) -> int:
    """Look again at the orders that wait for news of these SKUs (theirs or ours); how many that were.

    At `AT_ONCE` of them, by rising id behind `after`; timers look at the rest.
    """
    orders = await tx.orders.lock_waiting(merchant_id, skus, after=after, limit=AT_ONCE)
    accounts: dict[str, list[Order]] = defaultdict(list)
    for order in orders:
        accounts[order.identity.account].append(order)
    changes = []
    for name, waiting in sorted(accounts.items()):
        account = await tx.accounts.get(merchant_id, name)
        names = {
            sku for order in waiting for line in order.lines for sku in (line.sku, line.external_sku) if sku
        }
        catalog = await tx.skus.catalog(merchant_id, name, names)
        for order in waiting:
            if not order.meet(OrderEvent.SKU_NEWS):
                order.process.waiting_skus = set()
            else:
                order.resolve_lines(
                    expand(
                        order.content.sold,
                        catalog,
                        currency=order.content.currency,
                        before=order.lines,
                        order_id=order.identity.order_id,
                    )
                )
                findings = look(
                    payment=order.content.payment,
                    platform_hold=order.content.platform_hold,
                    test=order.content.test,
                    address=order.people.consignee,
                    lines=order.lines,
                    catalog=catalog,
                    domestic_countries=account.domestic_countries,
                )
                order.take_findings(findings, tx.now)
            changes.append(Change(order, actor, reason=reason, cause=cause or Cause()))
    await save_all(sorted(changes, key=lambda one: one.order.identity.order_id), tx=tx)
    if len(orders) == AT_ONCE:
        for sku in sorted(skus):
            await tx.timers.set(
                WAITING_TIMER,
                f"{merchant_id}/{sku}",
                merchant_id=merchant_id,
                due_at=tx.now,
                payload={"sku": sku, "after": str(max(one.identity.order_id for one in orders))},
            )
    return len(orders)


def _facts(event: SkuChangedV1) -> SkuFacts:
    facts = event.facts
    return SkuFacts(
        sku=facts.sku,
        active=event.active,
        hs_code=facts.hs_code,
        origin_country=facts.origin_country,
        customs_description=facts.customs_description,
    )

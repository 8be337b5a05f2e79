"""Orders as order-service tells of them: the newest snapshot counts, and says what to tell the buyer."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from crossdock_contracts.envelope import Money
from crossdock_contracts.orders import HoldReason, OrderLine, OrderSnapshot
from notify_service.domain.goods import Line
from notify_service.domain.messages import Template
from notify_service.domain.order import Amount, Buyer, KnownOrder, more_to_come
from notify_service.use_cases.plan_messages import plan_messages
from notify_service.use_cases.ports import Telling, Transaction

#: A buyer whose order never got beyond these was never told that it is taken, and is not told that it is off.
NEVER_BEGUN = frozenset({HoldReason.TEST_ORDER.value, HoldReason.UNPAID.value})


async def take_snapshots(events: Sequence[OrderSnapshot], *, tx: Transaction) -> None:
    """Keep the newest of each order; tell of its beginning, its cancellation, and what has waited for it."""
    known = dict(await tx.orders.lock({one.order_id: one.merchant_id for one in events}))
    first_seen = {order_id for order_id, order in known.items() if order.version == 0}
    changed: dict[UUID, KnownOrder] = {}
    tellings: list[Telling] = []
    for event in sorted(events, key=lambda one: one.aggregate_version):
        before = known[event.order_id]
        if event.aggregate_version <= before.version:
            continue
        order = _learn(before, event, tx=tx)
        known[event.order_id] = changed[event.order_id] = order
        tellings += _tellings(before, order, event)
    await tx.orders.save(list(changed.values()))
    await plan_messages(
        [*tellings, *await _deferred(first_seen & changed.keys(), known, tx=tx)], known, tx=tx
    )


def _learn(before: KnownOrder, event: OrderSnapshot, *, tx: Transaction) -> KnownOrder:
    state = event.fulfilment.state.value
    buyer = event.buyer
    return replace(
        before,
        version=event.aggregate_version,
        state=state,
        ever_open=before.ever_open or state == "open",
        holds=frozenset(hold.value for hold in event.fulfilment.holds),
        account=event.account.account,
        order_number=event.order_number or event.marketplace_order_ref,
        placed_at=event.placed_at,
        total=_amount(event.totals.presentment_total or event.totals.grand_total),
        lines=tuple(map(_line, event.lines)),
        buyer=Buyer(may_write=False)
        if buyer is None
        else Buyer(buyer.name, buyer.email, buyer.locale, buyer.may_write),
        personal_until=tx.now + timedelta(days=tx.policy.personal_days),
    )


def _tellings(before: KnownOrder, order: KnownOrder, event: OrderSnapshot) -> Iterable[Telling]:
    if order.state == "open":
        yield _telling(order, Template.ORDER_CONFIRMED, event)
    if order.state == "cancelled" and before.state != "cancelled":
        holds = before.holds | order.holds
        if order.ever_open or not holds & NEVER_BEGUN:
            yield _telling(order, Template.CANCELLED, event)


def _telling(order: KnownOrder, template: Template, event: OrderSnapshot) -> Telling:
    return Telling(order.merchant_id, order.order_id, template, str(order.order_id), cause=event.cause)


async def _deferred(order_ids: set[UUID], known: dict[UUID, KnownOrder], *, tx: Transaction) -> list[Telling]:
    """What came before the order. Whether more parcels follow can be said only now."""
    waiting = await tx.deferred.take(order_ids) if order_ids else []
    if not waiting:
        return []
    parcels = await tx.parcels.of_orders({one.order_id for one in waiting})
    found = []
    for one in waiting:
        until_then = []
        for parcel in parcels.get(one.order_id, ()):
            if parcel.shipped_at is not None:
                until_then.append(parcel)
            if parcel.parcel_id == one.facts.parcel_id:
                break
        partial = one.template is Template.SHIPPED and more_to_come(known[one.order_id], until_then)
        found.append(replace(one, facts=replace(one.facts, partial=partial)))
    return found


def _line(line: OrderLine) -> Line:
    if line.kit is None:
        return Line(line.line_id, line.title, line.units, line.units_ordered)
    kit = "/".join((line.kit.kit_sku, *line.external_line_ids))
    return Line(line.line_id, line.title, line.units, line.units_ordered, kit, line.kit.units_per_kit)


def _amount(money: Money) -> Amount:
    return Amount(money.amount_minor, money.currency, money.exponent)

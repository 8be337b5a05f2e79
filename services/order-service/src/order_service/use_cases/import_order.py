"""A marketplace's order becomes ours, or changes ours, by the platform's time of update, not of arrival."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from crossdock_contracts.envelope import Actor, ActorKind, Cause
from order_service.domain.canonical import CanonicalOrder, FulfilmentStatus, PaymentStatus
from order_service.domain.fold import everything_shipped
from order_service.domain.holds import HoldReason, look
from order_service.domain.lines import Catalog, expand
from order_service.domain.order import Content, Identity, Order, People, Terms
from order_service.domain.order_table import OrderEvent, OrderStatus
from order_service.domain.process import Process
from order_service.use_cases.ports import Account, Transaction
from order_service.use_cases.tell import Change, conclude, keep_exceptions, note, save_all

#: Money of these may still come; stock is kept for a while.
AWAITED = frozenset({PaymentStatus.PENDING, PaymentStatus.AUTHORIZED})


class Outcome(StrEnum):
    """What became of a delivery; the states of `inbound_message`."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"  # it says what we know
    STALE = "stale"  # the platform has said something newer
    FETCHING = "fetching"  # two versions of one second: the platform is asked


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that personal data is kept: of orders from their import, of raw messages from their arrival."""

    order_days: int = 180
    message_days: int = 30


@dataclass(frozen=True, slots=True)
class Imported:
    outcome: Outcome
    order_id: UUID


async def import_order(
    canonical: CanonicalOrder,
    account: Account,
    *,
    new_order_id: UUID,
    retention: Retention,
    tx: Transaction,
    asked: bool = False,
    cause: Cause | None = None,
) -> Imported:
    """Create or change the order. `asked`: it was fetched from the platform, whose word of the same second
    wins.

    Raises RacedImport when another transaction creates the same order at this moment: begin again.
    """
    order = await tx.orders.lock_external(account.platform, account.shop_ref, canonical.external_id)
    names = {line.sku for line in canonical.lines if line.sku}
    if order is not None:
        names |= {line.sku for line in order.lines if line.sku}
    catalog = await tx.skus.catalog(account.merchant_id, account.account, names)
    actor = Actor(kind=ActorKind.MARKETPLACE, name=account.platform)
    if order is None:
        await _create(canonical, account, catalog, new_order_id, retention, actor, cause or Cause(), tx=tx)
        return Imported(Outcome.IMPORTED, new_order_id)
    order_id = order.identity.order_id
    fingerprint = canonical.fingerprint()
    if fingerprint == order.fingerprint:
        if canonical.updated_at > order.platform_updated_at:
            # What is older than this word is stale from now on, although the word says nothing new.
            order.platform_updated_at = canonical.updated_at
            await tx.orders.save([order])
        return Imported(Outcome.UNCHANGED, order_id)
    if canonical.updated_at < order.platform_updated_at:
        return Imported(Outcome.STALE, order_id)
    if canonical.updated_at == order.platform_updated_at and not asked:
        return Imported(Outcome.FETCHING, order_id)
    change = Change(order, actor, cause=cause or Cause())
    _update(change, canonical, account, catalog, tx=tx)
    await save_all([change], tx=tx)
    return Imported(Outcome.IMPORTED, order_id)


async def _create(
    canonical: CanonicalOrder,
    account: Account,
    catalog: Catalog,
    order_id: UUID,
    retention: Retention,
    actor: Actor,
    cause: Cause,
    *,
    tx: Transaction,
) -> None:
    lines = expand(canonical.lines, catalog, currency=canonical.currency, new_id=tx.new_id)
    order = Order(
        identity=Identity(
            order_id=order_id,
            merchant_id=account.merchant_id,
            account=account.account,
            platform=account.platform,
            shop_ref=account.shop_ref,
            external_id=canonical.external_id,
            order_number=canonical.order_number,
            placed_at=canonical.placed_at,
        ),
        content=_content(canonical),
        people=_people(canonical),
        terms=Terms(
            policy=account.policy,
            label_source=account.label_source,
            ship_by=canonical.placed_at + timedelta(days=account.ship_by_days),
            may_write=account.may_write,
            incoterm=account.incoterm,
        ),
        lines=lines,
        process=Process(),
        platform_updated_at=canonical.updated_at,
        fingerprint=canonical.fingerprint(),
        ship_to_fingerprint=ship_to_fingerprint(canonical),
    )
    change = Change(order, actor, cause=cause, happened=[("order.imported", canonical.order_number)])
    personal_until = tx.now + timedelta(days=retention.order_days)
    finished = _finished(canonical, order)
    if finished is not None:
        # Nobody was told of it and there is nothing left to do, so nobody is told now.
        order.status = finished
        change.happened.append((f"order.{finished.value}", "it was over before it was imported"))
        await tx.orders.add(
            order, [note(change, *one) for one in change.happened], personal_until=personal_until
        )
        return
    _judge(order, canonical, account, catalog, tx.now)
    if canonical.fulfilment_status is FulfilmentStatus.PARTIAL:
        order.set_hold(HoldReason.MANUAL, "partly fulfilled elsewhere before it was imported", tx.now)
    notes, _ = await conclude(change, tx=tx)
    await tx.orders.add(order, notes, personal_until=personal_until)
    await keep_exceptions([order], tx=tx)


def _update(
    change: Change, canonical: CanonicalOrder, account: Account, catalog: Catalog, *, tx: Transaction
) -> None:
    order = change.order
    if canonical.cancelled:
        order.platform_updated_at, order.fingerprint = canonical.updated_at, canonical.fingerprint()
        if not order.process.platform_cancelled:
            order.process.platform_cancelled = True
            change.reason = canonical.cancel_reason
            change.happened.append(("marketplace.cancelled", canonical.cancel_reason))
            order.ask_cancel(canonical.cancel_reason or "cancelled", OrderEvent.MARKETPLACE_CANCELLED)
        return
    lines = expand(
        canonical.lines, catalog, currency=canonical.currency, before=order.lines, new_id=tx.new_id
    )
    content, people = _content(canonical), _people(canonical)
    fingerprints = (canonical.fingerprint(), ship_to_fingerprint(canonical))
    if order.status in {OrderStatus.CLOSED, OrderStatus.CANCELLED}:
        # Fulfilment, payment and refunds go on being told after the last parcel left.
        if fingerprints[1] != order.ship_to_fingerprint or _asks_for_more(content, order.content):
            order.meet(OrderEvent.CONTENT_CHANGED)
        order.content, order.platform_updated_at = content, canonical.updated_at
        order.fingerprint, order.ship_to_fingerprint = fingerprints
        return
    order.meet(OrderEvent.CONTENT_CHANGED)
    change.happened.append(
        ("marketplace.changed", _what_changed(order, content, lines != order.lines, fingerprints[1]))
    )
    order.replace_content(
        content=content,
        people=people,
        lines=lines,
        fingerprints=fingerprints,
        updated_at=canonical.updated_at,
    )
    if lines and not any(line.units for line in lines):
        order.ask_cancel("nothing is wanted any more", OrderEvent.MARKETPLACE_CANCELLED)
        return
    _judge(order, canonical, account, catalog, tx.now)
    over = canonical.fulfilment_status in {FulfilmentStatus.FULFILLED, FulfilmentStatus.DELIVERED}
    if over and not everything_shipped(order.lines, order.process.parcels):
        # Not by our parcels, so somebody else sent it: sending it again is for a person to decide.
        order.set_hold(HoldReason.MANUAL, "fulfilled elsewhere", tx.now)


def _judge(
    order: Order, canonical: CanonicalOrder, account: Account, catalog: Catalog, now: datetime
) -> None:
    findings = look(
        payment=canonical.payment_status,
        test=canonical.test,
        address=order.people.consignee,
        lines=order.lines,
        catalog=catalog,
        domestic_countries=account.domestic_countries,
    )
    order.take_findings(findings, now)
    waits = HoldReason.UNPAID in order.process.holds and canonical.payment_status in AWAITED
    if waits and order.process.reserve_until is None and not canonical.test:
        order.process.reserve_until = now + timedelta(hours=account.unpaid_hours)


def _finished(canonical: CanonicalOrder, order: Order) -> OrderStatus | None:
    """How an order ends that was over before we first heard of it; None: it is not over."""
    if canonical.cancelled:
        return OrderStatus.CANCELLED
    if canonical.fulfilment_status in {FulfilmentStatus.FULFILLED, FulfilmentStatus.DELIVERED}:
        return OrderStatus.CLOSED
    if not any(line.units for line in order.lines):
        return OrderStatus.CLOSED
    return None


def _content(canonical: CanonicalOrder) -> Content:
    return Content(
        currency=canonical.currency,
        tax_included=canonical.tax_included,
        totals=canonical.totals,
        presentment_total=canonical.presentment_total,
        sold=canonical.lines,
        payment=canonical.payment_status,
        test=canonical.test,
        shipping_method=canonical.shipping_method,
        flags=canonical.flags,
    )


def _people(canonical: CanonicalOrder) -> People:
    return People(consignee=canonical.ship_to, buyer=canonical.buyer, tax_ids=canonical.tax_ids)


def ship_to_fingerprint(canonical: CanonicalOrder) -> str:
    """Tells the platform's addresses apart, without keeping a second copy of them."""
    said = [
        asdict(canonical.ship_to) if canonical.ship_to else None,
        [asdict(one) for one in canonical.tax_ids],
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _asks_for_more(now: Content, before: Content) -> bool:
    """Whether more units of something are wanted than before."""
    wanted = {one.external_line_id: one.quantity - one.cancelled_quantity for one in before.sold}
    return any(
        one.quantity - one.cancelled_quantity > wanted.get(one.external_line_id, 0) for one in now.sold
    )


def _what_changed(order: Order, content: Content, lines: bool, ship_to: str) -> str:
    changed = {
        "lines": lines,
        "address": ship_to != order.ship_to_fingerprint,
        "payment": content.payment is not order.content.payment,
        "shipping method": content.shipping_method != order.content.shipping_method,
    }
    return ", ".join(name for name, true in changed.items() if true) or "other"

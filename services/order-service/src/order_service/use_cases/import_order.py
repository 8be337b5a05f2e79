"""Marketplaces' orders become ours, or change ours, by the platform's time of update, not of arrival."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from crossdock_contracts.envelope import Actor, ActorKind, Cause
from order_service.domain.canonical import CanonicalOrder, FulfilmentStatus, PaymentStatus, digest
from order_service.domain.fold import everything_shipped
from order_service.domain.holds import HoldReason, look
from order_service.domain.ids import order_id_of
from order_service.domain.lines import Catalog, expand
from order_service.domain.order import Content, Identity, Order, People, Terms
from order_service.domain.order_table import OrderEvent, OrderStatus
from order_service.domain.process import Process
from order_service.use_cases.cancel_there import heard_of_cancel
from order_service.use_cases.ports import Account, Note, OrderRef, Shop, Transaction
from order_service.use_cases.tell import Change, conclude, keep_exceptions, note, save_all

#: Money of these may still come; stock is kept for a while.
AWAITED = frozenset({PaymentStatus.PENDING, PaymentStatus.AUTHORIZED})


class Outcome(StrEnum):
    """What became of a delivery; the states of `inbound_message`."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"  # it says what we know
    STALE = "stale"  # the platform has said something newer
    FETCHING = "fetching"  # two versions of one second, or one with a gap: the platform is asked


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that personal data is kept: of orders from their import, of raw messages from their arrival."""

    order_days: int = 180
    message_days: int = 30


@dataclass(frozen=True, slots=True)
class Import:
    """What the platform says of one order, and what it follows from.

    `asked`: it was fetched from the platform, whose word of the same second wins.
    """

    canonical: CanonicalOrder
    account: Account
    cause: Cause = field(default_factory=Cause)
    asked: bool = False

    @property
    def ref(self) -> OrderRef:
        return OrderRef(self.account.platform, self.account.shop_ref, self.canonical.external_id)

    @property
    def new_order_id(self) -> UUID:
        """The order's id, if it is new to us."""
        return order_id_of(*self.ref, self.canonical.placed_at)

    @property
    def to_be_asked(self) -> bool:
        return self.canonical.incomplete and not self.asked

    @property
    def shop(self) -> Shop:
        return Shop(self.account.merchant_id, self.account.account)

    @property
    def actor(self) -> Actor:
        return Actor(kind=ActorKind.MARKETPLACE, name=self.account.platform)


@dataclass(frozen=True, slots=True)
class Imported:
    outcome: Outcome
    order_id: UUID


async def import_orders(
    imports: Sequence[Import], *, retention: Retention, tx: Transaction
) -> list[Imported]:
    """Create or change the orders, each another one; what became of them in the order given.

    Raises RacedImport when another transaction creates one of them at this moment: begin again.
    """
    known = await tx.orders.lock_external({one.ref for one in imports})
    catalogs = await tx.skus.catalogs(_names(imports, known))
    imported: list[Imported] = []
    new: list[Order] = []
    notes: list[Note] = []
    heard: list[Order] = []
    changes: list[Change] = []
    for one in imports:
        order, catalog = known.get(one.ref), catalogs[one.shop]
        if order is None:
            order, beginning = await _create(one, catalog, tx=tx)
            new.append(order)
            notes += beginning
            # A new order is kept at once, although something of it may still have to be asked for.
            made = Outcome.FETCHING if one.to_be_asked else Outcome.IMPORTED
            imported.append(Imported(made, order.identity.order_id))
            continue
        outcome = _compare(one, order)
        if outcome is Outcome.IMPORTED:
            change = Change(order, one.actor, cause=one.cause)
            await _update(change, one, catalog, tx=tx)
            changes.append(change)
        elif outcome is Outcome.UNCHANGED and one.canonical.updated_at > order.platform_updated_at:
            # What is older than this word is stale from now on, although the word says nothing new.
            order.platform_updated_at = one.canonical.updated_at
            heard.append(order)
        imported.append(Imported(outcome, order.identity.order_id))
    await tx.orders.add(new, notes, personal_until=tx.now + timedelta(days=retention.order_days))
    await tx.skus.sells(_sold(new))
    await keep_exceptions(new, tx=tx)
    await tx.orders.save(heard)
    await save_all(changes, tx=tx)
    return imported


def _names(imports: Sequence[Import], known: Mapping[OrderRef, Order]) -> Mapping[Shop, Collection[str]]:
    """The SKUs to look up: the platform's, and those that the orders have already."""
    names: dict[Shop, set[str]] = defaultdict(set)
    for one in imports:
        order = known.get(one.ref)
        names[one.shop] |= {line.sku for line in one.canonical.lines if line.sku}
        names[one.shop] |= {line.sku for line in order.lines if line.sku} if order else set()
    return names


def _sold(orders: Sequence[Order]) -> Mapping[Shop, Collection[str]]:
    sold: dict[Shop, set[str]] = defaultdict(set)
    for order in orders:
        shop = Shop(order.identity.merchant_id, order.identity.account)
        sold[shop] |= {line.external_sku for line in order.lines if line.external_sku}
    return sold


def _compare(one: Import, order: Order) -> Outcome:
    """Whether this word of the platform is news."""
    said, known_until = one.canonical, order.platform_updated_at
    if said.fingerprint() == order.fingerprint:
        return Outcome.UNCHANGED
    if said.updated_at < known_until:
        return Outcome.STALE
    if (said.updated_at == known_until and not one.asked) or one.to_be_asked:
        return Outcome.FETCHING
    return Outcome.IMPORTED


async def _create(one: Import, catalog: Catalog, *, tx: Transaction) -> tuple[Order, list[Note]]:
    """The new order and the beginning of its timeline, both for the caller to store."""
    canonical, account = one.canonical, one.account
    lines = expand(canonical.lines, catalog, currency=canonical.currency, order_id=one.new_order_id)
    order = Order(
        identity=Identity(
            order_id=one.new_order_id,
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
    change = Change(order, one.actor, cause=one.cause, happened=[("order.imported", canonical.order_number)])
    finished = _finished(canonical, order)
    if finished is not None:
        # Nobody was told of it and there is nothing left to do, so nobody is told now.
        order.status = finished
        change.happened.append((f"order.{finished.value}", "it was over before it was imported"))
        return order, [note(change, *what) for what in change.happened]
    _judge(order, canonical, account, catalog, tx.now)
    if canonical.fulfilment_status is FulfilmentStatus.PARTIAL:
        order.set_hold(HoldReason.MANUAL, "partly fulfilled elsewhere before it was imported", tx.now)
    notes, _ = await conclude(change, tx=tx)
    return order, notes


async def _update(change: Change, one: Import, catalog: Catalog, *, tx: Transaction) -> None:
    order, canonical = change.order, one.canonical
    if canonical.cancelled:
        order.platform_updated_at, order.fingerprint = canonical.updated_at, canonical.fingerprint()
        await heard_of_cancel(order, tx=tx)
        if not order.process.platform_cancelled:
            order.process.platform_cancelled = True
            change.reason = canonical.cancel_reason
            change.happened.append(("marketplace.cancelled", canonical.cancel_reason))
            order.ask_cancel(canonical.cancel_reason or "cancelled", OrderEvent.MARKETPLACE_CANCELLED)
        return
    lines = expand(
        canonical.lines,
        catalog,
        currency=canonical.currency,
        before=order.lines,
        order_id=order.identity.order_id,
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
    _judge(order, canonical, one.account, catalog, tx.now)
    over = canonical.fulfilment_status in {FulfilmentStatus.FULFILLED, FulfilmentStatus.DELIVERED}
    if over and not everything_shipped(order.lines, order.process.parcels):
        # Not by our parcels, so somebody else sent it: sending it again is for a person to decide.
        order.set_hold(HoldReason.MANUAL, "fulfilled elsewhere", tx.now)


def _judge(
    order: Order, canonical: CanonicalOrder, account: Account, catalog: Catalog, now: datetime
) -> None:
    findings = look(
        payment=canonical.payment_status,
        platform_hold=canonical.platform_hold,
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
        platform_hold=canonical.platform_hold,
    )


def _people(canonical: CanonicalOrder) -> People:
    return People(consignee=canonical.ship_to, buyer=canonical.buyer, tax_ids=canonical.tax_ids)


def ship_to_fingerprint(canonical: CanonicalOrder) -> str:
    """Tells the platform's addresses apart, without keeping a second copy of them."""
    return digest([canonical.ship_to, canonical.tax_ids])


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
        "platform's hold": content.platform_hold != order.content.platform_hold,
    }
    return ", ".join(name for name, true in changed.items() if true) or "other"

"""The order: what was bought, why it waits, how far it has come. One aggregate, changed by verbs, told as a
snapshot.

Verbs change what the state is folded from; `conclude` folds, counts the version, and says what to publish.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from order_service.domain.canonical import (
    Address,
    CanonicalBuyer,
    CanonicalLine,
    CanonicalTotals,
    PaymentStatus,
    TaxId,
)
from order_service.domain.errors import HoldNotFound, HoldNotReleasable, IllegalMove
from order_service.domain.fold import cancel_ended, finished, kept_units
from order_service.domain.holds import AUTOMATIC, NOT_RELEASABLE, Findings, Hold, HoldReason
from order_service.domain.leg import LEG_TABLE, Leg, LegEvent, LegState
from order_service.domain.lines import Line, keep_only
from order_service.domain.order_table import COMMANDS, MOVES, ORDER_TABLE, OrderEvent, OrderStatus
from order_service.domain.process import Process, Wish
from order_service.domain.reactions import Move, Reaction


class Policy(StrEnum):
    ALL_OR_NOTHING = "all_or_nothing"
    SPLIT = "split"
    BACKORDER = "backorder"


class LabelSource(StrEnum):
    CARRIER = "carrier"
    MARKETPLACE = "marketplace"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which order it is; never changes. Unique by (platform, shop_ref, external_id)."""

    order_id: UUID
    merchant_id: str
    account: str
    platform: str
    shop_ref: str
    external_id: str
    order_number: str
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class Content:
    """What the marketplace says was bought, without personal data."""

    currency: str
    tax_included: bool | None
    totals: CanonicalTotals
    presentment_total: tuple[int, str] | None
    sold: tuple[CanonicalLine, ...]
    payment: PaymentStatus
    test: bool
    shipping_method: str | None
    flags: tuple[str, ...] = ()
    platform_hold: str | None = None


@dataclass(frozen=True, slots=True)
class People:
    """Personal data: who receives it and who is told."""

    consignee: Address | None
    buyer: CanonicalBuyer
    tax_ids: tuple[TaxId, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """How the seller's account wants its orders fulfilled, as it stood at import."""

    policy: Policy
    label_source: LabelSource
    ship_by: datetime | None
    may_write: bool
    incoterm: str | None = None


@dataclass(frozen=True, slots=True)
class Surprise:
    code: str
    subject: str
    detail: str | None = None


class Saying(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Order:
    identity: Identity
    content: Content
    people: People
    terms: Terms
    lines: tuple[Line, ...]
    process: Process
    platform_updated_at: datetime
    fingerprint: str
    ship_to_fingerprint: str
    status: OrderStatus = OrderStatus.OPEN
    version: int = 0
    label_revision: int = 1
    # What this transaction found; taken by `conclude` and by whoever saves.
    surprises: list[Surprise] = field(default_factory=list)
    settled: list[tuple[str, str]] = field(default_factory=list)
    _changed: bool = False
    _wished: bool = False

    # -- the table -----------------------------------------------------------------------------------------

    def meet(self, event: OrderEvent, *, subject: str | None = None) -> bool:
        """Look the event up in the order's table. True: go on with it.

        A command that the table forbids raises IllegalMove; of a fact that surprises, an exception is noted.
        """
        move = ORDER_TABLE[event][self.status]
        if move.reaction is Reaction.EXCEPTION and event in COMMANDS:
            raise IllegalMove(self.identity.order_id, self.status.value, event.value)
        self._note(move, subject or self.key)
        if move.reaction is Reaction.COMPENSATE and event is OrderEvent.STOCK_RESERVED:
            # Said again at a new version: inventory and shipping answer it like the first.
            self._wished = True
        return move.reaction is not Reaction.IGNORE

    def move_leg(self, leg: Leg, event: LegEvent, *, subject: str | None = None) -> None:
        """Look the event up in the leg's table and do what it says. To defer is the caller's."""
        move = LEG_TABLE[leg.state][event]
        self._note(move, subject or str(leg.allocation_id))
        if move.to is not None:
            leg.state = move.to

    def _note(self, move: Move[LegState] | Move[OrderStatus], subject: str) -> None:
        if move.code is not None and move.reaction in {Reaction.EXCEPTION, Reaction.COMPENSATE}:
            self.surprised(move.code, subject)

    def surprised(self, code: str, subject: str | None = None, detail: str | None = None) -> None:
        surprise = Surprise(code, subject or self.key, detail)
        if surprise not in self.surprises:
            self.surprises.append(surprise)

    # -- content and holds ---------------------------------------------------------------------------------

    def replace_content(
        self,
        *,
        content: Content,
        people: People,
        lines: tuple[Line, ...],
        fingerprints: tuple[str, str],
        updated_at: datetime,
    ) -> None:
        """Take over what the marketplace says. A person's address stays until the buyer changes theirs."""
        fingerprint, ship_to_fingerprint = fingerprints
        address_changed = ship_to_fingerprint != self.ship_to_fingerprint
        if not address_changed:
            people = People(self.people.consignee, people.buyer, people.tax_ids)
        else:
            self.process.waived.discard(HoldReason.ADDRESS)
        before = {(line.line_id, line.sku, line.units) for line in self.lines}
        if address_changed or before != {(line.line_id, line.sku, line.units) for line in lines}:
            self.process.label_change_untold = True
        if content.shipping_method != self.content.shipping_method:
            self.process.label_change_untold = True
        if not content.payment.settled and self.content.payment.settled:
            self.process.waived.discard(HoldReason.UNPAID)
        self.content, self.people, self.lines = content, people, lines
        self.fingerprint, self.ship_to_fingerprint = fingerprint, ship_to_fingerprint
        self.platform_updated_at = updated_at
        self._changed = True

    def correct_address(self, consignee: Address) -> None:
        """A person's correction. Raises IllegalMove once it cannot be shipped any more."""
        self.meet(OrderEvent.CHANGE_ADDRESS)
        if consignee != self.people.consignee:
            self.people = People(consignee, self.people.buyer, self.people.tax_ids)
            self._changed = self.process.label_change_untold = True

    def resolve_lines(self, lines: tuple[Line, ...]) -> None:
        """Lines after SKUs became known."""
        if lines != self.lines:
            self.lines = lines
            self._changed = self.process.label_change_untold = True

    def take_findings(self, findings: Findings, now: datetime) -> None:
        """Set and lift the automatic holds. One that a person waived stays away until its matter changes."""
        for reason in AUTOMATIC:
            detail = findings.holds.get(reason)
            if detail is None:
                self.lift(reason)
                self.process.waived.discard(reason)
            elif reason not in self.process.waived:
                self.set_hold(reason, detail, now)
        self.process.waiting_skus = set(findings.waiting_skus)

    def hold(self, reason: HoldReason, detail: str | None, now: datetime) -> None:
        """A person stops the order. Raises IllegalMove when it can no longer be stopped."""
        self.meet(OrderEvent.HOLD)
        self.set_hold(reason, detail, now)

    def release(self, reason: HoldReason) -> None:
        """A person lets the order go on. Raises IllegalMove, HoldNotFound, HoldNotReleasable."""
        self.meet(OrderEvent.RELEASE)
        if reason not in self.process.holds:
            raise HoldNotFound(self.identity.order_id, reason.value)
        no_country = reason is HoldReason.ADDRESS and not (
            self.people.consignee and self.people.consignee.country
        )
        if reason in NOT_RELEASABLE or no_country:
            raise HoldNotReleasable(self.identity.order_id, reason.value)
        if reason in AUTOMATIC:
            self.process.waived.add(reason)
        self.lift(reason)

    def retry(self) -> None:
        """Ask inventory (and shipping) once more with a new version. Raises IllegalMove."""
        self.meet(OrderEvent.RETRY)
        self.lift(HoldReason.OUT_OF_STOCK)
        if any(leg.state is LegState.NEEDS_REPAIR for leg in self.process.legs.values()):
            self.process.label_change_untold = True
        self._changed = True

    def set_hold(self, reason: HoldReason, detail: str | None, now: datetime) -> None:
        old = self.process.holds.get(reason)
        if old is None:
            self.process.holds[reason] = Hold(reason, now, detail)
            self._changed = True
        elif old.detail != detail:
            self.process.holds[reason] = Hold(reason, old.since, detail)

    def lift(self, reason: HoldReason) -> None:
        if self.process.holds.pop(reason, None) is not None:
            self._changed = True
        if reason is HoldReason.UNPAID and self.process.reserve_until is not None:
            self.process.reserve_until = None
            self._changed = True

    # -- cancel --------------------------------------------------------------------------------------------

    def ask_cancel(self, reason: str, event: OrderEvent = OrderEvent.CANCEL) -> None:
        """Wish the order to stop; the others answer. Repeats are ignored. Raises IllegalMove once closed."""
        if not self.meet(event) or self.status not in {OrderStatus.OPEN, OrderStatus.HELD}:
            return
        self.process.wish = Wish(version=self.version + 1, reason=reason)
        self.process.cancel_is_ours = event is not OrderEvent.MARKETPLACE_CANCELLED
        for leg in self.process.legs.values():
            self.move_leg(leg, LegEvent.CANCEL_ASKED)
        self._wished = True

    # -- the end of a transaction --------------------------------------------------------------------------

    def conclude(self, version_floor: int = 0) -> Saying | None:
        """Fold the state and say what to publish; count the versions up. Call once, before saving.

        `version_floor`: what is counted now is above it.
        """
        self._fold()
        if self.version == 0:
            saying = Saying.CREATED
        elif self._wished:
            saying = Saying.CANCELLED
        elif self._changed:
            # While cancelling nothing is told but the end of it, which carries what changed meanwhile.
            if self.status is OrderStatus.CANCELLING:
                return None
            saying = Saying.CHANGED
        else:
            return None
        if saying is Saying.CREATED:
            self.process.label_change_untold = False
        elif saying is Saying.CHANGED and self.process.label_change_untold:
            self.label_revision += 1
            self.process.label_change_untold = False
        before, self.version = self.version, max(self.version, version_floor) + 1
        if self.process.wish is not None and self.process.wish.version > before:
            self.process.wish.version = self.version
        self._changed = self._wished = False
        return saying

    def _fold(self) -> None:
        if not MOVES[self.status]:
            return
        wish = self.process.wish
        if wish is not None and not cancel_ended(wish, self.process.legs):
            self._move_to(OrderStatus.CANCELLING)
            return
        if wish is not None:
            kept = kept_units(wish, self.process)
            self.process.wish = None
            if not kept:
                self._move_to(OrderStatus.CANCELLED)
                return
            self.lines = keep_only(self.lines, kept)
            self.surprised("cancel_refused", detail=wish.reason)
            self._changed = True
        if finished(self.lines, self.process):
            self._move_to(OrderStatus.CLOSED)
        else:
            self._move_to(OrderStatus.HELD if self.process.holds else OrderStatus.OPEN)

    def _move_to(self, target: OrderStatus) -> None:
        if target is self.status:
            return
        if target not in MOVES[self.status]:
            raise IllegalMove(self.identity.order_id, self.status.value, target.value)
        self.status = target
        self._changed = True

    @property
    def key(self) -> str:
        """The key of its records and timers."""
        return str(self.identity.order_id)

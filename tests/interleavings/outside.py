"""The outside: a carrier, a shop and a mail server that do as a test says and keep books of their own."""

import json
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from notify_service.domain.order import Buyer
from notify_service.use_cases.ports import (
    ChannelOutcomeUnknown,
    ChannelRefused,
    ChannelUnavailable,
    Envelope,
    Packed,
)
from order_service.domain.canonical import (
    Address,
    CanonicalBuyer,
    CanonicalLine,
    CanonicalOrder,
    CanonicalTotals,
    FulfilmentStatus,
    PaymentStatus,
)
from order_service.use_cases.marketplace import (
    Delivery,
    Marketplace,
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    Tracking,
)
from order_service.use_cases.ports import Account
from shipping_service.domain.consignment import Address as ShipTo
from shipping_service.domain.consignment import (
    BoughtLabel,
    ConsignmentRequest,
    Document,
    DocumentKind,
    VoidOutcome,
)
from shipping_service.use_cases.ports import (
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    Prepared,
)

from .members import Died


class Answer(StrEnum):
    """What becomes of one call."""

    OK = "ok"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    LOST_BUT_DONE = "lost_but_done"
    LOST_UNDONE = "lost_undone"
    DIES_AFTER = "dies_after"  # they did it, and our process died before it could note the answer
    DIES_BEFORE = "dies_before"


#: In the middle of a call: the test goes on with the rest of the world.
Meanwhile = Callable[[], Awaitable[None]]


@dataclass
class Script:
    """What the next calls come to; OK when nothing is said."""

    answers: deque[Answer] = field(default_factory=deque)
    meanwhile: deque[Meanwhile] = field(default_factory=deque)
    calls: list[str] = field(default_factory=list)

    def then(self, *answers: Answer) -> None:
        self.answers += answers

    async def next(self, call: str) -> Answer:
        self.calls.append(call)
        if self.meanwhile:
            await self.meanwhile.popleft()()
        return self.answers.popleft() if self.answers else Answer.OK


@dataclass
class Sold:
    """A label in the carrier's own book."""

    reference: str
    carrier_ref: str
    label: BoughtLabel
    to: ShipTo
    voided: bool = False

    @property
    def shipment_id(self) -> UUID:
        return UUID(self.reference.split("/")[0])


@dataclass
class Carrier:
    """`pays_once`: buying one carrier reference twice is buying it once."""

    pays_once: bool = True
    takes_back: VoidOutcome = VoidOutcome.VOIDED
    sold: list[Sold] = field(default_factory=list)
    preparing: Script = field(default_factory=Script)
    buying: Script = field(default_factory=Script)
    finding: Script = field(default_factory=Script)
    voiding: Script = field(default_factory=Script)

    def live(self) -> list[Sold]:
        return [one for one in self.sold if not one.voided]

    async def prepare(self, request: ConsignmentRequest) -> Prepared:
        await _carried(self.preparing, "prepare", request.reference, lambda: None)
        return Prepared(f"shp_{request.reference}")

    async def buy(self, request: ConsignmentRequest, prepared: Prepared) -> BoughtLabel:
        ref = prepared.carrier_ref or f"shp_{request.reference}"
        await _carried(self.buying, "buy", request.reference, lambda: self._sell(request, ref))
        return self._found(ref).label

    async def find(self, request: ConsignmentRequest, carrier_ref: str | None) -> BoughtLabel | None:
        await _carried(self.finding, "find", request.reference, lambda: None)
        ref = carrier_ref or f"shp_{request.reference}"
        return next((one.label for one in self.live() if one.carrier_ref == ref), None)

    async def void(self, carrier_ref: str) -> VoidOutcome:
        await _carried(self.voiding, "void", carrier_ref, lambda: self._take_back(carrier_ref))
        return self.takes_back

    async def void_state(self, carrier_ref: str) -> VoidOutcome:
        await _carried(self.voiding, "void_state", carrier_ref, lambda: None)
        if self.takes_back is VoidOutcome.SUBMITTED:
            self._found(carrier_ref).voided = True
            return VoidOutcome.VOIDED
        return self.takes_back

    async def close(self) -> None:
        """Nothing is open."""

    def _take_back(self, carrier_ref: str) -> None:
        if self.takes_back is VoidOutcome.VOIDED:
            self._found(carrier_ref).voided = True

    def _found(self, carrier_ref: str) -> Sold:
        return next(one for one in reversed(self.sold) if one.carrier_ref == carrier_ref)

    def _sell(self, request: ConsignmentRequest, ref: str) -> None:
        if self.pays_once and any(one.carrier_ref == ref for one in self.sold):
            return
        label = BoughtLabel(
            carrier_ref=ref,
            carrier="Scripted Post",
            service=request.service,
            tracking_number=f"TRACK-{len(self.sold)}-{request.reference}",
            tracking_url=None,
            cost_minor=499,
            cost_currency="EUR",
            cost_exponent=2,
            documents=(Document(DocumentKind.LABEL, "application/pdf", b"%PDF-1.7"),),
            tracker_ref="trk",
        )
        self.sold.append(Sold(request.reference, ref, label, request.ship_to))


async def _carried(script: Script, call: str, reference: str, effect: Callable[[], None]) -> None:
    """One call to the carrier, ended as the script says."""
    match await script.next(call):
        case Answer.OK:
            effect()
        case Answer.REFUSED:
            raise CarrierRejected("ADDRESS.INVALID", "ship_to.lines")
        case Answer.NOT_SENT:
            raise CarrierUnavailable("not reached")
        case Answer.LOST_BUT_DONE:
            effect()
            raise CarrierOutcomeUnknown(reference)
        case Answer.LOST_UNDONE:
            raise CarrierOutcomeUnknown(reference)
        case Answer.DIES_AFTER:
            effect()
            raise Died
        case Answer.DIES_BEFORE:
            raise Died


@dataclass
class ShopLine:
    external_id: str
    sku: str
    quantity: int
    cancelled: int = 0


@dataclass
class ShopOrder:
    """An order as the marketplace has it."""

    external_id: str
    account: str
    lines: list[ShopLine]
    ship_to: Address
    paid: bool
    placed_at: datetime
    updated_at: datetime
    cancelled: bool = False

    def change(self) -> None:
        self.updated_at += timedelta(seconds=1)

    def canonical(self) -> CanonicalOrder:
        return CanonicalOrder(
            platform="shopify",
            external_id=self.external_id,
            order_number=f"#{self.external_id}",
            placed_at=self.placed_at,
            updated_at=self.updated_at,
            currency="EUR",
            tax_included=True,
            totals=CanonicalTotals(0, 0, 0, 0, 0, None, 0, 0),
            lines=tuple(
                CanonicalLine(
                    external_line_id=one.external_id,
                    external_line_ids=(one.external_id,),
                    sku=one.sku,
                    title=one.sku,
                    quantity=one.quantity,
                    cancelled_quantity=one.cancelled,
                    unit_price=1000,
                    discount=0,
                    tax=0,
                )
                for one in self.lines
            ),
            ship_to=self.ship_to,
            buyer=CanonicalBuyer("Ada Example", "ada@example.com", "en"),
            payment_status=PaymentStatus.PAID if self.paid else PaymentStatus.PENDING,
            fulfilment_status=FulfilmentStatus.UNFULFILLED,
            cancelled=self.cancelled,
            cancel_reason="customer" if self.cancelled else None,
            shipping_method="Standard",
        )


@dataclass
class Shop:
    """The marketplace: its orders, the tracking numbers it was told, and what it cancelled for us and why."""

    orders: dict[str, ShopOrder] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    units_told: Counter[tuple[str, str]] = field(default_factory=Counter)
    telling: Script = field(default_factory=Script)
    cancelled_for_us: dict[str, str] = field(default_factory=dict)

    def platform(self) -> Marketplace:
        return Marketplace(
            code="shopify",
            writes_tracking=True,
            fetched_topic="orders/updated",
            verify=lambda account, headers, body: Delivery(str(hash(body)), "orders/updated", {}),
            read=lambda topic, body: self.orders[json.loads(body)["id"]].canonical(),
            open_gateway=lambda account, _: _ShopGateway(self, account),
            open_canceller=lambda account, _: _ShopGateway(self, account),
        )


@dataclass
class _ShopGateway:
    shop: Shop
    account: Account

    async def cancel(self, external_id: str, reason: str) -> str:
        self.shop.cancelled_for_us.setdefault(external_id, reason)
        return f"cancel:{external_id}"

    async def write_back(self, tracking: Tracking) -> str:
        """Looks first whether it is there already, as the port asks of every gateway."""
        match await self.shop.telling.next("write_back"):
            case Answer.OK:
                self._tell(tracking)
            case Answer.REFUSED:
                raise MarketplaceRefused("already_fulfilled")
            case Answer.NOT_SENT:
                raise MarketplaceUnavailable("not reached")
            case Answer.LOST_BUT_DONE:
                self._tell(tracking)
                raise MarketplaceOutcomeUnknown("lost")
            case Answer.LOST_UNDONE:
                raise MarketplaceOutcomeUnknown("lost")
            case Answer.DIES_AFTER:
                self._tell(tracking)
                raise Died
            case Answer.DIES_BEFORE:
                raise Died
        return f"ful_{tracking.tracking_number}"

    async def fetch_order(self, external_id: str) -> bytes:
        return json.dumps({"id": external_id}).encode()

    def _tell(self, tracking: Tracking) -> None:
        if self.shop.told[tracking.tracking_number]:
            return
        self.shop.told[tracking.tracking_number] += 1
        for line, units in tracking.units.items():
            self.shop.units_told[tracking.external_id, line] += units


@dataclass
class Mailbox:
    """The mail server: how often it took each message."""

    taken: Counter[UUID] = field(default_factory=Counter)
    taking: Script = field(default_factory=Script)
    code: str = "email"
    concurrency: int = 4
    _packed: dict[bytes, UUID] = field(default_factory=dict)

    def address_of(self, buyer: Buyer) -> str | None:
        return buyer.email

    def pack(self, envelope: Envelope) -> Packed:
        content = f"{envelope.reference}".encode()
        self._packed[content] = envelope.reference
        return Packed(envelope.address, content)

    async def hand_over(self, packed: Packed) -> str:
        reference = self._packed[packed.content]
        match await self.taking.next("hand_over"):
            case Answer.OK:
                self.taken[reference] += 1
            case Answer.REFUSED:
                raise ChannelRefused("550")
            case Answer.NOT_SENT:
                raise ChannelUnavailable("421")
            case Answer.LOST_BUT_DONE:
                self.taken[reference] += 1
                raise ChannelOutcomeUnknown("lost")
            case Answer.LOST_UNDONE:
                raise ChannelOutcomeUnknown("lost")
            case Answer.DIES_AFTER:
                self.taken[reference] += 1
                raise Died
            case Answer.DIES_BEFORE:
                raise Died
        return "250 taken"

    async def close(self) -> None:
        """Nothing is open."""


BERLIN = Address(
    name="Ada Example",
    lines=("Musterstr. 1",),
    city="Berlin",
    postal_code="10115",
    country="DE",
    phone="+4930",
)
HAMBURG = Address(
    name="Ada Example", lines=("Hafen 2",), city="Hamburg", postal_code="20095", country="DE", phone="+4940"
)
NEW_YORK = Address(
    name="Ada Example",
    lines=("1 Main St",),
    city="New York",
    province="NY",
    postal_code="10001",
    country="US",
    phone="+1212",
)
NOWHERE = Address(name="Ada Example", lines=(), city=None, country="DE")
FIRST_UPDATE = datetime(2026, 11, 21, 8, tzinfo=UTC)
ADDRESSES: Mapping[str, Address] = {"berlin": BERLIN, "hamburg": HAMBURG, "new_york": NEW_YORK}

"""What the use cases need of the world, as Protocols: the carrier's side, and a transaction's parts."""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from crossdock_contracts.envelope import Actor, Cause, Event
from crossdock_contracts.inventory import StockReservedV1
from crossdock_contracts.orders import Consignee
from shipping_service.domain.consignment import (
    BoughtLabel,
    ConsignmentRequest,
    Document,
    DocumentKind,
    VoidOutcome,
)
from shipping_service.domain.dispatch import Dispatch
from shipping_service.domain.effects import Cleared, Raised
from shipping_service.domain.following import Followed, Pace
from shipping_service.domain.papers import Papers
from shipping_service.domain.refusal import Refusal, Remedy, remedy_of_field
from shipping_service.domain.rules import Rule
from shipping_service.domain.whereabouts import Known
from shipping_service.use_cases.tracking_port import Tracking

LONGEST_WORDS: Final = 2_000


class CarrierRejected(Exception):
    """They understood and said no, and certainly did nothing.

    `code` is theirs, kept as it came; `field` is ours (`ship_to.phone`) where it is known. Neither holds
    personal data. `remedy`: what helps, from the carrier's own table of codes; without it the field decides,
    and where that says nothing it is `untranslated`, which is counted. `words` are theirs, which may repeat
    an address: they are bounded, kept apart until their time is over, and never part of a text.
    """

    def __init__(
        self, code: str, field: str | None = None, *, remedy: Remedy | None = None, words: str | None = None
    ) -> None:
        super().__init__(code)
        self.refusal = Refusal(code, field, remedy or remedy_of_field(field))
        self.words = None if words is None else _printable(words)

    @property
    def code(self) -> str:
        return self.refusal.code

    @property
    def field(self) -> str | None:
        return self.refusal.field

    @property
    def remedy(self) -> Remedy:
        return self.refusal.remedy


def _printable(words: str) -> str | None:
    kept = "".join(one if one.isprintable() else " " for one in words[: 2 * LONGEST_WORDS])
    return " ".join(kept.split())[:LONGEST_WORDS] or None


class CarrierUnavailable(Exception):
    """Nothing was sent, or they asked us to slow down; later is fine."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class LabelPending(Exception):
    """It is booked, and its number or its label is still being made: look again, never elsewhere."""

    def __init__(self, reason: str, retry_after_s: float) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class CarrierMisconfigured(Exception):
    """Our account or credentials are refused: no parcel's fault; nothing goes on until a person mends it."""


class CarrierOutcomeUnknown(Exception):
    """It may have happened. Call `find` before anything else. `reference` is ours."""

    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the carrier can do; what it cannot, the use cases do not ask for."""

    can_find: bool  # a label can be looked up after an unknown outcome
    can_void: bool
    void_is_async: bool
    pays_once: bool = False  # buying the same `carrier_ref` again gives the same label and costs nothing
    settles_s: float = 0.0  # so long after a lost answer "it was not bought" may still become wrong
    makes: Set[DocumentKind] = frozenset(
        {DocumentKind.LABEL}
    )  # what is missing and needed, we print ourselves
    postal: bool = False  # customs wants CN22 or CN23 of it; of a courier, a commercial invoice


@dataclass(frozen=True, slots=True)
class Prepared:
    """A purchase that costs nothing yet. `carrier_ref`: what to ask by later, None where the carrier gives
    nothing. `offer`: what it was offered at a moment ago, in the carrier's own words; None: ask anew.
    """

    carrier_ref: str | None
    offer: str | None = None


class CarrierGateway(Protocol):
    """One carrier account. Every call is bounded in time and raises only the errors of this module."""

    async def prepare(self, request: ConsignmentRequest) -> Prepared:
        """Create what costs nothing and has an id to ask by later; the caller stores the id before it buys.

        Safe to repeat: an unpaid shipment binds nobody.
        """

    async def buy(self, request: ConsignmentRequest, prepared: Prepared) -> BoughtLabel:
        """Buy the label. Not safe to repeat: after CarrierOutcomeUnknown ask `find`.

        Raises LabelPending where `prepare` has booked it and the label comes later; called again it looks.
        """

    async def find(self, request: ConsignmentRequest, carrier_ref: str | None) -> BoughtLabel | None:
        """The label as bought, or None when the carrier says that it was not. Safe to repeat.

        Raises CarrierOutcomeUnknown where "not found" proves nothing: it is asked again, and in the end a
        person decides.
        """

    async def void(self, carrier_ref: str) -> VoidOutcome:
        """Ask for the label to be taken back. Safe to repeat."""

    async def void_state(self, carrier_ref: str) -> VoidOutcome:
        """What became of an earlier `void`. Safe to repeat."""

    async def close(self) -> None:
        """Give the connections back; nothing is called afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """What a carrier's folder offers as `CARRIER`: all that the registry reads of it.

    `capabilities` and `open_gateway` are there together, where it sells labels; `tracking`, where it tells
    where parcels are. What opens something is called once per process, inside the event loop; it reads the
    carrier's own settings and raises when they do not add up. `calls_at_once` and `calls_per_s` are bounds
    per process.
    """

    code: str
    capabilities: Capabilities | None = None
    open_gateway: Callable[[], CarrierGateway] | None = None
    calls_at_once: int = 32
    calls_per_s: float | None = None
    tracking: Tracking | None = None

    def __post_init__(self) -> None:
        if (self.capabilities is None) is not (self.open_gateway is None):
            raise ValueError("capabilities and open_gateway belong together")
        if self.capabilities is None and self.tracking is None:
            raise ValueError("a carrier sells labels, tells where parcels are, or both")


# -- our own side


class Unprintable(Exception):
    """It does not fit on its paper at a readable size. Argument: which part of it, nothing personal."""


class Printer(Protocol):
    """Prints what a parcel needs and its carrier does not make."""

    def print(self, kind: DocumentKind, papers: Papers) -> Document:
        """The same bytes for the same papers. Takes CPU: call it in a thread. Raises Unprintable."""


class NotFound(Exception):
    """There is no such thing for this merchant. Arguments: what, its id."""


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of an order's timeline, with who did it and what led to it."""

    order_id: UUID
    merchant_id: str
    shipment_id: UUID | None
    what: str
    detail: str | None
    actor: Actor
    reason: str | None
    cause: Cause


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document to keep, and whose it is."""

    document_id: UUID
    merchant_id: str
    shipment_id: UUID
    label_id: UUID
    document: Document


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as it is shown; the bytes are fetched apart. `gone`: its time is over."""

    document_id: UUID
    kind: str
    media_type: str
    sha256: str
    size_bytes: int
    gone: bool


@dataclass(frozen=True, slots=True)
class DomainSettings:
    """What the use cases are told at start. `carriers`: the connected ones, by code. `first_void_check`: how
    long after a void was taken in the carrier is asked what became of it, twice as long with each question.
    `failover_after`: a carrier that has not been there for so long is left for the next. `trackers`: who
    tells where parcels are; `tracks_others`: which of them is asked about parcels of carriers that do not
    tell themselves.
    """

    carriers: Mapping[str, Capabilities]
    personal_for: timedelta
    first_void_check: timedelta = timedelta(minutes=10)
    failover_after: timedelta = timedelta(minutes=15)
    trackers: Set[str] = frozenset()
    tracks_others: str | None = None
    pace: Pace = field(default_factory=Pace)


class Dispatches(Protocol):
    async def lock(self, orders: Mapping[UUID, str]) -> dict[UUID, Dispatch]:
        """The orders (id -> merchant) with their legs, locked by rising id until the transaction ends.

        An order that is not known yet is there afterwards, without a snapshot.
        """

    async def lock_shipments(self, shipments: Mapping[UUID, str]) -> list[Dispatch]:
        """The orders of these shipments (id -> merchant), as `lock` locks them.

        Raises NotFound for any that is not that merchant's.
        """

    async def read(self, merchant_id: str, shipment_id: UUID) -> Dispatch:
        """The shipment's order to look at, without a lock. Raises NotFound."""

    async def save(self, dispatches: Sequence[Dispatch]) -> None: ...


class People(Protocol):
    async def keep(self, rows: Sequence[tuple[UUID, str, int, Consignee]], *, until: datetime) -> None:
        """(order, merchant, version, consignee); a newer version is never overwritten by an older one."""

    async def of(self, order_ids: Collection[UUID]) -> Mapping[UUID, Consignee]:
        """Who is known and not erased."""


class Deferred(Protocol):
    async def of(self, order_ids: Collection[UUID]) -> dict[UUID, list[StockReservedV1]]:
        """What waits for these orders, oldest first."""

    async def add(self, events: Sequence[StockReservedV1]) -> None: ...

    async def drop(self, events: Sequence[StockReservedV1]) -> None: ...


class Documents(Protocol):
    async def add(self, documents: Sequence[NewDocument], *, until: datetime) -> None: ...


class Words(Protocol):
    async def keep(self, merchant_id: str, label_id: UUID, words: str, *, until: datetime) -> None:
        """What the carrier said of the label last; it may name a person, and is erased after `until`."""


class Parcels(Protocol):
    """Followed parcels with their scans. All but `follow` is done under the lock of the order."""

    async def follow(self, followed: Followed) -> None:
        """Nothing where its label is followed already."""

    async def of_label(self, label_id: UUID) -> Followed:
        """Raises NotFound."""

    async def scans(self, label_id: UUID) -> Sequence[Known]:
        """All that is known, as it came."""

    async def save(self, followed: Followed, new: Sequence[Known], *, personal_until: datetime) -> None:
        """With scans that are new or are read otherwise than before."""


class Rules(Protocol):
    async def of(self, merchant_id: str) -> Sequence[Rule]: ...

    async def get(self, merchant_id: str, rule_id: UUID) -> Rule:
        """Raises NotFound."""

    async def put(self, rule: Rule) -> None: ...

    async def remove(self, merchant_id: str, rule_id: UUID) -> None:
        """Raises NotFound."""


class History(Protocol):
    async def add(self, lines: Sequence[HistoryLine]) -> None: ...


class Exceptions(Protocol):
    async def raise_all(self, merchant_id: str, order_id: UUID, rows: Sequence[Raised]) -> None:
        """One open row per (order, code, subject)."""

    async def clear(self, order_id: UUID, rows: Sequence[Cleared]) -> None:
        """What has settled itself; absent rows are no error."""

    async def resolve(self, merchant_id: str, exception_id: UUID, *, by: str, resolution: str) -> None:
        """A person's word. Raises NotFound when there is no such open row."""


class Outbox(Protocol):
    async def add(self, event: Event, *, caused_by: Cause | None = None) -> None: ...


class Jobs(Protocol):
    async def add(
        self,
        kind: str,
        reference: str,
        *,
        merchant_id: str,
        destination: str,
        payload: Mapping[str, Any],
        run_at: datetime | None = None,
        deadline_at: datetime | None = None,
        caused_by: Cause | None = None,
    ) -> None: ...

    async def again(
        self, kind: str, reference: str, *, run_at: datetime | None = None, certainly_not_done: bool = False
    ) -> None: ...


class Transaction(Protocol):
    """One transaction: everything in it happens or nothing. `now` is the database's clock; versions
    counted in it are above `version_floor`.
    """

    now: datetime
    version_floor: int

    @property
    def dispatches(self) -> Dispatches: ...
    @property
    def people(self) -> People: ...
    @property
    def deferred(self) -> Deferred: ...
    @property
    def documents(self) -> Documents: ...
    @property
    def words(self) -> Words: ...
    @property
    def parcels(self) -> Parcels: ...
    @property
    def rules(self) -> Rules: ...
    @property
    def history(self) -> History: ...
    @property
    def exceptions(self) -> Exceptions: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def settings(self) -> DomainSettings: ...
    @property
    def new_id(self) -> Callable[[], UUID]: ...

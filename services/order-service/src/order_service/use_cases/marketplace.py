"""What a marketplace's folder offers, and what the use cases ask of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from order_service.domain.canonical import CanonicalOrder
from order_service.use_cases.ports import Account, Tokens


class MarketplaceRefused(Exception):
    """They understood and said no; asking again will not help. Argument: a code without personal data."""


class MarketplaceRefusedInPart(MarketplaceRefused):
    """They did some of it and said no to the rest. Argument: codes of what is left, without personal data."""


class MarketplaceUnavailable(Exception):
    """Nothing was done; ask again after `retry_after_s`."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class QuotaUsedUp(MarketplaceUnavailable):
    """Nothing was done: the account's quota of one operation is used up. Its other operations go on."""

    def __init__(self, operation: str, *, retry_after_s: float, rate_per_s: float) -> None:
        super().__init__(waits_for(operation), retry_after_s=retry_after_s)
        self.operation = operation
        self.rate_per_s = rate_per_s


def waits_for(operation: str) -> str:
    """What a call says that waits for the quota of an operation."""
    return f"quota of {operation} is used up"


class NotReadyYet(MarketplaceUnavailable):
    """They are still at it, a label being made or a cancel under way: only this call waits, and is made
    again after `retry_after_s`.
    """


class MarketplaceOutcomeUnknown(Exception):
    """It may have been done: look before doing it again."""


class TokenExpired(Exception):
    """Nothing was done: the account's access token has run out. It is refreshed, and then asked again."""


class NotAuthentic(Exception):
    """The delivery is not proven to come from the account's shop. Says nothing more, to nobody."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the envelope of a verified delivery says."""

    dedupe_key: str
    topic: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tracking:
    """A parcel to be told to the marketplace: units by the platform's own line ids."""

    external_id: str
    tracking_number: str
    tracking_url: str | None
    carrier: str
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Pointer:
    """A notice that only names an order, which has then to be fetched; and when it changed, if it says so."""

    external_id: str
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """The platform has forgotten a person and wants us to: every name that it had for them as a buyer."""

    names: frozenset[str] = field(repr=False)


class Meter(Protocol):
    """An account's quotas, shared by every process that calls for it."""

    async def take(self, operation: str) -> None:
        """Before each call of an operation that has a quota. Raises QuotaUsedUp."""
        ...

    async def learn(self, operation: str, rate_per_s: float) -> None:
        """What the platform's answer says the quota is. Safe to repeat; cheap when it is known."""
        ...


#: What a message says: an order, that there is one to be fetched, or nothing of an order.
Content = CanonicalOrder | Pointer | None
Said = Content | Erasure
T = TypeVar("T")
#: Gets what `verify` needs for a delivery with these headers.
Prepare = Callable[[Account, Mapping[str, str]], Awaitable[None]]
#: Opens something for calls on behalf of one account.
Opens = Callable[[Account, Meter], T]


class Gateway(Protocol):
    """Calls to one shop. Like all that a folder opens, it raises MarketplaceRefused, MarketplaceUnavailable,
    MarketplaceOutcomeUnknown and, where tokens expire, TokenExpired.
    """

    async def write_back(self, tracking: Tracking) -> str:
        """Tell the tracking number; the platform's reference of it. Looks first whether it is there."""
        ...

    async def fetch_order(self, external_id: str) -> bytes:
        """The order as the platform has it now, in the form its webhooks carry. Safe to repeat."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of what has changed: whole orders as `fetch_order` gives them, or ids of orders to be fetched.

    `cursor`: where the next page begins; None: this was the last.
    """

    orders: Sequence[bytes] = ()
    pointers: Sequence[Pointer] = ()
    cursor: str | None = None


class Lister(Protocol):
    async def list_changed(self, since: datetime, until: datetime, cursor: str | None) -> Listed:
        """Orders changed in this span of time, page by page. Safe to repeat."""
        ...


def _always(_: Account) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """How a platform is asked what has changed.

    Every `every_s` seconds; `overlap_s` before the last time again, because changes become visible late;
    never later than `lag_s` ago; at most `longest_s` in one question. The first poll of a new account looks
    back by `first_s`. `applies`: whether this account can be asked at all, by its options and secrets.
    """

    open_lister: Opens[Lister]
    every_s: float = 300.0
    overlap_s: float = 120.0
    lag_s: float = 0.0
    longest_s: float = 86_400.0
    first_s: float = 86_400.0
    applies: Callable[[Account], bool] = _always

    def __post_init__(self) -> None:
        if self.longest_s <= self.overlap_s:
            raise ValueError("a question has to reach further than the overlap, or polling stands still")


@dataclass(frozen=True, slots=True)
class QueuedNotice:
    """A notice from the account's queue. `handle` takes it off."""

    handle: str
    headers: Mapping[str, str]
    body: bytes


class NoticeQueue(Protocol):
    """A queue the platform writes into and we read, as Amazon's."""

    async def receive(self) -> Sequence[QueuedNotice]:
        """What waits, for a few seconds nobody else's; empty when nothing does. Safe to repeat."""
        ...

    async def remove(self, handles: Sequence[str]) -> None:
        """Take notices off, after they were stored. Safe to repeat; what is not removed comes again."""
        ...


class Refresher(Protocol):
    async def refresh(self) -> Tokens:
        """Buy the next tokens. Not safe to repeat where a refresh token is good for one time."""
        ...


@dataclass(frozen=True, slots=True)
class StockNumber:
    """How many units the marketplace may sell of one of its SKUs, as an absolute number."""

    external_sku: str
    units: int


class StockTeller(Protocol):
    async def tell_stock(self, numbers: Sequence[StockNumber]) -> Mapping[str, str]:
        """Set the numbers; refused SKUs with their codes, the others are set. Safe to repeat."""
        ...


@dataclass(frozen=True, slots=True)
class StockTelling:
    """`batch`: SKUs in one call."""

    open_teller: Opens[StockTeller]
    batch: int = 1


class Canceller(Protocol):
    async def cancel(self, external_id: str, reason: str) -> str:
        """Cancel what is not sent of the order; the platform's reference of it. Looks first whether it is
        cancelled. `reason` is one of ours: out_of_stock, risk, unpaid, merchant. Raises
        MarketplaceRefusedInPart when some of it was cancelled and some was not.
        """
        ...


@dataclass(frozen=True, slots=True)
class LabelWish:
    """A parcel for which the marketplace issues the label: units by the platform's own line ids."""

    external_id: str
    parcel_ref: str
    units: Mapping[str, int]
    weight_g: int


@dataclass(frozen=True, slots=True)
class IssuedLabel:
    """`content` as the platform gives it; `media_type` as its bytes say."""

    carrier: str
    service: str
    tracking_number: str
    media_type: str
    content: bytes = field(repr=False)


class LabelIssuer(Protocol):
    async def issue_label(self, wish: LabelWish) -> IssuedLabel:
        """Arrange the shipment with the platform and get its label. Looks first how far it has come, so it is
        safe to repeat. Raises NotReadyYet with a time while the label is being made.
        """
        ...


class Checker(Protocol):
    async def shop_of_credentials(self) -> str:
        """The platform's own id of the shop that the account's credentials open. Safe to repeat."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """Something an account of this platform has to be told besides what every account has.

    A secret is sealed and never shown; anything else is an option. `pattern` is a regular expression that the
    whole value has to match.
    """

    name: str
    description: str
    secret: bool = False
    required: bool = True
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """A token bucket: so many calls at once, and so many a second afterwards."""

    rate_per_s: float
    burst: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Marketplace:
    """One platform, as its folder offers it; pure but for what it opens. What is None it cannot do.

    `verify` gives None for a call that carries nothing and only wants to be answered. What it needs that has
    to be asked for first, such as the platform's public key, `prepare` gets and keeps. `handshake` answers
    the GET by which a platform tries the address out, from its query. `accepted` and `refused` are the
    statuses that the platform wants. `fetched_topic` is the topic under which `read` understands what the
    gateway fetches. `signed`: its deliveries are signed with the account's webhook secrets.
    """

    code: str
    writes_tracking: bool
    fetched_topic: str
    verify: Callable[[Account, Mapping[str, str], bytes], Delivery | None]
    read: Callable[[str, bytes], Said]
    open_gateway: Opens[Gateway]
    signed: bool = True
    asks: tuple[Asked, ...] = ()
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    accepted: int = 200
    refused: int = 401
    prepare: Prepare | None = None
    handshake: Callable[[Account, Mapping[str, str]], bytes | None] | None = None
    open_checker: Opens[Checker] | None = None
    polling: Polling | None = None
    open_queue: Opens[NoticeQueue] | None = None
    open_refresher: Opens[Refresher] | None = None
    stock: StockTelling | None = None
    open_canceller: Opens[Canceller] | None = None
    open_issuer: Opens[LabelIssuer] | None = None

    @property
    def takes_posts(self) -> bool:
        """Whether its notices may come over HTTP. What nobody signs is proven by the queue it waits in."""
        return self.signed or self.open_queue is None

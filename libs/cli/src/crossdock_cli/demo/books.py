"""What everybody's books say of one run: the services', the carrier's, the marketplace's, the mailbox's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Jobs that somebody still has to do something about. A refused one is an answer.
OPEN_JOBS = frozenset({"ready", "running", "needs_person"})
#: Always under way: it waits at a marketplace's queue for what comes.
STANDING_JOB = "marketplace.read_queue"
LAG_S = 5.0


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """order-service's word. `tracking`: the numbers of the parcels that have left."""

    status: str
    tracking: tuple[str, ...] = ()
    exceptions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LiveLabel:
    """A carrier's or marketplace's word: a label that is paid for and not given back.

    `street`: where it goes; None where the marketplace, which knows, does not say. `issuer`: who has made it.
    """

    tracking: str
    street: str | None
    issuer: str


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """The marketplace's word: one parcel of an order. `units` of what it sells, by bare names."""

    numbers: tuple[str, ...]
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Level:
    on_hand: int
    reserved: int
    short: int


@dataclass(frozen=True, slots=True)
class Work:
    """What still waits in a service; all zero when it is through."""

    outbox: int
    jobs: int
    parked: int
    lagging_topics: int


@dataclass(frozen=True, slots=True)
class Books:
    """By case number where it says so. `mails`: Message-IDs of each, in the order they came."""

    orders: Mapping[int, OrderSeen] = field(default_factory=dict)
    strange_orders: int = 0  # in the shop's account, and none of ours
    live_labels: Mapping[int, Sequence[LiveLabel]] = field(default_factory=dict)
    strange_labels: int = 0  # live ones at a carrier, and no shipment of anybody's
    fulfilments: Mapping[int, Sequence[Fulfilment]] = field(default_factory=dict)
    mails: Mapping[int, Sequence[str]] = field(default_factory=dict)
    said: Mapping[int, Mapping[str, int]] = field(default_factory=dict)  # notify's word: sent, by template
    levels: Mapping[str, Level] = field(default_factory=dict)  # by bare SKU
    shown: Mapping[str, Mapping[str, int | None]] = field(
        default_factory=dict
    )  # stock by platform, bare name
    unreadable: frozenset[str] = frozenset()  # webhook ids of deliveries that were kept as unreadable
    work: Mapping[str, Work] = field(default_factory=dict)


def work_of(status: Mapping[str, Any]) -> Work:
    """The sums a person looks at first of a service's `/v1/operations/status`."""
    lagging = [
        one["topic"]
        for one in status["topics"]
        if one["partitions_never_caught_up"] or one["lag_s"] is None or one["lag_s"] > LAG_S
    ]
    return Work(
        outbox=status["outbox"]["rows"] + status["outbox"]["parked_rows"],
        jobs=sum(
            one["jobs"] for one in status["jobs"] if one["state"] in OPEN_JOBS and one["kind"] != STANDING_JOB
        ),
        parked=status["parked"]["keys"],
        lagging_topics=len(lagging),
    )

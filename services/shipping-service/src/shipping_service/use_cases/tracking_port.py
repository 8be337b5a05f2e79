"""What a carrier's folder offers to have its parcels followed: asking, being told, and its table of codes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shipping_service.domain.tracking import Codes, Scan


@dataclass(frozen=True, slots=True)
class TrackingRef:
    """A parcel to be followed. `tracker_ref`: the tracker's own id for it, where it has one. `carried_by`:
    who really carries it (`dhl_express`, `usps`), for a tracker that has to be told.
    """

    tracking_number: str
    tracker_ref: str | None = None
    carried_by: str | None = None


@dataclass(frozen=True, slots=True)
class NotTracked:
    """An answer about one parcel alone: they could not say anything about it. `code` is theirs."""

    code: str


@dataclass(frozen=True, slots=True)
class GoesOn:
    """The parcel `tracking_number` goes on under `onward_number` as well. `carried_by`: who takes it on, by
    the code of its folder (a teller that takes it on itself: its own) or as the teller names it; None: not
    told. What looks like no number is ignored.
    """

    tracking_number: str
    onward_number: str
    carried_by: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a tracker tells. `scans`: the oldest first, as far as the carrier keeps that order. `numbers`:
    parcels to be asked about, where a message says no more than that something happened. `goes_on`: numbers
    that parcels have besides their own, each told as often as the tracker likes.
    """

    scans: tuple[Scan, ...] = ()
    numbers: tuple[str, ...] = ()
    goes_on: tuple[GoesOn, ...] = ()


class Tracker(Protocol):
    """One carrier account that tells where parcels are. Every call is bounded in time and safe to repeat.

    Raises CarrierUnavailable or CarrierMisconfigured, for all parcels of the call, and nothing else: what is
    wrong with one parcel is its answer.
    """

    async def track(self, refs: Sequence[TrackingRef]) -> Mapping[str, Told | NotTracked]:
        """Everything they know of each parcel, by tracking number. A parcel that is missing in the answer
        has no news. At most `Tracking.batch_size` at a time.
        """

    async def subscribe(self, refs: Sequence[TrackingRef]) -> Mapping[str, str | NotTracked]:
        """Ask for pushed news of each parcel; the tracker's own id for it, "" where it has none. What was
        subscribed before is subscribed. Called only where `Tracking.subscribes`.
        """

    async def close(self) -> None:
        """Give the connections back; nothing is called afterwards."""


class NotAuthentic(Exception):
    """A delivery is not proven to come from the carrier, for whatever reason."""


@dataclass(frozen=True, slots=True)
class Ack:
    """What the carrier wants to hear once a delivery is stored."""

    status: int = 200
    body: bytes = b""
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A proven delivery. `payload`: the body, decrypted where it came encrypted. `dedupe_key`: the same for
    every repeat of it.
    """

    dedupe_key: str
    payload: bytes
    ack: Ack = Ack()


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """How a carrier pushes. `verify` and `read` are pure: no call, no clock, no setting.

    `verify` takes the headers (their names in any case), the raw body and the secrets, the newest first;
    it compares in constant time and raises NotAuthentic. `read` takes the payload of a proven delivery and
    raises ValueError (pydantic's is one) when it cannot be read; what is not about parcels tells nothing.
    `secrets` reads the carrier's settings; without any nothing is authentic. `pull_only`: what proves a
    delivery is weak (a secret in a header), so it only makes us ask.
    """

    verify: Callable[[Mapping[str, str], bytes, Sequence[str]], Delivery]
    read: Callable[[bytes], Told]
    secrets: Callable[[], Sequence[str]]
    pull_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """That a carrier tells where parcels are. `codes`: its whole table, which a test holds against
    tests/conformance/tracking_mapping.csv. `batch_size`: parcels of one call. `calls_at_once`, `calls_per_s`:
    bounds per process, apart from those of labels. `subscribes`: pushed news have to be asked for by parcel.
    """

    codes: Codes
    open_tracker: Callable[[], Tracker]
    batch_size: int = 1
    calls_at_once: int = 4
    calls_per_s: float | None = None
    webhook: Webhook | None = None
    subscribes: bool = False

"""From scans to where a parcel stands: pure, and the same whatever the order in which they came.

1. Scans go by their time. One without an offset has the time of the scan before it in the carrier's list, and
   among such the time as said decides: `placed`.
2. A reversal takes back the newest scan before it, of its own number, that it is about; neither counts any
   more.
3. Of a parcel with several numbers two carriers tell of one thing: the second to do so is an echo.
4. The status is that of the last scan that has one, with the exceptions of `_word` and `_stands`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from shipping_service.domain.tracking import Kind, Milestone, Reason, Scan, Status, Stretch

#: They stay, whatever a scan says that is not newer and of those that may follow.
FINAL: Final = frozenset({Status.DELIVERED, Status.RETURNED, Status.DESTROYED, Status.LOST})
_AFTER: Final[Mapping[Status, frozenset[Status]]] = {
    Status.DELIVERED: frozenset({Status.RETURNING, Status.RETURNED}),
    Status.DESTROYED: frozenset({Status.RETURNING, Status.RETURNED}),
    Status.LOST: frozenset({Status.RETURNING, Status.RETURNED, Status.DELIVERED}),  # found again
    Status.RETURNED: frozenset(),
}
#: On the way back a parcel moves and passes customs like any other; it is returning all the same.
_MOVING: Final = frozenset(
    {
        *(Status.CREATED, Status.ACCEPTED, Status.IN_TRANSIT, Status.IN_CUSTOMS, Status.OUT_FOR_DELIVERY),
        *(Status.AVAILABLE_FOR_PICKUP, Status.DELIVERY_FAILED, Status.DELAYED, Status.CANCELLED),
    }
)
#: What the last mile's carrier says of the beginning, of a parcel that has come all the way to it: of paper
#: nothing, and that it has it now, that it moves.
_BEGINNING: Final[Mapping[Status, Status | None]] = {
    Status.CREATED: None,
    Status.CANCELLED: None,
    Status.ACCEPTED: Status.IN_TRANSIT,
}
_ON_PAPER: Final = frozenset({Status.CREATED, Status.CANCELLED})
#: As far as any zone is from UTC.
_WRONG_ZONE: Final = timedelta(hours=14)
_CUSTOMS: Final = frozenset({Status.IN_CUSTOMS, Status.CUSTOMS_HOLD})


@dataclass(frozen=True, slots=True)
class Lane:
    """From where to where, as ISO 3166-1 alpha-2 codes."""

    origin: str
    destination: str | None

    @property
    def crosses_border(self) -> bool:
        return self.destination is not None and self.destination != self.origin


@dataclass(frozen=True, slots=True)
class Known:
    """A scan that is kept. `at`: when it happened, as far as can be told; `n` counts them as they came.
    `identity`: see `tracking.identity_of`; it is kept because the text it was made from is erased one day.
    """

    scan_id: UUID
    n: int
    at: datetime
    scan: Scan
    identity: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the parcel is. `since`: the time of the scan that says so, whose id is `scan_id`; both None
    before the first, `number` is the one that it was told under. `attempts` counts failed deliveries,
    `heard_at` is the newest time of any scan. `contradicted`: at an end, of which another number tells later
    that it was none.
    """

    status: Status = Status.CREATED
    reason: Reason | None = None
    since: datetime | None = None
    scan_id: UUID | None = None
    number: str | None = None
    contradicted: bool = False
    returning: bool = False
    attempts: int = 0
    heard_at: datetime | None = None
    milestones: Mapping[Milestone, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class News:
    """One scan nobody knew. `told`: its status for others; of a scan without one, where the parcel stands.
    `moved`: the parcel stands otherwise because of it. `echo`: it was told under another number before.
    """

    known: Known
    told: Status
    moved: bool
    standing: Standing
    echo: bool = False


def placed(scans: Sequence[Scan], now: datetime) -> list[tuple[Scan, datetime]]:
    """Each scan of a carrier's list, the oldest first, with its time. Before the first known time: that one,
    or now. A stretch of the way does not give its time to another.
    """
    following = next((one.occurred_at for one in scans if one.occurred_at is not None), now)
    last: dict[object, datetime] = {}
    found: list[tuple[Scan, datetime]] = []
    for one in scans:
        at = one.occurred_at or last.get(one.stretch, following)
        last[one.stretch] = at
        found.append((one, at))
    return found


def stand(known: Iterable[Known], lane: Lane) -> Standing:
    """Where all these scans leave the parcel. With several pieces the worst of them counts."""
    ordered = _without_echoes(_in_force(sorted(known, key=_order)))
    pieces = sorted({one.scan.piece for one in ordered if one.scan.piece is not None})
    if not pieces:
        return _fold(ordered, lane)
    return _together(
        [_fold((one for one in ordered if one.scan.piece in (None, piece)), lane) for piece in pieces]
    )


def learn(before: Sequence[Known], new: Sequence[Known], lane: Lane) -> list[News]:
    """What each new scan changes, in the order of their times. A late one moves nothing back."""
    known, standing = list(before), stand(before, lane)
    news: list[News] = []
    for one in sorted(new, key=_order):
        echo = any(_same_thing(one, other) for other in _in_force(sorted(known, key=_order)))
        known.append(one)
        after = stand(known, lane)
        moved = (after.status, after.reason) != (standing.status, standing.reason)
        news.append(News(one, _told(one, known, after, lane), moved and not echo, after, echo))
        standing = after
    return news


def _order(one: Known) -> tuple[datetime, str, int]:
    return one.at, "" if one.scan.occurred_at else one.scan.local_time, one.n


def _in_force(ordered: Sequence[Known]) -> list[Known]:
    """Without reversals and what they take back."""
    kept: list[Known] = []
    for one in ordered:
        if one.scan.meaning.kind is not Kind.REVERSAL:
            kept.append(one)
            continue
        about = [
            earlier
            for earlier in kept
            if earlier.scan.meaning.kind is Kind.STATUS
            and one.scan.tracking_number == earlier.scan.tracking_number
            and one.scan.piece in (None, earlier.scan.piece)
            and (not one.scan.meaning.undoes or earlier.scan.raw_code in one.scan.meaning.undoes)
        ]
        if about:
            kept.remove(about[-1])
    return kept


def _thing(one: Known) -> tuple[object, ...] | None:
    """What happened when, to the minute; None: it cannot be told."""
    at, status = one.scan.occurred_at, one.scan.meaning.status
    if at is None or status in (None, Status.UNKNOWN):
        return None
    return status, one.scan.piece, at.replace(second=0, microsecond=0)


def _same_thing(one: Known, other: Known) -> bool:
    thing = _thing(one)
    return (
        thing is not None
        and thing == _thing(other)
        and one.scan.tracking_number != other.scan.tracking_number
    )


def _without_echoes(ordered: Sequence[Known]) -> list[Known]:
    """An attempt that two carriers tell of is one attempt."""
    first: dict[tuple[object, ...], str] = {}
    kept: list[Known] = []
    for one in ordered:
        thing, number = _thing(one), one.scan.tracking_number
        if thing is None or first.setdefault(thing, number) == number:
            kept.append(one)
    return kept


def _fold(scans: Iterable[Known], lane: Lane) -> Standing:
    standing = Standing()
    for one in scans:
        standing = _passed(standing, one)
        word = _word(one.scan, standing, lane)
        if word is None:
            continue
        status, reason = word
        if status is Status.DELIVERY_FAILED:
            standing = replace(standing, attempts=standing.attempts + 1)
        if not _stands(standing, status, one.at):
            standing = replace(
                standing,
                status=status,
                reason=reason,
                since=one.at,
                scan_id=one.scan_id,
                number=one.scan.tracking_number,
                contradicted=False,
                returning=standing.returning or status is Status.RETURNING,
            )
        elif _contradicts(standing, status, one):
            standing = replace(standing, contradicted=True)
    return standing


def _contradicts(ended: Standing, status: Status, one: Known) -> bool:
    """One of two carriers is wrong about the end; a time in a wrong zone alone makes no such scan."""
    elsewhere = one.scan.tracking_number != ended.number
    return (
        elsewhere
        and status is not ended.status
        and ended.since is not None
        and one.at - ended.since > _WRONG_ZONE
    )


def _passed(standing: Standing, one: Known) -> Standing:
    """Heard of again; a milestone counts once, the first time."""
    milestone = one.scan.meaning.milestone
    milestones = standing.milestones
    if milestone is not None and milestone not in milestones:
        milestones = {**milestones, milestone: one.at}
    heard_at = one.at if standing.heard_at is None else max(standing.heard_at, one.at)
    return replace(standing, milestones=milestones, heard_at=heard_at)


def _word(scan: Scan, before: Standing, lane: Lane) -> tuple[Status, Reason | None] | None:
    """What the scan says of this parcel. None: nothing, also where nobody knows what its code means."""
    meaning = scan.meaning
    if meaning.status is None or meaning.status is Status.UNKNOWN:
        return None
    if meaning.status is Status.DELIVERED:
        return _delivered(scan, before, lane)
    if before.returning and meaning.status in _MOVING:
        return Status.RETURNING, before.reason
    if scan.stretch is Stretch.LAST_MILE and before.status not in _ON_PAPER:
        status = _BEGINNING.get(meaning.status, meaning.status)
        return None if status is None else (status, meaning.reason)
    return meaning.status, meaning.reason


def _delivered(scan: Scan, before: Standing, lane: Lane) -> tuple[Status, Reason | None]:
    """To whom? On the way back the sender has it; in the origin country, or out of customs somewhere else,
    it was handed to somebody in between.
    """
    if before.returning:
        if not lane.crosses_border or scan.country == lane.origin:
            return Status.RETURNED, before.reason
        if scan.country == lane.destination:
            return Status.DELIVERED, scan.meaning.reason
        return Status.EXCEPTION, Reason.DATA_PROBLEM
    elsewhere = scan.country is not None and scan.country != lane.destination
    handed_on = scan.country == lane.origin or before.status in _CUSTOMS
    if lane.crosses_border and elsewhere and handed_on:
        return Status.EXCEPTION, Reason.DATA_PROBLEM
    return Status.DELIVERED, scan.meaning.reason


def _stands(before: Standing, status: Status, at: datetime) -> bool:
    """Whether the parcel stays where it is: at an end, which only some later words can change."""
    if before.status not in FINAL:
        return False
    newer = before.since is None or at > before.since
    return not (newer and status in _AFTER[before.status])


def _together(standings: Sequence[Standing]) -> Standing:
    newest = max(standings, key=lambda one: (one.since is not None, one.since))
    statuses = {one.status for one in standings}
    if len(statuses) == 1:
        return newest
    ended = [one for one in standings if one.status in FINAL]
    if Status.DELIVERED in statuses:
        return replace(newest, status=Status.EXCEPTION, reason=Reason.PARTIAL_DELIVERY)
    moving = [one for one in standings if one not in ended]
    return max(moving, key=lambda one: (one.since is not None, one.since)) if moving else newest


def _told(one: Known, known: Sequence[Known], after: Standing, lane: Lane) -> Status:
    meaning = one.scan.meaning
    if meaning.status is None:
        return after.status
    earlier = stand((other for other in known if _order(other) < _order(one)), lane)
    word = _word(one.scan, earlier, lane)
    return meaning.status if word is None else word[0]

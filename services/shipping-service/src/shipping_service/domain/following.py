"""Following a parcel: when to ask again, what is wrong with it, and when to stop."""

import re
from collections.abc import Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from shipping_service.domain.tracking import Reason, Status
from shipping_service.domain.whereabouts import FINAL, Lane, Standing

NOT_ACCEPTED_AFTER: Final = timedelta(hours=48)
CUSTOMS_HOLD_FOR: Final = timedelta(hours=24)
FAILED_DELIVERIES: Final = 2
SILENT_AFTER: Final = timedelta(days=5)
SILENT_ABROAD_AFTER: Final = timedelta(days=10)
EXPIRES_AFTER: Final = timedelta(days=30)
#: Numbers that one parcel may go on under, so that no carrier's mistake makes questions without end.
MOST_ONWARD: Final = 4
#: An end may be taken back, or followed by a return: it is looked at for so long.
WATCHED_AFTER_THE_END: Final = timedelta(days=3)

_NUMBER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{3,63}")
_SELDOM: Final = timedelta(hours=24)
_LONGEST_BACK_OFF: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Pace:
    """`every`: between two questions about a parcel that moves at home. `storage`: how long a pick-up point
    keeps a parcel where the carrier does not tell.
    """

    every: timedelta = timedelta(hours=4)
    storage: timedelta = timedelta(days=7)


@dataclass(slots=True, kw_only=True)
class Number:
    """One number of a parcel, and how asking about it goes. `tracker`: the member that tells of it, None:
    nobody does. `failures` counts unanswered questions in a row. `next_poll_at` None: it is not asked about
    any more. `not_subscribed`: the tracker's code for not pushing its news, `subscribe_failures` how often in
    a row, `subscribe_at` when to ask for that again.
    """

    tracking_number: str
    tracker: str | None
    tracker_ref: str | None
    carried_by: str | None
    subscribed: bool = False
    not_subscribed: str | None = None
    subscribe_failures: int = 0
    subscribe_at: datetime | None = None
    pushed_at: datetime | None = None
    failures: int = 0
    last_error: str | None = None
    next_poll_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Followed(Number):
    """A label's parcel under way, with the label's number. `onward`: the others that it goes on under.
    `alarms`: what has been shown to people and still holds.
    """

    label_id: UUID
    merchant_id: str
    order_id: UUID
    shipment_id: UUID
    parcel_id: UUID
    lane: Lane
    labelled_at: datetime
    status: Status = Status.CREATED
    reason: Reason | None = None
    since: datetime | None = None
    heard_at: datetime | None = None
    alarms: frozenset[str] = field(default_factory=frozenset)
    onward: list[Number] = field(default_factory=list)

    def number(self, tracking_number: str) -> Number:
        """Raises LookupError."""
        found = [one for one in (self, *self.onward) if one.tracking_number == tracking_number]
        if not found:
            raise LookupError("no number of this parcel")
        return found[0]


def goes_on(followed: Followed, number: Number) -> bool:
    """Follow the parcel under this number too. False: it is known, one too many, or none at all."""
    known = {one.tracking_number for one in (followed, *followed.onward)}
    is_one = _NUMBER.fullmatch(number.tracking_number) is not None
    if not is_one or number.tracking_number in known or len(followed.onward) >= MOST_ONWARD:
        return False
    followed.onward.append(number)
    return True


def next_poll(followed: Followed, now: datetime, pace: Pace, number: Number | None = None) -> datetime | None:
    """When to ask again about the number, the label's if none is given; None: never. A label's own id spreads
    the questions, by up to a fifth.
    """
    number = number or followed
    if followed.status in FINAL or followed.status is Status.CANCELLED:
        over = followed.since is None or now >= followed.since + WATCHED_AFTER_THE_END
        return None if over else now + _spread(followed, _SELDOM)
    if expired(followed, now):
        return None
    wait = _wait(followed, number, now, pace)
    if number.failures:
        wait = _back_off(max(wait, pace.every), number.failures)
    return now + _spread(followed, wait)


def subscribed(number: Number, tracker_ref: str) -> None:
    """The tracker pushes news of this number. `tracker_ref`: its own id for it, "" where it has none."""
    number.subscribed, number.tracker_ref = True, tracker_ref or number.tracker_ref
    number.not_subscribed, number.subscribe_failures, number.subscribe_at = None, 0, None


def not_subscribed(number: Number, code: str, now: datetime, pace: Pace) -> None:
    """It does not, and says why: it is asked for ever more seldom. Questions about the number go on."""
    number.not_subscribed = code[:128]
    number.subscribe_failures += 1
    number.subscribe_at = now + _back_off(pace.every, number.subscribe_failures)


def _back_off(first: timedelta, failures: int) -> timedelta:
    doubled: timedelta = first * 2 ** min(failures - 1, 10)
    return min(doubled, _LONGEST_BACK_OFF)


def _wait(followed: Followed, number: Number, now: datetime, pace: Pace) -> timedelta:
    if followed.status in {Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED}:
        wait = pace.every / 4
    elif followed.status in {Status.CREATED, Status.AVAILABLE_FOR_PICKUP} or followed.lane.crosses_border:
        wait = pace.every * 2
    else:
        wait = pace.every
    if number.pushed_at is not None:
        wait *= 3  # they tell by themselves; asking only finds what got lost
    return max(wait, _SELDOM) if now - last_heard(followed) > _silence(followed.lane) else wait


def _spread(followed: Followed, wait: timedelta) -> timedelta:
    return wait * (1 + (followed.label_id.int % 1000) / 5000)


def last_heard(followed: Followed) -> datetime:
    return max(followed.labelled_at, followed.heard_at or followed.labelled_at)


def expired(followed: Followed, now: datetime) -> bool:
    """Nobody reports any more."""
    ended = followed.status in FINAL or followed.status is Status.CANCELLED
    return not ended and now - last_heard(followed) > EXPIRES_AFTER


def _silence(lane: Lane) -> timedelta:
    return SILENT_ABROAD_AFTER if lane.crosses_border else SILENT_AFTER


def alarms(followed: Followed, standing: Standing, now: datetime, pace: Pace) -> Set[str]:
    """The codes of what a person has to see now."""
    status, since = standing.status, standing.since or followed.labelled_at
    failing = standing.attempts >= FAILED_DELIVERIES and status in {
        Status.DELIVERY_FAILED,
        Status.OUT_FOR_DELIVERY,
    }
    under_way = status not in FINAL | {Status.CANCELLED, Status.CREATED, Status.EXPIRED}
    told = {
        "parcel_not_accepted": status is Status.CREATED and now - followed.labelled_at > NOT_ACCEPTED_AFTER,
        "parcel_customs_hold": status is Status.CUSTOMS_HOLD and now - since > CUSTOMS_HOLD_FOR,
        "parcel_delivery_failed": failing,
        "parcel_pickup_ending": status is Status.AVAILABLE_FOR_PICKUP
        and now - since > pace.storage - timedelta(days=2),
        "parcel_exception": status is Status.EXCEPTION,
        "parcel_returning": status is Status.RETURNING,
        "parcel_lost": status in {Status.LOST, Status.DESTROYED},
        "parcel_silent": under_way and now - last_heard(followed) > _silence(followed.lane),
        "parcel_contradicted": standing.contradicted,
        "parcel_expired": status is Status.EXPIRED,
    }
    return frozenset(code for code, holds in told.items() if holds)

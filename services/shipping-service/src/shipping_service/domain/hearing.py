"""What scans do to an order: they are told on, shown to people where one has to act, and end the leg."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from shipping_service.domain.dispatch import Dispatch, Leg, react
from shipping_service.domain.effects import Cleared, Delivered, Raised, Returned, Tracked, Troubled
from shipping_service.domain.following import Followed, Number, Pace, alarms, expired, next_poll
from shipping_service.domain.label import Label
from shipping_service.domain.leg_table import LegEvent
from shipping_service.domain.tracking import Status
from shipping_service.domain.whereabouts import FINAL, Known, News, Standing, learn, stand

#: Told as trouble in the moment it is heard.
_TROUBLE: Final = frozenset(
    {Status.DELAYED, Status.EXCEPTION, Status.RETURNING, Status.LOST, Status.DESTROYED}
)
#: Told as trouble when time or number made it so, with the scan the parcel stands on.
_TROUBLE_BY_ALARM: Final = frozenset({"parcel_customs_hold", "parcel_delivery_failed"})
#: The carrier need not have the parcel for it.
_ON_PAPER: Final = frozenset({Status.CREATED, Status.CANCELLED, Status.UNKNOWN, Status.EXPIRED})


def hear(
    dispatch: Dispatch,
    label: Label,
    followed: Followed,
    number: Number,
    before: Sequence[Known],
    new: Sequence[Known],
    *,
    now: datetime,
    pace: Pace,
) -> None:
    """Take in the scans nobody knew, of this number of the parcel's, and look at the parcel as it is now.
    Without any it only looks.
    """
    leg = dispatch.leg(followed.shipment_id)
    news = learn(before, new, followed.lane)
    standing = news[-1].standing if news else stand(before, followed.lane)
    followed.status, followed.reason = standing.status, standing.reason
    followed.since, followed.heard_at = standing.since, standing.heard_at
    if not label.live:
        number.next_poll_at = None
        _of_dead_label(dispatch, leg, followed, standing, news)
        return
    for one in news:
        _tell(dispatch, label, followed, one)
    if expired(followed, now):
        followed.status, followed.reason = Status.EXPIRED, None
        standing = replace(standing, status=Status.EXPIRED)
    _show(dispatch, label, followed, standing, [*before, *new], now, pace)
    if news and standing.status not in _ON_PAPER:
        react(dispatch, leg, LegEvent.JOURNEY_ENDED if standing.status in FINAL else LegEvent.SCANNED)
    number.next_poll_at = next_poll(followed, now, pace, number)


def _of_dead_label(
    dispatch: Dispatch, leg: Leg, followed: Followed, standing: Standing, news: Sequence[News]
) -> None:
    """A label that was taken back should not move: the carrier's scans are kept, and told to nobody else."""
    if news and standing.status not in _ON_PAPER:
        detail = f"{followed.tracking_number} {standing.status}"
        dispatch.effects.append(
            Raised("scanned_after_cancel", str(followed.label_id), leg.shipment_id, detail)
        )


def _tell(dispatch: Dispatch, label: Label, followed: Followed, news: News) -> None:
    if news.echo:
        return
    tracked = _tracked(label, followed, news.known, news.told)
    dispatch.effects.append(tracked)
    if not news.moved:
        return
    match news.standing.status:
        case Status.DELIVERED:
            dispatch.effects.append(Delivered(followed.shipment_id, label.label_id, news.known.at))
        case Status.RETURNED:
            dispatch.effects.append(Returned(followed.shipment_id, label.label_id, news.known.at))
        case status if status in _TROUBLE:
            dispatch.effects.append(Troubled(replace(tracked, status=str(status))))
        case _:
            pass


def _show(
    dispatch: Dispatch,
    label: Label,
    followed: Followed,
    standing: Standing,
    known: Sequence[Known],
    now: datetime,
    pace: Pace,
) -> None:
    """Rows for people come and go with what holds; one that a person has closed stays closed meanwhile."""
    wrong = alarms(followed, standing, now, pace)
    subject = str(followed.label_id)
    dispatch.effects += [Cleared(code, subject) for code in sorted(followed.alarms - wrong)]
    detail = " ".join(one for one in (str(standing.status), standing.reason) if one)
    dispatch.effects += [
        Raised(code, subject, followed.shipment_id, detail) for code in sorted(wrong - followed.alarms)
    ]
    on = next((one for one in known if one.scan_id == standing.scan_id), None)
    if on is not None and (wrong - followed.alarms) & _TROUBLE_BY_ALARM:
        dispatch.effects.append(Troubled(_tracked(label, followed, on, standing.status)))
    followed.alarms = frozenset(wrong)


def _tracked(label: Label, followed: Followed, known: Known, status: Status) -> Tracked:
    return Tracked(
        shipment_id=followed.shipment_id,
        label_id=label.label_id,
        scan_id=known.scan_id,
        status=str(status),
        raw_code=known.scan.raw_code,
        at=known.at,
        city=known.scan.city,
        country=known.scan.country,
    )

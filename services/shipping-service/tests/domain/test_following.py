"""When a parcel is asked about again, and what of it a person has to see."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shipping_service.domain.following import Followed, Pace, alarms, expired, next_poll
from shipping_service.domain.tracking import Status
from shipping_service.domain.whereabouts import FINAL, Lane, Standing

S = Status
LABELLED = datetime(2026, 6, 10, 6, tzinfo=UTC)
HOURS = {hours: timedelta(hours=hours) for hours in (1, 2, 4, 8, 12, 24)}
AT_HOME = Lane("DE", "DE")
PACE = Pace(every=HOURS[4])


def followed(status: Status = S.IN_TRANSIT, lane: Lane = AT_HOME, **more: object) -> Followed:
    one = UUID(int=1000)  # a label whose questions are not spread
    given = Followed(
        label_id=one,
        merchant_id="default",
        order_id=one,
        shipment_id=one,
        parcel_id=one,
        tracker="scripted",
        tracking_number="1",
        tracker_ref=None,
        carried_by=None,
        lane=lane,
        labelled_at=LABELLED,
        status=status,
        since=LABELLED,
    )
    return replace(given, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parcel", "wait"),
    [
        (followed(), HOURS[4]),
        (followed(S.CREATED), HOURS[8]),
        (followed(S.OUT_FOR_DELIVERY), HOURS[1]),
        (followed(S.DELIVERY_FAILED), HOURS[1]),
        (followed(lane=Lane("CN", "DE")), HOURS[8]),
        (followed(pushed_at=LABELLED), HOURS[12]),
        (followed(failures=1), HOURS[4]),
        (followed(failures=2), HOURS[8]),
        (followed(failures=60), HOURS[24]),
        (followed(S.DELIVERED), HOURS[24]),
    ],
)
def test_the_wait_goes_by_the_parcels_place_and_by_who_tells(parcel: Followed, wait: timedelta) -> None:
    assert next_poll(parcel, LABELLED, PACE) == LABELLED + wait


def test_a_silent_parcel_is_asked_about_once_a_day() -> None:
    now = LABELLED + timedelta(days=6)

    assert next_poll(followed(), now, PACE) == now + HOURS[24]


def test_questions_are_spread_by_up_to_a_fifth() -> None:
    waits = {next_poll(followed(label_id=UUID(int=n)), LABELLED, PACE) for n in range(1000)}

    assert len(waits) == 1000
    assert min(one for one in waits if one) == LABELLED + HOURS[4]
    assert max(one for one in waits if one) < LABELLED + HOURS[4] * 1.2


@pytest.mark.parametrize("status", sorted(FINAL | {S.CANCELLED}))
def test_an_end_is_watched_for_three_days_and_then_left_alone(status: Status) -> None:
    assert next_poll(followed(status), LABELLED + timedelta(days=2), PACE) is not None
    assert next_poll(followed(status), LABELLED + timedelta(days=3), PACE) is None
    assert not expired(followed(status), LABELLED + timedelta(days=300))


def test_a_parcel_that_nobody_reports_for_a_month_has_expired() -> None:
    heard = LABELLED + timedelta(days=20)

    assert not expired(followed(heard_at=heard), heard + timedelta(days=30))
    assert expired(followed(heard_at=heard), heard + timedelta(days=30, seconds=1))
    assert next_poll(followed(heard_at=heard), heard + timedelta(days=31), PACE) is None


@pytest.mark.parametrize(
    ("standing", "after", "codes"),
    [
        (Standing(S.CREATED), HOURS[24] * 2, []),
        (Standing(S.CREATED), HOURS[24] * 2 + HOURS[1], ["parcel_not_accepted"]),
        (Standing(S.ACCEPTED), HOURS[24] * 3, []),
        (Standing(S.CUSTOMS_HOLD), HOURS[24], []),
        (Standing(S.CUSTOMS_HOLD), HOURS[24] + HOURS[1], ["parcel_customs_hold"]),
        (Standing(S.IN_CUSTOMS), HOURS[24] * 2, []),
        (Standing(S.DELIVERY_FAILED, attempts=1), HOURS[1], []),
        (Standing(S.DELIVERY_FAILED, attempts=2), HOURS[1], ["parcel_delivery_failed"]),
        (Standing(S.DELIVERED, attempts=2), HOURS[1], []),
        (Standing(S.AVAILABLE_FOR_PICKUP), HOURS[24] * 5, []),
        (Standing(S.AVAILABLE_FOR_PICKUP), HOURS[24] * 6, ["parcel_pickup_ending", "parcel_silent"]),
        (Standing(S.EXCEPTION), HOURS[1], ["parcel_exception"]),
        (Standing(S.RETURNING), HOURS[1], ["parcel_returning"]),
        (Standing(S.LOST), HOURS[1], ["parcel_lost"]),
        (Standing(S.DESTROYED), HOURS[1], ["parcel_lost"]),
        (Standing(S.DELAYED), HOURS[1], []),
        (Standing(S.IN_TRANSIT), HOURS[24] * 5, []),
        (Standing(S.IN_TRANSIT), HOURS[24] * 6, ["parcel_silent"]),
        (Standing(S.EXPIRED), HOURS[24] * 31, ["parcel_expired"]),
        (Standing(S.DELIVERED), HOURS[24] * 31, []),
        (Standing(S.DELIVERED, contradicted=True), HOURS[1], ["parcel_contradicted"]),
    ],
)  # fmt: skip
def test_what_holds_is_shown(standing: Standing, after: timedelta, codes: list[str]) -> None:
    assert sorted(alarms(followed(standing.status), standing, LABELLED + after, PACE)) == codes


def test_a_parcel_over_a_border_may_be_silent_for_longer() -> None:
    abroad = followed(lane=Lane("CN", "DE"))

    assert not alarms(abroad, Standing(S.IN_TRANSIT), LABELLED + timedelta(days=10), PACE)
    assert alarms(abroad, Standing(S.IN_TRANSIT), LABELLED + timedelta(days=11), PACE) == {"parcel_silent"}

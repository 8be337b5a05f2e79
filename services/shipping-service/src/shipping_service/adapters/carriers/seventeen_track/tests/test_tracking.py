"""17TRACK's track info as scans."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shipping_service.adapters.carriers.seventeen_track import wire
from shipping_service.adapters.carriers.seventeen_track.tracking import read, to_told
from shipping_service.adapters.carriers.seventeen_track.tracking_codes import SUB_STATUSES, meaning_of
from shipping_service.domain.tracking import Milestone, Scan, Status, Stretch, means
from shipping_service.use_cases.tracking_port import NotTracked, Told

PUSH = Path(__file__).with_name("samples") / "push.json"
NUMBER = "RR123456785CN"


def an_event(sub_status: str | None = "InTransit_Other", day: int = 12, **more: Any) -> dict[str, Any]:
    return {
        "time_iso": f"2026-06-{day}T10:00:00+02:00",
        "time_utc": f"2026-06-{day}T08:00:00Z",
        "description": f"On its way on day {day}",
        "location": "MADRID",
        "stage": None,
        "sub_status": sub_status,
        "address": {"country": "ES", "city": "Madrid"},
        **more,
    }


def told(*lists: Sequence[dict[str, Any]], **info: Any) -> Told | NotTracked:
    """What several carriers' lists come to; their keys are 1, 2, 3."""
    providers = [{"provider": {"key": key}, "events": events} for key, events in enumerate(lists, start=1)]
    track_info = {"tracking": {"providers": providers}, **info}
    return to_told(wire.Tracked.model_validate({"number": NUMBER, "track_info": track_info}))


def scans(*lists: Sequence[dict[str, Any]], **info: Any) -> tuple[Scan, ...]:
    answer = told(*lists, **info)
    assert isinstance(answer, Told)
    return answer.scans


def test_a_pushed_parcel_is_one_list_of_what_both_posts_say_with_the_last_mile_named() -> None:
    found = read(PUSH.read_bytes()).scans

    assert [one.meaning.status for one in found] == [
        Status.ACCEPTED,
        Status.IN_TRANSIT,
        Status.IN_TRANSIT,
        Status.CUSTOMS_HOLD,
    ]
    assert [one.stretch for one in found] == [None, None, Stretch.LAST_MILE, None]
    assert {one.tracking_number for one in found} == {NUMBER}


def test_an_event_is_a_scan_in_utc_with_the_local_time_and_its_offset_kept() -> None:
    (scan,) = scans([an_event("InTransit_Arrival")])

    assert scan.meaning == means(Status.IN_TRANSIT, milestone=Milestone.ARRIVED_FACILITY)
    assert scan.occurred_at == datetime(2026, 6, 12, 8, tzinfo=UTC)
    assert (scan.local_time, scan.utc_offset) == ("2026-06-12T10:00:00+02:00", "+02:00")
    assert (scan.city, scan.country, scan.raw_text) == ("Madrid", "ES", "On its way on day 12")


@pytest.mark.parametrize("sub_status", SUB_STATUSES)
def test_a_known_sub_status_means_what_the_table_says(sub_status: str) -> None:
    assert meaning_of(sub_status) is SUB_STATUSES[sub_status]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("Delivered_Locker", Status.DELIVERED),
        ("InTransit_Teleported", Status.IN_TRANSIT),
        ("Exception_OfTomorrow", Status.EXCEPTION),
        ("InTransit", Status.IN_TRANSIT),
        ("Moving_Other", Status.UNKNOWN),
        ("InTransitOther", Status.UNKNOWN),
        ("", Status.UNKNOWN),
    ],
)
def test_an_unknown_sub_status_is_read_by_its_status_and_never_surely(code: str, status: Status) -> None:
    meaning = meaning_of(code)

    assert (meaning.status, meaning.sure) == (status, False)


def test_without_a_sub_status_the_stage_is_the_code() -> None:
    (scan,) = scans([an_event(None, stage="Delivered")])

    assert (scan.raw_code, scan.meaning.status, scan.meaning.sure) == ("Delivered", Status.DELIVERED, False)


def test_what_two_carriers_say_alike_at_one_time_is_there_once() -> None:
    twice = an_event("Delivered_Other", description="Delivered  at the DOOR")
    other = an_event("Delivered_Other", description="delivered at the door")

    assert len(scans([twice], [other])) == 1
    assert (
        len(scans([twice], [an_event("Delivered_Other", day=13, description="delivered at the door")])) == 2
    )


def test_halves_that_contradict_each_other_are_both_kept_in_the_order_of_their_times() -> None:
    origin, destination = (
        [an_event("Delivered_Other", 14), an_event("InTransit_PickedUp", 10)],
        [an_event("Exception_Returning", 15), an_event("InTransit_Arrival", 12)],
    )

    found = [one.raw_code for one in scans(origin, destination)]

    assert found == ["InTransit_PickedUp", "InTransit_Arrival", "Delivered_Other", "Exception_Returning"]


@pytest.mark.parametrize("time", [None, "", "yesterday", "2026-06-12T10:00:00"])
def test_a_time_without_an_offset_is_no_time_and_is_kept_as_it_was_said(time: str | None) -> None:
    raw = {"date": "2026-06-12", "time": "10:00:00"}

    (scan,) = scans([an_event(time_iso=time, time_utc=None, time_raw=raw)])

    assert (scan.occurred_at, scan.utc_offset) == (None, None)
    assert scan.local_time == (time or "2026-06-12T10:00:00")


def test_a_scan_without_a_time_stays_behind_the_one_before_it_in_its_own_list() -> None:
    timeless = an_event("OutForDelivery_Other", time_iso=None, time_utc=None)
    first = [an_event("InTransit_PickedUp", 10), timeless, an_event("Delivered_Other", 14)]

    found = [one.raw_code for one in scans(first, [an_event("InTransit_Arrival", 12)])]

    assert found == ["InTransit_PickedUp", "OutForDelivery_Other", "InTransit_Arrival", "Delivered_Other"]


def test_a_list_without_any_time_does_not_come_before_the_parcel_set_out() -> None:
    timeless = an_event("OutForDelivery_Other", time_iso=None, time_utc=None)

    found = [one.raw_code for one in scans([timeless], [an_event("InTransit_PickedUp", 10)])]

    assert found == ["InTransit_PickedUp", "OutForDelivery_Other"]


@pytest.mark.parametrize(
    ("sub_status", "answer"),
    [
        ("NotFound_InvalidCode", NotTracked("NotFound_InvalidCode")),
        ("NotFound_Other", Told()),
        ("Expired_Other", Told()),
    ],
)
def test_a_parcel_nobody_has_scanned_has_no_news_or_a_number_that_is_none(
    sub_status: str, answer: Told | NotTracked
) -> None:
    latest = {"status": sub_status.partition("_")[0], "sub_status": sub_status}

    assert told([], latest_status=latest) == answer


# -- pushed


def test_a_parcel_whose_tracking_was_stopped_is_asked_about_once_more() -> None:
    stopped = {"event": "TRACKING_STOPPED", "data": {"number": NUMBER, "carrier": 3011, "tag": None}}

    assert read(json.dumps(stopped).encode()) == Told(numbers=(NUMBER,))


def test_a_push_about_something_else_tells_nothing() -> None:
    assert read(b'{"event": "ACCOUNT_TOLD_SOMETHING", "data": {"what": 1}}') == Told()


@pytest.mark.parametrize(
    "broken", [b"", b"[]", b'{"event": "TRACKING_UPDATED", "data": {"tag": "Somebody Private"}}']
)
def test_a_push_that_cannot_be_read_says_so_without_repeating_it(broken: bytes) -> None:
    with pytest.raises(ValueError, match="validation error") as error:
        read(broken)

    assert "Somebody" not in str(error.value)

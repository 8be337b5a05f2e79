"""EasyPost's trackers and their events as scans."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from shipping_service.adapters.carriers.easypost.tests.test_webhook import BODY, SECRET, SIGNATURE
from shipping_service.adapters.carriers.easypost.tracking import Tracker, read, to_told, verify
from shipping_service.domain.tracking import Milestone, Status, means
from shipping_service.use_cases.tracking_port import NotAuthentic, NotTracked, Told


def a_detail(status: str = "in_transit", detail: str | None = "departed_facility", **more: Any) -> Any:
    place = {"city": "LEIPZIG", "state": None, "country": "DE", "zip": None}
    return {
        "object": "TrackingDetail",
        "message": "On its way",
        "description": "",
        "status": status,
        "status_detail": detail,
        "datetime": "2026-06-15T02:30:00Z",
        "source": "DHLExpress",
        "carrier_code": "DF",
        "tracking_location": place,
        **more,
    }


def a_tracker(*details: Any, status: str = "in_transit") -> Any:
    return {
        "id": "trk_1",
        "object": "Tracker",
        "tracking_code": "EZ1",
        "status": status,
        "signed_by": "Somebody Private",
        "tracking_details": details,
    }


def told(*details: Any, status: str = "in_transit") -> Told | NotTracked:
    return to_told(Tracker.model_validate(a_tracker(*details, status=status)))


def scan_of(**more: Any) -> Any:
    answer = told(a_detail(**more))
    assert isinstance(answer, Told)
    (scan,) = answer.scans
    return scan


def test_a_detail_is_a_scan_in_utc_with_both_of_its_words() -> None:
    scan = scan_of()

    assert (scan.tracking_number, scan.raw_code) == ("EZ1", "in_transit/departed_facility")
    assert scan.meaning == means(Status.IN_TRANSIT, milestone=Milestone.DEPARTED_FACILITY)
    assert scan.occurred_at == datetime(2026, 6, 15, 2, 30, tzinfo=UTC)
    assert (scan.city, scan.country, scan.raw_text) == ("LEIPZIG", "DE", "On its way")


@pytest.mark.parametrize(
    ("status", "detail", "means_"),
    [
        ("in_transit", "weather_delay", Status.DELAYED),
        ("in_transit", "a_detail_of_tomorrow", Status.IN_TRANSIT),
        ("in_transit", None, Status.IN_TRANSIT),
        ("failure", "lost", Status.LOST),
        ("failure", "a_detail_of_tomorrow", Status.EXCEPTION),
        # The detail of a delivered parcel often says where it arrived.
        ("delivered", "arrived_at_destination", Status.DELIVERED),
        ("return_to_sender", "in_transit", Status.RETURNING),
        ("unknown", "expired", Status.EXPIRED),
        ("a_status_of_tomorrow", "departed_facility", Status.UNKNOWN),
    ],
)
def test_the_detail_counts_where_the_status_is_vague(status: str, detail: str | None, means_: Status) -> None:
    assert scan_of(status=status, detail=detail).meaning.status is means_


@pytest.mark.parametrize("time", [None, "", "yesterday", "2026-06-15T02:30:00"])
def test_a_time_that_cannot_be_told_is_none(time: str | None) -> None:
    assert scan_of(datetime=time).occurred_at is None


def test_places_are_taken_as_far_as_they_are_known() -> None:
    assert scan_of(tracking_location=None).country is None
    assert scan_of(tracking_location={"city": "", "country": "Germany"}).country is None


def test_the_oldest_scan_comes_first_however_they_are_told() -> None:
    newest = a_detail("delivered", None, datetime="2026-06-16T10:00:00Z")

    for answer in (told(a_detail(), newest), told(newest, a_detail())):
        assert isinstance(answer, Told)
        assert [one.meaning.status for one in answer.scans] == [Status.IN_TRANSIT, Status.DELIVERED]


def test_who_signed_is_not_read() -> None:
    assert "Somebody" not in repr(told(a_detail()))


def test_a_tracker_in_error_tells_nothing_of_its_parcel() -> None:
    assert told(status="error") == NotTracked("error")


# -- pushed


@pytest.mark.parametrize("header", ["X-Hmac-Signature", "x-hmac-signature"])
def test_a_signed_delivery_is_authentic_with_any_of_the_secrets(header: str) -> None:
    assert verify({header: SIGNATURE}, BODY, ["newer", SECRET]).payload == BODY


@pytest.mark.parametrize(
    ("headers", "body", "secrets"),
    [
        ({}, BODY, [SECRET]),
        ({"X-Hmac-Signature": SIGNATURE}, BODY + b" ", [SECRET]),
        ({"X-Hmac-Signature": SIGNATURE}, BODY, ["another"]),
        ({"X-Hmac-Signature": SIGNATURE}, BODY, []),
    ],
)
def test_anything_else_is_not_authentic(headers: dict[str, str], body: bytes, secrets: list[str]) -> None:
    with pytest.raises(NotAuthentic):
        verify(headers, body, secrets)


def test_a_retry_is_known_by_its_event_and_what_has_none_by_its_bytes() -> None:
    # The signature of BODY, which has no id.
    without = verify({"X-Hmac-Signature": SIGNATURE}, BODY, [SECRET]).dedupe_key

    assert len(without) == 64


def test_an_event_about_a_tracker_tells_its_scans_and_any_other_nothing() -> None:
    about = {"id": "evt_1", "description": "tracker.updated", "result": a_tracker(a_detail())}
    other = {"id": "evt_2", "description": "batch.updated", "result": {"id": "batch_1"}}

    assert len(read(json.dumps(about).encode()).scans) == 1
    assert read(json.dumps(other).encode()) == Told()


def test_an_event_that_cannot_be_read_says_so_without_repeating_it() -> None:
    broken = {"id": "evt_1", "description": "tracker.updated", "result": {"signed_by": "Somebody Private"}}

    with pytest.raises(ValidationError) as error:
        read(json.dumps(broken).encode())

    assert "Somebody" not in str(error.value)

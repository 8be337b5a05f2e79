"""UPS's activities as scans, and its alerts."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shipping_service.adapters.carriers.ups import tracking
from shipping_service.adapters.carriers.ups.tests.examples import SAMPLES
from shipping_service.adapters.carriers.ups.tracking_codes import meaning_of
from shipping_service.domain.tracking import INFO, Kind, Milestone, Reason, Scan, Status
from shipping_service.use_cases.tracking_port import GoesOn, NotAuthentic, NotTracked, Told

NUMBER = "1ZCD0001DE04000018"
KEY = "clientIdExample01"
ALERT = (SAMPLES / "alert.json").read_bytes()


def an_activity(kind: str = "I", code: str = "OR", description: str = "", **more: Any) -> dict[str, Any]:
    return {
        "date": "20260610",
        "time": "210500",
        "gmtDate": "20260610",
        "gmtTime": "13:05:00",
        "gmtOffset": "+08:00",
        "location": {"address": {"city": "Shenzhen", "countryCode": "CN"}},
        "status": {"type": kind, "code": code, "description": description},
        **more,
    }


def told(*activities: Any, number: str = NUMBER) -> Told | NotTracked:
    packages = [{"trackingNumber": number, "activity": activities}]
    answer = {"trackResponse": {"shipment": [{"inquiryNumber": NUMBER, "package": packages}]}}
    return tracking.to_told(tracking.TrackAnswer.model_validate(answer), NUMBER)


def scans_of(*activities: Any, **more: Any) -> tuple[Scan, ...]:
    found = told(*activities, **more)
    assert isinstance(found, Told)
    return found.scans


def test_the_whole_way_of_a_parcel_comes_the_oldest_first() -> None:
    answer = tracking.TrackAnswer.model_validate_json((SAMPLES / "tracking.json").read_bytes())

    found = tracking.to_told(answer, NUMBER)

    assert isinstance(found, Told)
    assert [(one.raw_code, one.meaning.status) for one in found.scans] == [
        ("M:MP", Status.CREATED),
        ("I:OR", Status.ACCEPTED),
        ("I:DP", Status.IN_TRANSIT),
        ("I:AR", Status.IN_TRANSIT),
        ("X:71", Status.CUSTOMS_HOLD),
    ]
    last = found.scans[-1]
    assert last.meaning.reason is Reason.CUSTOMS_DOCUMENTS
    assert last.occurred_at == datetime(2026, 6, 12, 4, 30, tzinfo=UTC)
    assert (last.local_time, last.utc_offset) == ("2026-06-12T06:30:00", "+02:00")
    assert (last.city, last.country) == ("Koeln", "DE")


@pytest.mark.parametrize("gmt", [None, "", "soon", "4:30", "99:99:99"])
def test_without_a_time_in_utc_the_moment_is_unknown(gmt: str | None) -> None:
    (scan,) = scans_of(an_activity(gmtTime=gmt))

    assert scan.occurred_at is None
    assert scan.local_time == "2026-06-10T21:05:00"


def test_a_local_time_that_is_none_is_kept_as_said() -> None:
    (scan,) = scans_of(an_activity(date="today", time=""))

    assert scan.local_time == "todayT"


@pytest.mark.parametrize(
    ("others", "goes_on"),
    [
        ([{"number": "92612999", "type": "USPS_PIC"}], (GoesOn(NUMBER, "92612999", "usps"),)),
        ([{"number": "K1", "type": "REFERENCE"}, {"number": "K2"}], ()),
        ([], ()),
        (None, ()),
    ],
)
def test_the_number_that_the_postal_service_gives_is_told(others: Any, goes_on: tuple[GoesOn, ...]) -> None:
    package = {"trackingNumber": NUMBER, "alternateTrackingNumber": others}
    answer = {"trackResponse": {"shipment": [{"package": [package]}]}}

    found = tracking.to_told(tracking.TrackAnswer.model_validate(answer), NUMBER)

    assert isinstance(found, Told)
    assert found.goes_on == goes_on


def test_the_number_that_was_asked_about_is_no_piece_and_another_one_is() -> None:
    assert [one.piece for one in scans_of(an_activity())] == [None]
    other = scans_of(an_activity(), number="1ZCIETST0422222228")
    assert [(one.tracking_number, one.piece) for one in other] == [(NUMBER, "1ZCIETST0422222228")]


def test_a_success_may_say_that_nothing_is_known() -> None:
    warned = {"trackResponse": {"shipment": [{"warnings": [{"code": "TW0001", "message": "none"}]}]}}
    nothing: dict[str, Any] = {"trackResponse": {}}

    assert tracking.to_told(tracking.TrackAnswer.model_validate(warned), NUMBER) == NotTracked("TW0001")
    assert tracking.to_told(tracking.TrackAnswer.model_validate(nothing), NUMBER) == NotTracked("not_found")
    assert told() == Told()


# -- what it means


def test_the_same_letters_mean_different_things_by_type() -> None:
    assert meaning_of("I", "AR", "").status is Status.IN_TRANSIT
    assert meaning_of("X", "AR", "").status is Status.DELIVERY_FAILED
    assert meaning_of("I", "DP", "").status is Status.IN_TRANSIT
    assert meaning_of("X", "DP", "").status is Status.EXCEPTION


@pytest.mark.parametrize("kind", ["D", "I", "X", "U", ""])
def test_a_parcel_at_an_access_point_waits_there_whatever_the_type(kind: str) -> None:
    assert meaning_of(kind, "ZP", "Delivered").status is Status.AVAILABLE_FOR_PICKUP


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("M", Status.CREATED),
        ("MV", Status.CANCELLED),
        ("P", Status.ACCEPTED),
        ("I", Status.IN_TRANSIT),
        ("X", Status.EXCEPTION),
        ("D", Status.UNKNOWN),
        ("Z", Status.UNKNOWN),
        ("", Status.UNKNOWN),
    ],
)
def test_an_unknown_code_means_what_its_type_says_and_a_delivery_type_nothing(
    kind: str, status: Status
) -> None:
    assert meaning_of(kind, "Q9", "Something new").status is status


def test_an_update_changes_nothing_and_what_is_read_by_its_type_is_not_sure() -> None:
    assert meaning_of("U", "Q9", "").kind is INFO.kind
    assert [meaning_of(kind, "Q9", "").sure for kind in ("U", "I", "X", "D")] == [False] * 4


@pytest.mark.parametrize(
    ("kind", "code", "text", "status"),
    [
        ("X", "SR", "Your package was released by the customs agency.", Status.IN_TRANSIT),
        ("X", "SR", "Your package is being held until released by customs.", Status.IN_CUSTOMS),
        ("X", "71", "Released by customs", Status.CUSTOMS_HOLD),
        ("D", "Q9", "DELIVERED ", Status.DELIVERED),
        ("D", "Q9", "Delivered to UPS Access Point", Status.AVAILABLE_FOR_PICKUP),
        ("D", "Q9", "Delivered to your neighbour's dog", Status.UNKNOWN),
        ("D", "Q9", "Out for Delivery Today", Status.OUT_FOR_DELIVERY),
        ("D", "Q9", "Loaded on Delivery Vehicle", Status.UNKNOWN),
        ("I", "Q9", "Delivered", Status.IN_TRANSIT),
        ("X", "6I", "Will be delivered again", Status.IN_TRANSIT),
    ],
)
def test_words_decide_only_where_no_code_is_sure(kind: str, code: str, text: str, status: Status) -> None:
    assert meaning_of(kind, code, text).status is status


def test_a_customs_release_passes_its_milestone() -> None:
    assert meaning_of("X", "SR", "Released by customs").milestone is Milestone.IMPORT_CUSTOMS_OUT


@pytest.mark.parametrize("code", ["TL", "F6"])
def test_an_entry_in_error_takes_the_newest_status_back(code: str) -> None:
    found = meaning_of("X", code, "")

    assert (found.kind, found.undoes) == (Kind.REVERSAL, ())


# -- alerts


def test_an_alert_with_our_key_only_says_which_parcel_to_ask_about() -> None:
    delivery = tracking.verify({"X-API-Key": KEY}, ALERT, ("newer", KEY))

    assert tracking.read(delivery.payload) == Told(numbers=(NUMBER,))
    assert tracking.verify({"x-api-key": KEY}, ALERT, (KEY,)).dedupe_key == delivery.dedupe_key
    assert tracking.verify({"x-api-key": KEY}, ALERT + b" ", (KEY,)).dedupe_key != delivery.dedupe_key


@pytest.mark.parametrize(
    ("headers", "secrets"),
    [
        ({}, (KEY,)),
        ({"x-api-key": ""}, (KEY,)),
        ({"x-api-key": f"not-{KEY}"}, (KEY,)),
        ({"x-api-key": "schlüssel"}, (KEY,)),
        ({"x-api-key": KEY}, ()),
    ],
)
def test_anything_else_is_not_authentic(headers: dict[str, str], secrets: tuple[str, ...]) -> None:
    with pytest.raises(NotAuthentic):
        tracking.verify(headers, ALERT, secrets)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"trackingNumber": ""}', b"\xff"])
def test_an_alert_without_a_number_cannot_be_read(body: bytes) -> None:
    with pytest.raises(ValueError, match="validation error"):
        tracking.read(body)


def test_who_received_a_parcel_is_not_read() -> None:
    named = json.loads(ALERT) | {"receivedBy": "Somebody Private"}
    activity = an_activity("D", "KB", "Delivered", receivedBy="Somebody Private")

    assert "Somebody" not in repr(tracking.read(json.dumps(named).encode()))
    assert "Somebody" not in repr(scans_of(activity))

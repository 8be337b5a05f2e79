"""Checkpoints, and what is made of times, codes and places."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shipping_service.adapters.carriers.yanwen.tests.examples import SAMPLES
from shipping_service.adapters.carriers.yanwen.tracking import Answer, to_told
from shipping_service.domain.tracking import UNKNOWN, Reason, Scan, Status, Stretch

WAYBILL = "UF000000001YP"


def sample() -> Any:
    return json.loads((SAMPLES / "tracking-exception.json").read_bytes())


def scans_of(answer: Any) -> tuple[Scan, ...]:
    return to_told(Answer.model_validate(answer))[WAYBILL].scans


def scan_of(**checkpoint: Any) -> Scan:
    (scan,) = scans_of({"code": 0, "result": [{"tracking_number": WAYBILL, "checkpoints": [checkpoint]}]})
    return scan


def test_a_parcel_is_told_by_the_number_asked_for_the_oldest_first() -> None:
    scans = scans_of(sample())

    assert [one.raw_code for one in scans] == ["PU10", "LH20", "IC50", "IC51"]
    assert {one.tracking_number for one in scans} == {WAYBILL}
    newest = scans[-1]
    assert (newest.meaning.status, newest.meaning.reason) == (Status.CUSTOMS_HOLD, Reason.OTHER)
    assert newest.occurred_at == datetime(2026, 6, 24, 13, 20, tzinfo=UTC)
    assert (newest.local_time, newest.utc_offset) == ("2026-06-24T10:20:00", "-03:00")
    assert (newest.city, newest.country, newest.stretch) == ("CURITIBA", None, None)


def test_moments_and_not_local_times_say_what_came_first() -> None:
    later = {"time_stamp": "2026-06-24T03:00:00", "time_zone": "-03", "tracking_status": "LM25"}
    earlier = {"time_stamp": "2026-06-24T12:00:00", "time_zone": "+08", "tracking_status": "LM20"}
    same = {"time_stamp": "2026-06-24T03:00:00", "time_zone": "-03", "tracking_status": "LM40"}

    told = {"tracking_number": WAYBILL, "checkpoints": [same, later, earlier]}

    assert [one.raw_code for one in scans_of({"code": 0, "result": [told]})] == ["LM20", "LM25", "LM40"]


def test_without_moments_they_come_as_their_texts_say() -> None:
    answer = sample()
    for point in answer["result"][0]["checkpoints"]:
        del point["time_zone"]

    assert [one.raw_code for one in scans_of(answer)] == ["PU10", "LH20", "IC50", "IC51"]


@pytest.mark.parametrize(
    ("stamp", "zone", "at", "offset"),
    [
        ("2026-06-12T19:00:00", "+08", "2026-06-12T11:00:00+00:00", "+08:00"),
        ("2026-06-12T19:00:00Z", "+08", "2026-06-12T11:00:00+00:00", "+08:00"),
        ("2026-06-12T19:00:00.5+00:00", "+8", "2026-06-12T11:00:00+00:00", "+08:00"),
        ("2026-06-12 19:00:00", "+05:30", "2026-06-12T13:30:00+00:00", "+05:30"),
        ("2026-06-12T19:00:00", "-0330", "2026-06-12T22:30:00+00:00", "-03:30"),
        ("2026-06-12T19:00:00Z", None, None, None),
        ("2026-06-12T19:00:00Z", "CST", None, None),
        ("2026-06-12T19:00:00", "+25", None, None),
        ("0001-01-01T00:00:00", "+08", None, None),
        ("soon", "+08", None, None),
        (None, "+08", None, None),
    ],
)
def test_a_time_is_that_of_its_zone_whatever_it_looks_like_and_without_one_no_moment(
    stamp: str | None, zone: str | None, at: str | None, offset: str | None
) -> None:
    scan = scan_of(time_stamp=stamp, time_zone=zone, tracking_status="LH20")

    assert scan.occurred_at == (None if at is None else datetime.fromisoformat(at))
    assert scan.utc_offset == offset


@pytest.mark.parametrize("code", ["TELEPORTED", "lm40", "LM40 ", "LM4", "14", "4", None])
def test_a_code_of_no_table_stays_unknown(code: str | None) -> None:
    scan = scan_of(time_stamp="2026-06-12T19:00:00", time_zone="+08", tracking_status=code)

    assert (scan.meaning, scan.raw_code) == (UNKNOWN, code or "")


def test_what_the_last_mile_says_belongs_to_its_stretch() -> None:
    assert scan_of(tracking_status="LM25", is_last_mile_checkpoint=1).stretch is Stretch.LAST_MILE


def test_a_parcel_keeps_its_number_when_the_last_miles_comes() -> None:
    answer = sample()
    answer["result"][0]["exchange_number"] = "NX000000001BR"

    assert scans_of(answer) == scans_of(sample())


def test_a_parcel_without_checkpoints_has_no_news() -> None:
    assert scans_of({"code": 0, "result": [{"tracking_number": WAYBILL, "checkpoints": None}]}) == ()

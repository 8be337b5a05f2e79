"""Events in all their forms, and what is made of times, codes and places."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shipping_service.adapters.carriers.yunexpress.tests.examples import SAMPLES
from shipping_service.adapters.carriers.yunexpress.tracking import Answer, read, to_told
from shipping_service.domain.tracking import INFO, UNKNOWN, Meaning, Reason, Scan, Status
from shipping_service.use_cases.tracking_port import GoesOn

WAYBILL = "YT2616200000000001"
SAMPLE = (SAMPLES / "tracking-exception.json").read_bytes()


def pushed(**event: Any) -> tuple[Scan, ...]:
    return read(json.dumps({"data": {"waybill_number": WAYBILL, "track_events": [event]}}).encode()).scans


def older(state: str, *details: dict[str, Any]) -> tuple[Scan, ...]:
    body = {"wayBillNumber": WAYBILL, "packageState": state, "orderTrackingDetails": list(details)}
    return read(json.dumps({"customerCode": "C", "timestamp": "1", "body": body}).encode()).scans


def test_a_pushed_parcel_is_told_by_its_waybill_number_with_codes_and_times_in_utc() -> None:
    scans = read(SAMPLE).scans

    assert [one.raw_code for one in scans] == ["ORDER_CREATION", "MAIN_LINE_ARRIVE", "CUSTOMS_INSPCTION"]
    assert {one.tracking_number for one in scans} == {WAYBILL}
    newest = scans[-1]
    assert (newest.meaning.status, newest.meaning.reason) == (Status.CUSTOMS_HOLD, Reason.CUSTOMS_INSPECTION)
    assert newest.occurred_at == datetime(2026, 6, 17, 16, tzinfo=UTC)
    assert (newest.local_time, newest.utc_offset) == ("2026-06-17T09:00:00", "-07:00")
    assert (newest.city, newest.country) == ("Los Angeles", "US")


@pytest.mark.parametrize("around", ["body", "nothing"])
def test_a_body_around_it_changes_nothing(around: str) -> None:
    inner: Any = json.loads(SAMPLE)
    if around == "nothing":
        inner = inner["data"]
    wrapped = {"customerCode": "CN0000123", "timestamp": "1718000000000", "body": inner}

    assert read(json.dumps(wrapped).encode()) == read(SAMPLE)


def test_an_answer_has_no_codes_so_it_tells_when_and_not_what() -> None:
    answer = Answer.model_validate(json.loads((SAMPLES / "tracking-pull.json").read_bytes())["result"])

    scans = to_told(answer, WAYBILL).scans

    assert [one.meaning for one in scans] == [INFO, INFO]
    assert scans[-1].occurred_at == datetime(2026, 6, 16, 12, 20, tzinfo=UTC)
    assert (scans[-1].local_time, scans[-1].utc_offset) == ("2026-06-16T05:20:00", "-07:00")
    assert scans[-1].raw_text == "Arrived at destination airport"


def test_a_code_that_an_answer_has_all_the_same_is_read() -> None:
    event = {"event_date": "2026-06-16 05:20:00", "time_zone": "-7", "track_node_code": "DELIVERED"}
    answer = Answer.model_validate({"waybill_number": WAYBILL, "track_info": [{"track_events": [event]}]})

    assert to_told(answer, WAYBILL).scans[0].meaning.status is Status.DELIVERED


@pytest.mark.parametrize("code", ["TELEPORTED", "delivered", "CUSTOMS_INSPECTION", "DELIVERED "])
def test_a_code_of_no_table_stays_unknown(code: str) -> None:
    (scan,) = pushed(track_node_code=code, process_utc_time="2026-06-16T12:20:00")

    assert (scan.meaning, scan.raw_code) == (UNKNOWN, code)


def test_a_new_last_mile_number_moves_no_parcel() -> None:
    (scan,) = pushed(track_node_code="CHANGE_WAYBILL_INFO", process_utc_time="2026-06-16T12:20:00")

    assert scan.meaning == INFO


def test_a_push_tells_the_last_miles_number_and_carrier() -> None:
    assert read(SAMPLE).goes_on == (GoesOn(WAYBILL, "9405500208303109884199", "USPS"),)


@pytest.mark.parametrize("number", [None, "", " ", WAYBILL])
def test_without_a_number_of_its_own_the_last_mile_is_not_followed(number: str | None) -> None:
    parcel = {"waybill_number": WAYBILL, "tracking_number": number, "last_mile_name": "USPS"}

    assert read(json.dumps({"data": parcel}).encode()).goes_on == ()


def test_the_older_form_tells_the_last_miles_number_alone() -> None:
    body = {"wayBillNumber": WAYBILL, "trackingNumber": "94055"}

    assert read(json.dumps({"body": body}).encode()).goes_on == (GoesOn(WAYBILL, "94055", None),)


@pytest.mark.parametrize(
    ("local", "utc", "at", "offset"),
    [
        ("2026-06-17T09:00:00", "2026-06-17T16:00:00", "2026-06-17T16:00:00+00:00", "-07:00"),
        ("2026-06-17T21:30:00", "2026-06-17T16:00:00", "2026-06-17T16:00:00+00:00", "+05:30"),
        ("2026-06-17 00:00:00", "2026-06-16T16:00:00Z", "2026-06-16T16:00:00+00:00", "+08:00"),
        ("2026-06-19T00:00:00", "2026-06-16T16:00:00", "2026-06-16T16:00:00+00:00", None),
        (None, "2026-06-16T16:00:00", "2026-06-16T16:00:00+00:00", None),
        ("2026-06-17T09:00:00", None, None, None),
        ("2026-06-17T09:00:00+08:00", "", "2026-06-17T01:00:00+00:00", "+08:00"),
        ("soon", "later", None, None),
    ],
)
def test_the_zone_is_what_lies_between_local_time_and_utc(
    local: str | None, utc: str | None, at: str | None, offset: str | None
) -> None:
    (scan,) = pushed(track_node_code="IN_TRANSIT", process_time=local, process_utc_time=utc)

    assert scan.occurred_at == (None if at is None else datetime.fromisoformat(at))
    assert scan.utc_offset == offset


@pytest.mark.parametrize(
    ("zone", "at", "offset"),
    [
        ("+8", "2026-06-16T04:00:00+00:00", "+08:00"),
        ("-7", "2026-06-16T19:00:00+00:00", "-07:00"),
        ("+5:30", "2026-06-16T06:30:00+00:00", "+05:30"),
        ("UTC+08:00", "2026-06-16T04:00:00+00:00", "+08:00"),
        ("+25", None, None),
        ("CST", None, None),
        (None, None, None),
    ],
)
def test_a_time_without_a_zone_is_no_moment(zone: str | None, at: str | None, offset: str | None) -> None:
    event = {"event_date": "2026-06-16 12:00:00", "time_zone": zone, "description": "x"}
    answer = Answer.model_validate({"waybill_number": WAYBILL, "track_info": [{"track_events": [event]}]})

    (scan,) = to_told(answer, WAYBILL).scans

    assert scan.occurred_at == (None if at is None else datetime.fromisoformat(at))
    assert (scan.local_time, scan.utc_offset) == ("2026-06-16T12:00:00", offset)


def test_news_come_the_oldest_first_also_where_they_are_told_the_other_way() -> None:
    turned = json.loads(SAMPLE)
    turned["data"]["track_events"].reverse()

    assert read(json.dumps(turned).encode()) == read(SAMPLE)


EARLIER = {"processDate": "2026-06-10T12:00:00", "processTimezone": "UTC+08:00", "processContent": "a"}
LATER = {"processDate": "2026-06-11T12:00:00", "processTimezone": "UTC+08:00", "processContent": "b"}


def test_in_the_older_form_the_parcels_state_stands_for_its_newest_event() -> None:
    first, newest = older("3", EARLIER, LATER)

    assert first.meaning == INFO
    assert (newest.meaning.status, newest.raw_code) == (Status.DELIVERED, "PackageState:3")
    assert newest.occurred_at == datetime(2026, 6, 11, 4, tzinfo=UTC)


def test_in_the_older_form_an_events_own_code_goes_first() -> None:
    (scan,) = older("2", LATER | {"trackNodeCode": "CUSTOMS_HOLD"})

    assert (scan.meaning.status, scan.raw_code) == (Status.CUSTOMS_HOLD, "CUSTOMS_HOLD")


@pytest.mark.parametrize(("state", "meaning"), [("99", UNKNOWN), ("", INFO)])
def test_a_state_of_no_table_stays_unknown(state: str, meaning: Meaning) -> None:
    (scan,) = older(state, LATER)

    assert scan.meaning == meaning


def test_what_is_not_about_parcels_tells_nothing() -> None:
    assert read(b'{"data_code":"orderPushData","data":{"order":"YT1"}}').scans == ()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b'{"encrypt":"AAAA"}',
        b'{"data":{}}',
        b'{"body":{}}',
        b'{"data":{"waybill_number":""}}',
        b'{"data":{"waybill_number":"YT1","track_events":[7]}}',
    ],
)
def test_what_cannot_be_read_says_so_and_quotes_nothing(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"validation error|neither data") as wrong:
        read(payload)

    assert "YT1" not in str(wrong.value)

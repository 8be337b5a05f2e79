"""DHL Express's shipments as scans."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shipping_service.adapters.carriers.dhl_express.tracking import Shipments, to_told
from shipping_service.domain.tracking import Scan, Status

WAYBILL = "1234567891"


def an_event(code: str = "PU", **more: Any) -> dict[str, Any]:
    return {
        "date": "2026-06-10",
        "time": "18:02:11",
        "GMTOffset": "+08:00",
        "typeCode": code,
        "description": "Shipment picked up",
        "serviceArea": [{"code": "SZX", "description": "Shenzhen-CN"}],
        "signedBy": "Somebody Private",
        **more,
    }


def scans_of(*events: Any, pieces: Any = ()) -> tuple[Scan, ...]:
    shipment = {"shipmentTrackingNumber": WAYBILL, "status": "Success", "events": events, "pieces": pieces}
    return to_told(Shipments.model_validate({"shipments": [shipment]}))[WAYBILL].scans


def test_an_event_is_a_scan_in_utc_with_its_local_time_as_said() -> None:
    (scan,) = scans_of(an_event())

    assert (scan.tracking_number, scan.raw_code, scan.meaning.status) == (WAYBILL, "PU", Status.ACCEPTED)
    assert scan.occurred_at == datetime(2026, 6, 10, 10, 2, 11, tzinfo=UTC)
    assert (scan.local_time, scan.utc_offset) == ("2026-06-10T18:02:11", "+08:00")
    assert (scan.city, scan.country) == ("Shenzhen", "CN")


@pytest.mark.parametrize("offset", [None, "", "CST", "+99:00"])
def test_without_an_offset_the_moment_is_unknown(offset: str | None) -> None:
    (scan,) = scans_of(an_event(GMTOffset=offset))

    assert scan.occurred_at is None
    assert scan.local_time == "2026-06-10T18:02:11"


def test_a_code_that_nobody_knows_is_unknown() -> None:
    (scan,) = scans_of(an_event("QQ"))

    assert (scan.raw_code, scan.meaning.status) == ("QQ", Status.UNKNOWN)


@pytest.mark.parametrize(
    ("areas", "place"),
    [
        ([{"description": "Leipzig-DE"}], ("Leipzig", "DE")),
        ([{"description": "Winston-Salem-US"}], ("Winston-Salem", "US")),
        ([{"description": "LEIPZIG - GERMANY"}], ("LEIPZIG - GERMANY", None)),
        ([{"description": "-DE"}], (None, "DE")),
        ([], (None, None)),
    ],
)
def test_a_place_has_a_country_where_it_ends_with_one(areas: Any, place: Any) -> None:
    (scan,) = scans_of(an_event(serviceArea=areas))

    assert (scan.city, scan.country) == place


def test_the_oldest_event_comes_first_however_they_are_told() -> None:
    later = an_event("OK", date="2026-06-12")

    for scans in (scans_of(an_event(), later), scans_of(later, an_event())):
        assert [one.raw_code for one in scans] == ["PU", "OK"]


def test_of_several_pieces_each_tells_its_own() -> None:
    pieces = [{"trackNumber": name, "events": [an_event("OK")]} for name in ("JD01", "JD02")]

    assert [one.piece for one in scans_of(an_event(), pieces=pieces)] == [None, "JD01", "JD02"]
    assert [one.piece for one in scans_of(an_event(), pieces=pieces[:1])] == [None]


def test_who_signed_is_not_read() -> None:
    assert "Somebody" not in repr(scans_of(an_event()))

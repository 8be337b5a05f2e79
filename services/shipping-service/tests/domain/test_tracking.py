"""The words for what a carrier says about a parcel."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from crossdock_contracts.shipping import ParcelStatus
from shipping_service.domain.tracking import (
    INFO,
    MAX_TEXT,
    Kind,
    Meaning,
    Milestone,
    Reason,
    Scan,
    Status,
    identity_of,
    means,
    undoes,
)

SCAN = Scan(
    tracking_number="1234567891",
    raw_code="PU",
    meaning=means(Status.ACCEPTED),
    local_time="2026-06-10 18:02:11",
    raw_text="Shipment picked up",
    city="Shenzhen",
    country="CN",
)


def test_the_statuses_are_those_that_the_contract_tells() -> None:
    assert [(one.name, one.value) for one in Status] == [(one.name, one.value) for one in ParcelStatus]


def test_the_vocabulary_is_complete() -> None:
    assert (len(Status), len(Reason), len(Milestone)) == (18, 40, 20)


@pytest.mark.parametrize(
    "given",
    [
        (Kind.STATUS, None),
        (Kind.INFO, Status.IN_TRANSIT),
        (Kind.REVERSAL, Status.DELIVERED),
        (Kind.STATUS, Status.DELIVERED, None, None, True, ("704",)),
    ],
)
def test_a_meaning_that_contradicts_itself_cannot_be_written(given: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"status belongs|only a reversal"):
        Meaning(*given)


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset from UTC"):
        replace(SCAN, occurred_at=datetime(2026, 6, 10, 18, 2))  # noqa: DTZ001


def test_long_texts_are_cut_and_never_stored_whole() -> None:
    assert len(replace(SCAN, raw_text="x" * 10_000).raw_text) == MAX_TEXT


def test_what_no_database_keeps_is_left_out() -> None:
    assert replace(SCAN, raw_text="Sig\0ned", city="Ber\0lin").raw_text == "Signed"


@pytest.mark.parametrize(
    "same",
    [
        {"raw_text": " shipment  PICKED up "},
        {"meaning": INFO},
        {"meaning": undoes("PU")},
        {"occurred_at": datetime(2026, 6, 10, 10, 2, 11, tzinfo=UTC)},
    ],
)
def test_the_same_scan_told_again_is_known(same: dict[str, Any]) -> None:
    assert identity_of(replace(SCAN, **same)) == identity_of(SCAN)


@pytest.mark.parametrize(
    "other",
    [
        {"tracking_number": "1234567890"},
        {"raw_code": "PL"},
        {"local_time": "2026-06-10 18:02:12"},
        {"city": "Dongguan"},
        {"country": None},
        {"piece": "JD01"},
        {"raw_text": "Shipment picked up again"},
    ],
)
def test_a_scan_that_differs_is_another_one(other: dict[str, Any]) -> None:
    assert identity_of(replace(SCAN, **other)) != identity_of(SCAN)

"""Where scans leave a parcel, in whatever order they come."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from shipping_service.domain.tracking import (
    INFO,
    UNKNOWN,
    Meaning,
    Milestone,
    Reason,
    Scan,
    Status,
    Stretch,
    identity_of,
    means,
    undoes,
)
from shipping_service.domain.whereabouts import Known, Lane, learn, placed, stand

S = Status
DAWN = datetime(2026, 6, 10, 6, tzinfo=UTC)
ABROAD, HOME = Lane("CN", "DE"), Lane("DE", "DE")


def known(hour: float, meaning: Meaning, code: str = "", **more: Any) -> Known:
    """A scan so many hours after dawn, known by the hour."""
    at = DAWN + timedelta(hours=hour)
    number = int(hour * 60)
    scan = Scan(
        raw_code=code or f"{meaning.status}",
        meaning=meaning,
        local_time=at.isoformat(),
        **{"tracking_number": "1", "occurred_at": at, **more},
    )
    return Known(UUID(int=number + 1), number, at, scan, identity_of(scan))


def says(hour: float, status: Status, reason: Reason | None = None, **more: Any) -> Known:
    return known(hour, means(status, reason), **more)


def status_of(*scans: Known, lane: Lane = HOME) -> Status:
    """The same for every order in which they are taken in, at once or one by one."""
    found = set()
    for order in permutations(scans):
        found.add(stand(order, lane).status)
        news = [learn(order[:count], [one], lane)[-1] for count, one in enumerate(order)]
        found.add(news[-1].standing.status)
    (status,) = found
    return status


@pytest.mark.parametrize(
    ("scans", "status"),
    [
        ([says(1, S.ACCEPTED), says(2, S.IN_TRANSIT), says(3, S.OUT_FOR_DELIVERY)], S.OUT_FOR_DELIVERY),
        ([says(1, S.IN_TRANSIT), known(2, INFO)], S.IN_TRANSIT),
        ([says(1, S.IN_TRANSIT), known(2, UNKNOWN)], S.IN_TRANSIT),
        ([known(2, UNKNOWN)], S.CREATED),
        ([says(1, S.OUT_FOR_DELIVERY), says(2, S.DELIVERED)], S.DELIVERED),
        # An end stays, whatever older or newer scan says that the parcel moves.
        ([says(2, S.DELIVERED), says(1, S.OUT_FOR_DELIVERY), says(3, S.IN_TRANSIT)], S.DELIVERED),
        ([says(1, S.DELIVERED), says(2, S.LOST)], S.DELIVERED),
        ([says(1, S.DELIVERED), says(2, S.RETURNING)], S.RETURNING),
        ([says(1, S.DELIVERED), says(2, S.RETURNING), says(3, S.IN_TRANSIT)], S.RETURNING),
        ([says(1, S.DELIVERED), says(2, S.RETURNING), says(3, S.DELIVERED)], S.RETURNED),
        ([says(1, S.RETURNED), says(2, S.DELIVERED)], S.RETURNED),
        ([says(1, S.LOST), says(2, S.IN_TRANSIT)], S.LOST),
        ([says(1, S.LOST), says(2, S.DELIVERED)], S.DELIVERED),
        ([says(1, S.DESTROYED), says(2, S.DELIVERED)], S.DESTROYED),
        ([says(1, S.CANCELLED), says(2, S.ACCEPTED)], S.ACCEPTED),
        ([says(1, S.RETURNING), says(2, S.CUSTOMS_HOLD)], S.CUSTOMS_HOLD),
    ],
)
def test_at_home(scans: Sequence[Known], status: Status) -> None:
    assert status_of(*scans) is status


@pytest.mark.parametrize(
    ("scans", "status"),
    [
        ([says(1, S.DELIVERED, country="DE")], S.DELIVERED),
        ([says(1, S.DELIVERED)], S.DELIVERED),
        # Handed to the airline, or out of a customs warehouse on the way.
        ([says(1, S.DELIVERED, country="CN")], S.EXCEPTION),
        ([says(1, S.IN_CUSTOMS), says(2, S.DELIVERED, country="NL")], S.EXCEPTION),
        ([says(1, S.IN_TRANSIT), says(2, S.DELIVERED, country="NL")], S.DELIVERED),
        ([says(1, S.RETURNING), says(2, S.DELIVERED, country="CN")], S.RETURNED),
        ([says(1, S.RETURNING), says(2, S.DELIVERED, country="DE")], S.DELIVERED),
        ([says(1, S.RETURNING), says(2, S.DELIVERED)], S.EXCEPTION),
        ([says(1, S.RETURNING), says(2, S.IN_CUSTOMS), says(3, S.OUT_FOR_DELIVERY)], S.RETURNING),
    ],
)
def test_over_a_border(scans: Sequence[Known], status: Status) -> None:
    assert status_of(*scans, lane=ABROAD) is status


@pytest.mark.parametrize(
    ("scans", "status"),
    [
        ([says(1, S.OUT_FOR_DELIVERY), says(2, S.DELIVERED), known(3, undoes())], S.OUT_FOR_DELIVERY),
        ([says(1, S.DELIVERED), known(2, undoes()), says(3, S.DELIVERED)], S.DELIVERED),
        # 743 takes back 704 and nothing else, however much came between them.
        (
            [
                says(1, S.OUT_FOR_DELIVERY, code="702"),
                says(2, S.DELIVERED, code="704"),
                says(3, S.IN_TRANSIT, code="389"),
                known(4, undoes("704"), "743"),
            ],
            S.IN_TRANSIT,
        ),
        ([says(1, S.IN_TRANSIT, code="305"), known(2, undoes("704"), "743")], S.IN_TRANSIT),
        ([known(1, undoes("704"), "743"), says(2, S.DELIVERED, code="704")], S.DELIVERED),
        ([says(1, S.DELIVERY_FAILED), says(2, S.DELIVERY_FAILED), known(3, undoes())], S.DELIVERY_FAILED),
    ],
)
def test_a_reversal_takes_back_the_newest_scan_that_it_is_about(
    scans: Sequence[Known], status: Status
) -> None:
    assert status_of(*scans) is status


MOVED = [says(1, S.IN_TRANSIT, piece="a"), says(2, S.IN_TRANSIT, piece="b")]


@pytest.mark.parametrize(
    ("scans", "status"),
    [
        ([*MOVED, says(3, S.DELIVERED, piece="a")], S.EXCEPTION),
        ([*MOVED, says(3, S.DELIVERED, piece="a"), says(4, S.DELIVERED, piece="b")], S.DELIVERED),
        ([*MOVED, says(3, S.OUT_FOR_DELIVERY, piece="b")], S.OUT_FOR_DELIVERY),
        ([*MOVED, says(3, S.DELIVERED)], S.DELIVERED),
    ],
)
def test_a_shipment_is_delivered_when_all_of_its_pieces_are(scans: Sequence[Known], status: Status) -> None:
    assert status_of(*scans) is status


def test_a_part_that_is_delivered_is_named_as_the_reason() -> None:
    assert stand([*MOVED, says(3, S.DELIVERED, piece="a")], HOME).reason is Reason.PARTIAL_DELIVERY


def test_before_the_first_scan_there_is_a_label() -> None:
    assert stand([], HOME).status is S.CREATED


def test_a_reversed_failure_does_not_count_as_an_attempt() -> None:
    failed = [says(1, S.DELIVERY_FAILED), says(2, S.DELIVERY_FAILED)]

    assert stand(failed, HOME).attempts == 2
    assert stand([*failed, known(3, undoes())], HOME).attempts == 1


def test_a_milestone_counts_the_first_time() -> None:
    again = [known(hour, means(S.IN_TRANSIT, milestone=Milestone.ARRIVED_FACILITY)) for hour in (5, 2, 9)]

    assert stand(again, HOME).milestones == {Milestone.ARRIVED_FACILITY: DAWN + timedelta(hours=2)}


def test_news_are_told_in_the_order_of_their_time_and_a_late_one_moves_nothing() -> None:
    delivered, late, later = says(5, S.DELIVERED), says(2, S.IN_TRANSIT), says(3, S.OUT_FOR_DELIVERY)

    news = learn([delivered], [later, late], HOME)

    assert [(one.known, one.told, one.moved) for one in news] == [
        (late, S.IN_TRANSIT, False),
        (later, S.OUT_FOR_DELIVERY, False),
    ]


def test_what_says_no_status_is_told_with_that_of_the_parcel() -> None:
    news = learn([says(1, S.IN_TRANSIT)], [known(2, INFO), known(3, UNKNOWN), known(4, undoes())], HOME)

    assert [one.told for one in news] == [S.IN_TRANSIT, S.UNKNOWN, S.IN_TRANSIT]


def untimed(stretch: Stretch | None = None, at: datetime | None = None) -> Scan:
    return Scan(
        tracking_number="1",
        raw_code="x",
        meaning=INFO,
        local_time="?",
        occurred_at=at,
        stretch=stretch,
    )


def test_a_scan_without_an_offset_has_the_time_of_the_one_before_it() -> None:
    noon = DAWN + timedelta(hours=6)
    scans = [untimed(), untimed(at=DAWN), untimed(), untimed(at=noon), untimed()]

    assert [at for _, at in placed(scans, noon)] == [DAWN, DAWN, DAWN, noon, noon]


def test_a_stretch_of_the_way_gives_its_times_to_no_other() -> None:
    first, last = Stretch.FIRST_MILE, Stretch.LAST_MILE
    noon = DAWN + timedelta(hours=6)
    scans = [untimed(first, DAWN), untimed(last, noon), untimed(first), untimed(last)]

    assert [at for _, at in placed(scans, noon)] == [DAWN, noon, DAWN, noon]


def test_without_any_time_at_all_the_times_as_said_decide() -> None:
    told = [
        Scan(tracking_number="1", raw_code=str(one), meaning=means(one), local_time=f"2026-06-1{day}")
        for day, one in ((1, S.ACCEPTED), (3, S.DELIVERED), (2, S.OUT_FOR_DELIVERY))
    ]
    scans = [Known(UUID(int=n), n, DAWN, one, b"") for n, one in enumerate(told)]

    assert stand(scans, HOME).status is S.DELIVERED


def of_last_mile(hour: float, status: Status, reason: Reason | None = None) -> Known:
    return says(hour, status, reason, tracking_number="2", stretch=Stretch.LAST_MILE)


@pytest.mark.parametrize(
    ("scans", "status"),
    [
        ([says(1, S.IN_TRANSIT), of_last_mile(2, S.CREATED)], S.IN_TRANSIT),
        ([says(1, S.IN_CUSTOMS), of_last_mile(2, S.CANCELLED)], S.IN_CUSTOMS),
        ([says(1, S.IN_CUSTOMS), of_last_mile(2, S.ACCEPTED)], S.IN_TRANSIT),
        ([of_last_mile(2, S.ACCEPTED)], S.ACCEPTED),
        ([says(1, S.RETURNING), of_last_mile(2, S.CREATED)], S.RETURNING),
        ([of_last_mile(1, S.OUT_FOR_DELIVERY), says(2, S.DELIVERED)], S.DELIVERED),
    ],
)
def test_to_the_last_mile_a_parcel_that_has_come_so_far_is_under_way(
    scans: Sequence[Known], status: Status
) -> None:
    assert status_of(*scans) is status


def test_what_two_numbers_tell_alike_within_a_minute_happened_once() -> None:
    line, post = says(1, S.DELIVERY_FAILED), of_last_mile(1 + 20 / 3600, S.DELIVERY_FAILED)
    again = of_last_mile(3, S.DELIVERY_FAILED)

    first, echo, second = learn([], [line, post, again], HOME)

    assert [one.echo for one in (first, echo, second)] == [False, True, False]
    assert [one.standing.attempts for one in (first, echo, second)] == [1, 1, 2]
    assert stand([again, post, line], HOME).attempts == 2


def test_what_one_carrier_took_back_another_may_tell_and_it_is_no_echo() -> None:
    line, back, post = says(1, S.DELIVERED), known(2, undoes()), of_last_mile(1, S.DELIVERED)

    *_, news = learn([line, back], [post], HOME)

    assert (news.echo, news.moved, news.standing.status) == (False, True, S.DELIVERED)


def test_a_carrier_takes_back_only_what_it_has_told_itself() -> None:
    assert status_of(says(1, S.IN_TRANSIT), of_last_mile(2, S.DELIVERED), known(3, undoes())) is S.DELIVERED


@pytest.mark.parametrize(
    ("scans", "contradicted"),
    [
        ([says(1, S.DELIVERED), of_last_mile(16, S.OUT_FOR_DELIVERY)], True),
        ([of_last_mile(1, S.DELIVERED), says(16, S.LOST)], True),
        ([says(1, S.DELIVERED), says(16, S.OUT_FOR_DELIVERY)], False),  # one carrier's own disorder
        ([says(1, S.DELIVERED), of_last_mile(15, S.OUT_FOR_DELIVERY)], False),  # a wrong zone does it
        ([says(1, S.DELIVERED), of_last_mile(16, S.DELIVERED)], False),
        ([says(1, S.LOST), of_last_mile(16, S.DELIVERED)], False),  # found again
        ([says(1, S.DELIVERED), of_last_mile(16, S.IN_TRANSIT), of_last_mile(17, S.RETURNING)], False),
    ],
)
def test_an_end_that_the_other_carrier_denies_later_is_contradicted(
    scans: Sequence[Known], contradicted: bool
) -> None:
    assert {stand(order, HOME).contradicted for order in permutations(scans)} == {contradicted}

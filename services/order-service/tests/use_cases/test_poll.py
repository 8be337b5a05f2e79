"""From one question to the next: spans, pages, pauses."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from order_service.use_cases.marketplace import Lister, Meter, Polling
from order_service.use_cases.poll import LAST_RETRY_S, Poll, failed, question_of, read, skip, wait
from order_service.use_cases.ports import Account

from ..samples import NOON

HOUR = timedelta(hours=1)


def no_lister(account: Account, meter: Meter) -> Lister:
    raise AssertionError("nobody here asks")


POLLING = Polling(open_lister=no_lister, every_s=300, overlap_s=120, lag_s=60, longest_s=7200)


def a_poll(**changes: Any) -> Poll:
    return Poll(
        **{
            "poll_id": UUID(int=1),
            "merchant_id": "default",
            "account": "bricks",
            "way": "changes",
            "read_until": NOON - HOUR,
            "ends_at": None,
            "span_until": None,
            "cursor": None,
            "pages": 0,
            "found": 0,
            "next_at": NOON,
            "failures": 0,
            "last_error": None,
            **changes,
        }
    )


def test_a_question_begins_before_the_last_one_ended_and_leaves_out_what_is_not_visible_yet() -> None:
    asked = question_of(a_poll(), POLLING, NOON)

    assert asked is not None
    assert asked.since == NOON - HOUR - timedelta(seconds=120)
    assert asked.until == NOON - timedelta(seconds=60)
    assert not asked.more


def test_a_new_account_is_asked_at_once_for_what_the_longest_first_question_had_no_room_for() -> None:
    """The overlap before `read_until` takes up the place of the newest minutes."""
    polling = replace(POLLING, first_s=POLLING.longest_s)
    new = a_poll(read_until=NOON - timedelta(seconds=polling.first_s))
    first = question_of(new, polling, NOON)
    assert first is not None
    after = read(new, first, None, 1, polling, NOON)
    second = question_of(after, polling, NOON)

    assert after.next_at == NOON
    assert second is not None
    assert (first.since, second.since) == (
        NOON - timedelta(seconds=polling.first_s + polling.overlap_s),
        first.until - timedelta(seconds=polling.overlap_s),
    )
    assert second.until == NOON - timedelta(seconds=polling.lag_s)
    assert read(after, second, None, 0, polling, NOON).next_at == NOON + timedelta(seconds=polling.every_s)


def test_a_question_of_many_pages_that_left_nothing_out_is_followed_by_a_rest() -> None:
    first = question_of(a_poll(), POLLING, NOON)
    assert first is not None
    page = read(a_poll(), first, "page 2", 50, POLLING, NOON)
    later = NOON + timedelta(seconds=30)

    second = question_of(page, POLLING, later)

    assert second is not None
    assert not second.more


def test_what_nothing_can_have_come_to_is_not_asked() -> None:
    assert question_of(a_poll(read_until=NOON - timedelta(seconds=60)), POLLING, NOON) is None


def test_who_is_far_behind_asks_in_spans_without_a_rest_between_them() -> None:
    behind = a_poll(read_until=NOON - 24 * HOUR)
    first = question_of(behind, POLLING, NOON)
    assert first is not None
    second_page = read(behind, first, "page 2", 10, POLLING, NOON)
    asked = question_of(second_page, POLLING, NOON)
    assert asked is not None
    done = read(second_page, asked, None, 5, POLLING, NOON)

    assert first.until - first.since == 2 * HOUR
    assert (asked.since, asked.until, asked.cursor) == (first.since, first.until, "page 2")
    assert (done.read_until, done.cursor, done.pages, done.found) == (first.until, None, 0, 15)
    assert done.next_at == NOON


def test_who_has_caught_up_rests() -> None:
    asked = question_of(a_poll(), POLLING, NOON)
    assert asked is not None

    assert read(a_poll(), asked, None, 0, POLLING, NOON).next_at == NOON + timedelta(seconds=300)


def test_a_backfill_ends_where_it_was_meant_to() -> None:
    backfill = a_poll(way="backfill", read_until=NOON - 3 * HOUR, ends_at=NOON - 2 * HOUR)
    asked = question_of(backfill, POLLING, NOON)
    assert asked is not None
    done = read(backfill, asked, None, 1, POLLING, NOON)

    assert asked.until == NOON - 2 * HOUR
    assert done.next_at is None


def test_pauses_grow_with_failures_up_to_a_bound_and_heed_the_platforms_wish() -> None:
    poll, pauses = a_poll(), []
    for _ in range(12):
        poll = failed(poll, "http_500", NOON)
        assert poll.next_at is not None
        pauses.append((poll.next_at - NOON).total_seconds())

    assert pauses[:3] == [5, 10, 20]
    assert pauses[-1] == LAST_RETRY_S
    wished = failed(a_poll(), "slow down", NOON, retry_after_s=77)
    assert wished.next_at == NOON + timedelta(seconds=77)


def test_waiting_for_a_quota_is_no_failure() -> None:
    waiting = wait(a_poll(), 178.0, NOON)

    assert waiting == replace(a_poll(), next_at=NOON + timedelta(seconds=178))


def test_an_account_that_cannot_be_asked_is_never_behind_but_its_backfill_keeps_its_place() -> None:
    rests = NOON + timedelta(seconds=300)
    backfill = a_poll(way="backfill", ends_at=NOON - HOUR)

    assert skip(a_poll(), POLLING, NOON) == replace(a_poll(), read_until=NOON, next_at=rests)
    assert skip(backfill, POLLING, NOON) == replace(backfill, next_at=rests)

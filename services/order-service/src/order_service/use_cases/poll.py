"""How far a platform was asked what has changed, as pure steps from one question to the next."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from order_service.use_cases.marketplace import Polling

#: Pages of one question. More than that, and it is the platform's cursor that goes round in circles.
MOST_PAGES = 10_000
FIRST_RETRY_S = 5.0
LAST_RETRY_S = 900.0
LONGEST_WAIT_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Poll:
    """A row of `account_poll`."""

    poll_id: UUID
    merchant_id: str
    account: str
    way: str
    read_until: datetime
    ends_at: datetime | None
    span_until: datetime | None
    cursor: str | None
    pages: int
    found: int
    next_at: datetime | None
    failures: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """A page to be asked for. `more`: the longest question has no room for all there is, or beyond `until`
    more than the time between two polls is unread.
    """

    since: datetime
    until: datetime
    cursor: str | None
    more: bool


def question_of(poll: Poll, polling: Polling, now: datetime) -> Question | None:
    """The next page. None: nothing can have become visible since the last one."""
    since = poll.read_until - timedelta(seconds=polling.overlap_s)
    last = min(now - timedelta(seconds=polling.lag_s), poll.ends_at or now)
    longest = since + timedelta(seconds=polling.longest_s)
    until = poll.span_until or min(last, longest)
    if until <= poll.read_until:
        return None
    more = longest <= until < last or (last - until).total_seconds() > polling.every_s
    return Question(since, until, poll.cursor, more)


def read(
    poll: Poll, asked: Question, cursor: str | None, found: int, polling: Polling, now: datetime
) -> Poll:
    """A page was read and what it says is kept; `cursor` leads to the next one."""
    poll = replace(poll, found=poll.found + found, failures=0, last_error=None)
    if cursor is not None:
        return replace(poll, span_until=asked.until, cursor=cursor, pages=poll.pages + 1, next_at=now)
    over = poll.ends_at is not None and asked.until >= poll.ends_at
    rest_s = 0.0 if poll.ends_at is not None or asked.more else polling.every_s
    return replace(
        poll,
        read_until=asked.until,
        span_until=None,
        cursor=None,
        pages=0,
        next_at=None if over else now + timedelta(seconds=rest_s),
    )


def queue_read(poll: Poll, found: int, now: datetime) -> Poll:
    """What waited is kept; the queue is looked at again at once."""
    poll = replace(poll, found=poll.found + found, failures=0, last_error=None)
    return replace(poll, read_until=now, next_at=now)


def wait(poll: Poll, wait_s: float, now: datetime) -> Poll:
    """Nothing went wrong, but it cannot go on yet."""
    return replace(poll, next_at=now + timedelta(seconds=min(wait_s, LONGEST_WAIT_S)))


def skip(poll: Poll, polling: Polling, now: datetime) -> Poll:
    """This account cannot be asked: nothing is behind. Once it can, it is asked from then on."""
    resting = wait(poll, polling.every_s, now)
    return resting if poll.ends_at is not None else replace(resting, read_until=now)


def failed(poll: Poll, error: str, now: datetime, *, retry_after_s: float | None = None) -> Poll:
    """It is asked again after a pause that grows; `retry_after_s` is what the platform wishes. `error` holds
    no personal data.
    """
    pause_s = min(FIRST_RETRY_S * 2.0 ** min(poll.failures, 20), LAST_RETRY_S)
    waiting = wait(poll, max(pause_s, retry_after_s or 0.0), now)
    return replace(waiting, failures=poll.failures + 1, last_error=error[:500])

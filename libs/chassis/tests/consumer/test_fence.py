"""The rules of the fence, without a broker."""

from uuid import uuid4

from aiokafka.structs import TopicPartition

from crossdock_chassis.fence import Fence, judge
from crossdock_chassis.incoming import Incoming, LogId

PLACE = TopicPartition("order.created", 0)
LOG = LogId("cluster", 3)


def run(start: int, *epochs: int | None, log: LogId = LOG) -> list[Incoming]:
    """Consecutive records from `start` on, one per epoch."""
    return [
        Incoming(PLACE, offset, offset, log, 0, "key", epoch, uuid4(), (), None, None, None)
        for offset, epoch in enumerate(epochs, start)
    ]


def test_records_behind_the_fence_are_dropped_and_the_rest_moves_it() -> None:
    verdict = judge(Fence("cluster", 3, 12), run(10, 3, 3, 3, 3))

    assert [one.offset for one in verdict.kept] == [12, 13]
    assert verdict.fence == Fence("cluster", 3, 14)
    assert not verdict.reread


def test_a_run_wholly_behind_the_fence_does_not_move_it_back() -> None:
    verdict = judge(Fence("cluster", 3, 20), run(10, 3, 3))

    assert verdict.kept == ()
    assert verdict.fence == Fence("cluster", 3, 20)


def test_a_reader_that_would_jump_over_records_is_sent_back() -> None:
    verdict = judge(Fence("cluster", 3, 5), run(10, 3, 3))

    assert verdict.reread
    assert verdict.fence == Fence("cluster", 3, 5)


def test_a_hole_in_the_log_itself_is_no_jump() -> None:
    first, second = run(10, 3, 3)
    after_a_hole = Incoming(PLACE, 50, second.offset, LOG, 0, "key", 3, uuid4(), (), None, None, None)

    verdict = judge(Fence("cluster", 3, 10), [first, after_a_hole])

    assert [one.offset for one in verdict.kept] == [10, 50]
    assert verdict.fence.next_offset == 51


def test_a_higher_epoch_begins_the_fence_anew_and_sends_the_reader_back() -> None:
    verdict = judge(Fence("cluster", 3, 10), run(10, 3, 4))

    assert verdict.reread
    assert verdict.kept == ()
    assert verdict.fence == Fence("cluster", 4, 0)


def test_a_reader_at_the_beginning_of_a_new_log_need_not_go_back() -> None:
    verdict = judge(Fence("cluster", 3, 10), run(0, 3, 4, 4))

    assert not verdict.reread
    assert [one.offset for one in verdict.kept] == [1, 2], "the record of the lower epoch comes again"
    assert verdict.fence == Fence("cluster", 4, 3)


def test_a_lower_epoch_is_dropped_but_passed_over() -> None:
    verdict = judge(Fence("cluster", 3, 0), run(0, 2, 2, 3))

    assert [one.offset for one in verdict.kept] == [2]
    assert verdict.fence == Fence("cluster", 3, 3)


def test_a_reader_placed_before_the_log_was_begun_anew_changes_nothing() -> None:
    behind = judge(Fence("cluster", 4, 2), run(0, 3, 3, 3, log=LogId("cluster", 3)))
    elsewhere = judge(Fence("new cluster", 3, 0), run(0, 3, log=LogId("cluster", 3)))

    assert behind.reread
    assert behind.fence == Fence("cluster", 4, 2)
    assert elsewhere.reread
    assert elsewhere.fence == Fence("new cluster", 3, 0)


def test_a_record_without_an_epoch_belongs_to_the_log_it_was_read_from() -> None:
    verdict = judge(Fence("cluster", 3, 0), run(0, None, 3))

    assert len(verdict.kept) == 2

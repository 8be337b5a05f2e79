from typing import Any

from aiokafka.structs import TopicPartition

from crossdock_chassis.progress import Look, Progress

ONE, OTHER = TopicPartition("parcel.shipped", 0), TopicPartition("parcel.shipped", 1)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def watched(*partitions: TopicPartition) -> tuple[Progress, Clock]:
    clock = Clock()
    progress = Progress(clock)
    progress.assign(partitions)
    return progress, clock


def after(seconds: float, progress: Progress, clock: Any, **looks: Look) -> float:
    clock.now += seconds
    progress.see({{"one": ONE, "other": OTHER}[name]: look for name, look in looks.items()})
    return progress.stalled_s()


def test_a_partition_without_work_is_never_stalled() -> None:
    progress, clock = watched(ONE)

    assert after(500, progress, clock, one=Look(7, behind=False)) == 0


def test_work_that_is_done_slowly_is_progress() -> None:
    progress, clock = watched(ONE)

    stalls = [after(100, progress, clock, one=Look(done, behind=True)) for done in range(5)]

    assert stalls == [0] * 5


def test_one_partition_that_does_not_move_is_enough() -> None:
    progress, clock = watched(ONE, OTHER)

    stalls = [
        after(100, progress, clock, one=Look(done, behind=True), other=Look(3, behind=True))
        for done in range(3)
    ]

    assert stalls == [0, 100, 200]


def test_a_new_client_that_does_not_know_where_it_stands_inherits_the_stall() -> None:
    progress, clock = watched(ONE)
    after(1, progress, clock, one=Look(3, behind=True))

    after(100, progress, clock, one=Look(None, behind=True))
    progress.assign([ONE])
    stalled = after(100, progress, clock, one=Look(3, behind=True))

    assert stalled == 200


def test_without_looks_the_time_goes_on() -> None:
    progress, clock = watched(ONE)
    after(1, progress, clock, one=Look(3, behind=False))

    clock.now += 200

    assert progress.stalled_s() == 200


def test_what_is_taken_away_is_no_longer_our_work() -> None:
    progress, clock = watched(ONE, OTHER)
    after(100, progress, clock, one=Look(3, behind=False))

    progress.assign([ONE])

    assert progress.stalled_s() == 0


def test_a_stall_that_is_excused_begins_anew() -> None:
    progress, clock = watched(ONE)
    after(100, progress, clock, one=Look(None, behind=True))

    progress.excuse()

    assert after(5, progress, clock, one=Look(None, behind=True)) == 5

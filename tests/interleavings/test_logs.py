"""How a publisher notices that the log is not the one it wrote to."""

import pytest

from crossdock_chassis.log_epoch import Position, lost_offsets

AT = ("order.created", 3)


@pytest.mark.parametrize("acknowledged", [0, 40, 41])
def test_a_log_that_forgot_its_newest_records_is_noticed_by_the_next_ack(acknowledged: int) -> None:
    position = Position(1, "cluster", None, None, None, acked={AT: 41})

    reason = lost_offsets(position, {AT: (acknowledged, acknowledged + 5)})

    assert reason is not None
    assert "41" in reason


def test_an_ack_behind_the_last_one_is_no_loss() -> None:
    position = Position(1, "cluster", None, None, None, acked={AT: 41})

    assert lost_offsets(position, {AT: (42, 42), ("order.created", 4): (0, 9)}) is None

import pytest

from crossdock_faults.points import Point
from crossdock_faults.setting import Arm, BadSetting, parse, render


def test_a_setting_names_points_actions_and_which_time() -> None:
    setting = "consumer.before_commit:exit@3, relay.after_ack:raise@1,job.claimed:block(2.5)@2"

    arms = parse(setting)

    assert arms == (
        Arm(Point.CONSUMER_BEFORE_COMMIT, "exit", 3),
        Arm(Point.RELAY_AFTER_ACK, "raise", 1),
        Arm(Point.JOB_CLAIMED, "block", 2, 2.5),
    )


def test_what_is_rendered_reads_as_it_was() -> None:
    arms = (Arm(Point.MAIL_ACCEPTED, "exit", 1), Arm(Point.CARRIER_SOLD, "block", 7, 0.25))

    setting = render(arms)

    assert parse(setting) == arms


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("", "write point:action@nth"),
        ("consumer.before_commit", "'consumer.before_commit'; write point:action@nth"),
        ("consumer.before_commit:exit", "write point:action@nth"),
        ("consumer.before_commit:exit@0", "nth counted from 1"),
        ("consumer.before_commit:die@1", "an action of exit, raise or block"),
        ("consumer.before_commit:block@1", r"block\(seconds\)"),
        ("consumer.before_commit:block(9999)@1", "at most 120"),
        ("consumer.before_comit:exit@1", "there are .*consumer.before_commit"),
        ("relay.after_ack:exit@1,", "has ''"),
        ("relay.after_ack:exit@1,relay.after_ack:raise@1", "arms relay.after_ack@1 twice"),
    ],
)
def test_a_setting_that_cannot_be_read_says_which_part_and_why(setting: str, why: str) -> None:
    with pytest.raises(BadSetting, match=why):
        parse(setting)

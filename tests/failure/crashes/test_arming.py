"""The guard of the rounds: what was armed and not hit is named, and fails them."""

from pathlib import Path

import pytest

from crossdock_faults.armed import Armed
from crossdock_faults.points import Point
from crossdock_faults.setting import parse

from .arming import CRASHES, EXCEPTIONS, environment, points_of, unhit
from .stage import InVain, until_all_is_hit

ARMS = {
    "order": parse("relay.after_ack:exit@1,timer.before_commit:exit@1"),
    "notify": parse("mail.accepted:raise@2"),
}


def come_by(process: str, root: Path, *points: str) -> None:
    armed = Armed(
        (one for one in ARMS[process] if one.action == "exit"), root / process, end=lambda code: None
    )
    for point in points:
        armed.reached(point)


def test_every_point_there_is_is_armed_in_some_round() -> None:
    armed = points_of(CRASHES, EXCEPTIONS)

    assert armed == set(Point)


def test_a_process_dies_at_every_point_in_some_round() -> None:
    deaths = {
        arm.point
        for arms in (CRASHES, EXCEPTIONS)
        for its in arms.values()
        for arm in its
        if arm.action == "exit"
    }

    assert deaths == set(Point)


def test_each_process_is_told_its_own_arms_and_a_folder_of_its_own(tmp_path: Path) -> None:
    told = environment(ARMS, tmp_path)

    assert parse(told["order"]["CROSSDOCK_FAULTS"]) == ARMS["order"]
    assert parse(told["notify"]["CROSSDOCK_FAULTS"]) == ARMS["notify"]
    assert told["order"]["CROSSDOCK_FAULTS_FOLDER"] != told["notify"]["CROSSDOCK_FAULTS_FOLDER"]


def test_what_nobody_came_by_is_named_with_its_process(tmp_path: Path) -> None:
    environment(ARMS, tmp_path)
    come_by("order", tmp_path, "relay.after_ack")

    left = unhit(ARMS, tmp_path)

    assert sorted(left) == [
        "notify was not at mail.accepted:raise@2",
        "order was not at timer.before_commit:exit@1",
    ]


async def test_a_run_fails_and_names_the_point_that_nobody_came_by(tmp_path: Path) -> None:
    arms = {"order": ARMS["order"]}
    environment(arms, tmp_path)
    come_by("order", tmp_path, "relay.after_ack")

    with pytest.raises(InVain, match=r"order was not at timer\.before_commit:exit@1 after"):
        await until_all_is_hit(arms, tmp_path, limit_s=0.1)

    come_by("order", tmp_path, "timer.before_commit")
    await until_all_is_hit(arms, tmp_path, limit_s=0.1)

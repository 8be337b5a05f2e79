import os
from pathlib import Path

import pytest

from crossdock_faults.armed import EXIT_CODE, Armed, InjectedFault, fired, from_environment
from crossdock_faults.setting import Arm, BadSetting, parse


class Deeds:
    """What was done in place of dying and sleeping."""

    def __init__(self) -> None:
        self.ended: list[int] = []
        self.blocked: list[float] = []


def armed(setting: str, folder: Path, deeds: Deeds) -> Armed:
    return Armed(parse(setting), folder, end=deeds.ended.append, block=deeds.blocked.append)


def test_the_process_ends_the_time_it_is_armed_for_and_no_other(tmp_path: Path) -> None:
    deeds = Deeds()
    process = armed("relay.after_ack:exit@2", tmp_path, deeds)

    ends = []
    for _ in range(4):
        process.reached("relay.after_ack")
        process.reached("relay.before_send")
        ends.append(len(deeds.ended))

    assert ends == [0, 1, 1, 1]
    assert deeds.ended == [EXIT_CODE]


def test_a_process_that_was_started_again_does_not_end_at_the_same_place(tmp_path: Path) -> None:
    first, second = Deeds(), Deeds()
    armed("relay.after_ack:exit@1", tmp_path, first).reached("relay.after_ack")

    armed("relay.after_ack:exit@1", tmp_path, second).reached("relay.after_ack")

    assert (first.ended, second.ended) == ([EXIT_CODE], [])


def test_what_is_armed_for_several_times_is_done_each_time(tmp_path: Path) -> None:
    process = armed("job.claimed:raise@1,job.claimed:raise@2,job.claimed:block(3)@3", tmp_path, Deeds())

    for _ in range(2):
        with pytest.raises(InjectedFault, match=r"job\.claimed:raise"):
            process.reached("job.claimed")

    process.reached("job.claimed")
    assert len(fired(tmp_path)) == 3


def test_a_block_takes_its_seconds(tmp_path: Path) -> None:
    deeds = Deeds()
    process = armed("job.claimed:block(2.5)@1", tmp_path, deeds)

    process.reached("job.claimed")

    assert deeds.blocked == [2.5]


def test_what_was_done_can_be_read_from_the_folder_with_its_process(tmp_path: Path) -> None:
    armed("relay.after_ack:exit@1,job.claimed:exit@1", tmp_path, Deeds()).reached("relay.after_ack")

    done = fired(tmp_path)

    assert list(done) == list(parse("relay.after_ack:exit@1"))
    assert (tmp_path / "relay.after_ack:exit@1").read_text().startswith(f"{os.getpid()} ")


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    found: dict[Arm, object] = dict(fired(tmp_path / "missing"))

    assert found == {}


def test_without_a_folder_nothing_is_armed_and_the_setting_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CROSSDOCK_FAULTS", "relay.after_ack:exit@1")
    monkeypatch.delenv("CROSSDOCK_FAULTS_FOLDER", raising=False)

    with pytest.raises(BadSetting, match="CROSSDOCK_FAULTS_FOLDER has to name a folder"):
        from_environment()

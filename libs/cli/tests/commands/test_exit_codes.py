"""What a script can rely on: exit codes, and JSON on standard output alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from crossdock_cli.main import program_options_first


def crossdock(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crossdock_cli", *words]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=50, check=False, env={"PATH": "/usr/bin:/bin"}
    )


@pytest.mark.parametrize(
    "words",
    [("up", "--kafka", "rabbit"), ("up", "--port", "order"), ("demo", "--orders", "0"), ("orders", "fly")],
)
def test_wrong_usage_is_2(tmp_path: Path, words: tuple[str, ...]) -> None:
    finished = crossdock(*words, "--data", str(tmp_path / "data"))

    assert finished.returncode == 2, finished.stderr
    assert finished.stdout == ""


@pytest.mark.parametrize("words", [("status", "--json"), ("down",), ("orders", "list"), ("demo",)])
def test_nothing_running_is_3_and_says_how_to_start_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    finished = crossdock(*words, "--data", str(tmp_path / "data"))

    assert finished.returncode == 3, finished.stderr
    assert str(tmp_path / "data") in finished.stderr
    assert finished.stdout == ""


def test_a_folder_that_cannot_be_used_is_1(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()

    finished = crossdock("up", "--data", str(tmp_path))

    assert finished.returncode == 1
    assert "not made by crossdock" in finished.stderr


def test_the_doctor_finds_a_key_file_that_others_can_read(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}", encoding="utf-8")
    (tmp_path / "keys.json").chmod(0o644)

    finished = crossdock("doctor", "--json", "--data", str(tmp_path))

    findings = {one["what"]: one for one in json.loads(finished.stdout)}
    assert finished.returncode == 1
    assert not findings["data folder"]["ok"]
    assert findings["python"]["ok"]


def test_the_programs_options_may_stand_anywhere() -> None:
    assert program_options_first(["orders", "list", "--data", "/d", "--json", "--token=t"]) == [
        *("--data", "/d", "--token=t", "orders", "list", "--json")
    ]


def test_another_installation_wants_a_token_of_its_own(tmp_path: Path) -> None:
    finished = crossdock("orders", "list", "--url", "http://127.0.0.1:1", "--data", str(tmp_path))

    assert finished.returncode == 1
    assert "--token" in finished.stderr

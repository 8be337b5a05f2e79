"""The hook in the chassis, in processes of its own: what a test arms there would stay armed here."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from crossdock_faults.points import Point

ROOT = Path(__file__).parents[3]
PROGRAM = """
from crossdock_chassis.crash_points import reached
reached("relay.after_ack")
print("alive")
"""
WITHOUT_THE_PACKAGE = """
import importlib.metadata
importlib.metadata.entry_points = lambda **_: ()  # as in an image, where nobody has registered
"""


def run(program: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_nothing_happens_unless_the_environment_asks() -> None:
    finished = run(PROGRAM, {})

    assert (finished.returncode, finished.stdout) == (0, "alive\n")


def test_nothing_of_it_is_loaded_unless_the_environment_asks() -> None:
    finished = run(PROGRAM + "import sys; print('crossdock_faults' in sys.modules)", {})

    assert finished.stdout == "alive\nFalse\n"


def test_nothing_happens_where_the_package_is_not_installed(tmp_path: Path) -> None:
    asked = {"CROSSDOCK_FAULTS": "relay.after_ack:exit@1", "CROSSDOCK_FAULTS_FOLDER": str(tmp_path)}

    finished = run(WITHOUT_THE_PACKAGE + PROGRAM, asked)

    assert (finished.returncode, finished.stdout) == (0, "alive\n")


def test_a_process_dies_at_the_point_it_is_armed_for_and_lives_when_started_again(tmp_path: Path) -> None:
    asked = {"CROSSDOCK_FAULTS": "relay.after_ack:exit@1", "CROSSDOCK_FAULTS_FOLDER": str(tmp_path)}

    first, second = run(PROGRAM, asked), run(PROGRAM, asked)

    assert (first.returncode, first.stdout) == (137, "")
    assert (second.returncode, second.stdout) == (0, "alive\n")


def test_a_setting_that_cannot_be_read_stops_the_process_with_its_reason(tmp_path: Path) -> None:
    asked = {"CROSSDOCK_FAULTS": "relay.after_lunch:exit@1", "CROSSDOCK_FAULTS_FOLDER": str(tmp_path)}

    finished = run(PROGRAM, asked)

    assert finished.returncode == 1
    assert "CROSSDOCK_FAULTS names the point 'relay.after_lunch'; there are" in finished.stderr


def test_every_point_that_is_named_is_in_the_code_and_the_other_way_round() -> None:
    in_code = [name for file in product_files() for name in reached_in(file)]

    assert sorted(in_code) == sorted(Point)


def product_files() -> Iterator[Path]:
    yield from ROOT.glob("libs/chassis/src/**/*.py")
    yield from ROOT.glob("services/*/src/**/*.py")


def reached_in(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "reached":
            yield ast.literal_eval(node.args[0])

"""The data folder: whose it is, who holds it, and what others can read."""

import os
import stat
from pathlib import Path

import pytest

from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.keys import ensure_keys, load_keys


def test_a_second_stack_in_the_same_folder_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")

    with folder.locked():
        assert folder.holder() == os.getpid()
        with pytest.raises(EmbeddedError, match=rf"runs in .* already \(process {os.getpid()}\)"):
            folder.locked().__enter__()

    assert folder.holder() == 0


def test_a_folder_that_somebody_else_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")

    with pytest.raises(EmbeddedError, match="not made by crossdock"):
        DataFolder(tmp_path).locked().__enter__()

    assert [one.name for one in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_data_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(EmbeddedError, match="is a file"):
        DataFolder(file).locked().__enter__()


def test_a_folder_without_the_right_to_write_says_what_to_do() -> None:
    nowhere = DataFolder(Path("/proc/crossdock"))  # not even root may make folders there

    with pytest.raises(EmbeddedError, match=r"cannot be used: .*--data"):
        nowhere.locked().__enter__()


def test_what_is_broken_is_named_and_not_overwritten(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    (tmp_path / "ports.json").write_text("{", encoding="utf-8")

    with pytest.raises(EmbeddedError, match=r"ports\.json cannot be read"):
        folder.read("ports.json")

    assert (tmp_path / "ports.json").read_text(encoding="utf-8") == "{"


def test_keys_are_made_once_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)

    first, second = ensure_keys(folder), ensure_keys(folder)

    assert first == second == load_keys(folder)
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert first.api_token not in repr(first)


def test_a_database_without_its_keys_is_not_given_new_ones(tmp_path: Path) -> None:
    (tmp_path / "postgres" / "cluster").mkdir(parents=True)

    with pytest.raises(EmbeddedError, match=r"without keys\.json"):
        ensure_keys(DataFolder(tmp_path))


def test_keys_that_lack_one_are_refused(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.write("keys.json", {"api_token": "cd_x"})

    with pytest.raises(EmbeddedError, match="lacks keys"):
        ensure_keys(folder)

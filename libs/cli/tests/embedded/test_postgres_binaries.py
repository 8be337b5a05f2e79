"""The database runs as an ordinary user, wherever the virtual environment lies."""

import os
import subprocess
from pathlib import Path

from crossdock_cli.embedded.launch import Launch, account_for
from crossdock_cli.embedded.postgres_binaries import binaries_for, copy_for, installed_binaries


def test_the_binaries_of_the_wheel_are_used_in_place_when_they_can_be_reached(tmp_path: Path) -> None:
    assert binaries_for(None, tmp_path) == installed_binaries()
    assert list(tmp_path.iterdir()) == []


def test_a_copy_runs_apart_from_the_wheel_and_is_made_once(fresh_folder: Path) -> None:
    first = copy_for(installed_binaries(), fresh_folder)
    made = (first.folder / "bin" / "postgres").stat().st_ino
    second = copy_for(installed_binaries(), fresh_folder)

    version = subprocess.run([first.program("psql"), "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith(f"psql (PostgreSQL) {first.major}.")
    assert (second.folder / "bin" / "postgres").stat().st_ino == made
    assert not (first.folder / "include").exists()


def test_a_copy_can_make_a_cluster(fresh_folder: Path) -> None:
    copy = copy_for(installed_binaries(), fresh_folder / "binaries")
    cluster = fresh_folder / "cluster"
    cluster.mkdir(mode=0o700)
    account = account_for("nobody") if os.geteuid() == 0 else None
    if account is not None:
        fresh_folder.chmod(0o711)
        os.chown(cluster, account.uid, account.gid)

    launch = Launch(
        [copy.program("initdb"), "-D", str(cluster), "--no-sync"], folder=cluster, account=account
    )
    subprocess.run(launch.argv, capture_output=True, check=True, **launch.popen_options())

    assert (cluster / "PG_VERSION").read_text(encoding="ascii").strip() == copy.major

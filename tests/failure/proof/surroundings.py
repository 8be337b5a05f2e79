"""Where a run takes place, and the release before it."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from crossdock_cli.embedded.kafka_jars import KAFKA_VERSION
from crossdock_cli.stack.folder import REPOSITORY

PREVIOUS_RELEASE = Path(__file__).parents[1] / "previous-release"


class NoRelease(Exception):
    """The release before this one cannot be had; the text says why."""


def surroundings() -> dict[str, str]:
    """For the report: commit, machine, versions. Nothing of it identifies the machine."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    dirty = _git("status", "--porcelain", "--untracked-files=no")
    return {
        "commit": f"{_git('rev-parse', '--short=12', 'HEAD') or 'unknown'}{' and changes' if dirty else ''}",
        "release before": previous_commit()[:12],
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory_gib:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Apache Kafka": f"{KAFKA_VERSION}, three KRaft nodes, replication 3, min ISR 2",
    }


def previous_commit() -> str:
    """The first word of the file that names it. Raises NoRelease."""
    try:
        words = PREVIOUS_RELEASE.read_text(encoding="utf-8").split()
    except OSError as error:
        raise NoRelease(f"{PREVIOUS_RELEASE} cannot be read: {error.strerror}") from error
    if not words:
        raise NoRelease(f"{PREVIOUS_RELEASE} names no commit")
    return words[0]


def unpack_previous(folder: Path) -> Path:
    """The whole tree of the release before, in a new folder. Raises NoRelease."""
    commit = previous_commit()
    folder.mkdir(parents=True)
    git, tar = shutil.which("git"), shutil.which("tar")
    if git is None or tar is None:
        raise NoRelease("git and tar are needed to unpack the release before")
    archive = folder.with_suffix(".tar")
    packed = subprocess.run(
        [git, "archive", "--output", str(archive), commit],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if packed.returncode != 0:
        raise NoRelease(f"git cannot give {commit}: {packed.stderr.strip()[:300]}")
    subprocess.run([tar, "-xf", str(archive), "-C", str(folder)], timeout=120, check=True)
    archive.unlink()
    return folder


def _git(*arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run(
        [git, *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False
    )
    return done.stdout.strip()

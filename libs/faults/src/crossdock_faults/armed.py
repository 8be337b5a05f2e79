"""Does what is armed, each once, however often the process is started again."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from crossdock_faults.points import Point
from crossdock_faults.setting import Arm, BadSetting, parse

SETTING, FOLDER = "CROSSDOCK_FAULTS", "CROSSDOCK_FAULTS_FOLDER"
EXIT_CODE = 137


class InjectedFault(Exception):
    """Raised on purpose. Nothing in the product knows it, so it is handled as any defect is."""


class Armed:
    """Counts how often each point is reached in this process, and acts when it is armed then.

    `folder` remembers over processes what was done: one file per arm, made before the deed. Give each process
    that is armed a folder of its own.
    """

    def __init__(
        self,
        arms: Iterable[Arm],
        folder: Path,
        *,
        end: Callable[[int], object] = os._exit,
        block: Callable[[float], object] = time.sleep,
    ) -> None:
        self._arms: Mapping[tuple[str, int], Arm] = {(one.point, one.nth): one for one in arms}
        self._folder = folder
        self._end = end
        self._block = block
        self._times: Counter[str] = Counter()

    def reached(self, point: str) -> None:
        """Act if it is this point's time. Raises InjectedFault when that is what is armed."""
        self._times[point] += 1
        arm = self._arms.get((point, self._times[point]))
        if arm is None or not self._is_first(arm):
            return
        if arm.action == "exit":
            self._end(EXIT_CODE)
        elif arm.action == "block":
            self._block(arm.block_s)
        else:
            raise InjectedFault(str(arm))

    def _is_first(self, arm: Arm) -> bool:
        """Note that it is done; false when it was done before, by a process that is dead now."""
        told = f"{os.getpid()} {datetime.now(UTC).isoformat()}\n".encode()
        try:
            file = os.open(self._folder / str(arm), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return False
        with os.fdopen(file, "wb") as stream:
            stream.write(told)
        return True


def from_environment() -> Callable[[str], None]:
    """What the environment arms. Raises BadSetting."""
    folder = os.environ.get(FOLDER, "")
    if not folder or not Path(folder).is_dir():
        raise BadSetting(f"{FOLDER} has to name a folder that is there, to remember what was done")
    return Armed(parse(os.environ[SETTING]), Path(folder)).reached


def fired(folder: Path) -> dict[Arm, datetime]:
    """What was done in a folder, and when."""
    return {parse(one.name)[0]: _when(one) for one in folder.iterdir()} if folder.is_dir() else {}


def _when(marker: Path) -> datetime:
    # The process is dead a moment after it made the file: the file's own time stands in for a lost line.
    words = marker.read_text(encoding="ascii").split()
    if len(words) == 2:
        return datetime.fromisoformat(words[1])
    return datetime.fromtimestamp(marker.stat().st_mtime, UTC)


__all__ = ["EXIT_CODE", "FOLDER", "SETTING", "Armed", "InjectedFault", "Point", "fired", "from_environment"]

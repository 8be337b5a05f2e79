"""Named places where a test may end, break or hold up this process; nothing happens at them otherwise.

What happens there is up to whoever registers under the entry point group below. Nothing that is deployed
does, and it is looked for only in a process whose environment asks for it.
"""

import os
from collections.abc import Callable
from importlib.metadata import entry_points

SETTING = "CROSSDOCK_FAULTS"
GROUP = "crossdock.crash_points"


def _find() -> Callable[[str], None] | None:
    if not os.environ.get(SETTING):
        return None
    for one in entry_points(group=GROUP):
        armed: Callable[[], Callable[[str], None]] = one.load()
        return armed()
    return None


_act = _find()


def reached(point: str) -> None:
    """Say that the process is at `point`. The names, and what they mean, stand in crossdock_faults.points."""
    if _act is not None:
        _act(point)

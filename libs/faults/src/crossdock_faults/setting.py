"""What CROSSDOCK_FAULTS says: `point:action@nth,point:action@nth,...`"""

import re
from dataclasses import dataclass
from typing import Final, Literal, cast

from crossdock_faults.points import Point

Action = Literal["exit", "raise", "block"]

LONGEST_BLOCK_S: Final = 120.0
_ARM: Final = re.compile(
    r"(?P<point>[a-z_.]+):(?P<action>exit|raise|block\((?P<seconds>\d+(\.\d+)?)\))@(?P<nth>[1-9]\d{0,5})"
)


class BadSetting(ValueError):
    """CROSSDOCK_FAULTS cannot be read. The text says which part and why."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Do `action` when this process is at `point` for the `nth` time, counted from 1. Once."""

    point: Point
    action: Action
    nth: int = 1
    block_s: float = 0.0

    def __str__(self) -> str:
        action = f"block({self.block_s:g})" if self.action == "block" else self.action
        return f"{self.point}:{action}@{self.nth}"


def parse(setting: str) -> tuple[Arm, ...]:
    """Read the setting. Raises BadSetting."""
    arms = tuple(_arm(one.strip()) for one in setting.split(","))
    moments = [(one.point, one.nth) for one in arms]
    for one in arms:
        if moments.count((one.point, one.nth)) > 1:
            raise BadSetting(f"CROSSDOCK_FAULTS arms {one.point}@{one.nth} twice")
    return arms


def _arm(words: str) -> Arm:
    found = _ARM.fullmatch(words)
    if found is None:
        raise BadSetting(
            f"CROSSDOCK_FAULTS has {words!r}; write point:action@nth with an action of exit, raise or "
            "block(seconds), and nth counted from 1"
        )
    try:
        point = Point(found["point"])
    except ValueError:
        raise BadSetting(
            f"CROSSDOCK_FAULTS names the point {found['point']!r}; there are {', '.join(Point)}"
        ) from None
    block_s = float(found["seconds"] or 0)
    if block_s > LONGEST_BLOCK_S:
        raise BadSetting(f"CROSSDOCK_FAULTS blocks for {block_s:g} s; at most {LONGEST_BLOCK_S:g}")
    return Arm(point, cast(Action, found["action"].partition("(")[0]), int(found["nth"]), block_s)


def render(arms: tuple[Arm, ...]) -> str:
    """The setting that arms these."""
    return ",".join(map(str, arms))

"""What a fault is, and what it finds when it comes."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crossdock_cli.api import Api

from ...history import History
from ..clients import Clients
from ..ground import Ground, Process
from ..shops import Shop

ROLES = ("api", "consume", "relay", "work")


@dataclass(kw_only=True)
class Scene:
    """Everything a fault may touch. `breaches`: what a fault saw that must never be, in words."""

    ground: Ground
    folder: Path
    shops: Sequence[Shop]
    api: Api  # of the sandboxes, past the wires that are broken
    clients: Clients
    history: History
    previous: Path  # the code of the release before
    breaches: list[str] = field(default_factory=list)

    def processes(self, chance: random.Random, count: int, *roles: str) -> list[Process]:
        """Different processes of the services, of these roles or of any."""
        wanted = roles or ROLES
        names = sorted(name for name in self.ground.processes if _role(name) in wanted)
        return [self.ground.processes[name] for name in chance.sample(names, min(count, len(names)))]

    def replicas(self, service: str, role: str) -> list[Process]:
        prefix = f"{service}-{role}-"
        return [one for name, one in sorted(self.ground.processes.items()) if name.startswith(prefix)]


#: Injects, holds and ends the fault; returns what was hit.
Inject = Callable[[Scene, random.Random], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """`rows` are those of the list of faults in `coverage`; `says` is for the report."""

    name: str
    rows: tuple[str, ...]
    says: str
    inject: Inject
    tier: int = 2
    light: bool = False


def _role(process: str) -> str:
    parts = process.split("-")
    return parts[1] if len(parts) > 2 else ""

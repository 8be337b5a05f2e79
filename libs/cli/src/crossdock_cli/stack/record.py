"""What other commands know of a running stack: its addresses and its processes, in `running.json`."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from crossdock_cli.embedded.supervisor import ChildEvent
from crossdock_cli.stack.folder import DataFolder

FILE = "running.json"


@dataclass(slots=True)
class Record:
    """Written anew at every change, so that it is true while its process lives."""

    folder: DataFolder
    kafka: str
    split: bool
    urls: Mapping[str, str]  # by service and sandbox; `kafka` and `smtp` are host:port
    pid: int = field(default_factory=os.getpid)
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    ready: bool = False
    processes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note(self, event: ChildEvent) -> None:
        """Safe to call from the supervisor: one small file."""
        told = asdict(event)
        told["at"] = datetime.now(UTC).isoformat(timespec="seconds")
        self.processes[event.name] = told
        self.save()

    def save(self) -> None:
        self.folder.write(
            FILE,
            {
                "pid": self.pid,
                "started_at": self.started_at,
                "ready": self.ready,
                "kafka": self.kafka,
                "split": self.split,
                "urls": dict(self.urls),
                "processes": list(self.processes.values()),
            },
        )

    def remove(self) -> None:
        (self.folder.path / FILE).unlink(missing_ok=True)


def read_record(folder: DataFolder) -> dict[str, Any] | None:
    """The record of the stack that runs in the folder; None when none does."""
    found = folder.read(FILE)
    return found if found and folder.holder() == found.get("pid") else None

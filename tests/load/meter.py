"""What processes take of the machine, as the kernel counts it."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from crossdock_cli.embedded.usage import usage_of

#: A postmaster counts with its sessions, those that have ended too.
FAMILIES = frozenset({"postgres"})


@dataclass(frozen=True, slots=True)
class Spent:
    """By process: CPU seconds, and bytes written to files, at most."""

    cpu_s: Mapping[str, float]
    written: Mapping[str, int]

    def since(self, before: "Spent") -> "Spent":
        return Spent(
            {name: now - before.cpu_s.get(name, 0.0) for name, now in self.cpu_s.items()},
            {name: now - before.written.get(name, 0) for name, now in self.written.items()},
        )


def spent_by(pids: Mapping[str, int]) -> Spent:
    cpu_s, written = {}, {}
    for name, pid in pids.items():
        members = family(pid) if name in FAMILIES else [pid]
        cpu_s[name] = family_cpu_s(pid) if name in FAMILIES else usage_of([pid]).cpu_s
        written[name] = sum(map(_written, members))
    return Spent(cpu_s, written)


def memory_mb(pids: Mapping[str, int]) -> dict[str, float]:
    """By process, resident; of a family what its members share counts once."""
    return {
        name: sum(map(_proportional_mb, family(pid))) if name in FAMILIES else usage_of([pid]).memory_mb
        for name, pid in pids.items()
    }


def family(pid: int) -> list[int]:
    """A process and its living children; nobody when it has ended."""
    with suppress(OSError):
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return []


def family_cpu_s(pid: int) -> float:
    """CPU seconds of a process and its children, those that have ended too."""
    children = family(pid)
    # Fields 16 and 17 are the ended children's user and system time in ticks: proc_pid_stat(5).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ended_s = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
    return usage_of(children).cpu_s + ended_s


def _written(pid: int) -> int:
    """Ended children count with their parent. Another user's process tells only root: 0.

    Neither number of the kernel is the one that is meant: calls to write count for sockets, too, and pages
    made dirty count a whole large folio for a few bytes in it. What went to files is no more than either.
    """
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
        counted = {name: int(value) for name, value in (line.split(": ") for line in lines)}
        return min(counted["wchar"], counted["write_bytes"])
    return 0


def _proportional_mb(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0

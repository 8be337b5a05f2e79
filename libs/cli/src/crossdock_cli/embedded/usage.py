"""What a set of processes takes of the machine."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usage:
    """`cpu_s` since the processes began; what has ended is not in it. `memory_mb` is resident."""

    processes: int
    cpu_s: float
    memory_mb: float


def usage_of(pids: Iterable[int]) -> Usage:
    ticks = pages = count = 0
    for pid in pids:
        with suppress(OSError):  # it ended meanwhile
            # Field 14 and 15 are user and system time in ticks, 24 the resident pages: proc_pid_stat(5).
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
            pages += int(fields[21])
            count += 1
    page_bytes, ticks_per_s = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
    return Usage(count, ticks / ticks_per_s, pages * page_bytes / 1e6)

"""Every row of the list of faults: what injects it here, or why nothing does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from .faults import Kind


@dataclass(frozen=True, slots=True)
class Row:
    """`by`: the kinds that inject it here. Without any, `instead` says why."""

    code: str
    fault: str
    by: tuple[str, ...]
    instead: str


_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "F1": "service killed",
        "F2": "crash at a named point",
        "F3": "exception at the same points",
        "F4": "paused longer than a session, then resumed",
        "F5": "paused shorter than it",
        "F6": "rolling restart; grace too short",
        "F7": "rebalance storm",
        "F8": "blocked event loop",
        "F9": "broker killed (partition leader)",
        "F10": "controller killed; group coordinator killed",
        "F11": "all brokers down",
        "F12": "broker hung",
        "F13": "rolling restart of the brokers",
        "F14": "wire between service and broker cut, both ways and one way only",
        "F15": "swizzle-clog",
        "F16": "latency, jitter, slow drip, tiny slices",
        "F17": "reset in the middle of an answer",
        "F18": "half-open silence",
        "F19": "duplicate deliveries; offsets set back",
        "F20": "reordering across topics",
        "F21": "late events beyond a deadline",
        "F22": "poison records",
        "F23": "record too large for the broker",
        "F24": "offsets out of range, log truncated, group deleted",
        "F25": "topic missing, recreated, partitions increased",
        "F26": "not enough in-sync replicas",
        "F27": "PostgreSQL crash",
        "F28": "backend killed",
        "F29": "database hung",
        "F30": "connections exhausted",
        "F31": "lock waits and deadlocks",
        "F32": "long transaction",
        "F33": "failover to a replica that lost committed work",
        "F34": "disk full",
        "F35": "slow fsync; unsynced writes lost",
        "F36": "clock jump, drift",
        "F37": "CPU starvation",
        "F38": "memory and file limits",
        "F39": "receiver of our webhooks misbehaves",
        "F40": "attacks on incoming webhooks",
        "F41": "version skew",
        "F42": "secret rotation during load",
        "F43": "migration under load with a blocked lock",
        "F44": "memory broker restarted: total loss of the topics",
        "S1": "carrier, marketplace, mail server hang",
        "S2": "they answer late",
        "S3": "they do it and drop the answer",
        "S4": "they answer with errors or ask to slow down",
    }
)

_INSTEAD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "F25": "an operator's deed with a procedure of its own; what a missing topic does to a relay is "
        "tested against a broker in the chassis",
        "F33": "a failover that loses committed work cannot be survived, only avoided by synchronous "
        "replication; it needs a second server",
        "F34": "needs a file system of its own; a database that cannot go on is met as a crash (F27), hung "
        "(F29) and without connections (F30)",
        "F35": "needs a file system that forgets (FUSE) or a preloaded shim; PostgreSQL runs with fsync, so "
        "its own guarantee is taken for granted",
        "F39": "Crossdock sends no webhooks of its own yet; the parties it does call misbehave as S1 to S4",
        "F44": "survived and tested with the memory broker itself, in the chassis; here the brokers keep "
        "their disks, and a truncated log (F24) makes the publisher write its log anew",
    }
)


def rows(kinds: Iterable[Kind]) -> list[Row]:
    """The whole list, in its order."""
    by_code: dict[str, list[str]] = {}
    for kind in kinds:
        for code in kind.rows:
            by_code.setdefault(code, []).append(kind.name)
    return [
        Row(code, fault, tuple(by_code.get(code, ())), _INSTEAD.get(code, ""))
        for code, fault in _FAULTS.items()
    ]

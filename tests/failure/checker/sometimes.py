"""What a run must have met to count: a proof in which nothing ever went wrong has shown nothing.

Counted from logs and tables, which survive processes that are killed.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..system import System
from .sources import SERVICES, Sources, open_sources

#: A run that never met one of these counts as not run.
SOMETIMES: tuple[str, ...] = (
    "duplicate delivered",
    "commit failed in a rebalance",
    "saga compensated",
    "relay taken over",
    "batch bisected",
    "key parked",
    "producer rebuilt",
    "epoch raised",
    "outcome unknown",
)

#: What else shows that a run went where it should; a short one may miss some.
ALSO: tuple[str, ...] = (
    "partitions reassigned",
    "batch retried",
    "relay lost its locks",
    "job taken over",
    "job put off",
    "label voided",
    "cancel refused",
    "allocation withdrawn",
    "order held",
    "webhook kept as unreadable",
    "webhook refused as stale",
    "process started",
    "log written anew",
)

_LEFT_THE_GROUP = frozenset(
    {"CommitFailedError", "IllegalGenerationError", "RebalanceInProgressError", "UnknownMemberIdError"}
)

Line = Mapping[str, Any]

#: event of a log line -> what it counts for, and how often.
_LINES: Mapping[str, tuple[str, Callable[[Line], int]]] = {
    "consumer.repeated": ("duplicate delivered", lambda one: int(one["duplicate"]) + int(one["fenced"])),
    "consumer.not_committed": (
        "commit failed in a rebalance",
        lambda one: int(one.get("error_type") in _LEFT_THE_GROUP),
    ),
    "relay.taken_over": ("relay taken over", lambda one: 1),
    "consumer.batch_split": ("batch bisected", lambda one: 1),
    "consumer.parked": ("key parked", lambda one: 1),
    "producer.given_up": ("producer rebuilt", lambda one: 1),
    "job.open_again": ("job put off", lambda one: 1),
    "job.taken_over": ("job taken over", lambda one: 1),
    "consumer.assigned": ("partitions reassigned", lambda one: 1),
    "consumer.retrying": ("batch retried", lambda one: 1),
    "relay.locks_lost": ("relay lost its locks", lambda one: 1),
    "process.started": ("process started", lambda one: 1),
    "log.rebuilt": ("log written anew", lambda one: 1),
}

_TABLES: tuple[tuple[str, str, str], ...] = (
    ("saga compensated", "order", "select count(*) from order_history where what = 'shipment.cancelled'"),
    ("label voided", "shipping", "select count(*) from label where state = 'voided'"),
    ("cancel refused", "shipping", "select count(*) from event_log where topic = 'shipment.refused'"),
    (
        "allocation withdrawn",
        "inventory",
        "select count(*) from allocation_history where state = 'withdrawing'",
    ),
    ("order held", "order", "select count(*) from order_history where what = 'order.held'"),
    ("webhook kept as unreadable", "order", "select count(*) from inbound_message where state = 'failed'"),
    ("webhook refused as stale", "order", "select count(*) from inbound_message where state = 'stale'"),
    ("outcome unknown", "notify", "select count(*) from delivery_log where what = 'outcome_unknown'"),
    ("outcome unknown", "shipping", "select count(*) from shipment_history where what = 'outcome_unknown'"),
)
_EPOCHS = "select epoch - 1 from log_epoch"


async def count_sometimes(system: System) -> dict[str, int]:
    """How often each of `SOMETIMES` and `ALSO` happened."""
    found = dict.fromkeys((*SOMETIMES, *ALSO), 0)
    found.update(_in_logs(system.logs))
    async with open_sources(system) as sources:
        for name, service, sql in _TABLES:
            found[name] += await sources.value(service, sql)
        found["epoch raised"] += await _epochs(sources)
    return found


async def _epochs(sources: Sources) -> int:
    return sum([int(await sources.value(service, _EPOCHS)) for service in SERVICES])


def _in_logs(folder: Path) -> dict[str, int]:
    counted: Counter[str] = Counter(dict.fromkeys((*SOMETIMES, *ALSO), 0))
    for line in _lines(folder):
        event = str(line.get("event"))
        if event in _LINES:
            name, times = _LINES[event]
            counted[name] += times(line)
        if event == "job.open_again" and line.get("outcome") == "unknown":
            counted["outcome unknown"] += 1
    return dict(counted)


def _lines(folder: Path) -> Iterator[Line]:
    for file in sorted((*folder.glob("*.log"), *folder.glob("*.log.*"))):
        with file.open(encoding="utf-8", errors="replace") as stream:
            for text in stream:
                # Reading every line as JSON would take longer than all else.
                if not text.startswith("{") or not any(f'"{event}"' in text for event in _LINES):
                    continue
                try:
                    yield json.loads(text)
                except ValueError:
                    continue  # cut off when its process was killed

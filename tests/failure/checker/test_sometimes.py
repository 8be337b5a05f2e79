"""What a run has met, from logs as the services write them and from the tables of a real run."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import crossdock_chassis

from . import SOMETIMES, count_sometimes
from .conftest import Copy
from .sometimes import _LINES

pytestmark = pytest.mark.timeout(600)  # the first test starts the whole system

#: What the services write when it happens; each counts once, the repetitions three times.
MET = (
    {"event": "consumer.repeated", "consumer": "order", "duplicate": 1, "fenced": 2},
    {"event": "consumer.not_committed", "consumer": "order", "error_type": "CommitFailedError"},
    {"event": "consumer.not_committed", "consumer": "order", "error_type": "TimeoutError"},
    {"event": "relay.taken_over", "shards": 32, "members": 1},
    {"event": "consumer.batch_split", "consumer": "order", "records": 3},
    {"event": "consumer.parked", "consumer": "order", "key": "k"},
    {"event": "producer.given_up", "reason": "no broker"},
    {"event": "job.open_again", "outcome": "unknown", "state": "ready"},
    {"event": "job.open_again", "outcome": "not_sent", "state": "ready"},
)


async def test_everything_a_run_has_to_meet_is_counted(copy: Copy, tmp_path: Path) -> None:
    lines = [json.dumps(one) for one in MET]
    (tmp_path / "order-work-0.log.1").write_text("\n".join(lines[:4]) + '\n{"event": "relay.taken_ov')
    (tmp_path / "order-work-0.log").write_text("Traceback\n" + "\n".join(lines[4:]))
    copy.write("order", "update log_epoch set epoch = 2")
    system = replace(copy.system, logs=tmp_path)

    counted = await count_sometimes(system)

    assert {name: counted[name] for name in SOMETIMES} == {
        "duplicate delivered": 3,
        "commit failed in a rebalance": 1,
        "saga compensated": counted["saga compensated"],
        "relay taken over": 1,
        "batch bisected": 1,
        "key parked": 1,
        "producer rebuilt": 1,
        "epoch raised": 1,
        "outcome unknown": 1,
    }
    assert counted["saga compensated"] > 0
    assert counted["job put off"] == 2


async def test_a_quiet_run_has_met_no_trouble(copy: Copy) -> None:
    counted = await count_sometimes(copy.system)

    assert counted["process started"] == 4
    assert counted["epoch raised"] == counted["key parked"] == counted["batch bisected"] == 0


def test_every_line_that_is_counted_is_one_that_the_chassis_logs() -> None:
    sources = "".join(one.read_text() for one in Path(*crossdock_chassis.__path__).glob("*.py"))

    logged = set(re.findall(r"log\.\w+\(\s*\"([\w.]+)\"", sources))

    assert _LINES.keys() <= logged

"""The pipeline's tables, from passages that are made up."""

from collections.abc import Mapping
from datetime import UTC, datetime

from .goals import STAGES
from .pipeline import bytes_per_order, cost_rows, stage_rows
from .plant import Passage

CPU_S = {"order-api": 0.3, "easypost": 0.2, "mailbox": 0.2, "kafka-0": 0.1, "kafka-1": 0.05}


def a_passage(*, ended_s: float = 1.0, written: int = 0, cpu_s: Mapping[str, float] = CPU_S) -> Passage:
    return Passage(
        orders=100,
        began_at=datetime(2026, 11, 22, tzinfo=UTC),
        taken_s=1.0,
        ended_s=dict.fromkeys((stage.name for stage in STAGES), ended_s),
        cpu_s=cpu_s,
        disk=dict.fromkeys(cpu_s, 50_000),
        memory_mb=dict.fromkeys(cpu_s, 100.0),
        written={"WAL": written},
    )


def test_a_stages_rate_is_its_orders_until_its_last_one_over_all_passages() -> None:
    found = [a_passage(ended_s=seconds) for seconds in (1.0, 2.0, 4.0)]

    assert next(stage_rows(found)) == ("A", "reserved and planned", "50 (25-100)", "500")


def test_what_sandboxes_and_brokers_cost_is_told_together_and_the_largest_first() -> None:
    assert list(cost_rows([a_passage()])) == [
        ("all", "8.50", "2.5", "500"),
        ("sandboxes", "4.00", "1.0", "200"),
        ("order-api", "3.00", "0.5", "100"),
        ("kafka", "1.50", "1.0", "200"),
    ]


def test_bytes_are_told_per_order() -> None:
    assert bytes_per_order([a_passage(written=size) for size in (1_000, 2_000, 9_000)]) == {"WAL": 20.0}

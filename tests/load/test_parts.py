"""The small sums behind the figures of latencies, replicas, backlogs, growth and churn."""

from datetime import UTC, datetime

import pytest

from .backlog import growth
from .churn import Look, Table, late_growth
from .figures import percentile, spread
from .goals import STAGES
from .ground import NotAllTaken
from .growth import Size, Statement, grown, sizes_up_to
from .latency import since_planned
from .orders import HOT, LONG, MIXED, SPREAD, Shape
from .plant import Passage
from .replicas import expected, least_shares


def a_passage(orders: int = 10) -> Passage:
    return Passage(
        orders=orders,
        began_at=datetime(2026, 11, 22, tzinfo=UTC),
        taken_s=1.0,
        ended_s=dict.fromkeys((stage.name for stage in STAGES), 1.0),
        cpu_s={},
        disk={},
        memory_mb={},
        written={},
    )


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(one) for one in range(100)]

    assert [percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [0, 50, 99, 99]
    assert percentile([7.0], 0.5) == 7.0


def test_one_value_has_no_spread() -> None:
    assert spread([3.0, 1.0, 1_000.0]) == "3 (1-1,000)"
    assert spread([0.5], digits=2) == "0.50"


def test_an_orders_time_counts_from_the_time_planned_for_it() -> None:
    found = since_planned({"a": 10.0, "b": 11.0}, {"shipped": {"b": 11.5, "a": 12.0, "another's": 99.0}})

    assert found == {"shipped": [0.5, 2.0]}


def test_an_order_that_has_not_come_makes_no_latency() -> None:
    with pytest.raises(NotAllTaken, match="1 of 2 orders have no shipped"):
        since_planned({"a": 10.0, "b": 11.0}, {"shipped": {"b": 11.5}})


@pytest.mark.parametrize(("shape", "skus"), [(MIXED, 5), (HOT, 1), (SPREAD, 200), (LONG, 200)])
def test_a_shape_knows_all_skus_it_wants(shape: Shape, skus: int) -> None:
    assert len(dict(shape.skus())) == skus


def test_totals_are_those_of_one_parcel_and_two_mails_per_order() -> None:
    found = expected(10)

    assert found["parcels shipped"] == found["fulfilments at the shop"] == 10
    assert found["units shipped"] == found["mails received"] == 20
    assert found["units still reserved"] == 0


def test_the_least_share_of_a_role_is_its_idlest_process_in_any_service() -> None:
    cpu_s = {
        "order-work": 1.0,
        "order-work-1": 1.0,
        "notify-work": 3.0,
        "notify-work-1": 1.0,
        "postgres": 9.0,
    }

    assert least_shares(cpu_s, 2) == {"work": 0.5}


def test_memory_that_grows_with_what_was_read_is_seen() -> None:
    assert growth([(100, 50.0), (60, 52.0), (40, 52.0), (0, 52.0)], 50) == 1.0
    assert growth([(100, 50.0), (60, 52.0), (40, 104.0), (0, 78.0)], 50) == 2.0


def test_the_largest_size_asked_for_is_the_last() -> None:
    assert sizes_up_to(30_000) == [10_000, 30_000]
    assert sizes_up_to(3_000_000) == [10_000, 300_000, 3_000_000]


def test_a_statement_that_touches_more_than_before_is_named() -> None:
    def size(orders: int, buffers: int) -> Size:
        said = [
            Statement(database="order", id="1", text="a scan", calls=1, buffers=buffers, exec_ms=0.0),
            Statement(database="order", id="2", text="a look-up", calls=1, buffers=40, exec_ms=0.0),
        ]
        return Size(
            orders=orders, database_bytes=0, load_s=0.0, fast=a_passage(), paced=a_passage(), statements=said
        )

    found = [(one.text, first, last) for one, first, last in grown([size(1, 50), size(9, 700)], at_least=1)]

    assert found == [("a scan", 5.0, 70.0)]


def test_a_table_whose_rows_go_must_not_grow_and_one_whose_rows_stay_not_per_row() -> None:
    looks = [
        Look(at_s=0, passage=a_passage(), tables={"x.outbox": Table(100, 0, 0), "x.job": Table(100, 10, 0)}),
        Look(at_s=1, passage=a_passage(), tables={"x.outbox": Table(150, 0, 0), "x.job": Table(200, 20, 0)}),
    ]

    assert late_growth(looks, "x.outbox") == 1.5
    assert late_growth(looks, "x.job") == 1.0

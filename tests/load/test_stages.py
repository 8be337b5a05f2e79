"""The stages' table, from turns that are made up."""

from crossdock_cli.demo.run import Run

from .accepted import Order
from .contenders import PRODUCT, Turn
from .orders import MIXED
from .outside import consignment
from .stage_tables import as_json, plotted, ratios, rows


def a_turn(*, seconds: float, own_cpu_s: float = 1.0) -> Turn:
    return Turn(
        orders=100,
        ended_s={"A": seconds, "B": 2 * seconds, "C": 4 * seconds},
        cpu_s={"someone": own_cpu_s, "postgres": 0.5, "kafka-0": 0.25, "easypost": 0.25},
    )


def test_crossdock_is_compared_within_each_round() -> None:
    found = {PRODUCT: [a_turn(seconds=1), a_turn(seconds=2)], "dbos": [a_turn(seconds=5), a_turn(seconds=20)]}

    assert ratios(found, "dbos", "A") == [5.0, 10.0]
    assert as_json(found)["stage_ratios"] == {"dbos": {"A": [5.0, 10.0], "B": [5.0, 10.0], "C": [5.0, 10.0]}}


def test_the_table_tells_rates_multiples_targets_and_cost() -> None:
    found = {PRODUCT: [a_turn(seconds=1)], "floor": [a_turn(seconds=0.5, own_cpu_s=0.2)]}

    assert list(rows(found)) == [
        ("crossdock", "A", "100", "", "", ""),
        ("", "B", "50", "", "", ""),
        ("", "C", "25", "", "", "10.0 + 10.0"),
        ("floor", "A", "200", "0.50", "0.6", ""),
        ("", "B", "100", "0.50", "0.6", ""),
        ("", "C", "50", "0.50", "0.6", "2.0 + 10.0"),
    ]


def test_the_plot_has_the_contenders_of_a_stage_beside_each_other() -> None:
    found = {PRODUCT: [a_turn(seconds=1), a_turn(seconds=4)], "floor": [a_turn(seconds=1)]}

    assert list(plotted(found).items())[:3] == [
        ("A, crossdock", 62.5),
        ("A, floor", 100),
        ("B, crossdock", 31.25),
    ]


def test_an_accepted_order_is_the_one_that_the_shop_knows() -> None:
    run = Run.new(0, 0)

    order, shops = Order.of(run, 17), MIXED.order(run, 17)

    assert (order.external_id, order.number, order.email) == (str(shops["id"]), shops["name"], shops["email"])
    assert [(line.external_id, line.sku) for line in order.lines] == [
        (str(line["id"]), line["sku"]) for line in shops["line_items"]
    ]


def test_one_order_in_three_crosses_a_border_and_has_customs_papers() -> None:
    run = Run.new(0, 0)
    requests = [consignment(Order.of(run, number)) for number in range(len(MIXED.wants))]

    assert [len(request.customs) for request in requests] == [0, 0, 2]
    assert [request.incoterm for request in requests] == [None, None, "DAP"]

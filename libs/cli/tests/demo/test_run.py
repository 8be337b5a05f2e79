"""A run that was broken off goes on where it was, and a finished one does not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crossdock_cli.demo.run import Run, unfinished
from crossdock_cli.demo.shop_orders import changed, is_changed, shop_order
from crossdock_cli.demo.world import CURRENCIES, PLACES
from crossdock_cli.errors import CommandFailed
from crossdock_cli.stack.folder import DataFolder

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_broken_off_run_is_found_with_all_it_has_done(tmp_path: Path) -> None:
    folder, run = DataFolder(tmp_path), Run.new(30, 4)
    run.done["1003"] = 2
    run.save(folder)

    assert unfinished(folder) == run


def test_there_is_nothing_to_resume_after_the_end(tmp_path: Path) -> None:
    folder, run = DataFolder(tmp_path), Run.new(30, 4)
    run.finished = True
    run.save(folder)

    with pytest.raises(CommandFailed, match="no demo was broken off"):
        unfinished(folder)


@pytest.mark.parametrize("change", ["paid", "cancelled", "address"])
def test_a_change_that_was_made_is_recognised(change: str) -> None:
    run = Run("00001", 30, 1)
    case = next(one for one in run.scenario.cases if not one.paid)
    order = shop_order(run, case, placed_at=NOON)

    after = changed(order, change)

    assert not is_changed(order, change)
    assert is_changed(after, change)
    assert after["updated_at"] > order["updated_at"]


def test_an_orders_amounts_add_up_in_every_currency() -> None:
    run = Run("00001", 200, 1)

    for case in run.scenario.cases:
        order = shop_order(run, case, placed_at=NOON)
        lines = sum(float(line["price"]) * line["quantity"] for line in order["line_items"])
        assert lines == pytest.approx(float(order["total_line_items_price"]))
        total = lines + float(order["shipping_lines"][0]["price"])
        assert total == pytest.approx(float(order["total_price"]))
        exponent = CURRENCIES[PLACES[case.place].currency][1]
        assert len(order["total_price"].partition(".")[2]) == exponent

"""The whole system as a person starts it: a fresh stack, a small day of orders, everybody's books."""

import json
import subprocess
import sys

import pytest

#: A quiet machine takes well under a minute; the rest is for busy ones.
LONGEST_S = 170


@pytest.mark.timeout(LONGEST_S + 10)
def test_after_a_small_day_of_orders_nothing_differs_from_what_must_come_of_it() -> None:
    command = [sys.executable, "-m", "crossdock_cli", "demo", "--fresh", "--orders", "30", "--json"]

    finished = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=False)

    assert finished.stdout, finished.stderr
    verdict = json.loads(finished.stdout)
    assert [row for row in verdict["orders"] + verdict["balances"] if not row["holds"]] == []
    assert verdict["troubles"] == []
    assert finished.returncode == 0

"""A pytest plugin inside the copy: tells what failed, what tests recorded, and whose sources ran."""

import json
import os
import sys
from pathlib import Path

import pytest

#: The environment variable with the file to write.
REPORT = "CROSSDOCK_MUTANT_REPORT"
_PRODUCT = ("crossdock_", "inventory_service", "notify_service", "order_service", "shipping_service")

_passed: list[str] = []
_failed: list[str] = []
_broken: list[str] = []
_recorded: dict[str, int] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A failure outside of the test itself is no verdict: a database or a broker may not have started."""
    if report.failed:
        (_failed if report.when == "call" else _broken).append(report.nodeid)
    elif report.when == "call":
        _passed.append(report.nodeid)
        _recorded.update((name, value) for name, value in report.user_properties if isinstance(value, int))


def pytest_sessionfinish(session: pytest.Session) -> None:
    copy = Path.cwd().resolve()
    foreign = sorted(
        name
        for name, module in list(sys.modules.items())
        if name.startswith(_PRODUCT)
        and (file := getattr(module, "__file__", None)) is not None
        and copy not in Path(file).resolve().parents
    )
    report = {
        "passed": len(_passed),
        "failed": _failed,
        "broken": _broken,
        "recorded": _recorded,
        "foreign": foreign,
    }
    Path(os.environ[REPORT]).write_text(json.dumps(report))

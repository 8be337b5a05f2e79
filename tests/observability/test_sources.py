"""What is committed is what its sources make, and every alert leads to a page that helps."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT

RUNBOOKS = ROOT / "docs" / "runbooks"
#: Pages without an alert, and why.
UNALARMED = {
    "README": "the index",
    "database-restored": "a person restores it",
    "labels-that-wait": "an open exception, or a job past its deadline: ExceptionsAging, JobsLate",
    "refused-cancels": "an open exception, or a job past its deadline: ExceptionsAging, JobsLate",
    "refused-shipments": "an open exception: ExceptionsAging",
    "drift-of-levels": "recomputing every level is too dear for a gauge: it is asked once a day",
}


@pytest.mark.parametrize("module", ["deploy.observability.build", "deploy.grafana.generate"])
def test_what_is_committed_is_what_its_source_makes(
    module: str, render: Callable[[str], Mapping[Path, str]]
) -> None:
    stale = [path.name for path, content in render(module).items() if path.read_text() != content]

    assert stale == [], "run `make rules`"


def test_no_dashboard_is_left_that_nobody_generates(render: Callable[[str], Mapping[Path, str]]) -> None:
    committed = set((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))

    assert committed == set(render("deploy.grafana.generate"))


def test_every_alert_says_how_urgent_it_is_whose_it_is_and_what_is_wrong(
    alerts: list[dict[str, Any]],
) -> None:
    for alert in alerts:
        assert alert["labels"]["severity"] in {"page", "ticket", "none"}, alert["alert"]
        assert alert["labels"]["service"], alert["alert"]
        assert alert["annotations"]["summary"].endswith("."), alert["alert"]


def test_every_alert_has_a_page_that_says_how_to_see_to_mend_and_to_check(
    alerts: list[dict[str, Any]],
) -> None:
    pages = {_page(alert) for alert in alerts}

    assert pages, "no alert at all"
    for page in pages:
        headings = re.findall(r"^## (See|Mend|Check)\b", (RUNBOOKS / f"{page}.md").read_text(), re.MULTILINE)
        assert set(headings) == {"See", "Mend", "Check"}, page


def test_every_page_has_an_alert_or_a_reason_to_have_none(alerts: list[dict[str, Any]]) -> None:
    pages = {path.stem for path in RUNBOOKS.glob("*.md")}

    assert pages == {_page(alert) for alert in alerts} | set(UNALARMED)


def test_the_index_names_every_alert_beside_its_page(alerts: list[dict[str, Any]]) -> None:
    rows = (RUNBOOKS / "README.md").read_text().splitlines()

    missing = {
        alert["alert"]
        for alert in alerts
        if not any(f"({_page(alert)}.md)" in row and f"`{alert['alert']}`" in row for row in rows)
    }

    assert missing == set()


def _page(alert: dict[str, Any]) -> str:
    return Path(alert["annotations"]["runbook_url"]).stem

"""What rules and dashboards ask for is what the running services show, and nothing personal leaves them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from crossdock_cli.demo.run import Run
from crossdock_cli.demo.shop_orders import shop_order
from crossdock_cli.stack.run import StackOptions
from crossdock_cli.stack.services import SERVICES

from .conftest import ROOT
from .conftest import Run as RunTool
from .queries import metrics_of, panel_queries
from .running import after_a_day_of_orders, metrics_url, telemetry_on
from .sink import Sink, sink

DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
#: Labels that every series has once Prometheus took it.
TARGET = {"job", "instance", "le"}
#: What waits is looked at every 15 seconds, the runner's jobs ten seconds after its start.
LATEST_GAUGE_S = 40
#: Of topics that were read at the look; of jobs, in a service that has any.
LATE_TO_COME = ("crossdock_topic_lag_seconds", "crossdock_job_late")


@dataclass(frozen=True)
class Seen:
    """Metric -> its labels, over all services; and what they sent to the collector."""

    labels: Mapping[str, Set[str]]
    exported: Sink
    day: Run


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    """A day of thirty orders: each kind of case is among them."""
    with sink() as exported:
        day = Run.new(30, 1)
        yield Seen(asyncio.run(_labels(day, exported)), exported, day)


async def _labels(day: Run, exported: Sink) -> Mapping[str, Set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    options = StackOptions(environment=telemetry_on(exported.url))
    async with after_a_day_of_orders(options, day) as stack, httpx.AsyncClient(trust_env=False) as client:
        for service in SERVICES:
            text = await _settled(client, metrics_url(stack, service), jobs=service != "inventory")
            for family in text_string_to_metric_families(text):
                for one in family.samples:
                    found[one.name] |= one.labels.keys()
    return found


async def _settled(client: httpx.AsyncClient, url: str, *, jobs: bool) -> str:
    """The metrics of a service, once the gauges that come last are among them."""
    async with asyncio.timeout(LATEST_GAUGE_S):
        while True:
            text = (await client.get(url)).text
            if all(name in text for name in LATE_TO_COME[: 1 + jobs]):
                return text
            await asyncio.sleep(0.5)


@pytest.mark.timeout(240)
def test_every_metric_and_label_in_a_rule_is_shown_by_a_service(
    seen: Seen, rules: list[dict[str, Any]]
) -> None:
    asked = [(name, labels) for rule in rules for name, labels in metrics_of(rule["expr"])]

    assert len(asked) > 100
    assert _unknown(asked, seen, rules) == set()


@pytest.mark.timeout(240)
def test_every_metric_and_label_in_a_dashboard_is_shown_by_a_service(
    seen: Seen, rules: list[dict[str, Any]]
) -> None:
    queries = [query for file in DASHBOARDS for _, query in panel_queries(file)]
    asked = [(name, labels) for query in queries for name, labels in metrics_of(query)]

    assert len(asked) > 50
    assert _unknown(asked, seen, rules) == set()


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda file: file.stem)
def test_every_query_of_a_dashboard_is_promql(dashboard: Path, run: RunTool, tmp_path: Path) -> None:
    queries = list(panel_queries(dashboard))
    recorded = [{"record": f"panel:{n}", "expr": query} for n, (_, query) in enumerate(queries)]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))

    run("promtool", "check", "rules", file)

    assert queries
    assert all(query for _, query in queries)


@pytest.mark.timeout(240)
def test_the_collector_lets_every_attribute_pass_that_the_services_send(seen: Seen) -> None:
    collector = yaml.safe_load((ROOT / "deploy" / "otel" / "collector.yaml").read_text())
    allowed = set(collector["processors"]["redaction"]["allowed_keys"])

    sent = seen.exported.attributes()

    assert {"http.route", "messaging.destination.name", "crossdock.job.outcome", "list"} <= sent
    assert sent - allowed == set()


@pytest.mark.timeout(240)
def test_no_buyer_is_in_anything_that_is_exported(seen: Seen) -> None:
    now = datetime.now(UTC)
    orders = [shop_order(seen.day, case, placed_at=now) for case in seen.day.scenario.cases]
    canaries = {seen.day.mail_domain} | {one["shipping_address"]["address1"] for one in orders}

    assert len(canaries) > 2
    assert seen.exported.bodies
    for canary in canaries:
        assert not [path for path, body in seen.exported.bodies if canary.encode() in body], canary


def _unknown(
    asked: list[tuple[str, Set[str]]], seen: Seen, rules: list[dict[str, Any]]
) -> set[tuple[str, str]]:
    recorded = {rule["record"] for rule in rules if "record" in rule}
    return {
        (name, label)
        for name, labels in asked
        if name not in recorded
        for label in (labels - TARGET if name in seen.labels else {"no such metric"})
        if label not in seen.labels.get(name, ())
    }

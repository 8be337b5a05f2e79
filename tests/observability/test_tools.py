"""Prometheus's and Alertmanager's own tools on our files: rules, their tests, configurations, routes."""

import pytest

from .conftest import OBSERVABILITY, Run

RULES = sorted((OBSERVABILITY / "rules").glob("*.yaml"))
RULE_TESTS = sorted((OBSERVABILITY / "rules" / "tests").glob("*.yaml"))
ROUTES = OBSERVABILITY / "alertmanager.yaml"


def test_the_rules_are_rules(run: Run) -> None:
    assert RULES
    run("promtool", "check", "rules", "--lint-fatal", *RULES)


@pytest.mark.parametrize("file", RULE_TESTS, ids=lambda file: file.stem)
def test_alerts_fire_on_trouble_and_are_silent_without(run: Run, file: object) -> None:
    run("promtool", "test", "rules", str(file))


def test_every_alert_is_tested(alerts: list[dict[str, object]]) -> None:
    tested = "\n".join(file.read_text() for file in RULE_TESTS)

    untested = {str(alert["alert"]) for alert in alerts if f'alertname="{alert["alert"]}"' not in tested}

    assert untested == set()


def test_prometheus_reads_its_configuration(run: Run) -> None:
    run("promtool", "check", "config", OBSERVABILITY / "prometheus.yaml")


def test_alertmanager_reads_its_configuration(run: Run) -> None:
    run("amtool", "check-config", ROUTES)


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=OutboxStuck severity=page service=order", "pager"),
        ("alertname=KeysParked severity=ticket service=order", "tickets"),
        ("alertname=Watchdog severity=none", "watchdog"),
        ("alertname=SomethingNew service=order", "tickets"),
    ],
)
def test_an_alert_reaches_who_has_to_hear_it(run: Run, labels: str, receiver: str) -> None:
    run(
        "amtool",
        "config",
        "routes",
        "test",
        f"--config.file={ROUTES}",
        f"--verify.receivers={receiver}",
        *labels.split(),
    )

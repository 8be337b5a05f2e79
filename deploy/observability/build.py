"""Write rules/slo.yaml from slo.yaml, rules/causes.yaml from causes.yaml, and both as Kubernetes wants them.

`make rules` runs it; a test compares what is committed with what this makes.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

HERE: Final = Path(__file__).parent
KUBERNETES: Final = HERE.parents[1] / "k8s" / "base" / "monitoring" / "rules.yaml"
_GENERATED: Final = "# Written by deploy/observability/build.py: change {} and run `make rules`.\n"
_SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400}

Rule = dict[str, Any]


def render() -> Mapping[Path, str]:
    """File -> what has to be in it."""
    source = _read("slo.yaml")
    slos, burn_rates, runbooks = source["slos"], source["burn_rates"], source["runbooks"]
    promises = [_measures(slos, burn_rates), _alerts(slos, burn_rates, runbooks)]
    causes = [_causes(_read("causes.yaml")["alerts"], runbooks)]
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "crossdock", "labels": {"app.kubernetes.io/part-of": "crossdock"}},
        "spec": {"groups": [*promises, *causes]},
    }
    return {
        HERE / "rules" / "slo.yaml": _GENERATED.format("slo.yaml") + _dump({"groups": promises}),
        HERE / "rules" / "causes.yaml": _GENERATED.format("causes.yaml") + _dump({"groups": causes}),
        KUBERNETES: _GENERATED.format("slo.yaml or causes.yaml there") + _dump(resource),
    }


def _read(name: str) -> Any:
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


def _measures(slos: Sequence[Rule], burn_rates: Sequence[Rule]) -> Rule:
    windows = sorted({one[length] for one in burn_rates for length in ("long", "short")}, key=_seconds)
    rules = [rule for slo in slos for window in windows for rule in _measures_of(slo, window)]
    rules += [rule for slo in slos for rule in _budget_of(slo, windows[0])]
    return {"name": "crossdock-slo-measures", "interval": "30s", "rules": rules}


def _measures_of(slo: Rule, window: str) -> Iterator[Rule]:
    """Events and bad events a second; their ratio is left to who asks, since nothing comes of 0 / 0."""
    labels = {"slo": slo["name"], "service": slo["service"]}
    events = _rate(slo["events"], window)
    if "bad" in slo:  # which nobody shows before there was one
        bad = f"{_rate(slo['bad'], window)} or 0 * {events}"
    else:
        bad = f"{events} - {_rate(_at_most(slo['within'], slo['within_s']), window)}"
    yield {"record": f"slo:events:rate{window}", "expr": events, "labels": labels}
    yield {"record": f"slo:bad_events:rate{window}", "expr": bad, "labels": labels}


def _rate(selector: str, window: str) -> str:
    return f"sum(rate({selector}[{window}]))"


def _at_most(histogram: str, bound: int) -> str:
    """The bucket up to a whole bound, which some write as 1 and some as 1.0."""
    return f'{histogram.removesuffix("}")},le=~"{bound}([.]0)?"}}'


def _budget_of(slo: Rule, window: str) -> Iterator[Rule]:
    labels = {"slo": slo["name"], "service": slo["service"]}
    allowed = _ratio(1 - slo["objective"] / 100)
    bad, events = (
        f'sum_over_time(slo:{kind}:rate{window}{{slo="{slo["name"]}"}}[30d])'
        for kind in ("bad_events", "events")
    )
    yield {
        "record": "slo:objective:ratio",
        "expr": f"vector({_ratio(slo['objective'] / 100)})",
        "labels": labels,
    }
    yield {
        "record": "slo:error_budget_left:ratio30d",
        "expr": f"1 - ({bad} / {events}) / {allowed}",
        "labels": labels,
    }


def _alerts(slos: Sequence[Rule], burn_rates: Sequence[Rule], runbooks: str) -> Rule:
    rules = [_burning(slo, burn, runbooks) for slo in slos for burn in burn_rates]
    return {"name": "crossdock-slo-alerts", "rules": rules}


def _burning(slo: Rule, burn: Rule, runbooks: str) -> Rule:
    budget = _ratio(burn["factor"] * (1 - slo["objective"] / 100))
    labels = f'{{slo="{slo["name"]}"}}'

    def burns(window: str) -> str:
        return f"slo:bad_events:rate{window}{labels} / slo:events:rate{window}{labels} > {budget}"

    enough = f"slo:bad_events:rate{burn['long']}{labels} * {_seconds(burn['long'])} >= {slo['bad_events']}"
    rule = {
        "alert": "".join(word.capitalize() for word in slo["name"].split("-")) + "Burning",
        "expr": f"({burns(burn['long'])})\nand ({burns(burn['short'])})\nand ({enough})\n",
        "for": burn["for"],
        "labels": {
            "severity": burn["severity"],
            "service": slo["service"],
            "slo": slo["name"],
            "window": burn["long"],
        },
        "annotations": {
            "summary": f"{slo['promise']} Of {_number(slo['objective'])} % over 30 days the budget burns"
            f" {_number(burn['factor'])} times as fast as it may ({burn['long']} and {burn['short']}).",
            "runbook_url": f"{runbooks}/{slo['runbook']}.md",
        },
    }
    return _kept(rule, burn["severity"])


def _causes(alerts: Sequence[Rule], runbooks: str) -> Rule:
    return {"name": "crossdock-causes", "rules": [_cause(one, runbooks) for one in alerts]}


def _cause(source: Rule, runbooks: str) -> Rule:
    """`services`: the expression once for each, with its name for SERVICE."""
    services = source.get("services", [""])
    rule = {
        "alert": source["alert"],
        "expr": "\nor ".join(source["expr"].replace("SERVICE", one) for one in services),
        **({"for": source["for"]} if "for" in source else {}),
        "labels": {"severity": source["severity"], "service": source.get("service", "{{ $labels.job }}")},
        "annotations": {
            "summary": source["summary"],
            "runbook_url": f"{runbooks}/{source['runbook']}.md",
        },
    }
    return _kept(rule, source["severity"])


def _kept(rule: Rule, severity: str) -> Rule:
    """A page that comes and goes wakes once."""
    return {**rule, "keep_firing_for": "5m"} if severity == "page" else rule


def _seconds(window: str) -> int:
    return int(window[:-1]) * _SECONDS[window[-1]]


def _ratio(value: float) -> str:
    return f"{value:.10f}".rstrip("0")


def _number(value: float) -> str:
    return f"{value:g}"


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as a block, and nothing by reference."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def _dump(value: object) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=10_000)


if __name__ == "__main__":
    for file, content in render().items():
        file.write_text(content, encoding="utf-8")

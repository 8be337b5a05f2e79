"""PromQL taken apart, as far as our own rules and panels go: which metrics, and which labels of them."""

import json
import re
from collections.abc import Iterator, Set
from pathlib import Path

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"\b([a-z_:][a-z0-9_:]*)\s*(?:\{([^}]*)\})?")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
#: What is measured by the services, the collector, Prometheus itself, and the rules.
_OURS = re.compile(r"(crossdock_|http_|slo:).+")


def metrics_of(query: str) -> Iterator[tuple[str, Set[str]]]:
    """Every metric of ours in a query, with the labels that are asked of it."""
    bare = _STRING.sub('""', query)
    grouped = {one.strip() for found in _GROUPING.findall(bare) for one in found.split(",")}
    for name, matchers in _SELECTOR.findall(_GROUPING.sub("", bare)):
        if _OURS.fullmatch(name):
            matched = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", matchers))
            yield name, matched | grouped


def panel_queries(dashboard: Path) -> Iterator[tuple[str, str]]:
    """(panel, query) with Grafana's interval filled in, as for a scrape every 15 seconds."""
    for panel in json.loads(dashboard.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m")

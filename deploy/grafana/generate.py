"""Write the dashboards of boards.py as Grafana reads them.

`make rules` runs it; a test compares what is committed with what this makes.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from deploy.grafana.boards import Panel, Rows, boards

FOLDER: Final = Path(__file__).parent / "dashboards"
_WIDTH, _HEIGHT = 24, 8

Json = dict[str, Any]


def render() -> Mapping[Path, str]:
    """File -> what has to be in it."""
    return {
        FOLDER / f"{name}.json": json.dumps(_dashboard(name, title, rows), indent=2) + "\n"
        for name, (title, rows) in boards().items()
    }


def _dashboard(name: str, title: str, rows: Rows) -> Json:
    return {
        "uid": f"crossdock-{name}",
        "title": title,
        "tags": ["crossdock"],
        "timezone": "utc",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "annotations": {"list": [_alerts()]},
        "panels": [{"id": number, **panel} for number, panel in enumerate(_laid_out(rows), start=1)],
    }


def _alerts() -> Json:
    """Alerts that fire, as marks on every panel."""
    return {
        "name": "alerts",
        "datasource": _source(),
        "enable": True,
        "iconColor": "red",
        "expr": 'ALERTS{alertstate="firing",severity=~"page|ticket"}',
        "titleFormat": "{{alertname}} {{service}}",
    }


def _source() -> Json:
    return {"type": "prometheus", "uid": "${datasource}"}


def _laid_out(rows: Rows) -> Iterator[Json]:
    y = 0
    for title, panels in rows.items():
        yield {"type": "row", "title": title, "gridPos": {"x": 0, "y": y, "w": _WIDTH, "h": 1}, "panels": []}
        width = _WIDTH // len(panels)
        for place, panel in enumerate(panels):
            yield _panel(panel, {"x": place * width, "y": y + 1, "w": width, "h": _HEIGHT})
        y += _HEIGHT + 1


def _panel(panel: Panel, position: Json) -> Json:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "datasource": _source(),
        "gridPos": position,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": expression, "legendFormat": legend}
            for place, (legend, expression) in enumerate(panel.queries.items())
        ],
    }


if __name__ == "__main__":
    for file, content in render().items():
        file.write_text(content, encoding="utf-8")

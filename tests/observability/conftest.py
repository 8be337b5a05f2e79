"""The sources of rules and dashboards, the tools they are checked with, and what running services show."""

import importlib
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".tools" / "usr" / "bin"
OBSERVABILITY = ROOT / "deploy" / "observability"

Run = Callable[..., str]


@pytest.fixture
def render(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Mapping[Path, str]]:
    """`render("deploy.grafana.generate")`: file -> what has to be in it."""
    monkeypatch.syspath_prepend(ROOT)

    def rendered(module: str) -> Mapping[Path, str]:
        found: Mapping[Path, str] = importlib.import_module(module).render()
        return found

    return rendered


@pytest.fixture(scope="session")
def run() -> Run:
    """`run("promtool", "check", ...)`: its output, when it ended well."""

    def ran(tool: str, *arguments: str | Path) -> str:
        assert (TOOLS / tool).exists(), f"{tool} is not there: run `make observability`"
        command = [str(TOOLS / tool), *map(str, arguments)]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    return ran


@pytest.fixture(scope="session")
def rules() -> list[dict[str, Any]]:
    """Every rule as it is committed."""
    files = sorted((OBSERVABILITY / "rules").glob("*.yaml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


@pytest.fixture(scope="session")
def alerts(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rule for rule in rules if "alert" in rule]

"""The compose files as values: variables put in as without an `.env`."""

import re
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
LAPTOP, OBSERVABILITY = DEPLOY / "compose.core.yaml", DEPLOY / "compose.observability.yaml"
FILES = (LAPTOP, OBSERVABILITY)

_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+):-([^}]*)\}")


def variables(file: Path) -> dict[str, str]:
    """Every variable of a compose file with its default. A name with two defaults would have the last one."""
    return dict(_VARIABLE.findall(file.read_text(encoding="utf-8")))


def defaults_of(file: Path, name: str) -> set[str]:
    return {default for one, default in _VARIABLE.findall(file.read_text(encoding="utf-8")) if one == name}


def read(file: Path) -> dict[str, Any]:
    """The file with its anchors and variables replaced."""
    content: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(r"\2", file.read_text(encoding="utf-8")))
    return content


def containers(file: Path) -> dict[str, dict[str, Any]]:
    """Every service that the file itself makes; what it only adds to another file's is left out."""
    return {name: one for name, one in read(file)["services"].items() if "image" in one}


def example() -> dict[str, str]:
    """The variables of `.env.example`."""
    lines = (DEPLOY / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

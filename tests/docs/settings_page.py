"""`python -m tests.docs.settings_page`: write docs/settings.md from the classes that read the settings."""

import importlib
import sys
from collections.abc import Container, Iterator, Set
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from crossdock_chassis.config import ServiceSettings, Settings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "settings.md"

HEAD = """\
# Settings

Made by `python -m tests.docs.settings_page` from the classes that read them; a test compares. Everything
comes from the environment and is read once, at the start: a change takes a restart. A process that is told
nonsense does not start, says which variable it is about, and ends with code 2. Secrets are never logged.

"Must be set" means that there is no default. What [operations](operations.md#configure) says comes first.
"""


def settings_classes() -> list[type[Settings]]:
    """Every class below the four services, in the order of their files."""
    found: list[type[Settings]] = []
    for file in sorted((ROOT / "services").glob("*/src/**/settings.py")):
        source = next(one for one in file.parents if one.name == "src")
        name = ".".join(file.relative_to(source).with_suffix("").parts)
        module = importlib.import_module(name)
        found += [
            one
            for one in vars(module).values()
            if isinstance(one, type) and issubclass(one, Settings) and one.__module__ == name
        ]
    return found


def render() -> str:
    """The whole page."""
    parts = [HEAD.rstrip(), "## Every service", _SERVICES, _table(ServiceSettings, "<SERVICE>_")]
    for one in settings_classes():
        prefix = str(one.model_config.get("env_prefix", ""))
        known = tuple(ServiceSettings.model_fields) if issubclass(one, ServiceSettings) else ()
        if set(one.model_fields) - set(known):
            parts += [f"## `{prefix}*`", _table(one, prefix, known=known)]
    return "\n\n".join(parts) + "\n"


_SERVICES = """\
`<SERVICE>` is `ORDER`, `INVENTORY`, `SHIPPING` or `NOTIFY`: `ORDER_DATABASE_URL`, `NOTIFY_HTTP_PORT`."""


def _table(settings: type[Settings], prefix: str, *, known: Container[str] = ()) -> str:
    rows = [
        f"| `{prefix}{name.upper()}` | {_default(field)} | {_bounds(field)} | {field.description or ''} |"
        for name, field in settings.model_fields.items()
        if name not in known
    ]
    return "\n".join(["| variable | default | values | what it does |", "| --- | --- | --- | --- |", *rows])


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined and field.default_factory is None:
        return "**must be set**"
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ("", ()):
        return "none"
    if isinstance(value, Set | tuple):
        return ", ".join(f"`{one}`" for one in sorted(value))
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{getattr(value, 'value', value)}`"


def _bounds(field: FieldInfo) -> str:
    told = list(_values(field.annotation))
    for one in field.metadata:
        told += [f"{sign} {getattr(one, name)}" for name, sign in _SIGNS.items() if hasattr(one, name)]
    return ", ".join(told)


_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def _values(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield " or ".join(f"`{one}`" for one in get_args(annotation))
    elif annotation is bool:
        yield "`true` or `false`"
    elif annotation is SecretStr or SecretStr in get_args(annotation):
        yield "secret"


def main() -> None:
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} written\n")


if __name__ == "__main__":
    main()

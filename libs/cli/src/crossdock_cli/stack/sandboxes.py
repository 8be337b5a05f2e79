"""The sandboxes there are, by what their folders say of themselves in `sandbox.toml`."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

#: One of each role: as much as a whole passage of an order needs.
FEW = ("shopify", "easypost", "mailbox")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """`role`: marketplace, carrier, tracking or mail. `arguments`: what it is started with on a laptop.
    `settings`: what the service that calls it is told, with `{url}` where the sandbox's address goes.
    """

    name: str
    role: str
    arguments: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    def settings_at(self, url: str) -> dict[str, str]:
        return {name: value.replace("{url}", url) for name, value in self.settings.items()}


@cache
def all_sandboxes() -> Mapping[str, Sandbox]:
    """Nothing is imported for it. Empty where they are not installed."""
    found = find_spec("crossdock_sandbox")
    folders = (found.submodule_search_locations or ()) if found else ()
    files = [file for folder in folders for file in sorted(Path(folder).glob("*/sandbox.toml"))]
    return {file.parent.name: Sandbox(file.parent.name, **tomllib.loads(file.read_text())) for file in files}


def settings_of_adapters(names: Iterable[str], ports: Mapping[str, int], host: str) -> dict[str, str]:
    """For all services together. A sandbox that has no port is none of this stack."""
    told: dict[str, str] = {}
    for name in set(names) & set(ports):
        told |= all_sandboxes()[name].settings_at(f"http://{host}:{ports[name]}")
    return told


def with_role(names: Iterable[str], *roles: str) -> list[str]:
    return [name for name in names if all_sandboxes()[name].role in roles]

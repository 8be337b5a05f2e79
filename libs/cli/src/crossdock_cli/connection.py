"""Where the services are and with which token: from the data folder, or as given for another installation."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crossdock_cli.errors import CommandFailed, EmbeddedError, NotRunning
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.keys import Keys, load_keys
from crossdock_cli.stack.record import read_record
from crossdock_cli.stack.services import SERVICES

_URL_VARIABLE = re.compile("CROSSDOCK_([A-Z0-9_]+)_URL")


@dataclass(frozen=True)
class Connection:
    """`urls` by service and, where there are some, by sandbox. `secrets`: what the demo's shop is given."""

    urls: Mapping[str, str]
    token: str = field(repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def sandboxes(self) -> list[str]:
        """Whoever is known by an address for HTTP and is no service."""
        return [name for name, url in self.urls.items() if url.startswith("http") and name not in SERVICES]

    def url(self, name: str) -> str:
        """Raises CommandFailed when nobody said where it is."""
        if name not in self.urls:
            raise CommandFailed(f"nobody said where {name} is: set CROSSDOCK_{name.upper()}_URL")
        return self.urls[name]


def connect(folder: DataFolder, *, url: str | None = None, token: str | None = None) -> Connection:
    """`url`: one address in front of all services. CROSSDOCK_<SERVICE>_URL names a single one, or a sandbox.

    Raises NotRunning, or CommandFailed when an address is given without a token.
    """
    given = {name: url.rstrip("/") for name in SERVICES} if url else {}
    for variable, value in os.environ.items():
        named = _URL_VARIABLE.fullmatch(variable)
        if named and value:
            given[named[1].lower()] = value.rstrip("/")
    if given:
        if not token:
            raise CommandFailed("another installation wants its own token: give --token or CROSSDOCK_TOKEN")
        return Connection(given, token, Keys().outside)
    record = _record(folder)
    keys = load_keys(folder)
    return Connection(record["urls"], token or keys.api_token, keys.outside)


def _record(folder: DataFolder) -> dict[str, Any]:
    try:
        record = read_record(folder)
    except (EmbeddedError, json.JSONDecodeError) as error:
        raise CommandFailed(str(error)) from error
    if record is None:
        raise NotRunning(f"no stack runs in {folder.path}: start one with `crossdock up`")
    return record

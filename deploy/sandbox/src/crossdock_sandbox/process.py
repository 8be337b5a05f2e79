"""What a sandbox's folder says of itself as a process: its `process.py` and its `sandbox.toml`.

`process.py` offers `add_arguments(parser)` and `running(given, **at)`: the sandbox for the arguments that
were given, to be entered, at the `host` and `port` of `at`.

`sandbox.toml` says what the folder plays (`role`: marketplace, carrier, tracking or mail), with which
`arguments` it is started on a laptop and, in `settings`, what the side that calls it is told in its
environment: `{url}` there is the sandbox's address.
"""

from argparse import ArgumentParser, Namespace
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast


class Sandbox(Protocol):
    @property
    def base_url(self) -> str: ...


class Process(Protocol):
    """A folder's `process` module."""

    def add_arguments(self, parser: ArgumentParser) -> None: ...

    def running(self, given: Namespace, **at: Any) -> AbstractAsyncContextManager[Sandbox]: ...


def kinds() -> list[str]:
    """The folders there are."""
    return sorted(one.parent.name for one in Path(__file__).parent.glob("*/sandbox.toml"))


def process_of(kind: str) -> Process:
    """Only its own code is imported: thirteen of them may start at once."""
    return cast(Process, import_module(f"crossdock_sandbox.{kind}.process"))


def by_default(kind: str, data: Path) -> AbstractAsyncContextManager[Sandbox]:
    """As a process of it is that is told nothing but where its books are."""
    process, parser = process_of(kind), ArgumentParser()
    process.add_arguments(parser)
    return process.running(parser.parse_args([], Namespace(data=data)))


def add_delivery_arguments(parser: ArgumentParser, *, repeats: bool = True) -> None:
    """For sandboxes that send webhooks. `repeats`: again, when nobody takes them."""
    parser.add_argument("--delivery-concurrency", type=int, default=32, help="webhooks under way at once")
    if repeats:
        parser.add_argument("--retry-base-s", type=float, default=0.25, help="wait before the first retry")


def delivery_options(given: Namespace) -> dict[str, Any]:
    """What was given for them, under the names that the sandboxes' options have."""
    names = ("delivery_concurrency", "retry_base_s")
    return {name: getattr(given, name) for name in names if hasattr(given, name)}

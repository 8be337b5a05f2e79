"""Everything up, told where the wires are, and put right again by `heal`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from ...system import System
from .links import Link
from .nodes import Brokers, Database
from .processes import Process, ProcessEvent


class NotHealed(Exception):
    """What is not as it should be, in words, after the time `heal` was given."""


class Ground:
    """Inside `async with` everything is up: topics made, migrations run, the token stored.

    Enter it on the main thread: the kernel ends all processes when that ends, however it ends.
    """

    system: System
    brokers: Brokers
    postgres: Database
    #: "order-api-0" ... "notify-work-1", and the sandboxes "shopify", "easypost", "mailbox".
    processes: Mapping[str, Process]
    #: "kafka-0" to "kafka-2", "order-db", "inventory-db", "shipping-db", "notify-db", "shopify", "easypost",
    #: "smtp".
    links: Mapping[str, Link]

    def __init__(
        self,
        folder: Path,
        *,
        replicas: int = 2,
        on_event: Callable[[ProcessEvent], None] = lambda event: None,
    ) -> None:
        """Nothing runs yet. `on_event` is called on the loop; it must neither block nor raise."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def entries(self, service: str) -> list[str]:
        """Base URLs of the API replicas of a service."""
        return []

    async def heal(self, *, timeout_s: float = 120) -> None:
        """Links whole, paused ones resumed, dead ones up, all copies in sync. Raises NotHealed."""

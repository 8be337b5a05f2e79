"""Options that commands share, and how a command talks to the services."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from crossdock_cli.api import Api
from crossdock_cli.connection import connect
from crossdock_cli.errors import CommandFailed
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.services import SERVICES

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record. No personal data.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Rows at most.")]


@dataclass(slots=True)
class Target:
    """Whom the commands of this run talk to; the options of the program itself set it."""

    data: Path | None = None
    url: str | None = None
    token: str | None = None


target = Target()


def talk(what: Callable[[Api], Awaitable[T]]) -> T:
    """Run one conversation with the services. Raises CommandFailed and its kin."""

    async def run() -> T:
        connection = connect(DataFolder(target.data), url=target.url, token=target.token)
        async with Api(connection) as api:
            return await what(api)

    return asyncio.run(run())


async def order_id_of(api: Api, given: str) -> str:
    """Our id for an id or a marketplace's id or number. Raises CommandFailed."""
    if len(given) == 36 and given.count("-") == 4:
        return given
    found = await api.items("order", "/v1/orders", ref=given, at_most=2)
    if len(found) != 1:
        raise CommandFailed(f"{'several orders go' if found else 'no order goes'} by {given}")
    return str(found[0]["order_id"])


def known_service(given: str) -> str:
    if given not in SERVICES:
        raise typer.BadParameter(f"one of {', '.join(SERVICES)}")
    return given


Service = Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.", callback=known_service)]


def pick(item: dict[str, Any], *names: str) -> list[object]:
    return [item[name] for name in names]

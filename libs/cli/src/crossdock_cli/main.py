"""The `crossdock` command: its commands, and how each ends."""

import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from crossdock_cli.commands import (
    accounts,
    demo,
    doctor,
    logs,
    messages,
    notifications,
    operations,
    orders,
    shipments,
    status,
    stock,
    topics,
    up,
)
from crossdock_cli.commands.options import target
from crossdock_cli.errors import FAILED, CommandFailed, EmbeddedError
from crossdock_cli.terminal import notes

INTERRUPTED = 130


app = typer.Typer(
    name="crossdock",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Runs Crossdock on this machine and talks to its services.\n\n"
    "Exit codes: 0 it worked, 1 it did not, 2 wrong usage, 3 nothing runs there.",
)


@app.callback()
def options(
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", envvar="CROSSDOCK_DATA", help="Folder of all data and keys. Default: .crossdock"
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", envvar="CROSSDOCK_URL", help="Another installation's address.")
    ] = None,
    token: Annotated[
        str | None, typer.Option("--token", envvar="CROSSDOCK_TOKEN", help="Its token.", show_envvar=True)
    ] = None,
) -> None:
    """Options of every command, before or behind its name."""
    target.data, target.url, target.token = data, url, token


app.command()(up.up)
app.command()(up.down)
app.command()(demo.demo)
app.command()(status.status)
app.add_typer(accounts.app, name="accounts")
app.add_typer(orders.app, name="orders")
app.add_typer(stock.app, name="stock")
app.add_typer(shipments.app, name="shipments")
app.add_typer(messages.app, name="messages")
app.command()(notifications.notifications)
app.add_typer(operations.parked, name="parked")
app.command()(operations.rebuild)
app.command()(logs.logs)
app.command()(doctor.doctor)
app.command()(topics.topics)


def program_options_first(words: Sequence[str]) -> list[str]:
    """The program's own options may stand anywhere: people write them where they think of them."""
    front: list[str] = []
    rest: list[str] = []
    remaining = iter(words)
    for word in remaining:
        name, given, _ = word.partition("=")
        if name in ("--data", "--url", "--token"):
            front += [word] if given else [word, *islice(remaining, 1)]
        else:
            rest.append(word)
    return front + rest


def main() -> None:
    """The program's entry point."""
    try:
        app(program_options_first(sys.argv[1:]))
    except CommandFailed as error:
        _explain(str(error))
        sys.exit(error.exit_code)
    except EmbeddedError as error:
        _explain(str(error))
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _explain(message: str) -> None:
    notes.print("[red]error:[/] ", end="")
    notes.print(message, markup=False, soft_wrap=True)

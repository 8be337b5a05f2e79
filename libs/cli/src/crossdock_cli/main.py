"""The `crossdock` command: its commands, and how each ends."""

import sys

import typer

from crossdock_cli.commands import demo as demo_command
from crossdock_cli.commands import up as up_commands
from crossdock_cli.errors import FAILED, CommandFailed, EmbeddedError
from crossdock_cli.terminal import notes

app = typer.Typer(
    name="crossdock",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Runs Crossdock on this machine and talks to its services.\n\n"
    "Exit codes: 0 it worked, 1 it did not, 2 wrong usage, 3 nothing runs there.",
)
app.command()(up_commands.up)
app.command()(up_commands.down)
app.command()(demo_command.demo)


def main() -> None:
    """The program's entry point."""
    try:
        app()
    except CommandFailed as error:
        _explain(str(error))
        sys.exit(error.exit_code)
    except EmbeddedError as error:
        _explain(str(error))
        sys.exit(FAILED)


def _explain(message: str) -> None:
    notes.print("[red]error:[/] ", end="")
    notes.print(message, markup=False, soft_wrap=True)

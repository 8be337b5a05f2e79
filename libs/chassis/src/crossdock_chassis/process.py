"""`python -m <service>`: what a process does from its arguments to its exit code."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import uvloop

from crossdock_chassis.config import InvalidSettings
from crossdock_chassis.logging import configure_logging, get_logger
from crossdock_chassis.migrations import upgrade
from crossdock_chassis.restore_command import add_restore_arguments, run_restore
from crossdock_chassis.running import ROLES, run_roles
from crossdock_chassis.service import Loop, Service
from crossdock_chassis.token_commands import (
    add_first_token_arguments,
    add_token_arguments,
    run_token_command,
    store_first_token,
)

__all__ = ["Loop", "Service", "run_service"]

log = get_logger(__name__)

_HELP = """\
roles (none: all of them in one process, sharing one event loop)
  api        the HTTP API
  consume    handles other services' events
  relay      sends this service's events from its outbox to Kafka
  work       makes the calls to the outside, fires timers, polls, cleans up

commands
  migrate    bring the database's schema up to date, as its owner
  restore    make good what a restore of the database from a backup broke, once, before anything else starts
  token      add, list and revoke the tokens of the API; see `token --help`

Settings come from the environment. SIGTERM ends the work in hand and then the process; a second one ends it
at once. Exit code 0: asked to stop. 1: something broke, the log's last error says what. 2: wrong arguments or
settings.
"""


def run_service(build: Callable[[], Service], argv: Sequence[str] | None = None) -> None:
    """All a service's `__main__` calls. `build` is called once, inside the event loop; it reads the settings.

    Ends the process with the exit codes of `--help`.
    """
    arguments = _parse(sys.argv[1:] if argv is None else argv)
    configure_logging(_program())
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(_run(build, arguments))
    except InvalidSettings as error:
        log.error("process.settings_invalid", problems=str(error))
        code = 2
    except Exception:
        log.exception("process.failed")
        code = 1
    sys.exit(code)


async def _run(build: Callable[[], Service], arguments: argparse.Namespace) -> int:
    service = build()
    settings = service.settings
    configure_logging(service.name, log_format=settings.log_format, level=settings.log_level)
    if arguments.command == "run":
        return await run_roles(service, arguments.roles or ROLES)
    try:
        if arguments.command == "token":
            return await run_token_command(service.database, arguments)
        if arguments.command == "restore":
            return await run_restore(service, arguments)
        if settings.migration_url is None:
            raise InvalidSettings("migrate needs MIGRATION_URL, the database's owner")
        await asyncio.to_thread(upgrade, service.migrations, settings.migration_url.get_secret_value())
        log.info("process.migrated")
        return await store_first_token(service.database, arguments)
    finally:
        await service.database.dispose()


def _program() -> str:
    return Path(sys.argv[0]).parent.name if sys.argv[0].endswith("__main__.py") else Path(sys.argv[0]).name


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=f"python -m {_program()}", epilog=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if argv and argv[0] == "migrate":
        parser.add_argument("command", choices=["migrate"])
        add_first_token_arguments(parser)
    elif argv and argv[0] == "restore":
        parser.add_argument("command", choices=["restore"])
        add_restore_arguments(parser)
    elif argv and argv[0] == "token":
        add_token_arguments(parser.add_subparsers(dest="command", required=True).add_parser("token"))
    else:
        parser.add_argument("roles", nargs="*", choices=[*ROLES, []], metavar="role", help="see below")
        parser.set_defaults(command="run")
    return parser.parse_args(list(argv))

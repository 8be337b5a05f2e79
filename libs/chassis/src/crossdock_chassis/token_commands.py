"""`token add | list | revoke`: the tokens of a service's API, managed where its database is.

`migrate` may store the first one, so that a new installation needs one process and not two.
"""

import argparse
import sys
from typing import Any

from crossdock_chassis.database import Database
from crossdock_chassis.http.auth import add_token, list_tokens, revoke_token


def add_token_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    add = actions.add_parser("add", help="make a token and print it; it cannot be shown again")
    add.add_argument("--name", required=True, help="who uses it; appears as the actor of what they do")
    add.add_argument("--merchant", default="default", help="whose data it opens")
    add.add_argument("--scopes", required=True, help="comma-separated, e.g. orders:read,orders:write")
    add.add_argument("--token-stdin", action="store_true", help="store the token read from standard input")
    actions.add_parser("list", help="show names, merchants, scopes and times, never a token")
    revoke = actions.add_parser("revoke", help="refuse every token of that name from now on (within 5 s)")
    revoke.add_argument("--name", required=True)
    revoke.add_argument("--merchant", default="default")


def add_first_token_arguments(parser: argparse.ArgumentParser) -> None:
    first = parser.add_argument_group(
        "a first token, read from standard input and stored after the migrations"
    )
    first.add_argument("--token-name", help="who uses it; without a name none is read")
    first.add_argument("--token-scopes", default="", help="comma-separated")


async def store_first_token(database: Database[Any], arguments: argparse.Namespace) -> int:
    """The exit code; 0 when none was asked for. Safe to repeat with the same token."""
    if arguments.token_name is None:
        return 0
    name, scopes = arguments.token_name, arguments.token_scopes
    return await _add(database, name, "default", scopes, sys.stdin.readline().strip())


async def run_token_command(database: Database[Any], arguments: argparse.Namespace) -> int:
    """Do it and say so on standard output; the exit code."""
    if arguments.action == "add":
        given = sys.stdin.readline().strip() if arguments.token_stdin else None
        return await _add(database, arguments.name, arguments.merchant, arguments.scopes, given)
    if arguments.action == "revoke":
        count = await revoke_token(database, name=arguments.name, merchant_id=arguments.merchant)
        sys.stdout.write(f"revoked {count}\n")
        return 0 if count else 1
    for one in await list_tokens(database):
        state = f"revoked {one.revoked_at:%Y-%m-%dT%H:%MZ}" if one.revoked_at else "valid"
        sys.stdout.write(
            f"{one.merchant_id}\t{one.name}\t{','.join(one.scopes)}\t{one.created_at:%Y-%m-%dT%H:%MZ}\t{state}\n"
        )
    return 0


async def _add(database: Database[Any], name: str, merchant_id: str, scopes: str, given: str | None) -> int:
    """`given` None: make one and print it."""
    try:
        token = await add_token(
            database,
            name=name,
            merchant_id=merchant_id,
            scopes=[scope.strip() for scope in scopes.split(",") if scope.strip()],
            token=given,
        )
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{token}\n" if given is None else "stored\n")
    return 0

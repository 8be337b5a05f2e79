"""`crossdock doctor`: what this machine and the running stack lack, each with what to do about it."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import httpx
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from crossdock_cli.api import Api
from crossdock_cli.commands.options import AsJson, target
from crossdock_cli.connection import Connection, connect
from crossdock_cli.embedded.errors import EmbeddedError
from crossdock_cli.embedded.launch import account_for, first_unreachable, free_port
from crossdock_cli.embedded.postgres_binaries import binaries_for
from crossdock_cli.embedded.tansu import tansu_binary
from crossdock_cli.embedded.topics import load_topics
from crossdock_cli.errors import CommandFailed
from crossdock_cli.stack.folder import DataFolder
from crossdock_cli.stack.record import read_record
from crossdock_cli.stack.services import SERVICES
from crossdock_cli.terminal import print_json, print_table

OLDEST_PYTHON = (3, 11)
LEAST_DISK_BYTES = 2 * 1024**3
MOST_CLOCK_S = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    ok: bool
    detail: str


def doctor(*, as_json: AsJson = False) -> None:
    """Look for what would keep Crossdock from running, or keeps it from running well."""
    folder = DataFolder(target.data)
    findings = [*_machine(folder), *_stack(folder)]
    if as_json:
        print_json([asdict(one) for one in findings])
    else:
        print_table(["", "", ""], [["ok" if one.ok else "failed", one.what, one.detail] for one in findings])
    wrong = sum(not one.ok for one in findings)
    if wrong:
        raise CommandFailed(f"{wrong} of {len(findings)} checks failed")


# -- the machine


def _machine(folder: DataFolder) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", sys.version_info >= OLDEST_PYTHON, f"{version}; 3.11 or newer is needed")
    yield _attempt("postgresql", lambda: f"version {binaries_for(None, folder.path).major}")
    yield _attempt("broker", lambda: str(tansu_binary()))
    yield _attempt("topics file", lambda: f"{len(load_topics())} topics")
    yield _attempt("ports", lambda: f"127.0.0.1:{free_port()} is free")
    there = next(one for one in (folder.path, *folder.path.parents) if one.exists())
    free = shutil.disk_usage(there).free
    yield Finding("disk", free >= LEAST_DISK_BYTES, f"{free / 1024**3:.1f} GiB free in {there}; 2 are needed")
    yield _rights(folder, there)


def _rights(folder: DataFolder, there: Path) -> Finding:
    what = "data folder"
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Finding(what, False, f"{there} cannot be written to; give yourself the right or use --data")
    if os.geteuid() == 0:
        closed = first_unreachable(folder.path, account_for("nobody"))
        if closed is not None:
            return Finding(what, False, f"PostgreSQL, not run as root, cannot pass {closed}; use --data")
    open_files = [one for one in ("keys.json",) if _readable_by_others(folder.path / one)]
    if open_files:
        return Finding(what, False, f"others can read {', '.join(open_files)}: chmod 600 it")
    return Finding(what, True, str(folder.path))


def _readable_by_others(file: Path) -> bool:
    return file.exists() and bool(file.stat().st_mode & 0o077)


# -- the running stack


def _stack(folder: DataFolder) -> list[Finding]:
    try:
        record = read_record(folder)
    except EmbeddedError as error:
        return [Finding("stack", False, str(error))]
    if record is None:
        return [Finding("stack", True, "not running; start it with `crossdock up`")]
    processes = [
        Finding(
            one["name"],
            one["state"] == "ready",
            f"{one['state']}, process {one['pid']}, {one['restarts']} restarts {one['reason']}".strip(),
        )
        for one in record["processes"]
    ]
    return [*processes, *asyncio.run(_services(connect(folder)))]


async def _services(connection: Connection) -> list[Finding]:
    async with Api(connection) as api, httpx.AsyncClient(timeout=5) as http:
        found = [await _health(http, connection, name) for name in SERVICES]
        found += [await _clock(api, name) for name in SERVICES]
    return [*found, await _topics(connection)]


async def _health(http: httpx.AsyncClient, connection: Connection, name: str) -> Finding:
    try:
        answer = await http.get(f"{connection.url(name)}/readyz")
        return Finding(f"{name}: ready", answer.is_success, ", ".join(answer.json()["reasons"]) or "yes")
    except (httpx.TransportError, ValueError, KeyError) as error:
        return Finding(
            f"{name}: ready", False, f"no answer ({type(error).__name__}); see `crossdock logs {name}`"
        )


async def _clock(api: Api, name: str) -> Finding:
    """The database's clock against ours: tokens, timers and deadlines go by it."""
    try:
        status = await api.get(name, "/v1/operations/status")
    except CommandFailed as error:
        return Finding(f"{name}: clock", False, str(error))
    apart = abs(datetime.fromisoformat(status["at"]).timestamp() - time.time())
    return Finding(f"{name}: clock", apart < MOST_CLOCK_S, f"{apart:.1f} s apart from this machine's")


async def _topics(connection: Connection) -> Finding:
    admin = AIOKafkaAdminClient(bootstrap_servers=connection.url("kafka"), request_timeout_ms=5000)
    try:
        await admin.start()
        there = set(await admin.list_topics())
    except (KafkaError, OSError) as error:
        return Finding("topics", False, f"the broker does not answer ({type(error).__name__})")
    finally:
        await admin.close()
    missing = sorted({one.name for one in load_topics()} - there)
    return Finding(
        "topics", not missing, f"missing: {', '.join(missing)}" if missing else f"{len(there)} there"
    )


def _attempt(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except EmbeddedError as error:
        return Finding(what, False, str(error))

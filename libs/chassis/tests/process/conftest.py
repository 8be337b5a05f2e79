import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.databases import DatabaseUrls
from crossdock_cli.embedded.templates import FreshDatabase

DEMO = Path(__file__).parent / "demo"
MIGRATIONS = DEMO / "migrations"


class Running:
    """The demo service as an operating-system process, with its log read as it comes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self.text = ""
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.text += line.decode()
            if line.startswith(b"{"):
                self.lines.append(json.loads(line))
            async with self._news:
                self._news.notify_all()

    async def said(self, event: str, timeout_s: float = 20) -> dict[str, Any]:
        """The first log line with this event; waits for it."""

        def found() -> dict[str, Any] | None:
            return next((line for line in self.lines if line["event"] == event), None)

        try:
            async with asyncio.timeout(timeout_s), self._news:
                await self._news.wait_for(found)
        except TimeoutError:
            pytest.fail(f"{event} was not said:\n{self.text}")
        line = found()
        assert line is not None
        return line

    async def ended(self, timeout_s: float = 40) -> int:
        """The exit code; waits for it."""
        try:
            async with asyncio.timeout(timeout_s):
                code = await self.process.wait()
                await self._reading
        except TimeoutError:
            pytest.fail(f"the process did not end:\n{self.text}")
        return code

    async def client(self) -> httpx.AsyncClient:
        """A client of its HTTP port, once it is listening."""
        port = (await self.said("process.started"))["port"]
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False)


Start = Callable[..., Any]


@pytest.fixture
def urls(fresh_database: FreshDatabase) -> DatabaseUrls:
    """A database with the demo's migrations."""
    return fresh_database("chassisdemo", lambda owner_url: upgrade(MIGRATIONS, owner_url))


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """`await start(urls, "api", DEMO_FAULT="dies")` -> Running. What still runs at the end is killed."""
    async with AsyncExitStack() as stack:

        async def start(urls: DatabaseUrls | None, *arguments: str, stdin: str = "", **env: str) -> Running:
            return await stack.enter_async_context(_running(urls, arguments, stdin, env))

        yield start


@asynccontextmanager
async def _running(
    urls: DatabaseUrls | None, arguments: tuple[str, ...], stdin: str, env: dict[str, str]
) -> AsyncIterator[Running]:
    settings = {
        "DEMO_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "DEMO_HTTP_PORT": "0",
        "DEMO_HEALTH_PORT": "0",
    }
    if urls is not None:
        settings |= {"DEMO_DATABASE_URL": urls.app_url, "DEMO_MIGRATION_URL": urls.owner_url}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(DEMO / "__main__.py"),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], **settings, **env},
    )
    assert process.stdin is not None
    process.stdin.write(stdin.encode())
    process.stdin.close()
    running = Running(process)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await running._reading

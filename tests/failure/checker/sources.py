"""Where evidence comes from: the databases, the sandboxes' books, read directly and never written."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx

from ..system import System

SERVICES = ("order", "inventory", "shipping", "notify")
_PAGE = 1000


class Sources:
    """Open connections to everything a `System` names."""

    def __init__(
        self, system: System, databases: Mapping[str, asyncpg.Connection], http: httpx.AsyncClient
    ) -> None:
        self.system = system
        self._databases = databases
        self._http = http

    async def rows(self, service: str, sql: str, *values: object) -> list[asyncpg.Record]:
        found: list[asyncpg.Record] = await self._databases[service].fetch(sql, *values)
        return found

    async def value(self, service: str, sql: str, *values: object) -> Any:
        return await self._databases[service].fetchval(sql, *values)

    async def book(self, sandbox: str, table: str) -> list[dict[str, Any]]:
        """All rows of a table in a sandbox's own books, in the order they were written."""
        found: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            answer = await self._http.get(
                f"{self.system.sandboxes[sandbox]}/_sandbox/books/{table}",
                params={"after": after, "limit": _PAGE},
            )
            answer.raise_for_status()
            page = answer.json()
            found += page["rows"]
            after = page["next_after"]
        return found


@asynccontextmanager
async def open_sources(system: System) -> AsyncIterator[Sources]:
    """Raises OSError, asyncpg.PostgresError or TimeoutError when a database cannot be reached."""
    databases: dict[str, asyncpg.Connection] = {}
    async with httpx.AsyncClient(timeout=30) as http:
        try:
            for service, url in system.databases.items():
                databases[service] = await asyncpg.connect(
                    url.replace("+asyncpg", ""),
                    timeout=5,
                    command_timeout=60,
                    server_settings={
                        "application_name": "crossdock checker",
                        "default_transaction_read_only": "on",
                    },
                )
            yield Sources(system, databases, http)
        finally:
            for connection in databases.values():
                connection.terminate()

"""The services' HTTP APIs: pages, problems in words a person understands, patience where it is asked for."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from crossdock_cli.connection import Connection
from crossdock_cli.errors import CommandFailed, NotRunning

TIMEOUT_S = 15.0
PAGE = 200
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
#: What passes by itself: the process is starting again, or the same request is still under way.
PASSING = frozenset({429, 500, 502, 503, 504})
IN_FLIGHT = "idempotency-in-flight"


class Refused(CommandFailed):
    """The service understood and said no."""

    def __init__(self, message: str, status: int, kind: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class Api:
    """`patience_s`: how long a service that is away is waited for. Writes are repeated then, so they need a
    key or must be safe to repeat.
    """

    def __init__(self, connection: Connection, *, patience_s: float = 0.0) -> None:
        self._connection = connection
        self._patience_s = patience_s
        self._http = httpx.AsyncClient(
            timeout=TIMEOUT_S, limits=httpx.Limits(max_connections=32, max_keepalive_connections=32)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, service: str, path: str, **params: object) -> Any:
        """The JSON of an answer. Parameters that are None are left out. Raises NotRunning or Refused."""
        return (await self._call("GET", service, path, params=params)).json()

    async def send(
        self,
        method: str,
        service: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        params: Mapping[str, object] | None = None,
    ) -> Any:
        """A write. `key` becomes its Idempotency-Key: sent twice, it is done once."""
        answer = await self._call(method, service, path, body=body, key=key, params=params or {})
        return answer.json() if answer.content else None

    async def send_text(
        self, service: str, path: str, content: str, media_type: str, **params: object
    ) -> Any:
        """A file as it is. Raises NotRunning or Refused."""
        answer = await self._call("POST", service, path, params=params, content=(content, media_type))
        return answer.json()

    async def download(self, service: str, path: str) -> bytes:
        """A file as it is. Raises NotRunning or Refused."""
        return (await self._call("GET", service, path, params={})).content

    async def items(self, service: str, path: str, *, at_most: int = 10_000, **params: object) -> list[Any]:
        """The items of all pages, up to `at_most`."""
        return [item async for item in self._pages(service, path, at_most, params)]

    async def _pages(
        self, service: str, path: str, at_most: int, params: Mapping[str, object]
    ) -> AsyncIterator[Any]:
        cursor, given = None, 0
        while given < at_most:
            page = await self.get(service, path, **params, cursor=cursor, limit=min(PAGE, at_most - given))
            for item in page["items"]:
                yield item
            given += len(page["items"])
            cursor = page.get("next_cursor")
            if not cursor:
                return

    async def rows(self, sandbox: str, table: str, **columns: object) -> list[dict[str, Any]]:
        """All rows of a table of a sandbox's own books."""
        return await self.listed(sandbox, f"/_sandbox/books/{table}", limit=1000, **columns)

    async def listed(self, sandbox: str, path: str, **params: object) -> list[dict[str, Any]]:
        """All rows of a list of a sandbox's."""
        found: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = await self.get(sandbox, path, after=after, **params)
            found += page["rows"]
            after = page["next_after"]
        return found

    async def _call(
        self,
        method: str,
        service: str,
        path: str,
        *,
        params: Mapping[str, object],
        body: object = None,
        key: str | None = None,
        content: tuple[str, str] | None = None,
    ) -> httpx.Response:
        url = self._connection.url(service) + path
        headers = {"Authorization": f"Bearer {self._connection.token}"} if "/_sandbox/" not in path else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        data = None
        if content is not None:
            data, headers["Content-Type"] = content[0].encode(), content[1]
        wanted = {name: _text(value) for name, value in params.items() if value is not None}
        deadline = asyncio.get_running_loop().time() + self._patience_s
        pause_s = FIRST_PAUSE_S
        while True:
            out_of_time = asyncio.get_running_loop().time() >= deadline
            try:
                answer = await self._http.request(
                    method, url, params=wanted, json=body, content=data, headers=headers
                )
            except httpx.TransportError as error:
                if out_of_time:
                    where = self._connection.url(service)
                    raise NotRunning(
                        f"{service} does not answer at {where} ({type(error).__name__})"
                    ) from error
            else:
                if answer.is_success:
                    return answer
                refused = _refused(service, answer)
                if out_of_time or not _passes(refused):
                    raise refused
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def _passes(refused: Refused) -> bool:
    return refused.status in PASSING or refused.kind == IN_FLIGHT


def _refused(service: str, answer: httpx.Response) -> Refused:
    """A problem document in one line; anything else by its status."""
    try:
        problem = answer.json()
        kind = str(problem.get("type", "")).rsplit("/", 1)[-1].rsplit(":", 1)[-1]
        title, detail = problem.get("title") or answer.reason_phrase, problem.get("detail")
        extra = {name: problem[name] for name in ("errors", "code") if name in problem}
    except (json.JSONDecodeError, AttributeError):
        kind, title, detail, extra = "", answer.reason_phrase, None, {}
    words = f"{service} says {answer.status_code}: {title}"
    if detail:
        words += f". {detail}"
    if extra:
        words += f" {json.dumps(extra, ensure_ascii=False)[:500]}"
    return Refused(words, answer.status_code, kind)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

"""One call of a platform's API: fault, effect, entry in the books, answer, in that order everywhere."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from crossdock_sandbox.books import Books
from crossdock_sandbox.faults import Fault, Faults, Mode
from crossdock_sandbox.serving import cut_connection

HTTP_OK = 200
HTTP_TOO_LARGE = 413


class BodyTooLarge(ValueError):
    """The request has more bytes than the sandbox takes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back, and how the books call it."""

    content: object  # sent as JSON, or as it is when it is bytes
    status: int = HTTP_OK
    outcome: str = "ok"
    reference: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict)
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        content = self.content
        body = content if isinstance(content, bytes) else json_bytes(content)
        return Response(body, self.status, dict(self.headers), self.media_type)


class Dialect(Protocol):
    """How one platform says the three things that any platform says."""

    def server_error(self) -> Answer: ...
    def throttled(self) -> Answer: ...
    def refused(self, operation: str) -> Answer: ...


def json_bytes(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body. Raises BodyTooLarge as soon as it is longer than the limit."""
    chunks = bytearray()
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > limit_bytes:
            raise BodyTooLarge(limit_bytes)
    return bytes(chunks)


async def answer_call(
    request: Request,
    *,
    books: Books,
    faults: Faults,
    dialect: Dialect,
    operation: str,
    reference: str | None,
    request_text: str,
    work: Callable[[], Answer],
) -> Response:
    """Run `work` and its entry in the books as one transaction, unless a fault comes first."""
    fault = faults.take(operation, request_text)
    unserved = _unserved(fault, dialect, operation)
    if unserved is not None or (fault is not None and fault.mode is Mode.HANG):
        _record(books, operation, reference, fault, unserved)
        if unserved is not None:
            return unserved.response()
        await _until_gone(request, fault.delay_s if fault else 0)
        cut_connection(request)
        return Response(status_code=HTTP_OK)
    with books.transaction():
        answer = work()
        _record(books, operation, answer.reference or reference, fault, answer)
    if fault is not None and fault.mode is Mode.ANSWER_LATE:
        await asyncio.sleep(fault.delay_s)
    if fault is not None and fault.mode is Mode.DO_THEN_DROP:
        cut_connection(request)
    return answer.response()


def _unserved(fault: Fault | None, dialect: Dialect, operation: str) -> Answer | None:
    if fault is None:
        return None
    match fault.mode:
        case Mode.ERROR_500:
            return dialect.server_error()
        case Mode.THROTTLE:
            return dialect.throttled()
        case Mode.REFUSE:
            return dialect.refused(operation)
        case _:
            return None


def _record(
    books: Books, operation: str, reference: str | None, fault: Fault | None, answer: Answer | None
) -> None:
    books.record(
        operation,
        reference,
        answer.outcome if answer else "no_answer",
        status=answer.status if answer else None,
        fault=fault.mode.value if fault else None,
        detail=answer.detail if answer else None,
    )


async def _until_gone(request: Request, at_most_s: float) -> None:
    """Return when the caller has hung up, at the latest after `at_most_s`."""
    try:
        async with asyncio.timeout(at_most_s):
            while not await _disconnected(request):
                pass
    except TimeoutError:
        return


async def _disconnected(request: Request) -> bool:
    try:
        message: Any = await request.receive()
    except ClientDisconnect:
        return True
    return bool(message["type"] == "http.disconnect")

"""The mailbox put together: SMTP, the control API over HTTP, and pages for a person."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import BodyTooLarge
from crossdock_sandbox.control import bad_request, control_routes, problem
from crossdock_sandbox.faults import Faults
from crossdock_sandbox.mailbox.pages import MAIL_POLICY, PAGE_POLICY, list_page, message_page
from crossdock_sandbox.mailbox.smtp import Handler, Login, taking_mail
from crossdock_sandbox.mailbox.store import LISTED, PAGES, SCHEMA, Store, body, parsed
from crossdock_sandbox.serving import LOOPBACK, listening_socket, serving

SIZE_LIMIT = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class MailboxOptions:
    size_limit: int = SIZE_LIMIT
    login: Login | None = None  # with one, AUTH is demanded


@dataclass(frozen=True, slots=True)
class MailboxSandbox:
    base_url: str
    smtp_port: int
    smtp_host: str = LOOPBACK


def _routes(store: Store) -> list[Route]:
    async def get_messages(request: Request) -> Response:
        query = dict(request.query_params)
        headers = {name[7:]: query.pop(name) for name in list(query) if name.startswith("header.")}
        try:
            before, limit = int(query.pop("before", 0)), int(query.pop("limit", LISTED))
        except ValueError:
            return problem(400, "before and limit are whole numbers")
        known = {name: query.pop(name) for name in ("to", "subject", "message_id") if name in query}
        if query:
            return problem(400, f"no such filter: {sorted(query)[0]}")
        rows = store.listed(**known, headers=headers, before=before or None, limit=min(max(limit, 1), LISTED))
        return JSONResponse({"messages": [_summary(row) for row in rows]})

    async def get_message(request: Request) -> Response:
        row = _row(request)
        if row is None:
            return problem(404, "no such message")
        message = parsed(row["raw"])
        text, html = body(message, "plain"), body(message, "html")
        attachments = [
            {"filename": part.get_filename(), "content_type": part.get_content_type()}
            for part in message.iter_attachments()
        ]
        return JSONResponse({**_summary(row), "text": text, "html": html, "attachments": attachments})

    async def get_part(request: Request) -> Response:
        row, part = _row(request), request.path_params["part"]
        if row is None or part not in {"raw", "text", "html"}:
            return problem(404, "no such message, or no such part of one")
        if part == "raw":
            return Response(
                row["raw"], media_type="text/plain", headers={"X-Content-Type-Options": "nosniff"}
            )
        content = body(parsed(row["raw"]), "html" if part == "html" else "plain")
        if content is None:
            return problem(404, f"this mail has no {part}")
        if part == "html":
            return HTMLResponse(content, headers={"Content-Security-Policy": MAIL_POLICY})
        return PlainTextResponse(content)

    async def show_list(request: Request) -> Response:
        to, before = request.query_params.get("to", ""), request.query_params.get("before", "")
        rows = store.listed(
            to=to.strip() or None, before=int(before) if before.isdecimal() else None, limit=LISTED
        )
        older = rows[-1]["id"] if len(rows) == LISTED else None
        return _own_page(list_page(rows, to=to, older=older))

    async def show_message(request: Request) -> Response:
        row = _row(request)
        return _own_page(message_page(row)) if row else problem(404, "no such message")

    def _row(request: Request) -> sqlite3.Row | None:
        return store.message(request.path_params["id"])

    return [
        Route("/", show_list),
        Route("/messages/{id:int}", show_message),
        Route("/_sandbox/messages", get_messages),
        Route("/_sandbox/messages/{id:int}", get_message),
        Route("/_sandbox/messages/{id:int}/{part}", get_part),
    ]


def _summary(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "at": row["at"],
        "mail_from": row["mail_from"],
        "recipients": json.loads(row["recipients_json"]),
        "message_id": row["message_id"],
        "to": row["to_header"],
        "subject": row["subject"],
        "headers": json.loads(row["headers_json"]),
        "size": row["size"],
    }


def _own_page(content: str) -> Response:
    headers = {"Content-Security-Policy": PAGE_POLICY, "X-Content-Type-Options": "nosniff"}
    return HTMLResponse(content, headers=headers)


@asynccontextmanager
async def running_mailbox(
    data_dir: Path,
    *,
    port: int = 0,
    host: str = LOOPBACK,
    smtp_port: int = 0,
    options: MailboxOptions | None = None,
) -> AsyncIterator[MailboxSandbox]:
    """Serve on `host` until the block is left; the books are `data_dir/mailbox.sqlite`."""
    options = options or MailboxOptions()
    books = Books(data_dir / "mailbox.sqlite", SCHEMA, PAGES)
    try:
        faults, store = Faults(books), Store(books)
        app = Starlette(
            routes=[*control_routes(books, faults), *_routes(store)],
            exception_handlers={ValidationError: bad_request, BodyTooLarge: bad_request},
        )
        mail = taking_mail(
            Handler(books, faults, store),
            listening_socket(smtp_port),
            size_limit=options.size_limit,
            login=options.login,
        )
        async with mail as taken_port, serving(app, listening_socket(port, host)) as base_url:
            yield MailboxSandbox(base_url, taken_port)
    finally:
        books.close()

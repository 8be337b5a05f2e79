"""The UPS sandbox put together: the API and the control API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.routing import Route

from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import BodyTooLarge
from crossdock_sandbox.control import bad_request, control_routes
from crossdock_sandbox.serving import LOOPBACK, listening_socket, serving
from crossdock_sandbox.sold import sold_routes
from crossdock_sandbox.ups import store as books_of_ups
from crossdock_sandbox.ups.office import Office, UpsOptions
from crossdock_sandbox.webhooks import PAGES as WEBHOOK_PAGES
from crossdock_sandbox.webhooks import SCHEMA as WEBHOOK_SCHEMA
from crossdock_sandbox.webhooks import Deliverer, Schedule


@dataclass(frozen=True, slots=True)
class UpsSandbox:
    """A running sandbox. `base_url` stands for https://onlinetools.ups.com: paths go on with /api."""

    base_url: str
    login: str
    accounts: tuple[str, ...]


@asynccontextmanager
async def running_ups(
    data_dir: Path, *, port: int = 0, host: str = LOOPBACK, options: UpsOptions | None = None
) -> AsyncIterator[UpsSandbox]:
    """Serve on `host` until the block is left; the books are `data_dir/ups.sqlite`."""
    options = options or UpsOptions()
    pages = {**books_of_ups.PAGES, **WEBHOOK_PAGES}
    books = Books(data_dir / "ups.sqlite", books_of_ups.SCHEMA + WEBHOOK_SCHEMA, pages)
    schedule = Schedule(
        retries=3,
        retry_base_s=options.retry_base_s,
        connect_s=1.0,
        total_s=5.0,
        concurrency=options.delivery_concurrency,
    )
    try:
        office = Office(books, Deliverer(books, schedule), options)
        app = Starlette(
            routes=[
                *control_routes(books, office.faults),
                *sold_routes(books, books_of_ups.SOLD),
                Route("/security/v1/oauth/token", office.token, methods=["POST"]),
                Route("/api/shipments/v2409/ship", office.create, methods=["POST"]),
                Route("/api/shipments/v2409/void/cancel/{number}", office.void, methods=["DELETE"]),
                Route("/api/labels/v1903/recovery", office.recover, methods=["POST"]),
                Route("/api/track/v1/details/{number}", office.track, methods=["GET"]),
                Route("/api/track/v2/subscription/standard/package", office.subscribe, methods=["POST"]),
                Route("/_sandbox/tokens", office.end_tokens, methods=["DELETE"]),
                Route("/_sandbox/portal", office.put_portal, methods=["PUT"]),
                Route("/_sandbox/deliveries", office.deliveries),
                Route("/_sandbox/shipments/{number}/scan", office.scan, methods=["POST"]),
                Route("/_sandbox/shipments/{number}/withdraw", office.withdraw, methods=["POST"]),
                Route(
                    "/api/{rest:path}",
                    office.anything_else,
                    methods=["DELETE", "GET", "PATCH", "POST", "PUT"],
                ),
            ],
            exception_handlers={ValidationError: bad_request, BodyTooLarge: bad_request},
        )
        async with office.deliverer.running(), serving(app, listening_socket(port, host)) as base_url:
            yield UpsSandbox(base_url, options.login, options.accounts)
    finally:
        books.close()

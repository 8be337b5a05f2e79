"""The EasyPost sandbox put together: API, label files, control API, webhook delivery, refunds falling due."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from starlette.applications import Starlette

from crossdock_sandbox import webhooks
from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import BodyTooLarge
from crossdock_sandbox.control import bad_request, control_routes
from crossdock_sandbox.easypost import store as books_of_easypost
from crossdock_sandbox.easypost.office import EasyPostOptions, Office
from crossdock_sandbox.easypost.routes import api_routes, parcel_routes
from crossdock_sandbox.serving import LOOPBACK, listening_socket, serving
from crossdock_sandbox.sold import sold_routes
from crossdock_sandbox.webhooks import Deliverer, Schedule


@dataclass(frozen=True, slots=True)
class EasyPostSandbox:
    """A running sandbox. `base_url` stands for https://api.easypost.com: paths go on with /v2."""

    base_url: str
    api_keys: Sequence[str]


@asynccontextmanager
async def running_easypost(
    data_dir: Path, *, port: int = 0, host: str = LOOPBACK, options: EasyPostOptions | None = None
) -> AsyncIterator[EasyPostSandbox]:
    """Serve on `host` until the block is left; the books are `data_dir/easypost.sqlite`."""
    options = options or EasyPostOptions()
    books = Books(
        data_dir / "easypost.sqlite",
        webhooks.SCHEMA + books_of_easypost.SCHEMA,
        {**webhooks.PAGES, **books_of_easypost.PAGES},
    )
    try:
        schedule = Schedule(
            retries=options.retries,
            retry_base_s=options.retry_base_s,
            connect_s=options.connect_timeout_s,
            total_s=options.total_timeout_s,
            concurrency=options.delivery_concurrency,
        )
        deliverer = Deliverer(books, schedule)
        office = Office(books, deliverer, options)
        app = Starlette(
            routes=[
                *control_routes(books, office.faults),
                *sold_routes(books, books_of_easypost.SOLD),
                *api_routes(office),
                *parcel_routes(office),
            ],
            exception_handlers={ValidationError: bad_request, BodyTooLarge: bad_request},
        )
        async with deliverer.running(), serving(app, listening_socket(port, host)) as base_url:
            refunds = asyncio.create_task(office.settle_refunds())
            try:
                yield EasyPostSandbox(base_url, options.api_keys)
            finally:
                refunds.cancel()
                await asyncio.gather(refunds, return_exceptions=True)
    finally:
        books.close()

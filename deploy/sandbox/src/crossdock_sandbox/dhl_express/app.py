"""The DHL Express sandbox put together: the API and the control API."""

import base64
import binascii
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import Answer, BodyTooLarge, answer_call, read_body
from crossdock_sandbox.control import bad_request, control_routes, problem, read_model
from crossdock_sandbox.dhl_express import store as books_of_dhl_express
from crossdock_sandbox.dhl_express.errors import Refused, Words, invalid, refused
from crossdock_sandbox.dhl_express.shipments import Desk, reference_of
from crossdock_sandbox.dhl_express.store import Store
from crossdock_sandbox.dhl_express.tracking import Scan, Withdrawal, add_scan, tracked
from crossdock_sandbox.dhl_express.wire import CreateShipment
from crossdock_sandbox.faults import Faults
from crossdock_sandbox.serving import LOOPBACK, listening_socket, serving
from crossdock_sandbox.sold import sold_routes

API_BODY_BYTES = 1024 * 1024
CREATED = 201
LONGEST_MESSAGE_REFERENCE = 36

# No secrets: of a sandbox started without any.
TEST_LOGIN = "cd-demo-key:cd-demo-secret"
TEST_ACCOUNT = "123456789"


@dataclass(frozen=True, slots=True)
class DhlExpressOptions:
    """`login`: API key and API secret with a colon between them. `accounts`: those that may be charged."""

    login: str = TEST_LOGIN
    accounts: tuple[str, ...] = (TEST_ACCOUNT,)


@dataclass(frozen=True, slots=True)
class DhlExpressSandbox:
    """A running sandbox. `base_url` stands for https://express.api.dhl.com: paths go on with /mydhlapi."""

    base_url: str
    login: str
    accounts: tuple[str, ...]


@asynccontextmanager
async def running_dhl_express(
    data_dir: Path, *, port: int = 0, host: str = LOOPBACK, options: DhlExpressOptions | None = None
) -> AsyncIterator[DhlExpressSandbox]:
    """Serve on `host` until the block is left; the books are `data_dir/dhl_express.sqlite`."""
    options = options or DhlExpressOptions()
    books = Books(data_dir / "dhl_express.sqlite", books_of_dhl_express.SCHEMA, books_of_dhl_express.PAGES)
    try:
        office = _Office(books, options)
        app = Starlette(
            routes=[
                *control_routes(books, office.faults),
                *sold_routes(books, books_of_dhl_express.SOLD),
                Route("/mydhlapi/shipments", office.create_shipment, methods=["POST"]),
                Route("/mydhlapi/tracking", office.track, methods=["GET"]),
                Route("/_sandbox/shipments/{number}/scan", office.scan, methods=["POST"]),
                Route("/_sandbox/shipments/{number}/withdraw", office.withdraw, methods=["POST"]),
                Route(
                    "/mydhlapi/{rest:path}",
                    office.anything_else,
                    methods=["DELETE", "GET", "PATCH", "POST", "PUT"],
                ),
            ],
            exception_handlers={ValidationError: bad_request, BodyTooLarge: bad_request},
        )
        async with serving(app, listening_socket(port, host)) as base_url:
            yield DhlExpressSandbox(base_url, options.login, options.accounts)
    finally:
        books.close()


class _Office:
    """Who may call, and what the calls do."""

    def __init__(self, books: Books, options: DhlExpressOptions) -> None:
        self.faults = Faults(books)
        self._books = books
        self._store = Store(books)
        self._desk = Desk(self._store, options.accounts)
        self._login = options.login.encode()

    async def create_shipment(self, request: Request) -> Response:
        def work(body: bytes) -> Answer:
            message_reference = _checked_head(request)
            try:
                shipment = CreateShipment.model_validate_json(body)
            except ValidationError as error:
                raise invalid(error) from error
            sold = self._desk.create(shipment, message_reference)
            detail = {"tracking_number": sold["shipmentTrackingNumber"]}
            return Answer(sold, CREATED, reference=reference_of(shipment), detail=detail)

        return await self._call(request, "shipment.create", work)

    async def track(self, request: Request) -> Response:
        def work(_body: bytes) -> Answer:
            _version_said(request)
            return Answer(tracked(self._store, request))

        return await self._call(request, "shipment.track", work)

    async def scan(self, request: Request) -> Response:
        """Control: something happens to the parcel."""
        scan, number = await read_model(request, Scan), request.path_params["number"]
        if self._store.sold(number) is None:
            return problem(404, "no such shipment")
        with self._books.transaction():
            add_scan(self._store, number, scan)
        return JSONResponse({"events": self._store.events(number)})

    async def withdraw(self, request: Request) -> Response:
        """Control: the newest event of a code is not told any more."""
        withdrawal, number = await read_model(request, Withdrawal), request.path_params["number"]
        if not self._store.withdraw_event(number, withdrawal.type_code):
            return problem(404, "no such event")
        return JSONResponse({"events": self._store.events(number)})

    async def anything_else(self, request: Request) -> Response:
        def work(_body: bytes) -> Answer:
            raise refused("No such operation in the sandbox.", 404)

        return await self._call(request, f"{request.method} {request.url.path}"[:200], work)

    async def _call(self, request: Request, operation: str, work: Callable[[bytes], Answer]) -> Response:
        """Authenticate, then do and book the work, the refusals included."""
        try:
            body = await read_body(request, API_BODY_BYTES)
        except BodyTooLarge:
            return self._turned_away(operation, refused("The request is too large.", 413))
        if not self._known(request.headers.get("Authorization", "")):
            return self._turned_away(operation, refused("Invalid Credentials", 401))

        def booked() -> Answer:
            try:
                return work(body)
            except Refused as refusal:
                return refusal.answer()

        return await answer_call(
            request,
            books=self._books,
            faults=self.faults,
            dialect=Words(),
            operation=operation,
            reference=_reference_given(body),
            request_text=f"{request.url.path}?{request.url.query} {body.decode(errors='replace')}",
            work=booked,
        )

    def _known(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        try:
            login = base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and secrets.compare_digest(login, self._login)

    def _turned_away(self, operation: str, refusal: Refused) -> Response:
        answer = refusal.answer()
        self._books.record(operation, None, answer.outcome, status=answer.status)
        return answer.response()


def _checked_head(request: Request) -> str | None:
    """The message reference. It is optional, has 1 to 36 characters and may come twice."""
    _version_said(request)
    if request.query_params:
        raise refused(f"No such parameter in the sandbox: {next(iter(request.query_params))}")
    given = request.headers.get("Message-Reference")
    if given is not None and not 1 <= len(given) <= LONGEST_MESSAGE_REFERENCE:
        raise refused("Parameters not having correct format: Message-Reference (maxLength=36)")
    return given


def _version_said(request: Request) -> None:
    if "x-version" not in request.headers:
        raise refused("Missing mandatory parameters: x-version")


def _reference_given(body: bytes) -> str | None:
    """The caller's own reference, if the body is well-formed enough to have one."""
    try:
        reference = json.loads(body)["customerReferences"][0]["value"]
    except (ValueError, LookupError, TypeError):
        return None
    return reference if isinstance(reference, str) else None

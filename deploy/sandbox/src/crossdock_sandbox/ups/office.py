"""Who may call, and what the calls do."""

import base64
import binascii
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qs

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import Answer, BodyTooLarge, answer_call, read_body
from crossdock_sandbox.control import problem, read_model
from crossdock_sandbox.faults import Faults
from crossdock_sandbox.ups.errors import (
    NO_OPERATION,
    NOT_FOUND,
    TOO_LARGE,
    UNAUTHORIZED,
    WRONG_LOGIN,
    WRONG_TOKEN,
    Refused,
    Words,
    broken,
    invalid,
    refused,
)
from crossdock_sandbox.ups.shipments import Desk, reference_of
from crossdock_sandbox.ups.store import Store
from crossdock_sandbox.ups.tracking import Portal, Scan, Withdrawal, add_scan, subscribed, tracked
from crossdock_sandbox.ups.wire import CreateShipment, RecoverLabel, Subscription
from crossdock_sandbox.webhooks import Deliverer

API_BODY_BYTES = 1024 * 1024
LONGEST_TRANSACTION = 32
LONGEST_SOURCE = 512

# No secrets: of a sandbox started without any.
TEST_LOGIN = "cd-demo-client:cd-demo-secret"
TEST_ACCOUNT = "CD0001"

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class UpsOptions:
    """`login`: client id and secret with a colon between them. `accounts`: those that may be charged.
    `found_after_s`: so long a shipment is not found by its reference.
    """

    login: str = TEST_LOGIN
    accounts: tuple[str, ...] = (TEST_ACCOUNT,)
    token_life_s: float = 14_399
    found_after_s: float = 0
    retry_base_s: float = 0.25
    delivery_concurrency: int = 32


class Office:
    def __init__(self, books: Books, deliverer: Deliverer, options: UpsOptions) -> None:
        self.faults = Faults(books)
        self.deliverer = deliverer
        self._books = books
        self._store = Store(books)
        self._desk = Desk(self._store, options.accounts, options.found_after_s)
        self._options = options

    # -- UPS's own API

    async def token(self, request: Request) -> Response:
        def work(body: bytes) -> Answer:
            if not self._knows(request.headers.get("Authorization", "")):
                raise refused(WRONG_LOGIN, "Invalid Authentication Information.", UNAUTHORIZED)
            if parse_qs(body.decode(errors="replace")) != {"grant_type": ["client_credentials"]}:
                raise broken("Invalid grant type")
            token = secrets.token_urlsafe(24)
            self._store.add_token(token, self._options.token_life_s)
            return Answer(
                {
                    "token_type": "Bearer",
                    "issued_at": str(int(time.time() * 1000)),
                    "client_id": self._options.login.partition(":")[0],
                    "access_token": token,
                    "scope": "",
                    "expires_in": f"{self._options.token_life_s:g}",
                    "refresh_count": "0",
                    "status": "approved",
                }
            )

        return await self._call(request, "token.create", work)

    async def create(self, request: Request) -> Response:
        def work(body: bytes) -> Answer:
            asked = _read(CreateShipment, body).ShipmentRequest
            sold = self._desk.create(asked)
            number = sold["ShipmentResponse"]["ShipmentResults"]["ShipmentIdentificationNumber"]
            return Answer(sold, reference=reference_of(asked), detail={"tracking_number": number})

        return await self._authorized(request, "shipment.create", work, _context)

    async def void(self, request: Request) -> Response:
        number = request.path_params["number"]
        return await self._authorized(
            request, "shipment.void", lambda _body: Answer(self._desk.void(number)), lambda _body: number
        )

    async def recover(self, request: Request) -> Response:
        def work(body: bytes) -> Answer:
            return Answer(self._desk.recover(_read(RecoverLabel, body).LabelRecoveryRequest))

        return await self._authorized(request, "label.recover", work, _context)

    async def track(self, request: Request) -> Response:
        number = request.path_params["number"]

        def work(_body: bytes) -> Answer:
            unknown = set(request.query_params) - {
                "locale",
                "returnSignature",
                "returnMilestones",
                "returnPOD",
            }
            if unknown:
                raise broken(f"No such parameter in the sandbox: {sorted(unknown)[0]}")
            return Answer(tracked(self._store, number))

        return await self._authorized(request, "parcel.track", work, lambda _body: number, says_who=True)

    async def subscribe(self, request: Request) -> Response:
        def work(body: bytes) -> Answer:
            return Answer(subscribed(self._store, _read(Subscription, body)))

        return await self._authorized(request, "alert.subscribe", work, says_who=True)

    async def anything_else(self, request: Request) -> Response:
        def work(_body: bytes) -> Answer:
            raise refused(NO_OPERATION, "No such operation in the sandbox.", NOT_FOUND)

        return await self._authorized(request, f"{request.method} {request.url.path}"[:200], work)

    # -- control

    async def end_tokens(self, _request: Request) -> Response:
        self._store.end_tokens()
        return Response(status_code=204)

    async def put_portal(self, request: Request) -> Response:
        portal = await read_model(request, Portal)
        with self._books.transaction():
            self._store.put_portal(portal.url, portal.api_key)
        return Response(status_code=204)

    async def deliveries(self, _request: Request) -> Response:
        return JSONResponse(self.deliverer.status())

    async def scan(self, request: Request) -> Response:
        scan, number = await read_model(request, Scan), request.path_params["number"]
        if self._store.shipment(number) is None:
            return problem(404, "no such shipment")
        with self._books.transaction():
            for delivery in add_scan(self._store, number, scan):
                self.deliverer.add(delivery)
        self.deliverer.wake()
        return JSONResponse({"activity": self._store.events(number)})

    async def withdraw(self, request: Request) -> Response:
        withdrawal, number = await read_model(request, Withdrawal), request.path_params["number"]
        if not self._store.withdraw_event(number, withdrawal.code):
            return problem(404, "no such event")
        return JSONResponse({"activity": self._store.events(number)})

    # -- what all calls share

    async def _authorized(
        self,
        request: Request,
        operation: str,
        work: Callable[[bytes], Answer],
        reference: Callable[[bytes], str | None] = lambda _body: None,
        *,
        says_who: bool = False,
    ) -> Response:
        """`says_who`: transId and transactionSrc are needed, else only bounded."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not self._store.knows_token(token):
            answer = refused(WRONG_TOKEN, "Invalid Access", UNAUTHORIZED).answer()
            self._books.record(operation, None, answer.outcome, status=answer.status)
            return answer.response()

        def checked(body: bytes) -> Answer:
            _check_head(request, says_who=says_who)
            return work(body)

        return await self._call(request, operation, checked, reference)

    async def _call(
        self,
        request: Request,
        operation: str,
        work: Callable[[bytes], Answer],
        reference: Callable[[bytes], str | None] = lambda _body: None,
    ) -> Response:
        """Do and book the work, the refusals included."""
        try:
            body = await read_body(request, API_BODY_BYTES)
        except BodyTooLarge:
            answer = refused(TOO_LARGE, "The request is too large.", 413).answer()
            self._books.record(operation, None, answer.outcome, status=answer.status)
            return answer.response()

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
            reference=reference(body),
            request_text=f"{request.url.path}?{request.url.query} {body.decode(errors='replace')}",
            work=booked,
        )

    def _knows(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        try:
            login = base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and secrets.compare_digest(login, self._options.login.encode())


def _read(model: type[T], body: bytes) -> T:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from error


def _check_head(request: Request, *, says_who: bool) -> None:
    for name, most in (("transId", LONGEST_TRANSACTION), ("transactionSrc", LONGEST_SOURCE)):
        given = request.headers.get(name)
        if given is None and says_who:
            raise broken(f"Missing {name}")
        if given is not None and not 1 <= len(given) <= most:
            raise broken(f"Invalid {name}")


def _context(body: bytes) -> str | None:
    """What the caller wants to have back, if the body is well-formed enough to have it."""
    try:
        (asked,) = json.loads(body).values()
        context = asked["Request"]["TransactionReference"]["CustomerContext"]
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return context if isinstance(context, str) else None

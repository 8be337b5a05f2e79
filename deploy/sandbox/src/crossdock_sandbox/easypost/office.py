"""What the routes share: who may call, how a call is worked off, how an event goes out."""

import asyncio
import base64
import binascii
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from crossdock_sandbox.books import Books
from crossdock_sandbox.calls import Answer, BodyTooLarge, answer_call, read_body
from crossdock_sandbox.easypost.errors import Refused, Words
from crossdock_sandbox.easypost.shipments import Desk
from crossdock_sandbox.easypost.store import Json, Store
from crossdock_sandbox.easypost.tracking import delivery_of, event
from crossdock_sandbox.faults import Faults
from crossdock_sandbox.webhooks import Deliverer, Signature

API_BODY_BYTES = 1024 * 1024
REFUND_LOOK_S = 0.25
TEST_KEY = "EZTKsandbox000000000000"  # no secret: the key of a sandbox started without one


@dataclass(frozen=True, slots=True)
class EasyPostOptions:
    api_keys: tuple[str, ...] = (TEST_KEY,)
    refund_delay_s: float = 2.0
    retry_base_s: float = 0.25
    retries: int = 6
    delivery_concurrency: int = 32
    connect_timeout_s: float = 1.0
    total_timeout_s: float = 7.0


class Office:
    """One per running sandbox."""

    def __init__(self, books: Books, deliverer: Deliverer, options: EasyPostOptions) -> None:
        self.books = books
        self.faults = Faults(books)
        self.store = Store(books)
        self.desk = Desk(self.store, options.refund_delay_s)
        self.deliverer = deliverer
        self._keys = [key.encode() for key in options.api_keys]

    async def call(
        self,
        request: Request,
        operation: str,
        reference: Callable[[bytes], str | None],
        work: Callable[[bytes], Answer],
    ) -> Response:
        """Authenticate, then do and book the work, EasyPost's errors included."""
        try:
            body = await read_body(request, API_BODY_BYTES)
        except BodyTooLarge:
            return self._turned_away(operation, Refused(413, "BAD_REQUEST", "The request is too large."))
        if not self._known(request.headers.get("Authorization", "")):
            refused = Refused(401, "UNAUTHORIZED", "A valid API key is required for this request.")
            return self._turned_away(operation, refused)

        def booked() -> Answer:
            try:
                return work(body)
            except Refused as refused:
                return refused.answer()

        return await answer_call(
            request,
            books=self.books,
            faults=self.faults,
            dialect=Words(),
            operation=operation,
            reference=reference(body),
            request_text=f"{request.url.path} {body.decode(errors='replace')}",
            work=booked,
        )

    def tell(
        self,
        description: str,
        result: Json,
        previous: Json,
        reference: str,
        *,
        copies: int = 1,
        signature: Signature = Signature.GOOD,
    ) -> list[int]:
        """Queue one event for every registered webhook, inside the caller's transaction."""
        told = event(description, result, previous)
        return [
            self.deliverer.add(delivery_of(told, reference, url, secret, signature))
            for url, secret in self.store.endpoints()
            for _ in range(copies)
        ]

    async def settle_refunds(self) -> None:
        """Pay back, or reject, what was asked for long enough ago."""
        while True:
            for shipment in self.store.refunds_due(time.time()):
                with self.books.transaction():
                    self.settle(shipment, None)
                self.deliverer.wake()
            await asyncio.sleep(REFUND_LOOK_S)

    def settle(self, shipment: Json, status: str | None) -> Json:
        settled = self.desk.settle_refund(shipment, status)
        if settled["refund_status"] == "refunded":
            refund = {
                "object": "Refund",
                "mode": "test",
                "tracking_code": settled["tracking_code"],
                "shipment_id": settled["id"],
                "status": "refunded",
            }
            self.tell("refund.successful", refund, {}, settled["tracking_code"])
        outcome = str(settled["refund_status"])
        self.books.record("refund.settled", settled["reference"], outcome, detail={"id": settled["id"]})
        return settled

    def _known(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        key = given.encode()
        if scheme.lower() == "basic":
            try:
                key = base64.b64decode(given, validate=True).partition(b":")[0]
            except (binascii.Error, ValueError):
                return False
        elif scheme.lower() != "bearer":
            return False
        return any([secrets.compare_digest(key, known) for known in self._keys])  # noqa: C419 - constant time

    def _turned_away(self, operation: str, refused: Refused) -> Response:
        answer = refused.answer()
        self.books.record(operation, None, answer.outcome, status=answer.status)
        return answer.response()

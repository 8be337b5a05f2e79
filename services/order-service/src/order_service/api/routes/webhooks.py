"""`POST /webhooks/{platform}/{account}`: verified on the raw bytes, stored, imported, and answered after the
commit.

A plain Starlette endpoint: no schema, no dependencies, an empty answer. 401 for everything that is not proven
to come from the account's shop, whatever the reason.
"""

import asyncio
import re
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError
from starlette.requests import Request
from starlette.responses import Response

from crossdock_chassis.crash_points import reached
from crossdock_chassis.group_commit import GroupCommit
from crossdock_chassis.ids import new_id
from crossdock_chassis.logging import get_logger
from crossdock_chassis.telemetry import current_traceparent
from crossdock_contracts.envelope import Cause
from order_service.api.models import NAME
from order_service.domain.canonical import CanonicalOrder
from order_service.domain.errors import NotAnOrder, OrderError
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Delivery, Marketplace, NotAuthentic
from order_service.use_cases.ports import Account, Message, RacedImport
from order_service.use_cases.receive_message import Received, receive_messages

log = get_logger(__name__)

#: Two deliveries may create the same order at once; the second finds it when it begins again.
ATTEMPTS = 3
#: A secret that was taken away, and an account that was deactivated, are good for this long, in every
#: process.
ACCOUNT_S = 2.0
ACCOUNTS = 10_000
_NAME: Final = re.compile(NAME)
#: Ours, and still there at the next attempt. What may pass (no connection, a lock) is the sender's to repeat.
DEFECTS: Final = (
    *(ValueError, TypeError, LookupError, ArithmeticError, RecursionError),
    *(OrderError, DataError, IntegrityError, ProgrammingError),
)


class WebhookEndpoint:
    """Takes the deliveries of every platform there is a folder for."""

    def __init__(
        self,
        database: OrderDatabase,
        marketplaces: Mapping[str, Marketplace],
        retention: Retention,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._marketplaces = marketplaces
        self._retention = retention
        self._clock = clock
        self._accounts: dict[tuple[str, str], tuple[Account, float]] = {}
        self._looking: dict[tuple[str, str], asyncio.Task[Account | None]] = {}
        self._intake = GroupCommit(self._store, key=_order_of, lanes=2)

    async def post(self, request: Request) -> Response:
        """The delivery in `request`; the answer goes out after the commit."""
        body = await request.body()
        marketplace = self._marketplaces.get(request.path_params["platform"])
        account = await self._account(marketplace, request.path_params["account"])
        if marketplace is None or account is None:
            return Response(status_code=401)
        try:
            delivery = marketplace.verify(account, request.headers, body)
        except NotAuthentic:
            return Response(status_code=401)
        if delivery is not None:
            await self._keep(marketplace, account, delivery, body)
        return Response(status_code=200)

    async def _account(self, marketplace: Marketplace | None, name: str) -> Account | None:
        """The account, as it was at most `ACCOUNT_S` ago; one look for all who ask at once."""
        if marketplace is None or _NAME.fullmatch(name) is None:
            return None
        key = (marketplace.code, name)
        known, until = self._accounts.get(key, (None, 0.0))
        if known is not None and until > self._clock():
            return known
        looking = self._looking.get(key)
        if looking is None:
            looking = self._looking[key] = asyncio.create_task(self._look_up(key))
            looking.add_done_callback(lambda _: self._looking.pop(key))
        return await asyncio.shield(looking)

    async def _look_up(self, key: tuple[str, str]) -> Account | None:
        async with self._database.transaction() as tx:
            found = await tx.accounts.by_webhook(*key)
        if found is None:
            return None
        if len(self._accounts) >= ACCOUNTS:
            self._accounts.clear()
        self._accounts[key] = (found, self._clock() + ACCOUNT_S)
        return found

    async def _keep(
        self, marketplace: Marketplace, account: Account, delivery: Delivery, body: bytes
    ) -> None:
        """Store and import, all or nothing. What cannot be imported is stored all the same, as failed."""
        canonical, state, error = _read(marketplace, delivery, body)
        message = Message(
            message_id=new_id(),
            merchant_id=account.merchant_id,
            platform=account.platform,
            account=account.account,
            dedupe_key=delivery.dedupe_key,
            topic=delivery.topic,
            headers=delivery.headers,
            body=body,
            state=state,
            error=error,
        )
        received = Received(message, canonical, account, Cause(traceparent=current_traceparent()))
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._intake.add(received)
                return
            except RacedImport:
                if attempt == ATTEMPTS:
                    raise
            except DEFECTS as broken:
                # A defect of ours must not lose the buyer's order: it waits as a failed message. The error's
                # text may quote the order, so only its type is told.
                kind = type(broken).__name__
                log.error("webhook.import_failed", message_id=str(message.message_id), error_type=kind)
                failed = replace(message, state="failed", error=f"import: {kind}")
                await self._intake.add(replace(received, message=failed, canonical=None))
                return

    async def _store(
        self, received: Sequence[Received], /, *, longest_lock_wait_s: float | None
    ) -> Sequence[None]:
        async with self._database.transaction(longest_lock_wait_s=longest_lock_wait_s) as tx:
            await receive_messages(received, retention=self._retention, tx=tx)
            reached("intake.before_commit")
        reached("intake.after_commit")
        return [None] * len(received)


def _order_of(received: Received) -> Hashable:
    """What keeps two deliveries out of one transaction: the order they speak of, or the delivery itself."""
    account, canonical = received.account, received.canonical
    said = (
        ("delivery", received.message.dedupe_key) if canonical is None else ("order", canonical.external_id)
    )
    return account.platform, account.shop_ref, *said


def _read(
    marketplace: Marketplace, delivery: Delivery, body: bytes
) -> tuple[CanonicalOrder | None, str, str | None]:
    try:
        canonical = marketplace.read(delivery.topic, body)
    except NotAnOrder as error:
        return None, "failed", "; ".join(map(str, error.args))[:500]
    except DEFECTS as broken:  # of the platform's folder: the shop has signed it, so it is kept
        kind = type(broken).__name__
        log.error("webhook.read_failed", platform=marketplace.code, error_type=kind)
        return None, "failed", f"read: {kind}"
    return canonical, "ignored" if canonical is None else "imported", None

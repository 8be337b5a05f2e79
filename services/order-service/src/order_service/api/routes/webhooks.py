"""`/webhooks/{platform}/{account}`: a POST is verified on the raw bytes, stored, imported, and answered after
the commit; a GET by which a platform tries the address out is answered as its folder says.

A plain Starlette endpoint: no schema, no dependencies, an empty answer with the status that the platform
wants. Everything that is not proven to come from the account's shop is refused, whatever the reason.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from crossdock_chassis.faults import Fault
from crossdock_chassis.logging import get_logger
from crossdock_chassis.telemetry import current_traceparent
from crossdock_contracts.envelope import Cause
from order_service.api.models import NAME
from order_service.persistence.intake import Intake
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace, NotAuthentic, Prepare
from order_service.use_cases.ports import Account

log = get_logger(__name__)

#: A secret that was taken away, and an account that was deactivated, are good for this long, in every
#: process.
ACCOUNT_S = 2.0
ACCOUNTS = 10_000
#: What a platform's folder has to ask for before it can verify; the platforms wait for some seconds in all.
PREPARE_S = 2.0
#: eBay's challenge, the only handshake by GET so far, wants JSON.
HANDSHAKE_TYPE = "application/json"
_NAME: Final = re.compile(NAME)


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
        self._clock = clock
        self._accounts: dict[tuple[str, str], tuple[Account, float]] = {}
        self._looking: dict[tuple[str, str], asyncio.Task[Account | None]] = {}
        self._intake = Intake(database, retention)

    async def post(self, request: Request) -> Response:
        """The delivery in `request`; the answer goes out after the commit."""
        body = await request.body()
        marketplace = self._marketplaces.get(request.path_params["platform"])
        account = await self._account(marketplace, request.path_params["account"])
        if marketplace is None or account is None or not marketplace.takes_posts:
            return Response(status_code=401)
        if marketplace.prepare and not await _prepared(marketplace.prepare, account, request.headers):
            return Response(status_code=503)
        try:
            delivery = marketplace.verify(account, request.headers, body)
        except NotAuthentic:
            return Response(status_code=marketplace.refused)
        if delivery is not None:
            cause = Cause(traceparent=current_traceparent())
            await self._intake.keep(marketplace, account, delivery, body, cause)
        return Response(status_code=marketplace.accepted)

    async def get(self, request: Request) -> Response:
        """The answer to a platform that tries the address out; 404 where there is nothing to answer."""
        marketplace = self._marketplaces.get(request.path_params["platform"])
        if marketplace is None or marketplace.handshake is None:
            return Response(status_code=404)
        account = await self._account(marketplace, request.path_params["account"])
        if account is None or not account.active:
            return Response(status_code=404)
        answer = marketplace.handshake(account, request.query_params)
        if answer is None:
            return Response(status_code=404)
        return Response(answer, media_type=HANDSHAKE_TYPE)

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


async def _prepared(prepare: Prepare, account: Account, headers: Mapping[str, str]) -> bool:
    """Whether the folder has what it needs to verify. When it has not, nothing is known of the delivery: the
    platform is to repeat it.
    """
    try:
        async with asyncio.timeout(PREPARE_S):
            await prepare(account, headers)
    except Exception as error:
        log.warning("webhook.prepare_failed", platform=account.platform, error=Fault.of(error).error_text)
        return False
    return True

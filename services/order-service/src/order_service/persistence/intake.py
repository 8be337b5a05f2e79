"""Proven deliveries, stored and imported: those that come together share transactions (ADR 17)."""

import hashlib
import json
from collections.abc import Awaitable, Hashable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from crossdock_chassis.crash_points import reached
from crossdock_chassis.group_commit import GroupCommit
from crossdock_chassis.ids import new_id
from crossdock_chassis.logging import get_logger
from crossdock_contracts.envelope import Cause
from order_service.domain.canonical import CanonicalOrder
from order_service.domain.errors import NotAnOrder, OrderError
from order_service.persistence.erasing import forget
from order_service.persistence.transaction import OrderDatabase, OrderTransaction
from order_service.use_cases.import_order import Outcome, Retention
from order_service.use_cases.marketplace import Delivery, Erasure, Marketplace, Pointer, Said
from order_service.use_cases.ports import Account, Message, RacedImport
from order_service.use_cases.receive_message import Received, receive_messages

log = get_logger(__name__)

#: Two deliveries may create the same order at once; the second finds it when it begins again.
ATTEMPTS = 3
#: Ours, and still there at the next attempt. What may pass (no connection, a lock) is the sender's to repeat.
DEFECTS: Final = (
    *(ValueError, TypeError, LookupError, ArithmeticError, RecursionError),
    *(OrderError, DataError, IntegrityError, ProgrammingError),
)


#: The topic of what a platform's list only names: our own words, since the platform said no more than an id.
NAMED_TOPIC: Final = "crossdock/named"


class Receive(Protocol):
    """`receive_messages`, or what does the same in another way."""

    def __call__(
        self, received: Sequence[Received], *, retention: Retention, tx: OrderTransaction
    ) -> Awaitable[object]: ...


class Intake:
    """Where every way in ends, whether the platform called or was asked."""

    def __init__(
        self, database: OrderDatabase, retention: Retention, receive: Receive = receive_messages
    ) -> None:
        self._database = database
        self._retention = retention
        self._receive = receive
        self._received = GroupCommit(self._store, key=_order_of, lanes=2)

    async def keep(
        self, marketplace: Marketplace, account: Account, delivery: Delivery, body: bytes, cause: Cause
    ) -> None:
        """Store and import, all or nothing; committed when it returns. What cannot be imported is stored all
        the same, as failed. Safe to repeat.
        """
        said, state, error = _read(marketplace, delivery, body)
        if isinstance(said, Erasure):
            await self._forget(account, delivery, said)
        content = None if isinstance(said, Erasure) else said
        await self._add(Received(_message(account, delivery, body, state, error), content, account, cause))

    async def _forget(self, account: Account, delivery: Delivery, asked: Erasure) -> None:
        """Before the delivery is kept: what breaks in between comes again."""
        orders = await forget(self._database, account, asked.names, delivery.dedupe_key)
        log.info("erasure.asked", platform=account.platform, account=account.account, orders=orders)

    async def keep_failed(
        self, account: Account, delivery: Delivery, body: bytes, error: str, cause: Cause
    ) -> None:
        """Store what cannot be made anything of, for a person. `error` holds no personal data."""
        await self._add(Received(_message(account, delivery, body, "failed", error), None, account, cause))

    async def _add(self, received: Received) -> None:
        message = received.message
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._received.add(received)
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
                await self._received.add(replace(received, message=failed, content=None))
                return

    async def _store(
        self, received: Sequence[Received], /, *, longest_lock_wait_s: float | None
    ) -> Sequence[None]:
        async with self._database.transaction(longest_lock_wait_s=longest_lock_wait_s) as tx:
            await self._receive(received, retention=self._retention, tx=tx)
            reached("intake.before_commit")
        reached("intake.after_commit")
        return [None] * len(received)


def content_of(marketplace: Marketplace, topic: str, body: bytes) -> Said:
    """What a kept message says. Raises NotAnOrder, or what is wrong with the folder."""
    if topic == NAMED_TOPIC:
        return Pointer(json.loads(body)["external_id"])
    return marketplace.read(topic, body)


def delivery_of_listed(marketplace: Marketplace, body: bytes) -> Delivery:
    """An order that the platform's list gave whole: the same words again are the same delivery."""
    return Delivery(f"listed:{hashlib.sha256(body).hexdigest()}", marketplace.fetched_topic, {})


def delivery_of_named(pointer: Pointer, until: datetime) -> tuple[Delivery, bytes]:
    """An order that the platform's list only named. Where it does not say when that changed, the end of the
    span that was asked for tells one time from another.
    """
    changed_at = (pointer.updated_at or until).isoformat()
    key = f"named:{hashlib.sha256(pointer.external_id.encode()).hexdigest()}:{changed_at}"
    body = json.dumps({"external_id": pointer.external_id, "changed_at": changed_at}).encode()
    return Delivery(key, NAMED_TOPIC, {}), body


def _message(account: Account, delivery: Delivery, body: bytes, state: str, error: str | None) -> Message:
    return Message(
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


def _order_of(received: Received) -> Hashable:
    """What keeps two deliveries out of one transaction: the order they speak of, or the delivery itself."""
    account, content = received.account, received.content
    said = (
        ("order", content.external_id)
        if isinstance(content, CanonicalOrder)
        else ("delivery", received.message.dedupe_key)
    )
    return account.platform, account.shop_ref, *said


def _read(marketplace: Marketplace, delivery: Delivery, body: bytes) -> tuple[Said, str, str | None]:
    try:
        content = content_of(marketplace, delivery.topic, body)
    except NotAnOrder as error:
        return None, "failed", "; ".join(map(str, error.args))[:500]
    except DEFECTS as broken:  # of the platform's folder: the shop has signed it, so it is kept
        kind = type(broken).__name__
        log.error("webhook.read_failed", platform=marketplace.code, error_type=kind)
        return None, "failed", f"read: {kind}"
    match content:
        case None | Erasure():
            return content, "ignored", None
        case Pointer():
            return content, Outcome.FETCHING.value, None
        case CanonicalOrder():
            return content, Outcome.IMPORTED.value, None

"""Asking carriers where parcels are, and reading what they push: between transactions, never inside one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from crossdock_chassis.ids import new_id
from crossdock_chassis.jobs import Job, JobHandler, NotSent
from crossdock_chassis.logging import get_logger
from crossdock_chassis.repeating import repeat
from crossdock_chassis.telemetry import meter
from shipping_service.domain.errors import ShippingError
from shipping_service.persistence.carrier_messages import settle_message, waiting_messages
from shipping_service.persistence.parcels import to_ref
from shipping_service.persistence.queries import count_open_jobs
from shipping_service.persistence.transaction import ShippingDatabase
from shipping_service.use_cases.follow_parcels import ParcelRef, keep_subscription, note_no_answer, take_told
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierUnavailable, NotFound
from shipping_service.use_cases.tracking_port import NotTracked, Told, Tracker, Tracking, TrackingRef

log = get_logger(__name__)
_scans = meter.create_counter(
    "crossdock.shipping.scans", description="Scans taken in, by carrier and outcome"
)
_subscriptions = meter.create_counter(
    "crossdock.shipping.subscriptions", description="Pushed news asked for, by carrier and outcome"
)

TRACK_PARCELS: Final = "track_parcels"
#: How long questions wait for somebody to mend our account.
ACCOUNT_RETRY_S: Final = 300.0
#: Until a question is put again whose answer was never stored.
QUESTION_STANDS: Final = timedelta(minutes=15)
#: While so many questions wait at one carrier, no more are put.
MOST_OPEN: Final = 50
LOOK_EVERY_S: Final = 5.0
READ_EVERY_S: Final = 0.5
MESSAGES_A_LOOK: Final = 100
#: Of one parcel's news, and there again at the next attempt: the others go on. What may pass is tried again.
DEFECTS: Final = (
    *(ValueError, TypeError, LookupError, ArithmeticError, RecursionError, NotFound),
    *(ShippingError, DataError, IntegrityError, ProgrammingError),
)


def tracking_destination(carrier: str) -> str:
    """Its questions have bounds and a circuit of their own: they hold up no label."""
    return f"{carrier}.tracking"


@dataclass(frozen=True, slots=True)
class Connected:
    """A carrier with its open tracker."""

    tracking: Tracking
    tracker: Tracker


class TrackingJobs:
    """What the work role does about parcels on their way."""

    def __init__(self, database: ShippingDatabase, carriers: Mapping[str, Connected]) -> None:
        self._database = database
        self._carriers = carriers

    @property
    def handlers(self) -> Mapping[str, JobHandler]:
        return {TRACK_PARCELS: self.track_parcels}

    @property
    def close(self) -> Sequence[Callable[[], Awaitable[object]]]:
        return [one.tracker.close for one in self._carriers.values()]

    async def put_questions(self, stop: asyncio.Event) -> None:
        """A loop: every few seconds, ask for what is due."""
        for carrier in self._carriers:  # a count that is there from the start shows its first rise
            for outcome in ("new", "unknown", "unsure"):
                _scans.add(0, {"carrier": carrier, "outcome": outcome})
            for outcome in ("taken", "refused"):
                _subscriptions.add(0, {"carrier": carrier, "outcome": outcome})
        await repeat("put_questions", self.put_due_questions, stop, every_s=LOOK_EVERY_S)

    async def read_messages(self, stop: asyncio.Event) -> None:
        """A loop: twice a second, read what was pushed."""
        await repeat("read_messages", self.read_waiting_messages, stop, every_s=READ_EVERY_S, retry_s=5.0)

    async def put_due_questions(self) -> None:
        """One job per batch of parcels, in the transaction that puts the parcels' next question off."""
        for carrier, connected in self._carriers.items():
            async with self._database.transaction() as tx:
                merchants = await tx.parcels.merchants_due(carrier)
            for merchant_id in merchants:
                while await self._put_question(carrier, connected.tracking.batch_size, merchant_id):
                    pass

    async def _put_question(self, carrier: str, batch_size: int, merchant_id: str) -> bool:
        """Whether there may be more."""
        destination = tracking_destination(carrier)
        async with self._database.transaction() as tx:
            if await count_open_jobs(tx.connection, destination) >= MOST_OPEN:
                return False
            parcels = await tx.parcels.claim_due(carrier, merchant_id, batch_size, stands=QUESTION_STANDS)
            if not parcels:
                return False
            await tx.jobs.add(
                TRACK_PARCELS,
                str(new_id()),
                merchant_id=merchant_id,
                destination=destination,
                payload={"carrier": carrier, "parcels": parcels},
            )
        return len(parcels) == batch_size

    async def track_parcels(self, job: Job) -> None:
        """Ask about the job's parcels, and take in each answer by itself. Safe to repeat."""
        carrier = job.payload["carrier"]
        connected = self._carriers[carrier]
        parcels = [(_ref(job, row), row) for row in job.payload["parcels"]]
        try:
            refs = await self._subscribe(carrier, connected, parcels)
            answers = await connected.tracker.track(refs)
        except CarrierUnavailable as error:
            raise NotSent(str(error), retry_after_s=error.retry_after_s) from error
        except CarrierMisconfigured as error:
            log.error("tracking.account_refused", carrier=carrier, error=str(error))
            raise NotSent("the carrier refuses our account", retry_after_s=ACCOUNT_RETRY_S) from error
        for ref, _ in parcels:
            answer = answers.get(ref.tracking_number, Told())
            if isinstance(answer, NotTracked):
                await self._note_no_answer(carrier, ref, answer.code)
            else:
                await self._take(carrier, ref, answer, pushed=False)
        async with self._database.transaction(cause=job.cause) as tx:
            await tx.jobs.done(job)

    async def _subscribe(
        self, carrier: str, connected: Connected, parcels: Sequence[tuple[ParcelRef, Any]]
    ) -> list[TrackingRef]:
        """Ask once for pushed news of each number, where the carrier wants to be asked."""
        refs = {ref: to_ref(row) for ref, row in parcels}
        if not connected.tracking.subscribes:
            return list(refs.values())
        asked = [ref for ref, row in parcels if not row["subscribed"]]
        answers = await connected.tracker.subscribe([refs[one] for one in asked]) if asked else {}
        for ref in asked:
            answer = answers.get(ref.tracking_number, NotTracked("not_answered"))
            await self._keep_subscription(carrier, ref, answer)
            if isinstance(answer, str):
                refs[ref] = replace(refs[ref], tracker_ref=answer or refs[ref].tracker_ref)
        return list(refs.values())

    async def _keep_subscription(self, carrier: str, ref: ParcelRef, answer: str | NotTracked) -> None:
        refused = isinstance(answer, NotTracked)
        _subscriptions.add(1, {"carrier": carrier, "outcome": "refused" if refused else "taken"})
        if isinstance(answer, NotTracked):
            shipment_id = str(ref.shipment_id)
            log.warning("tracking.not_subscribed", carrier=carrier, shipment_id=shipment_id, code=answer.code)
        try:
            async with self._database.transaction() as tx:
                await keep_subscription(ref, answer, tx=tx)
        except DEFECTS as broken:
            self._skip(carrier, ref, broken)

    async def read_waiting_messages(self) -> None:
        """Read what was pushed and is unread, each message by itself."""
        async with self._database.transaction() as tx:
            waiting = await waiting_messages(tx.connection, MESSAGES_A_LOOK)
        for message in waiting:
            error = await self._read(message)
            async with self._database.transaction() as tx:
                await settle_message(tx.connection, message.message_id, error)

    async def _read(self, message: Any) -> str | None:
        """What was wrong with it, if anything was; its text is never quoted."""
        connected = self._carriers.get(message.carrier)
        webhook = None if connected is None else connected.tracking.webhook
        if webhook is None:
            return "no such webhook any more"
        try:
            told = webhook.read(message.body)
        except DEFECTS as broken:
            kind = type(broken).__name__
            log.error("tracking.message_unreadable", message_id=str(message.message_id), error_type=kind)
            return f"read: {kind}"
        await self._hear(message.carrier, told, pull_only=webhook.pull_only)
        return None

    async def _hear(self, carrier: str, told: Told, *, pull_only: bool) -> None:
        by_number = _by_number(told)
        asked = [*told.numbers, *(by_number if pull_only else ())]
        async with self._database.transaction() as tx:
            if asked:
                await tx.parcels.pull(carrier, asked)
            parcels = [] if pull_only else await tx.parcels.numbered(carrier, list(by_number))
        if not pull_only and len(parcels) < len(by_number):
            log.info("tracking.not_ours", carrier=carrier, numbers=len(by_number) - len(parcels))
        for ref in parcels:
            await self._take(carrier, ref, by_number[ref.tracking_number], pushed=True)

    async def _take(self, carrier: str, ref: ParcelRef, told: Told, *, pushed: bool) -> None:
        try:
            async with self._database.transaction() as tx:
                taken = await take_told(ref, told, pushed=pushed, tx=tx)
        except DEFECTS as broken:
            self._skip(carrier, ref, broken)
            return
        _scans.add(taken.new, {"carrier": carrier, "outcome": "new"})
        _scans.add(len(taken.unknown), {"carrier": carrier, "outcome": "unknown"})
        _scans.add(len(taken.unsure), {"carrier": carrier, "outcome": "unsure"})
        for code in taken.unknown:
            log.warning("tracking.unknown_code", carrier=carrier, code=code)
        for code in taken.unsure:
            log.warning("tracking.unsure_code", carrier=carrier, code=code)

    async def _note_no_answer(self, carrier: str, ref: ParcelRef, code: str) -> None:
        try:
            async with self._database.transaction() as tx:
                await note_no_answer(ref, code, tx=tx)
        except DEFECTS as broken:
            self._skip(carrier, ref, broken)

    def _skip(self, carrier: str, ref: ParcelRef, broken: Exception) -> None:
        """A defect of ours about one parcel must not keep the others' news."""
        log.error(
            "tracking.parcel_failed",
            carrier=carrier,
            shipment_id=str(ref.shipment_id),
            error_type=type(broken).__name__,
            exc_info=broken,
        )


def _by_number(told: Told) -> dict[str, Told]:
    """What is told of each parcel, in the order it was told in."""
    numbers = [one.tracking_number for one in told.scans] + [one.tracking_number for one in told.goes_on]
    return {
        number: Told(
            scans=tuple(one for one in told.scans if one.tracking_number == number),
            goes_on=tuple(one for one in told.goes_on if one.tracking_number == number),
        )
        for number in dict.fromkeys(numbers)
    }


def _ref(job: Job, row: Any) -> ParcelRef:
    ids = UUID(row["shipment_id"]), UUID(row["label_id"])
    return ParcelRef(job.merchant_id, *ids, row["tracking_number"])

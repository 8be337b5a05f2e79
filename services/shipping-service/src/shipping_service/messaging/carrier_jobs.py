"""The calls to carriers: between the transactions of the use cases, never inside one."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from crossdock_chassis.crash_points import reached
from crossdock_chassis.faults import Fault
from crossdock_chassis.group_commit import GroupCommit
from crossdock_chassis.jobs import Job, JobHandler, NeedsPerson, NotSent, OutcomeUnknown
from crossdock_chassis.logging import get_logger
from crossdock_chassis.telemetry import meter
from shipping_service.domain.consignment import BoughtLabel, Document, DocumentKind, VoidOutcome
from shipping_service.domain.failover import UNAVAILABLE
from shipping_service.domain.papers import Papers, papers_to_print
from shipping_service.domain.refusal import Refusal, Remedy
from shipping_service.messaging.outages import Outages
from shipping_service.persistence.transaction import ShippingDatabase, ShippingTransaction
from shipping_service.use_cases.announce import BUY_LABEL, CHECK_VOID, VOID_LABEL
from shipping_service.use_cases.buy_labels import (
    LabelRef,
    NotFinal,
    Payment,
    Purchase,
    Sale,
    Step,
    Wish,
    found_not_bought,
    lose_outcome,
    note_account_refused,
    note_booked,
    put_off_label,
    refuse_label,
    take_back_unmade,
    take_steps,
)
from shipping_service.use_cases.ports import (
    Capabilities,
    CarrierGateway,
    CarrierMisconfigured,
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    LabelPending,
    Prepared,
    Printer,
    Unprintable,
)
from shipping_service.use_cases.void_labels import begin_void, settle_void

log = get_logger(__name__)
_refusals = meter.create_counter(
    "crossdock.shipping.carrier.refusals", description="Refusals by carrier and by what mends them"
)

#: How long calls wait for somebody to mend our account.
ACCOUNT_RETRY_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Connected:
    """A carrier with its open account."""

    capabilities: Capabilities
    gateway: CarrierGateway


class CarrierJobs:
    """The handlers of the jobs that labels ask for. The steps of a purchase share their transactions with
    other purchases' (ADR 17); what is rare has its own.
    """

    def __init__(
        self,
        database: ShippingDatabase,
        carriers: Mapping[str, Connected],
        outages: Outages,
        printer: Printer,
    ) -> None:
        self._database = database
        self._carriers = carriers
        self._outages = outages
        self._printer = printer
        self._steps: GroupCommit[tuple[Job, Step], Purchase | None]
        self._steps = GroupCommit(self._commit, key=lambda one: one[0].job_id)

    @property
    def handlers(self) -> Mapping[str, JobHandler]:
        return {BUY_LABEL: self.buy_label, VOID_LABEL: self.void_label, CHECK_VOID: self.check_void}

    async def buy_label(self, job: Job) -> None:
        """Buy the label once, whatever became of earlier attempts, and keep it."""
        ref, carrier = _ref(job), self._carriers[job.destination]
        try:
            async with self._waiting_out(job, ref, buying=True):
                sold = await self._purchase(job, ref, carrier)
        except CarrierRejected as error:
            async with self._tx(job) as tx:
                await refuse_label(ref, error, tx=tx)
                await tx.jobs.refused(job, error.code)
            return
        except CarrierOutcomeUnknown as error:
            await self._lose(job, ref, carrier)
            raise OutcomeUnknown("the carrier's answer was lost") from error
        if sold is None:
            return
        purchase, bought = sold
        label, unprinted = await self._with_papers(purchase, bought, carrier.capabilities)
        if all(one.kind is not DocumentKind.LABEL for one in label.documents):
            await self._lose(job, ref, carrier)
            raise OutcomeUnknown("the carrier sold a label and did not give it")
        await self._steps.add((job, Sale(ref, label, unprinted=unprinted)))

    async def _with_papers(
        self, purchase: Purchase, label: BoughtLabel, can: Capabilities
    ) -> tuple[BoughtLabel, tuple[DocumentKind, ...]]:
        """The label with what the parcel needs besides, and what could not be printed: it is paid for, and
        nothing that goes wrong here may lose it.
        """
        given = {one.kind for one in label.documents}
        wanted = papers_to_print(purchase.request, makes=can.makes, postal=can.postal, given=given)
        number, day, order = label.tracking_number, purchase.day, purchase.order_number
        papers = Papers(purchase.request, label.carrier, number, day, order)
        printed: list[Document] = []
        for kind in wanted if purchase.request.ship_to.lines else ():  # else the consignee is erased
            try:
                printed.append(await asyncio.to_thread(self._printer.print, kind, papers))
            except Exception as error:
                why = str(error) if isinstance(error, Unprintable) else Fault.of(error).error_text
                log.error("papers.not_printed", kind=str(kind), tracking_number=number, error=why)
        missing = tuple(kind for kind in wanted if kind not in {one.kind for one in printed})
        return replace(label, documents=(*label.documents, *printed)), missing

    async def void_label(self, job: Job) -> None:
        """Ask for the label to be taken back."""
        await self._void(job, check=False)

    async def check_void(self, job: Job) -> None:
        """Ask what became of that."""
        await self._void(job, check=True)

    async def _purchase(
        self, job: Job, ref: LabelRef, carrier: Connected
    ) -> tuple[Purchase, BoughtLabel] | None:
        """Ask first where money may have been spent; else create, keep the id, buy. None: nothing to do."""
        purchase = await self._steps.add((job, Wish(ref, job.outcome_unknown, job.after_restore)))
        if purchase is None:
            return None
        if job.after_restore and purchase.carrier_ref is None:
            raise NeedsPerson(
                "a restore took back whether the label was bought: look into the carrier's books"
            )
        if purchase.ask_first:
            try:
                label = await self._ask(job, ref, carrier, purchase)
            except LabelPending:
                if not await self._take_back_unmade(job, ref):
                    raise
                return None
            if label is not None:
                return purchase, label
            try:
                async with self._tx(job) as tx:
                    if not await found_not_bought(ref, tx=tx):
                        await tx.jobs.done(job)
                        return None
            except NotFinal as error:
                raise OutcomeUnknown("the call that got lost may still be under way") from error
        prepared = Prepared(purchase.carrier_ref)
        if prepared.carrier_ref is None:
            prepared = await carrier.gateway.prepare(purchase.request)
            reached("carrier.created")
        payment = Payment(ref, replace(purchase, carrier_ref=prepared.carrier_ref))
        if await self._steps.add((job, payment)) is None:
            return None
        label = await carrier.gateway.buy(purchase.request, prepared)
        reached("carrier.sold")
        return purchase, label

    async def _commit(
        self, steps: Sequence[tuple[Job, Step]], /, *, longest_lock_wait_s: float | None
    ) -> Sequence[Purchase | None]:
        async with self._database.transaction(longest_lock_wait_s=longest_lock_wait_s) as tx:
            following = await take_steps([step for _, step in steps], tx=tx)
            for (job, _), purchase in zip(steps, following, strict=True):
                await (tx.jobs.done(job) if purchase is None else tx.jobs.keep(job))
        return following

    async def _ask(
        self, job: Job, ref: LabelRef, carrier: Connected, purchase: Purchase
    ) -> BoughtLabel | None:
        """The label as bought, None when it certainly is not. Whatever else they say, nobody knows."""
        if not carrier.capabilities.can_find:
            await self._lose(job, ref, carrier)
        try:
            return await carrier.gateway.find(purchase.request, purchase.carrier_ref)
        except CarrierRejected as error:
            if error.remedy.waits:
                raise
            async with self._tx(job) as tx:
                await lose_outcome(ref, tx=tx)
            raise NeedsPerson(f"asked for the label, the carrier says {error.code}") from error

    async def _take_back_unmade(self, job: Job, ref: LabelRef) -> bool:
        async with self._tx(job) as tx:
            over = await take_back_unmade(ref, tx=tx)
            if over:
                await tx.jobs.done(job)
        return over

    async def _lose(self, job: Job, ref: LabelRef, carrier: Connected) -> None:
        """The outcome is lost. Raises NeedsPerson when money may have been spent and nobody can be asked."""
        async with self._tx(job) as tx:
            may_be_paid = await lose_outcome(ref, tx=tx)
        if may_be_paid and not carrier.capabilities.can_find:
            raise NeedsPerson("the carrier cannot be asked what became of the label")

    async def _void(self, job: Job, *, check: bool) -> None:
        ref, gateway = _ref(job), self._carriers[job.destination].gateway
        async with self._tx(job) as tx:
            carrier_ref = await begin_void(ref, tx=tx)
            if carrier_ref is None:
                await tx.jobs.done(job)
                return
        try:
            async with self._waiting_out(job, ref, buying=False):
                outcome = await (gateway.void_state(carrier_ref) if check else gateway.void(carrier_ref))
            reached("carrier.voided")
        except CarrierRejected as error:
            log.warning("label.void_rejected", label_id=str(ref.label_id), code=error.code)
            outcome = VoidOutcome.REJECTED
        except CarrierOutcomeUnknown as error:
            raise OutcomeUnknown("the carrier's answer about the void was lost") from error
        async with self._tx(job) as tx:
            await settle_void(ref, outcome, tx=tx)
            await tx.jobs.done(job)

    @asynccontextmanager
    async def _waiting_out(self, job: Job, ref: LabelRef, *, buying: bool) -> AsyncIterator[None]:
        """Nothing was done, and later may help: the job comes again. What is wrong with our account is shown
        to a person as well. Other refusals pass.
        """
        carrier = job.destination
        try:
            yield
        except CarrierUnavailable as error:
            self._outages.failed(carrier)
            if buying:
                await self._put_off(job, ref, UNAVAILABLE)
            raise NotSent(str(error), retry_after_s=error.retry_after_s) from error
        except LabelPending as error:
            self._outages.answered(carrier)
            await self._note_booked(job, ref)
            raise NotSent(str(error), retry_after_s=error.retry_after_s, answered=True) from error
        except CarrierRejected as error:
            self._outages.answered(carrier)
            _count(ref, carrier, error.refusal)
            if not error.remedy.waits:
                raise
            if buying:
                await self._put_off(job, ref, error.refusal, error.words)
            if error.remedy is Remedy.TRY_LATER:
                raise NotSent(f"the carrier says later: {error.code}", answered=True) from error
            await self._note_account(ref)
            raise NotSent(f"the account: {error.code}", retry_after_s=ACCOUNT_RETRY_S) from error
        except CarrierMisconfigured as error:
            await self._note_account(ref)
            raise NotSent("the carrier refuses our account", retry_after_s=ACCOUNT_RETRY_S) from error
        else:
            self._outages.answered(carrier)

    async def _put_off(self, job: Job, ref: LabelRef, refusal: Refusal, words: str | None = None) -> None:
        async with self._tx(job) as tx:
            await put_off_label(ref, refusal, words, tx=tx)
            await tx.jobs.keep(job)

    async def _note_booked(self, job: Job, ref: LabelRef) -> None:
        async with self._tx(job) as tx:
            await note_booked(ref, tx=tx)
            await tx.jobs.keep(job)

    async def _note_account(self, ref: LabelRef) -> None:
        async with self._database.transaction(cause=ref.cause) as tx:
            await note_account_refused(ref, tx=tx)

    def _tx(self, job: Job) -> AbstractAsyncContextManager[ShippingTransaction]:
        return self._database.transaction(cause=job.cause)


def _count(ref: LabelRef, carrier: str, refusal: Refusal) -> None:
    """Nobody has to act on one; a code that comes often and is not translated wants a line in its table."""
    _refusals.add(1, {"carrier": carrier, "remedy": str(refusal.remedy)})
    if refusal.remedy is Remedy.UNTRANSLATED:
        log.warning(
            "carrier.untranslated_code", carrier=carrier, code=refusal.code, label_id=str(ref.label_id)
        )


def _ref(job: Job) -> LabelRef:
    return LabelRef(
        job.merchant_id, UUID(job.payload["shipment_id"]), UUID(job.payload["label_id"]), job.cause
    )

"""What we owe marketplaces: noted with what made us owe it, pursued by a job, confirmed by them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from crossdock_contracts.envelope import Actor, ActorKind, Cause
from order_service.domain.order import Order
from order_service.use_cases.ports import Note, NotFound, Obligation, Transaction

OVERDUE_TIMER = "obligation_overdue"
AT_LEAST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Duty:
    """One kind of obligation: the job that pursues it, its name in timelines, and the codes of exceptions."""

    job: str
    noted_as: str
    refused: str
    overdue: str
    by_hand: str | None = None  # when nothing but a person can do it
    in_part: str | None = None  # when some of it was done and some refused

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(code for code in (self.refused, self.overdue, self.by_hand, self.in_part) if code)


DUTIES: Final[Mapping[str, Duty]] = MappingProxyType(
    {
        "tracking": Duty(
            "marketplace.write_tracking", "write_back", "write_back_refused", "write_back_overdue"
        ),
        "cancel": Duty(
            "marketplace.cancel_order",
            "cancel_there",
            "cancel_there_refused",
            "cancel_there_overdue",
            by_hand="cancel_there_by_hand",
            in_part="cancel_there_in_part",
        ),
        "label": Duty(
            "marketplace.issue_label",
            "label",
            "label_refused",
            "label_overdue",
            by_hand="labels_not_configured",
        ),
    }
)


async def owe(
    order: Order, kind: str, subject: str, details: Mapping[str, Any], *, cause: Cause, tx: Transaction
) -> None:
    """Note the debt and ask for the call. Safe to repeat: one per kind and subject."""
    identity, ship_by = order.identity, order.terms.ship_by
    deadline = ship_by if ship_by is not None and ship_by > tx.now else tx.now + AT_LEAST
    obligation = Obligation(
        obligation_id=tx.new_id(),
        merchant_id=identity.merchant_id,
        order_id=identity.order_id,
        kind=kind,
        subject=subject,
        platform=identity.platform,
        account=identity.account,
        deadline_at=deadline,
        details={"external_id": identity.external_id, **details},
    )
    await tx.obligations.add(obligation)
    await tx.jobs.add(
        DUTIES[kind].job,
        str(obligation.obligation_id),
        merchant_id=identity.merchant_id,
        destination=f"{identity.platform}:{identity.account}",
        payload={"obligation_id": str(obligation.obligation_id)},
        deadline_at=deadline,
        caused_by=cause,
    )
    await _watch(identity.order_id, identity.merchant_id, deadline, tx=tx)


async def confirm(done: Sequence[tuple[Obligation, str]], *, wholly: bool = True, tx: Transaction) -> None:
    """The platform has them: with each obligation its reference there.

    `wholly` False: what was refused of it may still be open, and stays a person's task.
    """
    await tx.obligations.settle({one.obligation_id: ref for one, ref in done}, state="confirmed")
    await _settle_exceptions([one for one, _ in done], wholly=wholly, tx=tx)
    await tx.orders.note([_note(one, "confirmed", ref) for one, ref in done])


async def refuse(obligation: Obligation, code: str, *, in_part: bool = False, tx: Transaction) -> None:
    """The platform said no, to all of it or to part: a person sees why."""
    duty = DUTIES[obligation.kind]
    await tx.obligations.settle({obligation.obligation_id: None}, state="refused", error=code)
    await _raise(obligation, (in_part and duty.in_part) or duty.refused, code, tx=tx)
    await tx.orders.note([_note(obligation, "refused_in_part" if in_part else "refused", code)])


async def hand_over(obligation: Obligation, code: str, *, tx: Transaction) -> None:
    """No program can do it: a person has to."""
    duty = DUTIES[obligation.kind]
    await tx.obligations.settle({obligation.obligation_id: None}, state="needs_person", error=code)
    await _raise(obligation, duty.by_hand or duty.refused, code, tx=tx)
    await tx.orders.note([_note(obligation, "needs_person", code)])


async def withdraw(obligations: Collection[Obligation], *, tx: Transaction) -> None:
    """They are not owed any more. Confirmed ones stay as they are."""
    open_ones = [one for one in obligations if one.state not in {"confirmed", "withdrawn"}]
    await tx.obligations.settle({one.obligation_id: None for one in open_ones}, state="withdrawn")
    await _settle_exceptions(open_ones, tx=tx)
    await tx.orders.note([_note(one, "withdrawn", None) for one in open_ones])


async def retry(obligation_id: UUID, merchant_id: str, actor: Actor, reason: str, *, tx: Transaction) -> None:
    """A person says: once more. Raises NotFound. What is confirmed or not owed any more stays as it is."""
    obligation = (await tx.obligations.lock([obligation_id]))[obligation_id]
    if obligation.merchant_id != merchant_id:
        raise NotFound("obligation", str(obligation_id))
    if obligation.state in {"confirmed", "withdrawn"}:
        return
    await tx.obligations.settle({obligation_id: None}, state="open")
    await tx.jobs.again(DUTIES[obligation.kind].job, str(obligation_id))
    await tx.orders.note([_note(obligation, "retried", None, actor=actor, reason=reason)])


async def warn_overdue(order_id: UUID, merchant_id: str, *, tx: Transaction) -> None:
    """The timer's: what is still owed past its deadline becomes an exception."""
    late = await tx.obligations.overdue(order_id, tx.now)
    await tx.exceptions.raise_all(
        [(one.merchant_id, order_id, DUTIES[one.kind].overdue, one.subject, one.state) for one in late]
    )
    following = await tx.obligations.next_deadline(order_id, tx.now)
    if following is not None:
        await _watch(order_id, merchant_id, following, tx=tx)


async def _raise(obligation: Obligation, exception: str, detail: str, *, tx: Transaction) -> None:
    await tx.exceptions.raise_all(
        [(obligation.merchant_id, obligation.order_id, exception, obligation.subject, detail)]
    )


async def _settle_exceptions(
    obligations: Sequence[Obligation], *, wholly: bool = True, tx: Transaction
) -> None:
    await tx.exceptions.settle(
        [
            (one.order_id, code, one.subject)
            for one in obligations
            for code in DUTIES[one.kind].codes
            if wholly or code != DUTIES[one.kind].in_part
        ],
        by="order-service",
    )


async def _watch(order_id: UUID, merchant_id: str, due_at: datetime, *, tx: Transaction) -> None:
    await tx.timers.set(OVERDUE_TIMER, str(order_id), merchant_id=merchant_id, due_at=due_at)


def _note(
    obligation: Obligation,
    what: str,
    detail: str | None,
    *,
    actor: Actor | None = None,
    reason: str | None = None,
) -> Note:
    return Note(
        order_id=obligation.order_id,
        merchant_id=obligation.merchant_id,
        what=f"{DUTIES[obligation.kind].noted_as}.{what}",
        detail=detail,
        actor=actor or Actor(kind=ActorKind.MARKETPLACE, name=obligation.platform),
        version=0,
        reason=reason,
    )

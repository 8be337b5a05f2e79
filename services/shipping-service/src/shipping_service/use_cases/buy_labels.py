"""The steps around buying a label, each a transaction; the calls in between belong to nobody's transaction.

The order of the steps is what keeps a label from being bought twice: the wish is a row before anybody is
asked, the carrier's id is a row before money is spent, and a lost answer makes the label `unknown`, which
only an answer or a person ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from crossdock_contracts.envelope import Actor, Cause
from crossdock_contracts.orders import Consignee
from shipping_service.domain import customs, failover, labelling
from shipping_service.domain.consignment import (
    Address,
    BoughtLabel,
    ConsignmentRequest,
    DocumentKind,
    TaxId,
)
from shipping_service.domain.dispatch import Dispatch, Leg
from shipping_service.domain.effects import Raised
from shipping_service.domain.label import Label, LabelState, Paid
from shipping_service.domain.refusal import Refusal, Remedy
from shipping_service.use_cases.announce import SERVICE, announce, reference_of, terms_of
from shipping_service.use_cases.ports import CarrierRejected, NewDocument, Transaction

ACCOUNT_REFUSED: Final = "carrier_account_refused"
_NO_CONSIGNEE: Final = Refusal("missing_address", "ship_to", Remedy.FIX_ADDRESS)


@dataclass(frozen=True, slots=True)
class LabelRef:
    """Which label of which shipment, whose."""

    merchant_id: str
    shipment_id: UUID
    label_id: UUID
    cause: Cause = field(default_factory=Cause)


@dataclass(frozen=True, slots=True)
class Purchase:
    """What to do next. `ask_first`: money may have been spent already. `day` and `order_number` stand on what
    we print.
    """

    request: ConsignmentRequest
    carrier_ref: str | None
    ask_first: bool
    day: date
    order_number: str | None


@dataclass(frozen=True, slots=True)
class _Open:
    ref: LabelRef
    dispatch: Dispatch
    leg: Leg
    label: Label


@dataclass(frozen=True, slots=True)
class Wish:
    """The label is wanted. `may_be_paid`: an earlier attempt ended without an answer. `after_restore`: it
    left nothing here, not even the carrier's id.
    """

    ref: LabelRef
    may_be_paid: bool
    after_restore: bool = False


@dataclass(frozen=True, slots=True)
class Payment:
    """The next call costs money; the purchase names what the carrier calls it, if it has a name yet."""

    ref: LabelRef
    purchase: Purchase


@dataclass(frozen=True, slots=True)
class Sale:
    """The carrier has sold it. `unprinted`: papers that it needs and that we failed to print."""

    ref: LabelRef
    label: BoughtLabel
    actor: Actor = SERVICE
    unprinted: tuple[DocumentKind, ...] = ()


Step = Wish | Payment | Sale


async def take_steps(steps: Sequence[Step], *, tx: Transaction) -> list[Purchase | None]:
    """Take one step of each label, and say what to do next; None: nothing. Safe to repeat.

    Raises LookupError when the carrier sold one without a label document.
    """
    opened = await _open([one.ref for one in steps], tx=tx)
    wishes = [one for one, step in zip(opened, steps, strict=True) if isinstance(step, Wish)]
    consignees = await tx.people.of({one.dispatch.order_id for one in wishes})
    documents: list[NewDocument] = []
    following: list[Purchase | None] = []
    for one, step in zip(opened, steps, strict=True):
        match step:
            case Wish():
                consignee = consignees.get(one.dispatch.order_id)
                following.append(await _begin(one, consignee, step, tx=tx))
            case Payment(purchase=purchase):
                following.append(purchase if await _pay(one, purchase.carrier_ref, tx=tx) else None)
            case Sale() as sale:
                documents += await _store(one, sale, tx=tx)
                following.append(None)
    await tx.documents.add(documents, until=tx.now + tx.settings.personal_for)
    await _save(opened, tx=tx)
    return following


async def _begin(
    opened: _Open, consignee: Consignee | None, wish: Wish, *, tx: Transaction
) -> Purchase | None:
    """Look before calling: None when it is not wanted any more, is there, or cannot be asked for.

    A label that is `unknown` may always be paid for already.
    """
    dispatch, leg, label = opened.dispatch, opened.leg, opened.label
    if not label.live or label.state is LabelState.BOUGHT:
        return None
    if wish.after_restore:
        labelling.paying(label, label.carrier_ref)
    ask_first = label.state is LabelState.UNKNOWN or (wish.may_be_paid and label.state is LabelState.PAYING)
    wanted = labelling.wanted(dispatch, leg, label)
    if wanted and consignee is not None and not ask_first:
        return _purchase(opened, consignee, ask_first=False)
    if not wanted and not ask_first and label.booked_at is not None:
        return _purchase(opened, consignee, ask_first=True)  # what is booked is not dropped, but taken back
    terms = await terms_of(tx, opened.ref.merchant_id)
    if ask_first:
        labelling.lost(dispatch, leg, label, terms)
    elif wanted:
        failover.rejected(dispatch, leg, label, _NO_CONSIGNEE, terms)
    else:
        labelling.not_bought(dispatch, leg, label, terms)
    await _announce(opened, tx=tx)
    return _purchase(opened, consignee, ask_first=True) if ask_first else None


async def _pay(opened: _Open, carrier_ref: str | None, *, tx: Transaction) -> bool:
    """Keep the carrier's id. False: nobody wants the label any more."""
    wanted = labelling.wanted(opened.dispatch, opened.leg, opened.label)
    if wanted:
        labelling.paying(opened.label, carrier_ref)
    else:
        terms = await terms_of(tx, opened.ref.merchant_id)
        labelling.not_bought(opened.dispatch, opened.leg, opened.label, terms)
    await _announce(opened, tx=tx)
    return wanted


async def _store(opened: _Open, sale: Sale, *, tx: Transaction) -> Sequence[NewDocument]:
    """Hand-over, cancel and change are looked at here, under the lock."""
    if opened.label.bought_at is not None:
        return ()
    ref = opened.ref
    documents = [
        NewDocument(tx.new_id(), ref.merchant_id, ref.shipment_id, ref.label_id, document)
        for document in sale.label.documents
    ]
    terms = await terms_of(tx, ref.merchant_id)
    labelling.bought(opened.dispatch, opened.leg, opened.label, _paid(sale.label, documents), terms)
    for kind in sale.unprinted:
        subject = f"{ref.label_id}/{kind}"
        opened.dispatch.effects.append(Raised("papers_not_printed", subject, ref.shipment_id, str(kind)))
    await _announce(opened, tx=tx, actor=sale.actor)
    return documents


def _paid(bought: BoughtLabel, documents: Sequence[NewDocument]) -> Paid:
    labels = [one.document_id for one in documents if one.document.kind is DocumentKind.LABEL]
    if not labels:
        raise LookupError("the carrier gave no label document")
    return Paid(
        carrier_ref=bought.carrier_ref,
        carried_by=bought.carrier,
        carried_as=bought.service,
        tracking_number=bought.tracking_number,
        tracking_url=bought.tracking_url,
        document_id=labels[0],
        cost_minor=bought.cost_minor,
        cost_currency=bought.cost_currency,
        cost_exponent=bought.cost_exponent,
        tracker_ref=bought.tracker_ref,
    )


async def refuse_label(ref: LabelRef, refused: CarrierRejected, *, tx: Transaction) -> None:
    """The carrier said no: on to the next service that the rules allow, or to a person."""
    (opened,) = await _open([ref], tx=tx)
    terms = await terms_of(tx, ref.merchant_id)
    failover.rejected(opened.dispatch, opened.leg, opened.label, refused.refusal, terms)
    await _keep(opened, tx=tx)
    await _keep_words(ref, refused.words, tx=tx)


async def put_off_label(
    ref: LabelRef, refusal: Refusal, words: str | None = None, *, tx: Transaction
) -> None:
    """Nothing was bought, and later may help. Safe to repeat."""
    (opened,) = await _open([ref], tx=tx)
    terms, after = await terms_of(tx, ref.merchant_id), tx.settings.failover_after
    failover.put_off(opened.dispatch, opened.leg, opened.label, refusal, terms, after)
    await _keep(opened, tx=tx)
    await _keep_words(ref, words, tx=tx)


async def leave_carrier(refs: Sequence[LabelRef], *, tx: Transaction) -> int:
    """The carrier is down: move on what has somewhere to go. Returns how many; safe to repeat."""
    opened = await _open(refs, tx=tx)
    for one in opened:
        failover.leave(one.dispatch, one.leg, one.label, await terms_of(tx, one.ref.merchant_id))
        await _announce(one, tx=tx)
    await _save(opened, tx=tx)
    return sum(one.label.state is LabelState.DROPPED for one in opened)


async def _keep_words(ref: LabelRef, words: str | None, *, tx: Transaction) -> None:
    if words is not None:
        await tx.words.keep(ref.merchant_id, ref.label_id, words, until=tx.now + tx.settings.personal_for)


async def lose_outcome(ref: LabelRef, *, tx: Transaction) -> bool:
    """An answer got lost. True: the label may be paid for, and nobody knows. Safe to repeat."""
    (opened,) = await _open([ref], tx=tx)
    terms = await terms_of(tx, ref.merchant_id)
    may_be_paid = labelling.lost(opened.dispatch, opened.leg, opened.label, terms)
    await _keep(opened, tx=tx)
    return may_be_paid


class NotFinal(Exception):
    """The carrier says that nothing was bought, but the call that got lost may still be under way."""


async def found_not_bought(ref: LabelRef, *, tx: Transaction) -> bool:
    """The carrier says that nothing was bought. True: it is still wanted, and may be bought now.

    Raises NotFinal: ask again later.
    """
    (opened,) = await _open([ref], tx=tx)
    dispatch, leg, label = opened.dispatch, opened.leg, opened.label
    capabilities = tx.settings.carriers[label.carrier]
    wanted = labelling.wanted(dispatch, leg, label)
    if wanted and capabilities.pays_once and label.carrier_ref is not None:
        return True
    if label.lost_at is not None and tx.now < label.lost_at + timedelta(seconds=capabilities.settles_s):
        raise NotFinal
    if not wanted:
        labelling.not_bought(dispatch, leg, label, await terms_of(tx, ref.merchant_id))
        await _keep(opened, tx=tx)
    return wanted


async def note_booked(ref: LabelRef, *, tx: Transaction) -> None:
    """The carrier has booked the label and is making it. Safe to repeat."""
    (opened,) = await _open([ref], tx=tx)
    opened.label.booked_at = opened.label.booked_at or tx.now
    await _keep(opened, tx=tx)


async def take_back_unmade(ref: LabelRef, *, tx: Transaction) -> bool:
    """Asked for a label, the carrier says that it is still being made. False: that is waited for, because it
    is wanted, or has no name to be taken back by. Safe to repeat.
    """
    (opened,) = await _open([ref], tx=tx)
    terms = await terms_of(tx, ref.merchant_id)
    over = labelling.not_made_yet(opened.dispatch, opened.leg, opened.label, terms)
    await _keep(opened, tx=tx)
    return over


async def note_account_refused(ref: LabelRef, *, tx: Transaction) -> None:
    """Our account at the carrier is refused: no fault of the shipment, which waits."""
    (opened,) = await _open([ref], tx=tx)
    subject = str(ref.shipment_id)
    opened.dispatch.effects.append(Raised(ACCOUNT_REFUSED, subject, ref.shipment_id, opened.label.carrier))
    await _keep(opened, tx=tx)


async def _open(refs: Sequence[LabelRef], *, tx: Transaction) -> list[_Open]:
    """In the order of `refs`, locked. Two labels of one order share its dispatch."""
    locked = await tx.dispatches.lock_shipments({one.shipment_id: one.merchant_id for one in refs})
    of = {leg.shipment_id: dispatch for dispatch in locked for leg in dispatch.legs}
    return [
        _Open(one, order, order.leg(one.shipment_id), order.label(one.shipment_id, one.label_id))
        for one in refs
        for order in (of[one.shipment_id],)
    ]


async def _keep(opened: _Open, *, tx: Transaction) -> None:
    await _announce(opened, tx=tx)
    await _save([opened], tx=tx)


async def _announce(opened: _Open, *, tx: Transaction, actor: Actor = SERVICE) -> None:
    """Before the order's next label is looked at, so that each cause has its own effects."""
    await announce(opened.dispatch, tx=tx, actor=actor, cause=opened.ref.cause)


async def _save(opened: Sequence[_Open], *, tx: Transaction) -> None:
    await tx.dispatches.save(list({one.dispatch.order_id: one.dispatch for one in opened}.values()))


def _purchase(opened: _Open, consignee: Consignee | None, *, ask_first: bool) -> Purchase:
    snapshot, label = opened.dispatch.snapshot, opened.label
    return Purchase(
        request=_request(opened, consignee),
        carrier_ref=label.carrier_ref,
        ask_first=ask_first,
        day=label.asked_at.date(),
        order_number=None if snapshot is None else snapshot.order_number,
    )


def _request(opened: _Open, consignee: Consignee | None) -> ConsignmentRequest:
    leg, label, snapshot = opened.leg, opened.label, opened.dispatch.snapshot
    box = customs.box_of(leg.packed, leg.repaired_box)
    if snapshot is None or box is None:
        raise LookupError("a label is asked for with an order and a weight")
    border = labelling.needs_customs(leg, snapshot.country)
    return ConsignmentRequest(
        reference=reference_of(leg, label),
        service=label.service,
        ship_from=leg.origin.address,
        ship_to=_address(consignee, snapshot.country or ""),
        box=box,
        customs=customs.customs_items(leg.packed, box) if border else (),
        incoterm=snapshot.incoterm if border else None,
        tax_ids=()
        if consignee is None or not border
        else tuple(TaxId(one.kind, one.value) for one in consignee.tax_ids),
    )


def _address(consignee: Consignee | None, country: str) -> Address:
    """Without a consignee only the reference and the carrier's id are used: to ask, not to buy."""
    if consignee is None:
        return Address(name=None, lines=(), city=None, country=country)
    lines = consignee.lines if consignee.district is None else (*consignee.lines, consignee.district)
    return Address(
        name=consignee.name,
        lines=tuple(one for one in lines if one),
        city=consignee.city,
        country=consignee.country,
        company=consignee.company,
        province=consignee.province,
        postal_code=consignee.postal_code,
        phone=consignee.phone,
        email=consignee.email,
    )

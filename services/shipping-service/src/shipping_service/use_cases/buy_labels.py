"""The steps around buying a label, each a transaction; the calls in between belong to nobody's transaction.

The order of the steps is what keeps a label from being bought twice: the wish is a row before anybody is
asked, the carrier's id is a row before money is spent, and a lost answer makes the label `unknown`, which
only an answer or a person ends.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from crossdock_contracts.envelope import Actor, Cause
from crossdock_contracts.orders import Consignee
from shipping_service.domain import customs, labelling
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
from shipping_service.use_cases.announce import SERVICE, announce, reference_of, terms_of
from shipping_service.use_cases.ports import Transaction

ACCOUNT_REFUSED: Final = "carrier_account_refused"


@dataclass(frozen=True, slots=True)
class LabelRef:
    """Which label of which shipment, whose."""

    merchant_id: str
    shipment_id: UUID
    label_id: UUID
    cause: Cause = field(default_factory=Cause)


@dataclass(frozen=True, slots=True)
class Purchase:
    """What to do next. `ask_first`: money may have been spent already."""

    request: ConsignmentRequest
    carrier_ref: str | None
    ask_first: bool


@dataclass(slots=True)
class _Open:
    dispatch: Dispatch
    leg: Leg
    label: Label


async def begin_purchase(ref: LabelRef, *, may_be_paid: bool, tx: Transaction) -> Purchase | None:
    """Look before calling: None when the label is not wanted any more, is there, or cannot be asked for.

    `may_be_paid`: an earlier attempt ended without an answer. A label that is `unknown` always may be.
    """
    opened = await _open(ref, tx=tx)
    dispatch, leg, label = opened.dispatch, opened.leg, opened.label
    if not label.live or label.state is LabelState.BOUGHT:
        return None
    ask_first = label.state is LabelState.UNKNOWN or (may_be_paid and label.state is LabelState.PAYING)
    if ask_first:
        labelling.lost(dispatch, leg, label, await terms_of(tx, ref.merchant_id))
        await _keep(opened, ref, tx=tx)
    elif not labelling.wanted(dispatch, leg, label):
        labelling.not_bought(dispatch, leg, label, await terms_of(tx, ref.merchant_id))
        await _keep(opened, ref, tx=tx)
        return None
    consignee = await tx.people.get(dispatch.order_id)
    if consignee is None and not ask_first:
        await _refuse(opened, "missing_address", "ship_to", ref, tx=tx)
        return None
    return Purchase(_request(opened, consignee), label.carrier_ref, ask_first)


async def note_payment(ref: LabelRef, carrier_ref: str | None, *, tx: Transaction) -> bool:
    """Keep the carrier's id; the next call costs money. False: do not make it, nobody wants it any more."""
    opened = await _open(ref, tx=tx)
    dispatch, leg, label = opened.dispatch, opened.leg, opened.label
    wanted = labelling.wanted(dispatch, leg, label)
    if wanted:
        labelling.paying(label, carrier_ref)
    else:
        labelling.not_bought(dispatch, leg, label, await terms_of(tx, ref.merchant_id))
    await _keep(opened, ref, tx=tx)
    return wanted


async def store_label(ref: LabelRef, bought: BoughtLabel, *, tx: Transaction, actor: Actor = SERVICE) -> None:
    """Keep the label and its documents, and go on. Raises LookupError when there is no label document.

    Safe to repeat. Hand-over, cancel and change are looked at here, under the lock.
    """
    opened = await _open(ref, tx=tx)
    if opened.label.bought_at is not None:
        return
    ids = [(tx.new_id(), document) for document in bought.documents]
    document_id = next((id_ for id_, document in ids if document.kind is DocumentKind.LABEL), None)
    if document_id is None:
        raise LookupError("the carrier gave no label document")
    for id_, document in ids:
        await tx.documents.add(
            id_,
            document,
            merchant_id=ref.merchant_id,
            shipment_id=ref.shipment_id,
            label_id=ref.label_id,
            until=tx.now + tx.settings.personal_for,
        )
    paid = Paid(
        carrier_ref=bought.carrier_ref,
        carried_by=bought.carrier,
        carried_as=bought.service,
        tracking_number=bought.tracking_number,
        tracking_url=bought.tracking_url,
        document_id=document_id,
        cost_minor=bought.cost_minor,
        cost_currency=bought.cost_currency,
        cost_exponent=bought.cost_exponent,
        tracker_ref=bought.tracker_ref,
    )
    terms = await terms_of(tx, ref.merchant_id)
    labelling.bought(opened.dispatch, opened.leg, opened.label, paid, terms)
    await _keep(opened, ref, tx=tx, actor=actor)


async def refuse_label(ref: LabelRef, code: str, field: str | None, *, tx: Transaction) -> None:
    """The carrier said no: the leg waits for a person."""
    await _refuse(await _open(ref, tx=tx), code, field, ref, tx=tx)


async def lose_outcome(ref: LabelRef, *, tx: Transaction) -> bool:
    """An answer got lost. True: the label may be paid for, and nobody knows. Safe to repeat."""
    opened = await _open(ref, tx=tx)
    terms = await terms_of(tx, ref.merchant_id)
    may_be_paid = labelling.lost(opened.dispatch, opened.leg, opened.label, terms)
    await _keep(opened, ref, tx=tx)
    return may_be_paid


class NotFinal(Exception):
    """The carrier says that nothing was bought, but the call that got lost may still be under way."""


async def found_not_bought(ref: LabelRef, *, tx: Transaction) -> bool:
    """The carrier says that nothing was bought. True: it is still wanted, and may be bought now.

    Raises NotFinal: ask again later.
    """
    opened = await _open(ref, tx=tx)
    dispatch, leg, label = opened.dispatch, opened.leg, opened.label
    capabilities = tx.settings.carriers[label.carrier]
    wanted = labelling.wanted(dispatch, leg, label)
    if wanted and capabilities.pays_once and label.carrier_ref is not None:
        return True
    if label.lost_at is not None and tx.now < label.lost_at + timedelta(seconds=capabilities.settles_s):
        raise NotFinal
    if not wanted:
        labelling.not_bought(dispatch, leg, label, await terms_of(tx, ref.merchant_id))
        await _keep(opened, ref, tx=tx)
    return wanted


async def note_account_refused(ref: LabelRef, *, tx: Transaction) -> None:
    """Our account at the carrier is refused: no fault of the shipment, which waits."""
    opened = await _open(ref, tx=tx)
    subject = str(ref.shipment_id)
    opened.dispatch.effects.append(Raised(ACCOUNT_REFUSED, subject, ref.shipment_id, opened.label.carrier))
    await _keep(opened, ref, tx=tx)


async def _refuse(opened: _Open, code: str, field: str | None, ref: LabelRef, *, tx: Transaction) -> None:
    terms = await terms_of(tx, ref.merchant_id)
    labelling.rejected(opened.dispatch, opened.leg, opened.label, code, field, terms)
    await _keep(opened, ref, tx=tx)


async def _open(ref: LabelRef, *, tx: Transaction) -> _Open:
    (dispatch,) = await tx.dispatches.lock_shipments(ref.merchant_id, [ref.shipment_id])
    return _Open(dispatch, dispatch.leg(ref.shipment_id), dispatch.label(ref.shipment_id, ref.label_id))


async def _keep(opened: _Open, ref: LabelRef, *, tx: Transaction, actor: Actor = SERVICE) -> None:
    await announce(opened.dispatch, tx=tx, actor=actor, cause=ref.cause)
    await tx.dispatches.save([opened.dispatch])


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

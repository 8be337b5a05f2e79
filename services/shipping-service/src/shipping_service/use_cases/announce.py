"""What was decided becomes events, jobs, lines of the timeline and rows for people."""

from datetime import timedelta
from typing import Any, Final, TypeVar

from crossdock_contracts import shipping
from crossdock_contracts.envelope import Actor, ActorKind, Cause, Event, Money
from shipping_service.domain.dispatch import Dispatch, Leg, Terms
from shipping_service.domain.effects import (
    AskBuy,
    AskVoid,
    AskVoidState,
    Cancelled,
    Cleared,
    Delivered,
    Effect,
    Labelled,
    LabelRequested,
    Noted,
    Raised,
    Refused,
    Rejected,
    Returned,
    Shipped,
    Tracked,
    Troubled,
)
from shipping_service.domain.following import Followed, next_poll
from shipping_service.domain.label import Label
from shipping_service.domain.whereabouts import Lane
from shipping_service.use_cases.ports import HistoryLine, Transaction

SERVICE: Final = Actor(kind=ActorKind.SERVICE, name="shipping")

BUY_LABEL: Final = "buy_label"
VOID_LABEL: Final = "void_label"
CHECK_VOID: Final = "check_void"

_LAST_CHECK: Final = timedelta(hours=24)

T = TypeVar("T")


async def terms_of(tx: Transaction, merchant_id: str) -> Terms:
    """What the domain decides with, for this merchant and this transaction."""
    return Terms(
        now=tx.now,
        rules=await tx.rules.of(merchant_id),
        carriers={code: one.can_void for code, one in tx.settings.carriers.items()},
    )


def reference_of(leg: Leg, label: Label) -> str:
    """Ours, unique per label ever asked for; carriers know it, and so does the job."""
    return f"{leg.shipment_id}/{label.number}"


async def announce(
    dispatch: Dispatch,
    *,
    tx: Transaction,
    actor: Actor = SERVICE,
    reason: str | None = None,
    cause: Cause | None = None,
) -> None:
    """Empty the order's effects into the transaction. The caller saves the order before it commits."""
    effects, dispatch.effects = dispatch.effects, []
    history: list[HistoryLine] = []
    raised: list[Raised] = []
    cleared: list[Cleared] = []
    for effect in effects:
        match effect:
            case Noted():
                history.append(
                    HistoryLine(
                        dispatch.order_id,
                        dispatch.merchant_id,
                        effect.shipment_id,
                        effect.what,
                        effect.detail,
                        actor,
                        reason,
                        cause or Cause(),
                    )
                )
            case Raised():
                raised.append(effect)
            case Cleared():
                cleared.append(effect)
            case AskBuy() | AskVoid() | AskVoidState():
                await _ask(dispatch, effect, tx=tx, cause=cause)
            case _:
                dispatch.said_version = max(dispatch.said_version, tx.version_floor) + 1
                common = _common(dispatch, actor, reason)
                await tx.outbox.add(_event(dispatch, effect, common), caused_by=cause)
                if isinstance(effect, Labelled):
                    await _follow(dispatch, effect, tx=tx)
    if history:
        await tx.history.add(history)
    # Cleared first: a leg that fails anew has its row closed and a new one opened.
    if cleared:
        await tx.exceptions.clear(dispatch.order_id, cleared)
    if raised:
        await tx.exceptions.raise_all(dispatch.merchant_id, dispatch.order_id, raised)


async def _ask(
    dispatch: Dispatch, effect: AskBuy | AskVoid | AskVoidState, *, tx: Transaction, cause: Cause | None
) -> None:
    leg = dispatch.leg(effect.shipment_id)
    label = dispatch.label(effect.shipment_id, effect.label_id)
    kind, reference, run_at = BUY_LABEL, reference_of(leg, label), tx.now
    match effect:
        case AskVoid():
            kind = VOID_LABEL
        case AskVoidState(check=check):
            kind, reference = CHECK_VOID, f"{reference}/{check}"
            run_at = tx.now + min(tx.settings.first_void_check * 2 ** min(check - 1, 20), _LAST_CHECK)
    await tx.jobs.add(
        kind,
        reference,
        merchant_id=dispatch.merchant_id,
        destination=label.carrier,
        payload={"shipment_id": str(leg.shipment_id), "label_id": str(label.label_id)},
        run_at=run_at,
        caused_by=cause,
    )


async def _follow(dispatch: Dispatch, effect: Labelled, *, tx: Transaction) -> None:
    """A label is there: its parcel is followed by whoever tells of it, if anybody does. Safe to repeat."""
    leg, label = dispatch.leg(effect.shipment_id), dispatch.label(effect.shipment_id, effect.label_id)
    tells_itself = label.carrier in tx.settings.trackers
    tracker = label.carrier if tells_itself else tx.settings.tracks_others
    if tracker is None:
        return
    followed = Followed(
        label_id=label.label_id,
        merchant_id=dispatch.merchant_id,
        order_id=dispatch.order_id,
        shipment_id=leg.shipment_id,
        parcel_id=label.parcel_id,
        tracker=tracker,
        tracking_number=_known(label.tracking_number),
        tracker_ref=label.tracker_ref if tells_itself else None,
        carried_by=label.carried_by,
        lane=Lane(leg.origin.address.country, dispatch.snapshot.country if dispatch.snapshot else None),
        labelled_at=_known(label.bought_at),
    )
    followed.next_poll_at = next_poll(followed, tx.now, tx.settings.pace)
    await tx.parcels.follow(followed)


def _common(dispatch: Dispatch, actor: Actor, reason: str | None) -> dict[str, Any]:
    return {
        "merchant_id": dispatch.merchant_id,
        "aggregate_version": dispatch.said_version,
        "actor": actor,
        "reason": reason,
        "order_id": dispatch.order_id,
        "order_version": 1 if dispatch.snapshot is None else dispatch.snapshot.version,
    }


def _event(dispatch: Dispatch, effect: Effect, common: dict[str, Any]) -> Event:
    match effect:
        case Labelled(shipment_id, label_id):
            leg, label = dispatch.leg(shipment_id), dispatch.label(shipment_id, label_id)
            return shipping.ParcelLabelledV1(
                **_parcel(leg, label, common),
                weight_g=label.weight_g,
                cost=_cost(label),
                document_id=_known(label.document_id),
                labelled_at=_known(label.bought_at),
            )
        case Shipped(shipment_id, label_id):
            leg, label = dispatch.leg(shipment_id), dispatch.label(shipment_id, label_id)
            return shipping.ParcelShippedV1(
                **_parcel(leg, label, common), handed_over_at=_known(leg.handed_over_at)
            )
        case Tracked(shipment_id, label_id):
            leg, label = dispatch.leg(shipment_id), dispatch.label(shipment_id, label_id)
            return shipping.ParcelTrackedV1(**_parcel(leg, label, common), scan=_scan(effect))
        case Troubled(scan):
            leg, label = dispatch.leg(scan.shipment_id), dispatch.label(scan.shipment_id, scan.label_id)
            return shipping.ParcelExceptionV1(**_parcel(leg, label, common), scan=_scan(scan))
        case Delivered(shipment_id, label_id, at):
            leg, label = dispatch.leg(shipment_id), dispatch.label(shipment_id, label_id)
            return shipping.ParcelDeliveredV1(**_parcel(leg, label, common), delivered_at=at)
        case Returned(shipment_id, label_id, at):
            leg, label = dispatch.leg(shipment_id), dispatch.label(shipment_id, label_id)
            return shipping.ParcelReturnedV1(**_parcel(leg, label, common), returned_at=at)
        case LabelRequested(shipment_id, label_id):
            leg, label = dispatch.leg(shipment_id), dispatch.label(shipment_id, label_id)
            return shipping.ShipmentLabelRequestedV1(
                **common,
                shipment_id=shipment_id,
                parcel_id=label.parcel_id,
                label_revision=label.label_revision,
                warehouse=leg.origin.warehouse,
                weight_g=label.weight_g,
                contents=_contents(leg),
            )
        case Rejected(shipment_id, carrier, code, field):
            return shipping.ShipmentRejectedV1(
                **common,
                shipment_id=shipment_id,
                allocation_ids=dispatch.leg(shipment_id).allocation_ids,
                carrier=carrier,
                code=code[:128],
                field=None if field is None else field[:128],
            )
        case Cancelled(wish, shipment_ids, allocation_ids, pending, void):
            return shipping.ShipmentCancelledV1(
                **common,
                request=shipping.Request(wish),
                shipment_ids=shipment_ids,
                allocation_ids=allocation_ids,
                pending_allocation_ids=pending,
                void=shipping.VoidState(void),
            )
        case Refused(wish, shipment_ids, allocation_ids, pending, code):
            return shipping.ShipmentRefusedV1(
                **common,
                request=shipping.Request(wish),
                shipment_ids=shipment_ids,
                allocation_ids=allocation_ids,
                pending_allocation_ids=pending,
                code=code,
            )
        case _:
            raise TypeError(f"{type(effect).__name__} is not published")


def _parcel(leg: Leg, label: Label, common: dict[str, Any]) -> dict[str, Any]:
    return {
        **common,
        "order_version": label.order_version,
        "label_revision": label.label_revision,
        "shipment_id": leg.shipment_id,
        "parcel_id": label.parcel_id,
        "warehouse": leg.origin.warehouse,
        "carrier": label.carried_by,
        "service": label.carried_as,
        "tracking_number": label.tracking_number,
        "tracking_url": label.tracking_url,
        "contents": _contents(leg),
    }


def _contents(leg: Leg) -> tuple[shipping.Content, ...]:
    return tuple(
        shipping.Content(
            allocation_id=item.allocation_id,
            line_id=item.line_id,
            external_line_ids=item.external_line_ids,
            sku=item.packed.sku,
            units=item.packed.units,
        )
        for item in leg.going
    )


def _scan(tracked: Tracked) -> shipping.Scan:
    return shipping.Scan(
        scan_id=tracked.scan_id,
        status=shipping.ParcelStatus(tracked.status),
        raw_code=tracked.raw_code,
        occurred_at=tracked.at,
        city=tracked.city,
        country=tracked.country,
    )


def _cost(label: Label) -> Money | None:
    if label.cost_minor is None or label.cost_currency is None or label.cost_exponent is None:
        return None
    return Money(amount_minor=label.cost_minor, currency=label.cost_currency, exponent=label.cost_exponent)


def _known(value: T | None) -> T:
    if value is None:
        raise TypeError("a bought label has it")
    return value

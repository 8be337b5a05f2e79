"""What carriers tell of parcels on their way: kept, understood, and told on once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from crossdock_contracts.envelope import Actor, ActorKind
from shipping_service.domain.dispatch import Dispatch
from shipping_service.domain.effects import Noted
from shipping_service.domain.following import Followed, Number, goes_on, not_subscribed, subscribed
from shipping_service.domain.hearing import hear
from shipping_service.domain.tracking import MAX_CODE, Scan, Status, Stretch, identity_of, plain_name
from shipping_service.domain.whereabouts import Known, placed
from shipping_service.use_cases.announce import announce
from shipping_service.use_cases.ports import DomainSettings, Transaction
from shipping_service.use_cases.tracking_port import GoesOn, NotTracked, Told

#: Of one parcel. Carriers keep a hundred at most; what is beyond is the oldest and is not taken in.
MOST_SCANS: Final = 500


@dataclass(frozen=True, slots=True)
class ParcelRef:
    """Which label's parcel, whose, and which of its numbers."""

    merchant_id: str
    shipment_id: UUID
    label_id: UUID
    tracking_number: str


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What came of a telling: codes nobody knows, and those whose meaning is not sure, each once."""

    new: int
    unknown: Sequence[str]
    unsure: Sequence[str]


async def take_told(ref: ParcelRef, told: Told, *, pushed: bool, tx: Transaction) -> TakenIn:
    """Keep what is new of what is told of this number, and act on it. Twice is once.

    The order is locked first, so that two tellings of one parcel come after each other. A scan whose code
    nobody knew is read again: its code may have a meaning by now. Raises NotFound, and LookupError for a
    number that is not the parcel's.
    """
    (dispatch,) = await tx.dispatches.lock_shipments({ref.shipment_id: ref.merchant_id})
    followed = await tx.parcels.of_label(ref.label_id)
    number = followed.number(ref.tracking_number)
    scans = told.scans if number is followed else [_of_last_mile(one) for one in told.scans]
    before = {one.identity: one for one in await tx.parcels.scans(ref.label_id)}
    new: dict[bytes, Known] = {}
    for count, (scan, at) in enumerate(placed(scans[-MOST_SCANS:], tx.now), start=1):
        identity = identity_of(scan)
        known = before.get(identity)
        if known is None and identity not in new and len(before) + len(new) < MOST_SCANS:
            new[identity] = Known(tx.new_id(), len(before) + count, at, scan, identity)
        elif known is not None and _understood_by_now(known.scan, scan):
            new[identity] = Known(known.scan_id, known.n, known.at, scan, identity)
            del before[identity]
    number.failures, number.last_error = 0, None
    if pushed:
        number.pushed_at = tx.now
    label = dispatch.label(ref.shipment_id, ref.label_id)
    for onward in told.goes_on if label.live else ():
        _go_on(dispatch, followed, onward, tx=tx)
    hear(
        dispatch,
        label,
        followed,
        number,
        list(before.values()),
        list(new.values()),
        now=tx.now,
        pace=tx.settings.pace,
    )
    await tx.parcels.save(followed, list(new.values()), personal_until=tx.now + tx.settings.personal_for)
    await announce(dispatch, tx=tx, actor=Actor(kind=ActorKind.CARRIER, name=number.tracker or ""))
    await tx.dispatches.save([dispatch])
    meanings = [(one.scan.raw_code, one.scan.meaning) for one in new.values()]
    return TakenIn(
        new=len(new),
        unknown=sorted({code for code, meaning in meanings if meaning.status is Status.UNKNOWN}),
        unsure=sorted(
            {code for code, meaning in meanings if not meaning.sure and meaning.status is not Status.UNKNOWN}
        ),
    )


async def note_no_answer(ref: ParcelRef, code: str, *, tx: Transaction) -> None:
    """They could not say anything of this number: it is asked for ever more seldom; the parcel's clock
    runs on.
    """
    (dispatch,) = await tx.dispatches.lock_shipments({ref.shipment_id: ref.merchant_id})
    followed = await tx.parcels.of_label(ref.label_id)
    number = followed.number(ref.tracking_number)
    number.failures, number.last_error = number.failures + 1, code[:128]
    label = dispatch.label(ref.shipment_id, ref.label_id)
    known = await tx.parcels.scans(ref.label_id)
    hear(dispatch, label, followed, number, known, (), now=tx.now, pace=tx.settings.pace)
    await tx.parcels.save(followed, (), personal_until=tx.now)
    await announce(dispatch, tx=tx)
    await tx.dispatches.save([dispatch])


async def keep_subscription(ref: ParcelRef, answer: str | NotTracked, *, tx: Transaction) -> None:
    """What came of asking for pushed news of this number. Safe to repeat."""
    await tx.dispatches.lock_shipments({ref.shipment_id: ref.merchant_id})
    followed = await tx.parcels.of_label(ref.label_id)
    number = followed.number(ref.tracking_number)
    if isinstance(answer, NotTracked):
        not_subscribed(number, answer.code, tx.now, tx.settings.pace)
    else:
        subscribed(number, answer)
    await tx.parcels.save(followed, (), personal_until=tx.now)


def _go_on(dispatch: Dispatch, followed: Followed, told: GoesOn, *, tx: Transaction) -> None:
    """The marketplace is not told: none of them says that it takes a second number for a parcel."""
    carried_by = "".join(one for one in told.carried_by or "" if one.isprintable())[:MAX_CODE] or None
    tracker = _teller(carried_by, tx.settings)
    number = Number(
        tracking_number=told.onward_number,
        tracker=tracker,
        tracker_ref=None,
        carried_by=carried_by,
        next_poll_at=None if tracker is None else tx.now,
    )
    if goes_on(followed, number):
        detail = f"{told.onward_number} {carried_by or ''}".rstrip()
        dispatch.effects.append(Noted(followed.shipment_id, "goes_on", detail))


def _teller(carried_by: str | None, settings: DomainSettings) -> str | None:
    """Who tells of an onward number: the folder of who carries it, or who tells of others."""
    named = plain_name(carried_by or "")
    own = next((one for one in sorted(settings.trackers) if plain_name(one) == named), None)
    return own or settings.tracks_others


def _of_last_mile(scan: Scan) -> Scan:
    return scan if scan.stretch is not None else replace(scan, stretch=Stretch.LAST_MILE)


def _understood_by_now(known: Scan, told: Scan) -> bool:
    return known.meaning.status is Status.UNKNOWN and told.meaning.status is not Status.UNKNOWN

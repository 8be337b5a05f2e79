"""What carriers tell of parcels on their way: kept, understood, and told on once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crossdock_contracts.envelope import Actor, ActorKind
from shipping_service.domain.hearing import hear
from shipping_service.domain.tracking import Scan, Status, identity_of
from shipping_service.domain.whereabouts import Known, placed
from shipping_service.use_cases.announce import announce
from shipping_service.use_cases.ports import Transaction

#: Of one parcel. Carriers keep a hundred at most; what is beyond is the oldest and is not taken in.
MOST_SCANS: Final = 500


@dataclass(frozen=True, slots=True)
class ParcelRef:
    """Which label's parcel, whose."""

    merchant_id: str
    shipment_id: UUID
    label_id: UUID


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What came of a telling: codes nobody knows, and those whose meaning is not sure, each once."""

    new: int
    unknown: Sequence[str]
    unsure: Sequence[str]


async def take_scans(ref: ParcelRef, scans: Sequence[Scan], *, pushed: bool, tx: Transaction) -> TakenIn:
    """Keep what is new of a carrier's list, the oldest first, and act on it. Twice is once.

    The order is locked first, so that two tellings of one parcel come after each other. A scan whose code
    nobody knew is read again: its code may have a meaning by now. Raises NotFound.
    """
    (dispatch,) = await tx.dispatches.lock_shipments({ref.shipment_id: ref.merchant_id})
    followed = await tx.parcels.of_label(ref.label_id)
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
    followed.failures, followed.last_error = 0, None
    if pushed:
        followed.pushed_at = tx.now
    label = dispatch.label(ref.shipment_id, ref.label_id)
    hear(
        dispatch,
        label,
        followed,
        list(before.values()),
        list(new.values()),
        now=tx.now,
        pace=tx.settings.pace,
    )
    await tx.parcels.save(followed, list(new.values()), personal_until=tx.now + tx.settings.personal_for)
    await announce(dispatch, tx=tx, actor=Actor(kind=ActorKind.CARRIER, name=followed.tracker))
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
    """They could not say anything of this parcel: it is asked for ever more seldom, and its clock runs on."""
    (dispatch,) = await tx.dispatches.lock_shipments({ref.shipment_id: ref.merchant_id})
    followed = await tx.parcels.of_label(ref.label_id)
    followed.failures, followed.last_error = followed.failures + 1, code[:128]
    label = dispatch.label(ref.shipment_id, ref.label_id)
    known = await tx.parcels.scans(ref.label_id)
    hear(dispatch, label, followed, known, (), now=tx.now, pace=tx.settings.pace)
    await tx.parcels.save(followed, (), personal_until=tx.now)
    await announce(dispatch, tx=tx)
    await tx.dispatches.save([dispatch])


def _understood_by_now(known: Scan, told: Scan) -> bool:
    return known.meaning.status is Status.UNKNOWN and told.meaning.status is not Status.UNKNOWN

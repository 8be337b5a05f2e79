"""Followed parcels and their scans as rows, and which of them are due to be asked about."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from shipping_service.domain.following import Followed, Number
from shipping_service.domain.tracking import (
    Kind,
    Meaning,
    Milestone,
    Reason,
    Scan,
    Status,
    Stretch,
)
from shipping_service.domain.whereabouts import Known, Lane
from shipping_service.persistence.codec import Row, plain
from shipping_service.persistence.dispatches import insert_new, upsert
from shipping_service.use_cases.follow_parcels import ParcelRef
from shipping_service.use_cases.ports import NotFound
from shipping_service.use_cases.tracking_port import TrackingRef

_OF_LABEL = text(
    """
    select to_jsonb(f) as row,
           (select jsonb_agg(to_jsonb(o) order by o.told_at, o.tracking_number) from onward_number o
            where o.label_id = f.label_id) as onward
    from followed_parcel f where label_id = :label_id
    """
).columns(row=JSONB, onward=JSONB)
_SCANS = text(
    """
    select to_jsonb(s) - 'identity' || jsonb_build_object('raw_text', coalesce(t.raw_text, '')) as row,
           s.at, s.occurred_at, s.identity
    from scan s left join scan_text t using (scan_id) where label_id = :label_id order by n
    """
).columns(row=JSONB)
_NUMBERED = text(
    """
    select merchant_id, shipment_id, label_id, tracking_number from followed_parcel
    where tracker = :tracker and tracking_number = any(:numbers)
    union all
    select merchant_id, shipment_id, label_id, tracking_number from onward_number
    where tracker = :tracker and tracking_number = any(:numbers)
    order by label_id, tracking_number
    """
).bindparams(bindparam("numbers", type_=ARRAY(Text)))

_MERCHANTS_DUE = text(
    """
    select merchant_id from followed_parcel
    where tracker = :tracker and next_poll_at <= crossdock_clock()
    union
    select merchant_id from onward_number
    where tracker = :tracker and next_poll_at <= crossdock_clock()
    order by merchant_id
    """
)


def _claim(table: str) -> Any:
    """By putting the next question off: who claims and dies has it put again when that time has come. What is
    not to be subscribed to now counts as subscribed.
    """
    return text(
        f"""
        update {table} set next_poll_at = crossdock_clock() + :stands
        where (label_id, tracking_number) in (
            select label_id, tracking_number from {table}
            where tracker = :tracker and merchant_id = :merchant_id and next_poll_at <= crossdock_clock()
            order by next_poll_at limit :most for update skip locked)
        returning shipment_id, label_id, tracking_number, tracker_ref, carried_by,
                  subscribed or coalesce(subscribe_at > crossdock_clock(), false) as subscribed
        """  # noqa: S608 - names of ours
    )


def _pull(table: str) -> Any:
    return text(
        f"""
        update {table} set next_poll_at = crossdock_clock()
        where tracker = :tracker and tracking_number = any(:numbers)
              and (next_poll_at is null or next_poll_at > crossdock_clock())
        """  # noqa: S608 - names of ours
    ).bindparams(bindparam("numbers", type_=ARRAY(Text)))


#: A parcel's own number is in its row, and others that it goes on under in theirs.
_TABLES = ("followed_parcel", "onward_number")
_CLAIMS = [_claim(table) for table in _TABLES]
_PULLS = [_pull(table) for table in _TABLES]

_NUMBER = (
    *("tracking_number", "tracker", "tracker_ref", "carried_by", "subscribed", "not_subscribed"),
    *("subscribe_failures", "failures", "last_error"),
)
_NUMBER_TIMES = ("subscribe_at", "pushed_at", "next_poll_at")
_IDS = ("label_id", "order_id", "shipment_id", "parcel_id")
_TIMES = ("labelled_at", "since", "heard_at")


class ParcelTable:
    """What begins to be followed is collected and written once, by the transaction's flush."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._begun: dict[UUID, Followed] = {}

    async def follow(self, followed: Followed) -> None:
        self._begun[followed.label_id] = followed

    async def flush(self) -> None:
        if self._begun:
            rows = [_followed_row(one) for _, one in sorted(self._begun.items())]
            self._begun = {}
            await insert_new(self._connection, "followed_parcel", "label_id", rows)

    async def of_label(self, label_id: UUID) -> Followed:
        row = (await self._connection.execute(_OF_LABEL, {"label_id": label_id})).one_or_none()
        if row is None:
            raise NotFound("parcel", label_id)
        return _to_followed(row.row, row.onward or ())

    async def scans(self, label_id: UUID) -> Sequence[Known]:
        return [_to_known(row) for row in await self._connection.execute(_SCANS, {"label_id": label_id})]

    async def save(self, followed: Followed, new: Sequence[Known], *, personal_until: datetime) -> None:
        await upsert(self._connection, "followed_parcel", "label_id", [_followed_row(followed)], touched=True)
        onward = [_onward_row(one, followed) for one in followed.onward]
        await upsert(self._connection, "onward_number", "label_id, tracking_number", onward, touched=True)
        await upsert(self._connection, "scan", "scan_id", [_scan_row(one, followed) for one in new])
        texts = [
            {
                "scan_id": str(one.scan_id),
                "merchant_id": followed.merchant_id,
                "raw_text": one.scan.raw_text,
                "personal_until": plain(personal_until),
            }
            for one in new
            if one.scan.raw_text
        ]
        await upsert(self._connection, "scan_text", "scan_id", texts)

    # -- beside the use cases: whom to ask, and whom a message is about

    async def numbered(self, tracker: str, numbers: Sequence[str]) -> list[ParcelRef]:
        """The parcels of these numbers."""
        rows = await self._connection.execute(_NUMBERED, {"tracker": tracker, "numbers": list(numbers)})
        return [ParcelRef(*one) for one in rows]

    async def merchants_due(self, tracker: str) -> list[str]:
        return list((await self._connection.execute(_MERCHANTS_DUE, {"tracker": tracker})).scalars())

    async def claim_due(self, tracker: str, merchant_id: str, most: int, *, stands: timedelta) -> list[Row]:
        """The numbers to be asked about now, as JSON; nobody else asks about them for as long as `stands`."""
        values = {"tracker": tracker, "merchant_id": merchant_id, "stands": stands}
        rows: list[Row] = []
        for claim in _CLAIMS:
            found = await self._connection.execute(claim, {**values, "most": most - len(rows)})
            rows += [plain(dict(one)) for one in found.mappings()]
        return rows

    async def pull(self, tracker: str, numbers: Sequence[str]) -> None:
        """Ask about them at the next look."""
        for pull in _PULLS:
            await self._connection.execute(pull, {"tracker": tracker, "numbers": list(numbers)})


def to_ref(row: Row) -> TrackingRef:
    return TrackingRef(row["tracking_number"], row["tracker_ref"], row["carried_by"])


def _number_row(number: Number) -> Row:
    return {
        **{name: getattr(number, name) for name in _NUMBER},
        **{name: plain(getattr(number, name)) for name in _NUMBER_TIMES},
    }


def _followed_row(followed: Followed) -> Row:
    return {
        **_number_row(followed),
        **{name: plain(getattr(followed, name)) for name in (*_IDS, *_TIMES)},
        "merchant_id": followed.merchant_id,
        "origin": followed.lane.origin,
        "destination": followed.lane.destination,
        "status": str(followed.status),
        "reason": followed.reason and str(followed.reason),
        "alarms": sorted(followed.alarms),
    }


def _onward_row(number: Number, followed: Followed) -> Row:
    return {
        **_number_row(number),
        "label_id": str(followed.label_id),
        "merchant_id": followed.merchant_id,
        "shipment_id": str(followed.shipment_id),
    }


def _to_number(row: Row) -> Row:
    return {name: row[name] for name in _NUMBER} | {
        name: row[name] and datetime.fromisoformat(row[name]) for name in _NUMBER_TIMES
    }


def _to_followed(row: Row, onward: Sequence[Row]) -> Followed:
    given: Row = {
        **_to_number(row),
        **{name: UUID(row[name]) for name in _IDS},
        **{name: row[name] and datetime.fromisoformat(row[name]) for name in _TIMES},
    }
    return Followed(
        **given,
        merchant_id=row["merchant_id"],
        lane=Lane(row["origin"], row["destination"]),
        status=Status(row["status"]),
        reason=row["reason"] and Reason(row["reason"]),
        alarms=frozenset(row["alarms"]),
        onward=[Number(**_to_number(one)) for one in onward],
    )


_SCAN_PLAIN = ("tracking_number", "raw_code", "local_time", "utc_offset", "city", "country", "piece")


def _scan_row(known: Known, followed: Followed) -> Row:
    scan, meaning = known.scan, known.scan.meaning
    return {
        **{name: getattr(scan, name) for name in _SCAN_PLAIN},
        "scan_id": str(known.scan_id),
        "merchant_id": followed.merchant_id,
        "label_id": str(followed.label_id),
        "n": known.n,
        "identity": "\\x" + known.identity.hex(),
        "at": plain(known.at),
        "occurred_at": plain(scan.occurred_at),
        "stretch": scan.stretch and str(scan.stretch),
        **{one.name: plain(getattr(meaning, one.name)) for one in fields(Meaning)},
        "undoes": list(meaning.undoes),
    }


def _to_known(row: Any) -> Known:
    kept = row.row
    meaning = Meaning(
        kind=Kind(kept["kind"]),
        status=kept["status"] and Status(kept["status"]),
        reason=kept["reason"] and Reason(kept["reason"]),
        milestone=kept["milestone"] and Milestone(kept["milestone"]),
        sure=kept["sure"],
        undoes=tuple(kept["undoes"]),
    )
    scan = Scan(
        **{name: kept[name] for name in _SCAN_PLAIN},
        meaning=meaning,
        occurred_at=row.occurred_at,
        raw_text=kept["raw_text"],
        stretch=kept["stretch"] and Stretch(kept["stretch"]),
    )
    return Known(UUID(kept["scan_id"]), kept["n"], row.at, scan, bytes(row.identity))

"""What the API shows that is no decision: lists, timelines, documents. Rows come as mappings."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_contracts.envelope import Cause

Rows = Sequence[RowMapping]

_SHIPMENTS = """
    select s.shipment_id, s.order_id, o.order_number, o.state as order_state, s.warehouse, s.state, s.carrier,
           s.service, s.trouble_code, s.planned_at, s.handed_over_at, l.tracking_number,
           f.status as parcel_status,
           (select count(*) from shipment_exception e
            where e.shipment_id = s.shipment_id and e.resolved_at is null) as exceptions
    from shipment s
    join known_order o on o.order_id = s.order_id
    left join label l on l.shipment_id = s.shipment_id and l.state = 'bought'
    left join followed_parcel f on f.label_id = l.label_id
    where s.merchant_id = :merchant_id
"""
#: Filter -> its condition; only those that are asked for become part of the statement.
_FILTERS: Mapping[str, str] = {
    "state": "s.state = :state",
    "order_id": "s.order_id = :order_id",
    "warehouse": "s.warehouse = :warehouse",
    "carrier": "s.carrier = :carrier",
    "exception": "exists (select from shipment_exception e where e.shipment_id = s.shipment_id "
    "and e.code = :exception and e.resolved_at is null)",
    "after": "s.shipment_id < :after",
}


async def list_shipments(
    connection: AsyncConnection, merchant_id: str, *, limit: int, **filters: Any
) -> Rows:
    """The newest first. `filters`: see _FILTERS; None leaves one out."""
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = "".join(f" and {_FILTERS[name]}" for name in given)
    statement = text(f"{_SHIPMENTS}{conditions} order by s.shipment_id desc limit :limit")
    values = {"merchant_id": merchant_id, "limit": limit, **given}
    return (await connection.execute(statement, values)).mappings().all()


_TIMELINE = text(
    """
    select n, shipment_id, at, what, detail, actor_kind, actor_name, reason, cause_event_id, correlation_id
    from shipment_history
    where merchant_id = :merchant_id and order_id = :order_id and n > :after
      and (shipment_id = :shipment_id or shipment_id is null)
    order by n limit :limit
    """
)


async def list_timeline(
    connection: AsyncConnection,
    merchant_id: str,
    order_id: UUID,
    shipment_id: UUID,
    *,
    after: int,
    limit: int,
) -> Rows:
    values = {
        "merchant_id": merchant_id,
        "order_id": order_id,
        "shipment_id": shipment_id,
        "after": after,
        "limit": limit,
    }
    return (await connection.execute(_TIMELINE, values)).mappings().all()


_CAUSE = text(
    """
    select cause_event_id, correlation_id from shipment_history
    where merchant_id = :merchant_id and shipment_id = :shipment_id and cause_event_id is not null
    order by n desc limit 1
    """
)


async def cause_of(connection: AsyncConnection, merchant_id: str, shipment_id: UUID) -> Cause:
    """What a shipment follows from when a person has it tried again: the last event that moved it."""
    values = {"merchant_id": merchant_id, "shipment_id": shipment_id}
    row = (await connection.execute(_CAUSE, values)).one_or_none()
    return Cause() if row is None else Cause(row.cause_event_id, row.correlation_id)


_DOCUMENTS = text(
    """
    select document_id, label_id, kind, media_type, sha256, size_bytes, created_at, content is null as erased
    from document where merchant_id = :merchant_id and shipment_id = :shipment_id order by document_id
    """
)
_DOCUMENT = text(
    """
    select media_type, sha256, kind, content from document
    where merchant_id = :merchant_id and shipment_id = :shipment_id and document_id = :document_id
    """
)


async def list_documents(connection: AsyncConnection, merchant_id: str, shipment_id: UUID) -> Rows:
    values = {"merchant_id": merchant_id, "shipment_id": shipment_id}
    return (await connection.execute(_DOCUMENTS, values)).mappings().all()


async def read_document(
    connection: AsyncConnection, merchant_id: str, shipment_id: UUID, document_id: UUID
) -> RowMapping | None:
    values = {"merchant_id": merchant_id, "shipment_id": shipment_id, "document_id": document_id}
    return (await connection.execute(_DOCUMENT, values)).mappings().one_or_none()


_PRINTABLE = text(
    """
    select s.shipment_id, d.document_id, d.media_type, d.size_bytes, d.content is null as erased
    from shipment s
    left join label l on l.shipment_id = s.shipment_id and l.state = 'bought'
    left join document d on d.document_id = l.document_id
    where s.merchant_id = :merchant_id and s.shipment_id = any(:shipment_ids)
    """
).bindparams(bindparam("shipment_ids", type_=ARRAY(PgUUID)))
_CONTENTS = text(
    "select document_id, content from document where document_id = any(:document_ids)"
).bindparams(bindparam("document_ids", type_=ARRAY(PgUUID)))


async def list_printable(connection: AsyncConnection, merchant_id: str, shipment_ids: Sequence[UUID]) -> Rows:
    """The label of each shipment that there is, without its bytes; `document_id` null: it has none."""
    values = {"merchant_id": merchant_id, "shipment_ids": list(shipment_ids)}
    return (await connection.execute(_PRINTABLE, values)).mappings().all()


async def read_contents(connection: AsyncConnection, document_ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """The caller has asked whose they are."""
    rows = await connection.execute(_CONTENTS, {"document_ids": list(document_ids)})
    return {one.document_id: bytes(one.content) for one in rows}


_REFUSAL = text(
    """
    select label_id, carrier, service, refusal_code as code, refusal_field as field, remedy, words,
           w.label_id is not null and words is null as words_erased
    from label left join refusal_words w using (label_id)
    where label.merchant_id = :merchant_id and shipment_id = :shipment_id and label_id = :label_id
      and remedy is not null
    """
)


async def read_refusal(
    connection: AsyncConnection, merchant_id: str, shipment_id: UUID, label_id: UUID
) -> RowMapping | None:
    """Why a label was refused or put off, in the carrier's own words."""
    values = {"merchant_id": merchant_id, "shipment_id": shipment_id, "label_id": label_id}
    return (await connection.execute(_REFUSAL, values)).mappings().one_or_none()


_ASKED = text(
    """
    select label_id, shipment_id, merchant_id from label
    where state = 'asked' and carrier = :carrier and label_id > :after order by label_id limit :limit
    """
)


async def list_asked(connection: AsyncConnection, carrier: str, *, after: UUID, limit: int) -> Rows:
    """Labels that wait for this carrier and are certainly not paid for, of all merchants."""
    values = {"carrier": carrier, "after": after, "limit": limit}
    return (await connection.execute(_ASKED, values)).mappings().all()


_PARCELS = text(
    """
    select parcel_id, label_id, tracker, tracking_number, carried_by, status, reason, since, heard_at,
           last_error, not_subscribed, next_poll_at,
           (select coalesce(jsonb_agg(to_jsonb(o) order by o.told_at, o.tracking_number), '[]')
            from onward_number o where o.label_id = f.label_id) as onward
    from followed_parcel f where merchant_id = :merchant_id and shipment_id = :shipment_id order by label_id
    """
).columns(onward=JSONB)
_SCANS = text(
    """
    select s.scan_id, s.label_id, s.tracking_number, s.piece, s.raw_code, s.kind, s.status, s.reason,
           s.milestone, s.sure, s.at, s.local_time, s.utc_offset, s.city, s.country, s.stretch, s.taken_at
    from scan s join followed_parcel f using (label_id)
    where f.merchant_id = :merchant_id and f.shipment_id = :shipment_id
      and (cast(:after_at as timestamptz) is null or (s.at, s.scan_id) > (:after_at, :after_id))
    order by s.at, s.scan_id limit :limit
    """
)


async def list_parcels(connection: AsyncConnection, merchant_id: str, shipment_id: UUID) -> Rows:
    values = {"merchant_id": merchant_id, "shipment_id": shipment_id}
    return (await connection.execute(_PARCELS, values)).mappings().all()


async def list_scans(
    connection: AsyncConnection,
    merchant_id: str,
    shipment_id: UUID,
    *,
    after: Sequence[Any] | None,
    limit: int,
) -> Rows:
    """By their time, the oldest first. `after`: time and id of the last one of the page before."""
    after_at, after_id = after or (None, None)
    values = {
        "merchant_id": merchant_id,
        "shipment_id": shipment_id,
        "after_at": after_at,
        "after_id": after_id,
        "limit": limit,
    }
    return (await connection.execute(_SCANS, values)).mappings().all()


_EXCEPTIONS = text(
    """
    select exception_id, order_id, shipment_id, code, subject, detail, raised_at,
           case code when 'shipment_rejected' then s.trouble_field end as field,
           case code when 'shipment_rejected' then s.trouble_remedy end as remedy
    from shipment_exception
    left join lateral (select trouble_field, trouble_remedy from shipment
                       where shipment.shipment_id = shipment_exception.shipment_id) s on true
    where merchant_id = :merchant_id and resolved_at is null
      and (cast(:after as uuid) is null or exception_id < :after)
      and (cast(:shipment_id as uuid) is null or shipment_id = :shipment_id)
      and (cast(:code as text) is null or code = :code)
    order by exception_id desc limit :limit
    """
).columns(exception_id=PgUUID)


async def list_exceptions(
    connection: AsyncConnection,
    merchant_id: str,
    *,
    limit: int,
    after: UUID | None = None,
    shipment_id: UUID | None = None,
    code: str | None = None,
) -> Rows:
    """Open ones, the newest first."""
    values = {
        "merchant_id": merchant_id,
        "after": after,
        "shipment_id": shipment_id,
        "code": code,
        "limit": limit,
    }
    return (await connection.execute(_EXCEPTIONS, values)).mappings().all()


_JOBS = text(
    """
    select destination, state, count(*) as jobs from job
    where merchant_id = :merchant_id and state in ('ready', 'running', 'needs_person')
    group by destination, state
    """
)


async def count_jobs(connection: AsyncConnection, merchant_id: str) -> dict[tuple[str, str], int]:
    """(carrier, state) -> how many calls."""
    rows = await connection.execute(_JOBS, {"merchant_id": merchant_id})
    return {(one.destination, one.state): one.jobs for one in rows}


_OPEN_JOBS = text(
    "select count(*) from job where destination = :destination and state in ('ready', 'running')"
)


async def count_open_jobs(connection: AsyncConnection, destination: str) -> int:
    """How many calls wait or run there."""
    found: int = (await connection.execute(_OPEN_JOBS, {"destination": destination})).scalar_one()
    return found


_DEFERRED = text(
    """
    select order_id, deferred_at, count(*) over () as waiting
    from deferred_event order by deferred_at limit 1
    """
)


async def oldest_deferred(connection: AsyncConnection) -> Any:
    """The event that waits longest: its order, since when, and how many wait. None: nothing waits."""
    return (await connection.execute(_DEFERRED)).one_or_none()

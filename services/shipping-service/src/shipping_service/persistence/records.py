"""What hangs on orders besides their legs: people, documents, what waits, what was done, what is wrong."""

import hashlib
import json
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Integer, LargeBinary, Text, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.ids import new_id
from crossdock_contracts.envelope import EventMeta
from crossdock_contracts.inventory import StockReservedV1
from crossdock_contracts.orders import Consignee
from shipping_service.domain.effects import Cleared, Raised
from shipping_service.use_cases.ports import HistoryLine, NewDocument, NotFound

_IDS = bindparam("ids", type_=ARRAY(PgUUID))
_CONSIGNEES = (
    text("select order_id, consignee from consignee where order_id = any(:ids)")
    .bindparams(_IDS)
    .columns(consignee=JSONB)
)
_KEEP = text(
    """
    insert into consignee (order_id, merchant_id, version, consignee, personal_until)
    select order_id, merchant_id, version, consignee, :until
    from jsonb_to_recordset(cast(:rows as jsonb))
         as given (order_id uuid, merchant_id text, version bigint, consignee jsonb)
    order by order_id
    on conflict (order_id) do update
    set version = excluded.version, consignee = excluded.consignee, personal_until = excluded.personal_until
    where consignee.version < excluded.version
    """
)


class ConsigneeTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def keep(self, rows: Sequence[tuple[UUID, str, int, Consignee]], *, until: datetime) -> None:
        given = [
            {
                "order_id": str(order_id),
                "merchant_id": merchant_id,
                "version": version,
                "consignee": consignee.model_dump(mode="json"),
            }
            for order_id, merchant_id, version, consignee in rows
        ]
        await self._connection.execute(_KEEP, {"rows": json.dumps(given), "until": until})

    async def of(self, order_ids: Collection[UUID]) -> dict[UUID, Consignee]:
        if not order_ids:
            return {}
        rows = await self._connection.execute(_CONSIGNEES, {"ids": list(order_ids)})
        return {row.order_id: Consignee.model_validate(row.consignee) for row in rows}


_WAITING = text(
    "select * from deferred_event where order_id = any(:ids) order by deferred_at, event_id"
).bindparams(_IDS)
_DEFER = text(
    """
    insert into deferred_event (event_id, merchant_id, order_id, event_type, source, event_time,
                                correlation_id, causation_id, traceparent, payload)
    values (:event_id, :merchant_id, :order_id, :event_type, :source, :event_time,
            :correlation_id, :causation_id, :traceparent, cast(:payload as jsonb))
    on conflict (event_id) do nothing
    """
)
_DROP = text("delete from deferred_event where event_id = any(:ids)").bindparams(_IDS)


class DeferredTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, order_ids: Collection[UUID]) -> dict[UUID, list[StockReservedV1]]:
        found: dict[UUID, list[StockReservedV1]] = {}
        for row in await self._connection.execute(_WAITING, {"ids": list(order_ids)}):
            meta = EventMeta(
                event_id=row.event_id,
                source=row.source,
                time=row.event_time,
                correlation_id=row.correlation_id,
                causation_id=row.causation_id,
                traceparent=row.traceparent,
            )
            event = StockReservedV1.read(json.dumps(row.payload).encode(), meta)
            found.setdefault(row.order_id, []).append(event)
        return found

    async def add(self, events: Sequence[StockReservedV1]) -> None:
        rows = [
            {
                "event_id": one.meta.event_id,
                "merchant_id": one.merchant_id,
                "order_id": one.order_id,
                "event_type": one.TYPE,
                "source": one.meta.source,
                "event_time": one.meta.time,
                "correlation_id": one.meta.correlation_id,
                "causation_id": one.meta.causation_id,
                "traceparent": one.meta.traceparent,
                "payload": one.model_dump_json(),
            }
            for one in events
        ]
        if rows:
            await self._connection.execute(_DEFER, rows)

    async def drop(self, events: Sequence[StockReservedV1]) -> None:
        if events:
            await self._connection.execute(_DROP, {"ids": [one.meta.event_id for one in events]})


_ADD_DOCUMENTS = text(
    """
    insert into document (document_id, merchant_id, shipment_id, label_id, kind, media_type, sha256,
                          size_bytes, content, personal_until)
    select *, :until
    from unnest(:ids, :merchants, :shipments, :labels, :kinds, :media_types, :sha256s, :sizes, :contents)
    """
).bindparams(
    _IDS,
    *(bindparam(name, type_=ARRAY(PgUUID)) for name in ("shipments", "labels")),
    *(bindparam(name, type_=ARRAY(Text)) for name in ("merchants", "kinds", "media_types", "sha256s")),
    bindparam("sizes", type_=ARRAY(Integer)),
    bindparam("contents", type_=ARRAY(LargeBinary)),
    bindparam("until", type_=DateTime(timezone=True)),
)


class DocumentTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, documents: Sequence[NewDocument], *, until: datetime) -> None:
        if not documents:
            return
        contents = [one.document.content for one in documents]
        await self._connection.execute(
            _ADD_DOCUMENTS,
            {
                "ids": [one.document_id for one in documents],
                "merchants": [one.merchant_id for one in documents],
                "shipments": [one.shipment_id for one in documents],
                "labels": [one.label_id for one in documents],
                "kinds": [str(one.document.kind) for one in documents],
                "media_types": [one.document.media_type for one in documents],
                "sha256s": [hashlib.sha256(one).hexdigest() for one in contents],
                "sizes": [len(one) for one in contents],
                "contents": contents,
                "until": until,
            },
        )


_KEEP_WORDS = text(
    """
    insert into refusal_words (label_id, merchant_id, words, personal_until)
    values (:label_id, :merchant_id, :words, :until)
    on conflict (label_id) do update set words = excluded.words, personal_until = excluded.personal_until
    """
)


class WordsTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def keep(self, merchant_id: str, label_id: UUID, words: str, *, until: datetime) -> None:
        values = {"label_id": label_id, "merchant_id": merchant_id, "words": words, "until": until}
        await self._connection.execute(_KEEP_WORDS, values)


_WRITE_HISTORY = text(
    """
    insert into shipment_history (order_id, shipment_id, merchant_id, what, detail, actor_kind, actor_name,
                                  reason, cause_event_id, correlation_id)
    select order_id, shipment_id, merchant_id, what, detail, actor_kind, actor_name,
           reason, cause_event_id, correlation_id
    from rows from (jsonb_to_recordset(cast(:rows as jsonb)) as (
        order_id uuid, shipment_id uuid, merchant_id text, what text, detail text, actor_kind text,
        actor_name text, reason text, cause_event_id uuid, correlation_id uuid)) with ordinality
    order by ordinality
    """
)


class HistoryTable:
    """Lines are collected and written once, by the transaction's flush."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._lines: list[HistoryLine] = []

    async def add(self, lines: Sequence[HistoryLine]) -> None:
        self._lines += lines

    async def flush(self) -> None:
        if not self._lines:
            return
        rows = [
            {
                "order_id": str(one.order_id),
                "shipment_id": one.shipment_id and str(one.shipment_id),
                "merchant_id": one.merchant_id,
                "what": one.what,
                "detail": one.detail,
                "actor_kind": str(one.actor.kind),
                "actor_name": one.actor.name,
                "reason": one.reason,
                "cause_event_id": one.cause.event_id and str(one.cause.event_id),
                "correlation_id": one.cause.correlation_id and str(one.cause.correlation_id),
            }
            for one in self._lines
        ]
        self._lines = []
        await self._connection.execute(_WRITE_HISTORY, {"rows": json.dumps(rows)})


_RAISE = text(
    """
    insert into shipment_exception (exception_id, merchant_id, order_id, shipment_id, code, subject, detail)
    values (:exception_id, :merchant_id, :order_id, :shipment_id, :code, :subject, :detail)
    on conflict (order_id, code, subject) where resolved_at is null do update set detail = excluded.detail
    """
)
_CLEAR = text(
    """
    update shipment_exception set resolved_at = crossdock_clock(), resolved_by = 'shipping',
                                  resolution = 'settled by itself'
    where (order_id, code, subject) in (select * from unnest(:ids, :codes, :subjects)) and resolved_at is null
    """
).bindparams(_IDS, bindparam("codes", type_=ARRAY(Text)), bindparam("subjects", type_=ARRAY(Text)))
_RESOLVE = text(
    """
    update shipment_exception set resolved_at = crossdock_clock(), resolved_by = :by, resolution = :resolution
    where merchant_id = :merchant_id and exception_id = :exception_id and resolved_at is null
    """
)


class ExceptionTable:
    """What settles itself is collected, and written before the next row is raised or by the flush."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._cleared: list[tuple[UUID, Cleared]] = []

    async def raise_all(self, merchant_id: str, order_id: UUID, rows: Sequence[Raised]) -> None:
        await self.flush()
        await self._connection.execute(
            _RAISE,
            [
                {
                    "exception_id": new_id(),
                    "merchant_id": merchant_id,
                    "order_id": order_id,
                    "shipment_id": one.shipment_id,
                    "code": one.code,
                    "subject": one.subject,
                    "detail": one.detail,
                }
                for one in rows
            ],
        )

    async def clear(self, order_id: UUID, rows: Sequence[Cleared]) -> None:
        self._cleared += [(order_id, one) for one in rows]

    async def flush(self) -> None:
        if not self._cleared:
            return
        values = {
            "ids": [order_id for order_id, _ in self._cleared],
            "codes": [one.code for _, one in self._cleared],
            "subjects": [one.subject for _, one in self._cleared],
        }
        self._cleared = []
        await self._connection.execute(_CLEAR, values)

    async def resolve(self, merchant_id: str, exception_id: UUID, *, by: str, resolution: str) -> None:
        values = {
            "merchant_id": merchant_id,
            "exception_id": exception_id,
            "by": by,
            "resolution": resolution,
        }
        if (await self._connection.execute(_RESOLVE, values)).rowcount != 1:
            raise NotFound("exception", exception_id)

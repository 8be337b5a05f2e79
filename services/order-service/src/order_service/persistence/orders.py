"""Orders and their timeline."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CursorResult, DateTime, Text, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from order_service.domain.order import Content, Order, People
from order_service.persistence.codec import SELECT, as_rows, from_row
from order_service.use_cases.ports import Note, NotFound, OrderRef, RacedImport

_IDS = bindparam("ids", type_=ARRAY(PgUUID))

_LOCK = text(SELECT + "where order_id = any(:ids) order by order_id for update").bindparams(_IDS)
_LOCK_EXTERNAL = text(
    SELECT
    + """
    join unnest(:platforms, :shop_refs, :external_ids) as given (platform_of_it, shop_of_it, id_there)
        on platform = platform_of_it and shop_ref = shop_of_it and external_id = id_there
    order by order_id for update of orders
    """
).bindparams(*(bindparam(name, type_=ARRAY(Text)) for name in ("platforms", "shop_refs", "external_ids")))
_GET = text(SELECT + "where order_id = :order_id").bindparams(bindparam("order_id", type_=PgUUID))
_WAITING = text(
    "select order_id from orders where merchant_id = :merchant_id and waiting_skus && :skus "
    "and waiting_skus <> '{}' and order_id > :after order by order_id limit :limit"
).bindparams(bindparam("skus", type_=ARRAY(Text)))

# Orders and the beginnings of their timelines, or neither. One JSON document for all rows: PostgreSQL's
# arrays are rectangular and ours are not. In one order for everybody, so that two transactions cannot wait
# for each other's orders.
_ADD = text(
    """
    with added as (
        insert into orders (
            order_id, merchant_id, account, platform, shop_ref, external_id, order_number, placed_at,
            status, version, label_revision, hold_reasons, progress, skus, waiting_skus, content, people,
            terms, lines, process, platform_updated_at, fingerprint, ship_to_fingerprint, personal_until
        )
        select order_id, merchant_id, account, platform, shop_ref, external_id, order_number, placed_at,
               status, version, label_revision, hold_reasons, progress, skus, waiting_skus, content, people,
               terms, lines, process, platform_updated_at, fingerprint, ship_to_fingerprint, :personal_until
        from jsonb_to_recordset(cast(:rows as jsonb)) as n (
            order_id uuid, merchant_id text, account text, platform text, shop_ref text, external_id text,
            order_number text, placed_at timestamptz, status text, version bigint, label_revision integer,
            hold_reasons text[], progress text[], skus text[], waiting_skus text[], content jsonb,
            people jsonb, terms jsonb, lines jsonb, process jsonb, platform_updated_at timestamptz,
            fingerprint text, ship_to_fingerprint text)
        order by platform, shop_ref, external_id
        on conflict (platform, shop_ref, external_id) do nothing
        returning order_id
    ), told as (
        insert into order_history (order_id, merchant_id, at, what, detail, actor_kind, actor_name, reason,
                                   version, cause_event_id, correlation_id)
        select order_id, merchant_id, crossdock_now(), what, detail, actor_kind, actor_name, reason,
               version, cause_event_id, correlation_id
        from rows from (jsonb_to_recordset(cast(:notes as jsonb)) as (
            order_id uuid, merchant_id text, what text, detail text, actor_kind text, actor_name text,
            reason text, version bigint, cause_event_id uuid, correlation_id uuid)) with ordinality
        where order_id in (select order_id from added)
        order by ordinality
    )
    select order_id from added
    """
).bindparams(bindparam("personal_until", type_=DateTime(timezone=True)))

_SAVE = text(
    """
    update orders o set
        status = n.status, version = n.version, label_revision = n.label_revision,
        hold_reasons = n.hold_reasons, progress = n.progress, skus = n.skus, waiting_skus = n.waiting_skus,
        content = coalesce(n.content, o.content),
        people = case when o.people is null then null else coalesce(n.people, o.people) end,
        lines = n.lines, process = n.process,
        platform_updated_at = n.platform_updated_at, fingerprint = n.fingerprint,
        ship_to_fingerprint = n.ship_to_fingerprint, updated_at = crossdock_now()
    from jsonb_to_recordset(cast(:rows as jsonb)) as n (
        order_id uuid, status text, version bigint, label_revision integer, hold_reasons text[],
        progress text[], skus text[], waiting_skus text[], content jsonb, people jsonb, lines jsonb,
        process jsonb, platform_updated_at timestamptz, fingerprint text, ship_to_fingerprint text
    )
    where o.order_id = n.order_id
    """
)

_NOTE = text(
    """
    insert into order_history (order_id, merchant_id, at, what, detail, actor_kind, actor_name, reason,
                               version, cause_event_id, correlation_id)
    select order_id, merchant_id, crossdock_now(), what, detail, actor_kind, actor_name, reason,
           version, cause_event_id, correlation_id
    from jsonb_to_recordset(cast(:rows as jsonb)) as n (
        order_id uuid, merchant_id text, what text, detail text, actor_kind text, actor_name text,
        reason text, version bigint, cause_event_id uuid, correlation_id uuid)
    """
)


class OrderTable:
    """`orders` and `order_history`, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._as_read: dict[UUID, tuple[Content, People]] = {}

    async def lock(self, order_ids: Collection[UUID]) -> dict[UUID, Order]:
        if not order_ids:
            return {}
        rows = await self._connection.execute(_LOCK, {"ids": list(order_ids)})
        return {one.identity.order_id: one for one in self._read(rows)}

    async def lock_one(self, merchant_id: str, order_id: UUID) -> Order:
        order = (await self.lock([order_id])).get(order_id)
        if order is None or order.identity.merchant_id != merchant_id:
            raise NotFound("order", str(order_id))
        return order

    async def get(self, merchant_id: str, order_id: UUID) -> Order:
        row = (await self._connection.execute(_GET, {"order_id": order_id})).mappings().one_or_none()
        if row is None or row["merchant_id"] != merchant_id:
            raise NotFound("order", str(order_id))
        return from_row(row)

    async def lock_external(self, refs: Collection[OrderRef]) -> dict[OrderRef, Order]:
        if not refs:
            return {}
        platforms, shop_refs, external_ids = map(list, zip(*refs, strict=True))
        values = {"platforms": platforms, "shop_refs": shop_refs, "external_ids": external_ids}
        rows = await self._connection.execute(_LOCK_EXTERNAL, values)
        return {
            OrderRef(of.platform, of.shop_ref, of.external_id): one
            for one in self._read(rows)
            for of in (one.identity,)
        }

    def _read(self, rows: CursorResult[Any]) -> Sequence[Order]:
        orders = [from_row(row) for row in rows.mappings()]
        self._as_read |= {one.identity.order_id: (one.content, one.people) for one in orders}
        return orders

    async def lock_waiting(
        self, merchant_id: str, skus: Collection[str], *, after: UUID | None, limit: int
    ) -> list[Order]:
        if not skus:
            return []
        start = after or UUID(int=0)
        values = {"merchant_id": merchant_id, "skus": list(skus), "after": start, "limit": limit}
        ids = (await self._connection.execute(_WAITING, values)).scalars().all()
        return list((await self.lock(ids)).values())

    async def add(self, orders: Sequence[Order], notes: Sequence[Note], *, personal_until: datetime) -> None:
        if not orders:
            return
        values = {
            "rows": as_rows(orders),
            "notes": json.dumps([_note_row(note) for note in notes]),
            "personal_until": personal_until,
        }
        added = set((await self._connection.execute(_ADD, values)).scalars())
        raced = [one.identity for one in orders if one.identity.order_id not in added]
        if raced:
            raise RacedImport(raced[0].platform, raced[0].external_id)

    async def save(self, orders: Sequence[Order]) -> None:
        if orders:
            await self._connection.execute(_SAVE, {"rows": as_rows(orders, as_read=self._as_read)})

    async def note(self, notes: Sequence[Note]) -> None:
        if notes:
            await self._connection.execute(_NOTE, {"rows": json.dumps([_note_row(one) for one in notes])})


def _note_row(note: Note) -> dict[str, Any]:
    return {
        "order_id": str(note.order_id),
        "merchant_id": note.merchant_id,
        "what": note.what,
        "detail": note.detail,
        "actor_kind": note.actor.kind.value,
        "actor_name": note.actor.name,
        "reason": note.reason,
        "version": note.version,
        "cause_event_id": str(note.cause.event_id) if note.cause.event_id else None,
        "correlation_id": str(note.cause.correlation_id) if note.cause.correlation_id else None,
    }

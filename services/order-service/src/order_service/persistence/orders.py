"""Orders and their timeline."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from order_service.domain.order import Order
from order_service.persistence.codec import SELECT, changing, from_row, terms_json
from order_service.use_cases.ports import Note, NotFound, RacedImport

_IDS = bindparam("ids", type_=ARRAY(PgUUID))

_LOCK = text(SELECT + "where order_id = any(:ids) order by order_id for update").bindparams(_IDS)
_LOCK_EXTERNAL = text(
    SELECT + "where platform = :platform and shop_ref = :shop_ref and external_id = :external_id for update"
)
_GET = text(SELECT + "where order_id = :order_id").bindparams(bindparam("order_id", type_=PgUUID))
_WAITING = text(
    "select order_id from orders where merchant_id = :merchant_id and waiting_skus && :skus "
    "and waiting_skus <> '{}' and order_id > :after order by order_id limit :limit"
).bindparams(bindparam("skus", type_=ARRAY(Text)))

# The order and the beginning of its timeline, or neither.
_ADD = text(
    """
    with added as (
        insert into orders (
            order_id, merchant_id, account, platform, shop_ref, external_id, order_number, placed_at,
            status, version, label_revision, hold_reasons, progress, skus, waiting_skus, content, people,
            terms, lines, process, platform_updated_at, fingerprint, ship_to_fingerprint, personal_until
        ) values (
            :order_id, :merchant_id, :account, :platform, :shop_ref, :external_id, :order_number, :placed_at,
            :status, :version, :label_revision, :hold_reasons, :progress, :skus, :waiting_skus,
            cast(:content as jsonb), cast(:people as jsonb), cast(:terms as jsonb), cast(:lines as jsonb),
            cast(:process as jsonb), :platform_updated_at, :fingerprint, :ship_to_fingerprint, :personal_until
        )
        on conflict (platform, shop_ref, external_id) do nothing
        returning order_id
    ), told as (
        insert into order_history (order_id, merchant_id, at, what, detail, actor_kind, actor_name, reason,
                                   version, cause_event_id, correlation_id)
        select n.order_id, n.merchant_id, crossdock_now(), what, detail, actor_kind, actor_name, reason,
               n.version, cause_event_id, correlation_id
        from added, jsonb_to_recordset(cast(:notes as jsonb)) as n (
            order_id uuid, merchant_id text, what text, detail text, actor_kind text, actor_name text,
            reason text, version bigint, cause_event_id uuid, correlation_id uuid)
    )
    select order_id from added
    """
).bindparams(
    *(bindparam(name, type_=ARRAY(Text)) for name in ("hold_reasons", "progress", "skus", "waiting_skus")),
    bindparam("order_id", type_=PgUUID),
)

# One JSON document for all rows: PostgreSQL's arrays are rectangular and ours are not. People are personal
# and rarely change, so a row whose people stay the same does not get a new copy of them.
_SAVE = text(
    """
    update orders o set
        status = n.status, version = n.version, label_revision = n.label_revision,
        hold_reasons = n.hold_reasons, progress = n.progress, skus = n.skus, waiting_skus = n.waiting_skus,
        content = n.content, people = case when o.people is null then null else n.people end,
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

    async def lock(self, order_ids: Collection[UUID]) -> dict[UUID, Order]:
        if not order_ids:
            return {}
        rows = await self._connection.execute(_LOCK, {"ids": list(order_ids)})
        return {row["order_id"]: from_row(row) for row in rows.mappings()}

    async def lock_one(self, merchant_id: str, order_id: UUID) -> Order:
        order = (await self.lock([order_id])).get(order_id)
        if order is None or order.identity.merchant_id != merchant_id:
            raise NotFound("order", str(order_id))
        return order

    async def get(self, merchant_id: str, order_id: UUID) -> Order:
        """To look at only. Raises NotFound, for another merchant's order too."""
        row = (await self._connection.execute(_GET, {"order_id": order_id})).mappings().one_or_none()
        if row is None or row["merchant_id"] != merchant_id:
            raise NotFound("order", str(order_id))
        return from_row(row)

    async def lock_external(self, platform: str, shop_ref: str, external_id: str) -> Order | None:
        values = {"platform": platform, "shop_ref": shop_ref, "external_id": external_id}
        row = (await self._connection.execute(_LOCK_EXTERNAL, values)).mappings().one_or_none()
        return None if row is None else from_row(row)

    async def lock_waiting(
        self, merchant_id: str, skus: Collection[str], *, after: UUID | None, limit: int
    ) -> list[Order]:
        if not skus:
            return []
        start = after or UUID(int=0)
        values = {"merchant_id": merchant_id, "skus": list(skus), "after": start, "limit": limit}
        ids = (await self._connection.execute(_WAITING, values)).scalars().all()
        return list((await self.lock(ids)).values())

    async def add(self, order: Order, notes: Sequence[Note], *, personal_until: datetime) -> None:
        one = order.identity
        values = asdict(changing(order)) | {
            "order_id": one.order_id,
            "merchant_id": one.merchant_id,
            "account": one.account,
            "platform": one.platform,
            "shop_ref": one.shop_ref,
            "external_id": one.external_id,
            "order_number": one.order_number,
            "placed_at": one.placed_at,
            "terms": terms_json(order.terms),
            "personal_until": personal_until,
            "notes": json.dumps([_note_row(note) for note in notes]),
        }
        if (await self._connection.execute(_ADD, values)).scalar_one_or_none() is None:
            raise RacedImport(one.platform, one.external_id)

    async def save(self, orders: Sequence[Order]) -> None:
        if orders:
            await self._connection.execute(_SAVE, {"rows": "[" + ",".join(map(_as_json, orders)) + "]"})

    async def note(self, notes: Sequence[Note]) -> None:
        if notes:
            await self._connection.execute(_NOTE, {"rows": json.dumps([_note_row(one) for one in notes])})


def _as_json(order: Order) -> str:
    """The changing columns as one JSON object; its parts that are JSON already are put in as they are."""
    row: dict[str, Any] = asdict(changing(order))
    ready = {name: row.pop(name) for name in ("content", "people", "lines", "process")}
    row["platform_updated_at"] = row["platform_updated_at"].isoformat()
    return json.dumps(row)[:-1] + "".join(f', "{name}": {value}' for name, value in ready.items()) + "}"


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

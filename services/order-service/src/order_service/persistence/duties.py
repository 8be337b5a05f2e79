"""What waits for somebody: obligations to marketplaces, exceptions for people, events that came too early."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, RowMapping, Text, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.ids import new_id
from crossdock_contracts.envelope import EventMeta, OrderKeyed
from crossdock_contracts.registry import EVENTS
from order_service.domain.exceptions import GUIDES
from order_service.use_cases.ports import NotFound, Obligation

_RAISE = text(
    """
    insert into order_exception (exception_id, merchant_id, order_id, code, subject, detail, owner, next_step)
    select exception_id, merchant_id, order_id, code, subject, detail, owner, next_step
    from jsonb_to_recordset(cast(:rows as jsonb)) as n (
        exception_id uuid, merchant_id text, order_id uuid, code text, subject text, detail text, owner text,
        next_step text)
    on conflict (merchant_id, order_id, code, subject) where resolved_at is null do nothing
    """
)
_RESOLVE = text(
    """
    update order_exception e set resolved_at = crossdock_now(), resolved_by = :by,
        resolution = 'it came right'
    from jsonb_to_recordset(cast(:rows as jsonb)) as n (order_id uuid, code text, subject text)
    where e.order_id = n.order_id and e.code = n.code and e.subject = n.subject and e.resolved_at is null
    """
)


class ExceptionTable:
    """`order_exception`, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def raise_all(self, rows: Sequence[tuple[str, UUID, str, str, str | None]]) -> None:
        given = [
            {
                "exception_id": str(new_id()),
                "merchant_id": merchant_id,
                "order_id": str(order_id),
                "code": code,
                "subject": subject,
                "detail": detail,
                "owner": GUIDES[code].owner,
                "next_step": GUIDES[code].next_step,
            }
            for merchant_id, order_id, code, subject, detail in rows
        ]
        if given:
            await self._connection.execute(_RAISE, {"rows": json.dumps(given)})

    async def settle(self, rows: Sequence[tuple[UUID, str, str]], *, by: str) -> None:
        given = [
            {"order_id": str(order_id), "code": code, "subject": subject} for order_id, code, subject in rows
        ]
        if given:
            await self._connection.execute(_RESOLVE, {"rows": json.dumps(given), "by": by})


_DEFERRED = text(
    """
    select order_id, event_id, type, payload::text as payload, source, time, correlation_id
    from deferred_event where order_id = any(:ids) order by event_id
    """
).bindparams(bindparam("ids", type_=ARRAY(PgUUID)))
_DEFER = text(
    """
    insert into deferred_event (order_id, event_id, merchant_id, type, payload, source, time, correlation_id)
    values (:order_id, :event_id, :merchant_id, :type, cast(:payload as jsonb), :source, :time,
    :correlation_id)
    on conflict do nothing
    """
).bindparams(
    *(bindparam(name, type_=PgUUID) for name in ("order_id", "event_id", "correlation_id")),
    bindparam("time", type_=DateTime(timezone=True)),
)
_DROP = text("delete from deferred_event where event_id = any(:ids)").bindparams(
    bindparam("ids", type_=ARRAY(PgUUID))
)


class DeferredTable:
    """`deferred_event`, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, order_ids: Collection[UUID]) -> dict[UUID, list[OrderKeyed]]:
        found: dict[UUID, list[OrderKeyed]] = defaultdict(list)
        if not order_ids:
            return found
        for row in (await self._connection.execute(_DEFERRED, {"ids": list(order_ids)})).mappings():
            meta = EventMeta(row["event_id"], row["source"], row["time"], row["correlation_id"], None, None)
            event = EVENTS[row["type"]].read(row["payload"].encode(), meta)
            if isinstance(event, OrderKeyed):
                found[row["order_id"]].append(event)
        return found

    async def add(self, events: Sequence[OrderKeyed]) -> None:
        for event in events:
            values = {
                "order_id": event.order_id,
                "event_id": event.meta.event_id,
                "merchant_id": event.merchant_id,
                "type": event.TYPE,
                "payload": event.model_dump_json(),
                "source": event.meta.source,
                "time": event.meta.time,
                "correlation_id": event.meta.correlation_id,
            }
            await self._connection.execute(_DEFER, values)

    async def drop(self, event_ids: Collection[UUID]) -> None:
        if event_ids:
            await self._connection.execute(_DROP, {"ids": list(event_ids)})


_OWE = text(
    """
    insert into obligation (obligation_id, merchant_id, order_id, kind, subject, platform, account, state,
                            deadline_at, details)
    select obligation_id, merchant_id, order_id, kind, subject, platform, account, state, deadline_at, details
    from jsonb_to_recordset(cast(:rows as jsonb)) as n (
        obligation_id uuid, merchant_id text, order_id uuid, kind text, subject text, platform text,
        account text, state text, deadline_at timestamptz, details jsonb)
    on conflict (merchant_id, kind, subject) do nothing
    """
)
_OBLIGATION = """
    select obligation_id, merchant_id, order_id, kind, subject, platform, account, deadline_at,
           details::text as details, state
    from obligation
"""
_LOCK = text(_OBLIGATION + "where obligation_id = any(:ids) order by obligation_id for update").bindparams(
    bindparam("ids", type_=ARRAY(PgUUID))
)
_LOCK_OF_ORDER = text(
    _OBLIGATION + "where order_id = :id and kind = :kind order by obligation_id for update"
).bindparams(bindparam("id", type_=PgUUID))
_OVERDUE = text(
    _OBLIGATION
    + "where order_id = :id and state not in ('confirmed', 'withdrawn') and deadline_at <= :now "
    + "order by obligation_id"
).bindparams(bindparam("id", type_=PgUUID), bindparam("now", type_=DateTime(timezone=True)))
_NEXT = text(
    "select min(deadline_at) from obligation where order_id = :id and state = 'open' and deadline_at > :now"
).bindparams(bindparam("id", type_=PgUUID), bindparam("now", type_=DateTime(timezone=True)))
_SETTLE = text(
    """
    update obligation set state = :state, confirmed_ref = coalesce(given.ref, confirmed_ref),
                          last_error = :error, updated_at = crossdock_now()
    from unnest(:ids, :refs) as given (obligation_id, ref)
    where obligation.obligation_id = given.obligation_id
    """
).bindparams(bindparam("ids", type_=ARRAY(PgUUID)), bindparam("refs", type_=ARRAY(Text)))


class ObligationTable:
    """`obligation`, in one transaction. What is added is collected and written by `flush`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._added: list[Obligation] = []

    async def add(self, obligation: Obligation) -> None:
        self._added.append(obligation)

    async def flush(self) -> None:
        given = [
            {
                "obligation_id": str(one.obligation_id),
                "merchant_id": one.merchant_id,
                "order_id": str(one.order_id),
                "kind": one.kind,
                "subject": one.subject,
                "platform": one.platform,
                "account": one.account,
                "state": one.state,
                "deadline_at": one.deadline_at.isoformat(),
                "details": dict(one.details),
            }
            for one in self._added
        ]
        if given:
            await self._connection.execute(_OWE, {"rows": json.dumps(given)})
            self._added.clear()

    async def lock(self, obligation_ids: Collection[UUID]) -> Mapping[UUID, Obligation]:
        if not obligation_ids:
            return {}
        rows = (await self._connection.execute(_LOCK, {"ids": list(obligation_ids)})).mappings()
        found = {row["obligation_id"]: _obligation(row) for row in rows}
        for one in obligation_ids:
            if one not in found:
                raise NotFound("obligation", str(one))
        return found

    async def lock_of_order(self, order_id: UUID, kind: str) -> list[Obligation]:
        await self.flush()
        rows = await self._connection.execute(_LOCK_OF_ORDER, {"id": order_id, "kind": kind})
        return [_obligation(row) for row in rows.mappings()]

    async def settle(self, refs: Mapping[UUID, str | None], *, state: str, error: str | None = None) -> None:
        values = {"ids": list(refs), "refs": list(refs.values()), "state": state, "error": error}
        if refs:
            await self._connection.execute(_SETTLE, values)

    async def overdue(self, order_id: UUID, now: datetime) -> list[Obligation]:
        rows = (await self._connection.execute(_OVERDUE, {"id": order_id, "now": now})).mappings()
        return [_obligation(row) for row in rows]

    async def next_deadline(self, order_id: UUID, now: datetime) -> datetime | None:
        found: datetime | None = (
            await self._connection.execute(_NEXT, {"id": order_id, "now": now})
        ).scalar()
        return found


def _obligation(row: RowMapping) -> Obligation:
    return Obligation(**{**row, "details": json.loads(row["details"])})

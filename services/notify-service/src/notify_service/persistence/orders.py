"""Orders, parcels, and what waits for an order that is not known yet."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_contracts.envelope import Cause
from notify_service.domain.errors import OrderUnknown
from notify_service.domain.messages import Template
from notify_service.domain.order import KnownOrder, Parcel
from notify_service.persistence.arrays import (
    BOOLS,
    INTS,
    JSONS,
    TEXTS,
    TIMES,
    UUIDS,
    VERSIONS,
    RowsStatement,
    statement,
)
from notify_service.persistence.codec import (
    ORDER_COLUMNS,
    PARCEL_COLUMNS,
    contents_json,
    facts_json,
    facts_of,
    lines_json,
    order_of,
    parcel_of,
    total_json,
)
from notify_service.use_cases.ports import Telling

# An upsert whose update never happens: it makes the missing rows and locks the others, in the order given.
_LOCK = statement(
    """
    insert into known_order (order_id, merchant_id)
    select order_id, merchant_id from unnest(:ids, :merchants) as v (order_id, merchant_id) order by order_id
    on conflict (order_id) do update set version = excluded.version where false
    """,
    ids=UUIDS,
    merchants=TEXTS,
)
_READ = statement(f"select {ORDER_COLUMNS} from known_order where order_id = any(:ids)", ids=UUIDS)  # noqa: S608
_GET = text(
    f"select {ORDER_COLUMNS} from known_order"  # noqa: S608 - constants
    " where merchant_id = :merchant_id and order_id = :order_id and version > 0"
)
# Arrays of arrays are rectangular in PostgreSQL, so lists travel inside of an object.
_SAVE = RowsStatement(
    """
    update known_order o set
        version = v.version, state = v.state, ever_open = v.ever_open,
        holds = array(select jsonb_array_elements_text(v.holds -> 'list')), account = v.account,
        order_number = v.order_number, placed_at = v.placed_at, total = nullif(v.total, 'null'::jsonb),
        lines = v.lines -> 'list', buyer_name = v.buyer_name, email = v.email, locale = v.locale,
        may_write = v.may_write, personal_until = v.personal_until, updated_at = crossdock_now()
    from unnest(:ids, :versions, :states, :ever_open, :holds, :accounts, :numbers, :placed, :totals, :lines,
                :names, :emails, :locales, :may_write, :until)
         as v (order_id, version, state, ever_open, holds, account, order_number, placed_at, total, lines,
               buyer_name, email, locale, may_write, personal_until)
    where o.order_id = v.order_id
    """,
    ids=UUIDS,
    versions=VERSIONS,
    states=TEXTS,
    ever_open=BOOLS,
    holds=JSONS,
    accounts=TEXTS,
    numbers=TEXTS,
    placed=TIMES,
    totals=JSONS,
    lines=JSONS,
    names=TEXTS,
    emails=TEXTS,
    locales=TEXTS,
    may_write=BOOLS,
    until=TIMES,
)
_NEXT_VERSIONS = statement(
    """
    with locked as materialized (
        select order_id, more.events
        from known_order join unnest(:ids, :events) as more (order_id, events) using (order_id)
        order by order_id for update of known_order
    )
    update known_order
    set said = greatest(said, (select version_floor from restore_epoch)) + events
    from locked where known_order.order_id = locked.order_id
    returning known_order.order_id, said
    """,
    ids=UUIDS,
    events=INTS,
)


class OrderTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock(self, merchants: Mapping[UUID, str]) -> Mapping[UUID, KnownOrder]:
        ids = list(merchants)
        await self._connection.execute(_LOCK, {"ids": ids, "merchants": [merchants[one] for one in ids]})
        rows = (await self._connection.execute(_READ, {"ids": ids})).mappings()
        return {row["order_id"]: order_of(row) for row in rows}

    async def save(self, orders: Sequence[KnownOrder]) -> None:
        if orders:
            await _SAVE.run(self._connection, [_row(one) for one in orders])

    async def get(self, merchant_id: str, order_id: UUID) -> KnownOrder:
        values = {"merchant_id": merchant_id, "order_id": order_id}
        row = (await self._connection.execute(_GET, values)).mappings().one_or_none()
        if row is None:
            raise OrderUnknown(order_id)
        return order_of(row)

    async def next_event_versions(self, order_ids: Sequence[UUID]) -> Sequence[int]:
        events = Counter(order_ids)
        values = {"ids": list(events), "events": list(events.values())}
        rows = await self._connection.execute(_NEXT_VERSIONS, values) if events else ()
        versions = {row.order_id: count(row.said - events[row.order_id] + 1) for row in rows}
        return [next(versions[one]) for one in order_ids]


def _row(order: KnownOrder) -> tuple[Any, ...]:
    return (
        order.order_id,
        order.version,
        order.state,
        order.ever_open,
        {"list": sorted(order.holds)},
        order.account,
        order.order_number,
        order.placed_at,
        total_json(order.total),
        {"list": lines_json(order.lines)},
        order.buyer.name,
        order.buyer.email,
        order.buyer.locale,
        order.buyer.may_write,
        order.personal_until,
    )


_SAVE_PARCELS = RowsStatement(
    """
    insert into parcel (parcel_id, merchant_id, order_id, carrier, service, tracking_number, tracking_url,
                        contents, shipped_at, delivered_at)
    select * from unnest(:ids, :merchants, :orders, :carriers, :services, :numbers, :urls, :contents,
                         :shipped, :delivered) as v (parcel_id) order by parcel_id
    on conflict (parcel_id) do update set
        shipped_at = coalesce(parcel.shipped_at, excluded.shipped_at),
        delivered_at = coalesce(parcel.delivered_at, excluded.delivered_at)
    """,
    ids=UUIDS,
    merchants=TEXTS,
    orders=UUIDS,
    carriers=TEXTS,
    services=TEXTS,
    numbers=TEXTS,
    urls=TEXTS,
    contents=JSONS,
    shipped=TIMES,
    delivered=TIMES,
)
_PARCELS = statement(
    f"select {PARCEL_COLUMNS} from parcel where order_id = any(:ids)"  # noqa: S608 - constants
    " order by shipped_at nulls last, parcel_id",
    ids=UUIDS,
)


class ParcelTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def save(self, parcels: Sequence[Parcel]) -> None:
        rows = [
            (
                one.parcel_id,
                one.merchant_id,
                one.order_id,
                one.carrier,
                one.service,
                one.tracking_number,
                one.tracking_url,
                contents_json(one.contents),
                one.shipped_at,
                one.delivered_at,
            )
            for one in parcels
        ]
        if rows:
            await _SAVE_PARCELS.run(self._connection, rows)

    async def of_orders(self, order_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Parcel]]:
        found: dict[UUID, list[Parcel]] = {}
        for row in (await self._connection.execute(_PARCELS, {"ids": list(order_ids)})).mappings():
            found.setdefault(row["order_id"], []).append(parcel_of(row))
        return found


_DEFER = RowsStatement(
    """
    insert into deferred_telling (order_id, template, subject, merchant_id, facts, cause_event_id,
                                  correlation_id, traceparent)
    select * from unnest(:orders, :templates, :subjects, :merchants, :facts, :causes, :correlations, :traces)
    on conflict (order_id, template, subject) do nothing
    """,
    orders=UUIDS,
    templates=TEXTS,
    subjects=TEXTS,
    merchants=TEXTS,
    facts=JSONS,
    causes=UUIDS,
    correlations=UUIDS,
    traces=TEXTS,
)
_TAKE = statement(
    """
    delete from deferred_telling where order_id = any(:ids)
    returning order_id, template, subject, merchant_id, facts, cause_event_id, correlation_id, traceparent,
              deferred_at
    """,
    ids=UUIDS,
)


class DeferredTable:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, tellings: Sequence[Telling]) -> None:
        rows = [
            (
                one.order_id,
                one.template.value,
                one.subject,
                one.merchant_id,
                facts_json(one.facts),
                one.cause.event_id,
                one.cause.correlation_id,
                one.cause.traceparent,
            )
            for one in tellings
        ]
        if rows:
            await _DEFER.run(self._connection, rows)

    async def take(self, order_ids: Collection[UUID]) -> Sequence[Telling]:
        rows = (await self._connection.execute(_TAKE, {"ids": list(order_ids)})).mappings().all()
        return [
            Telling(
                row["merchant_id"],
                row["order_id"],
                Template(row["template"]),
                row["subject"],
                facts_of(row["facts"]),
                Cause(row["cause_event_id"], row["correlation_id"], row["traceparent"]),
            )
            for row in sorted(rows, key=lambda row: row["deferred_at"])
        ]

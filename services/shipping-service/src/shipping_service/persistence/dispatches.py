"""Orders with their legs: loaded and locked together, and only what changed is written."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection

from shipping_service.domain.dispatch import Dispatch
from shipping_service.persistence.codec import (
    Row,
    item_row,
    label_row,
    leg_row,
    order_row,
    parcel_row,
    to_dispatch,
    to_leg,
)
from shipping_service.use_cases.ports import NotFound

_IDS = bindparam("ids", type_=ARRAY(PgUUID))
_MERCHANTS = bindparam("merchants", type_=ARRAY(Text))

_KNOW = text(
    """
    insert into known_order (order_id, merchant_id)
    select * from unnest(:ids, :merchants) on conflict (order_id) do nothing
    """
).bindparams(_IDS, _MERCHANTS)

_ORDERS = "select to_jsonb(o) as row from known_order o where order_id = any(:ids) order by order_id"
_SHIPMENTS = """
    select to_jsonb(s) as row,
           (select jsonb_agg(to_jsonb(p)) from parcel p where p.shipment_id = s.shipment_id) as parcels,
           (select jsonb_agg(to_jsonb(i) || jsonb_build_object('unit_value', i.unit_value::text))
            from item i where i.shipment_id = s.shipment_id) as items,
           (select jsonb_agg(to_jsonb(l)) from label l where l.shipment_id = s.shipment_id) as labels
    from shipment s where s.order_id = any(:ids) order by s.planned_at, s.warehouse
"""


def _orders(suffix: str) -> Any:
    return text(_ORDERS + suffix).bindparams(_IDS).columns(row=JSONB)


def _shipments(suffix: str) -> Any:
    columns = {"row": JSONB, "parcels": JSONB, "items": JSONB, "labels": JSONB}
    return text(_SHIPMENTS + suffix).bindparams(_IDS).columns(**columns)


_READ_ORDERS, _LOCK_ORDERS = _orders(""), _orders(" for update")
# The order's row is locked first, so what hangs on the shipments cannot be changing meanwhile.
_READ_SHIPMENTS, _LOCK_SHIPMENTS = _shipments(""), _shipments(" for update of s")

_FIND = text(
    """
    select shipment_id, order_id, merchant_id
    from shipment join unnest(:ids, :merchants) as given (shipment_id, merchant_id)
         using (shipment_id, merchant_id)
    """
).bindparams(_IDS, _MERCHANTS)

#: Table -> its key. They are written in this order, which their references ask for.
_KEYS: Mapping[str, str] = {
    "known_order": "order_id",
    "shipment": "shipment_id",
    "parcel": "parcel_id",
    "item": "allocation_id",
    "label": "label_id",
}
_TOUCHED = frozenset({"known_order", "shipment"})


class DispatchTable:
    """Remembers the rows as they were loaded, for as long as the transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._stored: dict[tuple[str, str], Row] = {}

    async def lock(self, orders: Mapping[UUID, str]) -> dict[UUID, Dispatch]:
        """See `ports.Dispatches`: three statements, however many orders there are."""
        ids = sorted(orders)
        await self._connection.execute(_KNOW, {"ids": ids, "merchants": [orders[one] for one in ids]})
        found = await self._load(ids, _LOCK_ORDERS, _LOCK_SHIPMENTS)
        for dispatch in found.values():
            self._stored.update({(table, row[_KEYS[table]]): row for table, row in _rows(dispatch)})
        return found

    async def _load(self, ids: list[UUID], orders: Any, shipments: Any) -> dict[UUID, Dispatch]:
        rows = await self._connection.execute(orders, {"ids": ids})
        found = {dispatch.order_id: dispatch for dispatch in (to_dispatch(one.row) for one in rows)}
        for one in await self._connection.execute(shipments, {"ids": ids}):
            leg = to_leg(one.row, one.parcels, one.items or [], one.labels or [])
            found[UUID(one.row["order_id"])].legs.append(leg)
        return found

    async def read(self, merchant_id: str, shipment_id: UUID) -> Dispatch:
        """The shipment's order to look at, without a lock. Raises NotFound."""
        values = {"ids": [shipment_id], "merchants": [merchant_id]}
        row = (await self._connection.execute(_FIND, values)).one_or_none()
        if row is None:
            raise NotFound("shipment", shipment_id)
        return (await self._load([row.order_id], _READ_ORDERS, _READ_SHIPMENTS))[row.order_id]

    async def lock_shipments(self, shipments: Mapping[UUID, str]) -> list[Dispatch]:
        values = {"ids": list(shipments), "merchants": list(shipments.values())}
        found = {one.shipment_id: one for one in await self._connection.execute(_FIND, values)}
        missing = [one for one in shipments if one not in found]
        if missing:
            raise NotFound("shipment", missing[0])
        return list((await self.lock({one.order_id: one.merchant_id for one in found.values()})).values())

    async def save(self, dispatches: Sequence[Dispatch]) -> None:
        """Write the rows that differ from those that were loaded, one statement per table."""
        changed: dict[str, list[Row]] = {}
        for dispatch in dispatches:
            for table, row in _rows(dispatch):
                identity = (table, row[_KEYS[table]])
                if self._stored.get(identity) != row:
                    changed.setdefault(table, []).append(row)
                    self._stored[identity] = row
        for table, key in _KEYS.items():
            rows = sorted(changed.get(table, ()), key=lambda row: str(row[key]))
            # Labels that end make room for the one that begins: one live label per parcel at any moment.
            for batch in _ended_first(rows) if table == "label" else [rows]:
                await upsert(self._connection, table, key, batch, touched=table in _TOUCHED)


def _rows(dispatch: Dispatch) -> list[tuple[str, Row]]:
    rows = [("known_order", order_row(dispatch))]
    for leg in dispatch.legs:
        rows.append(("shipment", leg_row(leg, dispatch)))
        rows.append(("parcel", parcel_row(leg, dispatch.merchant_id)))
        rows += [("item", item_row(one, leg, dispatch.merchant_id)) for one in leg.items]
        rows += [("label", label_row(one, leg, dispatch.merchant_id)) for one in leg.labels]
    return rows


def _ended_first(rows: list[Row]) -> list[list[Row]]:
    live = {"asked", "paying", "unknown", "bought"}
    return [[one for one in rows if (one["state"] in live) is wanted] for wanted in (False, True)]


async def upsert(
    connection: AsyncConnection, table: str, key: str, rows: Sequence[Row], *, touched: bool = False
) -> None:
    """Insert or replace rows given in JSON's types. `key`: its columns; `touched` also sets `updated_at`."""
    fixed = {*key.split(", "), "merchant_id"}
    changes = [f"{name} = excluded.{name}" for row in rows[:1] for name in row if name not in fixed]
    if touched:
        changes.append("updated_at = crossdock_now()")
    await _insert(connection, table, f"on conflict ({key}) do update set {', '.join(changes)}", rows)


async def insert_new(connection: AsyncConnection, table: str, key: str, rows: Sequence[Row]) -> None:
    """Insert rows given in JSON's types; one that is there stays as it is."""
    await _insert(connection, table, f"on conflict ({key}) do nothing", rows)


async def _insert(connection: AsyncConnection, table: str, conflict: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    names = ", ".join(rows[0])
    statement = text(
        f"insert into {table} ({names}) "  # noqa: S608 - names of ours
        f"select {names} from jsonb_populate_recordset(null::{table}, cast(:rows as jsonb)) {conflict}"
    )
    await connection.execute(statement, {"rows": json.dumps(rows)})

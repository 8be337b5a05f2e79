"""Warehouses and SKUs, and who changed them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from crossdock_chassis.ids import new_id
from inventory_service.domain.because import Because
from inventory_service.domain.catalogue import Sku, Warehouse
from inventory_service.persistence import tables
from inventory_service.persistence.arrays import TEXTS, statement

_WAREHOUSE_FIELDS = [one.name for one in fields(Warehouse)]
_SKU_FIELDS = [one.name for one in fields(Sku)]

_SKUS = statement(
    f"select {', '.join(_SKU_FIELDS)} from sku where merchant_id = :merchant_id and sku = any(:skus)",  # noqa: S608  # our own names
    skus=TEXTS,
)


class Catalogue:
    """See `use_cases.ports.Catalogue`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def put_warehouse(self, merchant_id: str, warehouse: Warehouse, because: Because) -> None:
        serves = None if warehouse.serves is None else sorted(warehouse.serves)
        content = asdict(warehouse) | {"serves": serves, "address_lines": list(warehouse.address_lines)}
        await self._put(tables.warehouse, "code", merchant_id, [content])
        await self._note("warehouse", merchant_id, "code", [content], because)

    async def put_skus(self, merchant_id: str, skus: Sequence[Sku], because: Because) -> None:
        contents = [asdict(one) for one in sorted(skus, key=lambda one: one.sku)]
        await self._put(tables.sku, "sku", merchant_id, contents)
        await self._note("sku", merchant_id, "sku", contents, because)

    async def warehouses(self, merchant_id: str) -> Sequence[Warehouse]:
        return await read_warehouses(self._connection, merchant_id)

    async def skus(self, merchant_id: str, skus: Collection[str]) -> Mapping[str, Sku]:
        return await read_skus(self._connection, merchant_id, skus)

    async def _put(
        self, table: Any, key: str, merchant_id: str, contents: Sequence[Mapping[str, Any]]
    ) -> None:
        new = upsert(table)
        changed = {name: new.excluded[name] for name in contents[0] if name != key}
        sql = new.on_conflict_do_update(index_elements=["merchant_id", key], set_=changed)
        await self._connection.execute(sql, [{"merchant_id": merchant_id, **one} for one in contents])

    async def _note(
        self,
        kind: str,
        merchant_id: str,
        key: str,
        contents: Sequence[Mapping[str, Any]],
        because: Because,
    ) -> None:
        rows = [
            {
                "change_id": new_id(),
                "merchant_id": merchant_id,
                "kind": kind,
                "code": one[key],
                "content": dict(one),
                "actor_kind": because.actor_kind,
                "actor_name": because.actor_name,
                "reason": because.reason,
            }
            for one in contents
        ]
        await self._connection.execute(insert(tables.catalogue_change), rows)


async def read_warehouses(connection: AsyncConnection, merchant_id: str) -> Sequence[Warehouse]:
    """All of a merchant's, most preferred first, inactive ones too."""
    table = tables.warehouse
    query = (
        select(*(table.c[name] for name in _WAREHOUSE_FIELDS))
        .where(table.c.merchant_id == merchant_id)
        .order_by(table.c.priority, table.c.code)
    )
    found = []
    for row in (await connection.execute(query)).mappings():
        values = dict(row)
        values["address_lines"] = tuple(values["address_lines"])
        values["serves"] = None if values["serves"] is None else frozenset(values["serves"])
        found.append(Warehouse(**values))
    return found


async def read_skus(
    connection: AsyncConnection, merchant_id: str, skus: Collection[str]
) -> Mapping[str, Sku]:
    rows = await connection.execute(_SKUS, {"merchant_id": merchant_id, "skus": list(skus)})
    return {row[0]: Sku(**row._mapping) for row in rows}

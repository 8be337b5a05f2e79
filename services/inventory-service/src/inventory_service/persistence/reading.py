"""Lists for people, by key. `limit` is what a page fetches: one more than it shows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from inventory_service.persistence import tables

Rows = Sequence[Row[Any]]


async def skus(
    connection: AsyncConnection,
    merchant_id: str,
    *,
    after: str | None,
    limit: int,
    active: bool | None = None,
    search: str | None = None,
) -> Rows:
    """By SKU. `search`: part of the SKU or of the title."""
    table = tables.sku
    query = select(table).where(table.c.merchant_id == merchant_id).order_by(table.c.sku)
    if after is not None:
        query = query.where(table.c.sku > after)
    if active is not None:
        query = query.where(table.c.active.is_(active))
    if search is not None:
        found = table.c.sku.icontains(search, autoescape=True) | table.c.title.icontains(
            search, autoescape=True
        )
        query = query.where(found)
    return await _rows(connection, query, limit)


async def levels(
    connection: AsyncConnection,
    merchant_id: str,
    *,
    after: tuple[str, ...] | None,
    limit: int,
    sku: str | None = None,
    warehouse: str | None = None,
) -> Rows:
    """By (SKU, warehouse, lot, condition)."""
    table = tables.stock_level
    key = (table.c.sku, table.c.warehouse, table.c.lot, table.c.condition)
    query = select(table).where(table.c.merchant_id == merchant_id).order_by(*key)
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    if sku is not None:
        query = query.where(table.c.sku == sku)
    if warehouse is not None:
        query = query.where(table.c.warehouse == warehouse)
    return await _rows(connection, query, limit)


async def movements(
    connection: AsyncConnection,
    merchant_id: str,
    *,
    before: UUID | None,
    limit: int,
    sku: str | None = None,
    warehouse: str | None = None,
    kind: str | None = None,
) -> Rows:
    """The newest first."""
    table = tables.stock_movement
    query = select(table).where(table.c.merchant_id == merchant_id).order_by(table.c.movement_id.desc())
    if before is not None:
        query = query.where(table.c.movement_id < before)
    for column, value in ((table.c.sku, sku), (table.c.warehouse, warehouse), (table.c.kind, kind)):
        if value is not None:
            query = query.where(column == value)
    return await _rows(connection, query, limit)


async def order(connection: AsyncConnection, merchant_id: str, order_id: UUID) -> Row[Any] | None:
    table = tables.stock_order
    query = select(table).where(table.c.order_id == order_id, table.c.merchant_id == merchant_id)
    return (await connection.execute(query)).one_or_none()


async def order_lines(connection: AsyncConnection, order_id: UUID) -> Rows:
    table = tables.order_line
    return await _rows(
        connection, select(table).where(table.c.order_id == order_id).order_by(table.c.position)
    )


async def allocations(connection: AsyncConnection, order_id: UUID) -> Rows:
    """Ended ones too, the oldest first."""
    table = tables.allocation
    query = select(table).where(table.c.order_id == order_id).order_by(table.c.allocation_id)
    return await _rows(connection, query)


async def waiting(
    connection: AsyncConnection,
    merchant_id: str,
    *,
    after: tuple[object, ...] | None,
    limit: int,
    sku: str | None = None,
) -> Rows:
    """In the order in which stock serves it: `after` is (ship-by or LAST, placed at, order, line)."""
    table = tables.order_line
    ship_by = func.coalesce(table.c.ship_by, LAST).label("sort_ship_by")
    key = (ship_by, table.c.placed_at, table.c.order_id, table.c.line_id)
    query = (
        select(table, ship_by).where(table.c.merchant_id == merchant_id, table.c.waiting > 0).order_by(*key)
    )
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    if sku is not None:
        query = query.where(table.c.sku == sku)
    return await _rows(connection, query, limit)


async def exceptions(
    connection: AsyncConnection,
    merchant_id: str,
    *,
    after: UUID | None,
    limit: int,
    state: str | None = None,
) -> Rows:
    """The oldest first."""
    table = tables.stock_exception
    query = select(table).where(table.c.merchant_id == merchant_id).order_by(table.c.exception_id)
    if after is not None:
        query = query.where(table.c.exception_id > after)
    if state is not None:
        query = query.where(table.c.state == state)
    return await _rows(connection, query, limit)


#: Sorts behind every real time and can still be written as one.
LAST = datetime.fromisoformat("9999-01-01T00:00:00+00:00")


async def _rows(connection: AsyncConnection, query: Select[Any], limit: int | None = None) -> Rows:
    found: Rows = (await connection.execute(query.limit(limit))).all()
    return found

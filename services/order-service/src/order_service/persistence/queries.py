"""What lists and pages show. Plain rows; every query is one merchant's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BindParameter, DateTime, Integer, RowMapping, Text, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Every given part has to hold. `ref` is the marketplace's id or number of the order."""

    status: str | None = None
    hold: str | None = None
    account: str | None = None
    ref: str | None = None
    sku: str | None = None
    placed_from: datetime | None = None
    placed_before: datetime | None = None
    exception: str | None = None


_ORDERS = """
    select order_id, account, platform, external_id, order_number, placed_at, status, version, hold_reasons,
           progress, updated_at
    from orders where
"""
_CONDITIONS = {
    "status": "status = :status",
    "hold": ":hold = any(hold_reasons)",
    "account": "account = :account",
    "ref": "(external_id = :ref or order_number = :ref)",
    "sku": "skus @> :sku",
    "placed_from": "placed_at >= :placed_from",
    "placed_before": "placed_at < :placed_before",
    "exception": """
        exists (select from order_exception e where e.order_id = orders.order_id
                and e.merchant_id = :merchant_id and e.code = :exception and e.resolved_at is null)
    """,
}
_TYPES: dict[str, BindParameter[Any]] = {
    "sku": bindparam("sku", type_=ARRAY(Text)),
    "placed_from": bindparam("placed_from", type_=DateTime(timezone=True)),
    "placed_before": bindparam("placed_before", type_=DateTime(timezone=True)),
}


async def list_orders(
    connection: AsyncConnection, merchant_id: str, asked: OrderFilter, *, after: UUID | None, limit: int
) -> Sequence[RowMapping]:
    """Newest imports first."""
    given = {name: getattr(asked, name) for name in _CONDITIONS if getattr(asked, name) is not None}
    conditions = ["merchant_id = :merchant_id", *(_CONDITIONS[name] for name in given)]
    types = [_TYPES[name] for name in given if name in _TYPES]
    if after is not None:
        conditions.append("order_id < :after")
        types.append(bindparam("after", type_=PgUUID))
        given["after"] = after
    if "sku" in given:
        given["sku"] = [given["sku"]]
    statement = _ORDERS + " and ".join(conditions) + " order by order_id desc limit :limit"
    values = {"merchant_id": merchant_id, "limit": limit, **given}
    return (await connection.execute(text(statement).bindparams(*types), values)).mappings().all()


_PAGE_TYPES = (
    bindparam("after", type_=PgUUID),
    bindparam("order_id", type_=PgUUID),
)
_TIMELINE = text(
    """
    select n, at, what, detail, actor_kind, actor_name, reason, version, cause_event_id, correlation_id
    from order_history
    where order_id = :order_id and merchant_id = :merchant_id and n > :after order by n limit :limit
    """
).bindparams(bindparam("order_id", type_=PgUUID), bindparam("after", type_=Integer))
_MESSAGES = text(
    """
    select message_id, account, platform, topic, dedupe_key, received_at, state, error, order_id,
           octet_length(body) as bytes
    from inbound_message
    where merchant_id = :merchant_id and (cast(:state as text) is null or state = :state)
      and (:order_id is null or order_id = :order_id) and (:after is null or message_id < :after)
    order by message_id desc limit :limit
    """
).bindparams(*_PAGE_TYPES)
_OBLIGATIONS = text(
    """
    select obligation_id, order_id, kind, subject, platform, account, state, deadline_at,
           details::text as details, confirmed_ref, last_error, created_at, updated_at
    from obligation
    where merchant_id = :merchant_id and (cast(:state as text) is null or state = :state)
      and (:order_id is null or order_id = :order_id) and (:after is null or obligation_id < :after)
    order by obligation_id desc limit :limit
    """
).bindparams(*_PAGE_TYPES)
_EXCEPTIONS = text(
    """
    select exception_id, order_id, code, subject, detail, owner, next_step, raised_at, resolved_at,
           resolved_by, resolution
    from order_exception
    where merchant_id = :merchant_id and (resolved_at is null or :resolved)
      and (cast(:code as text) is null or code = :code)
      and (:order_id is null or order_id = :order_id) and (:after is null or exception_id < :after)
    order by exception_id desc limit :limit
    """
).bindparams(*_PAGE_TYPES)
_SKU_MAP = text(
    """
    select external_sku, components::text as components, updated_at from sku_map
    where merchant_id = :merchant_id and account = :account and external_sku > :after
    order by external_sku limit :limit
    """
)
_FIND_ORDER = text(
    "select 1 from orders where merchant_id = :merchant_id and order_id = :order_id"
).bindparams(bindparam("order_id", type_=PgUUID))
_UNMAP = text(
    """
    delete from sku_map
    where merchant_id = :merchant_id and account = :account and external_sku = :external_sku
    """
)
_RESOLVE = text(
    """
    update order_exception set resolved_at = crossdock_now(), resolved_by = :by, resolution = :resolution
    where exception_id = :exception_id and merchant_id = :merchant_id and resolved_at is null
    returning order_id, code
    """
).bindparams(bindparam("exception_id", type_=PgUUID))


async def timeline(
    connection: AsyncConnection, merchant_id: str, order_id: UUID, *, after: int, limit: int
) -> Sequence[RowMapping]:
    """From the beginning on."""
    values = {"merchant_id": merchant_id, "order_id": order_id, "after": after, "limit": limit}
    return (await connection.execute(_TIMELINE, values)).mappings().all()


async def list_messages(connection: AsyncConnection, **values: Any) -> Sequence[RowMapping]:
    """`merchant_id`, `state`, `order_id`, `after`, `limit`; newest first, without their bodies."""
    return (await connection.execute(_MESSAGES, values)).mappings().all()


async def list_obligations(connection: AsyncConnection, **values: Any) -> Sequence[RowMapping]:
    """`merchant_id`, `state`, `order_id`, `after`, `limit`; newest first."""
    return (await connection.execute(_OBLIGATIONS, values)).mappings().all()


async def list_exceptions(connection: AsyncConnection, **values: Any) -> Sequence[RowMapping]:
    """`merchant_id`, `code`, `order_id`, `resolved`, `after`, `limit`; newest first."""
    return (await connection.execute(_EXCEPTIONS, values)).mappings().all()


async def list_sku_map(connection: AsyncConnection, **values: Any) -> Sequence[RowMapping]:
    """`merchant_id`, `account`, `after`, `limit`; by the marketplace's SKU."""
    return (await connection.execute(_SKU_MAP, values)).mappings().all()


async def order_exists(connection: AsyncConnection, merchant_id: str, order_id: UUID) -> bool:
    values = {"merchant_id": merchant_id, "order_id": order_id}
    return (await connection.execute(_FIND_ORDER, values)).scalar() is not None


async def unmap(connection: AsyncConnection, merchant_id: str, account: str, external_sku: str) -> bool:
    """Take one entry out of the SKU map. False: there was none."""
    values = {"merchant_id": merchant_id, "account": account, "external_sku": external_sku}
    return (await connection.execute(_UNMAP, values)).rowcount == 1


async def resolve_exception(
    connection: AsyncConnection, merchant_id: str, exception_id: UUID, *, by: str, resolution: str
) -> RowMapping | None:
    """Close it; its order and code. None: there is no such open one."""
    values = {"merchant_id": merchant_id, "exception_id": exception_id, "by": by, "resolution": resolution}
    return (await connection.execute(_RESOLVE, values)).mappings().one_or_none()

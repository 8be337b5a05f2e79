"""Levels of stock, the accounts' dials, and what their marketplaces were told."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ARRAY, BigInteger, Integer, RowMapping, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from order_service.domain.lines import Component
from order_service.domain.stock import Dials, Parts
from order_service.use_cases.ports import Shop
from order_service.use_cases.stock_ports import Backlog, DialsSet, Level, Listing, Round, SkuRef

_SHARE = text(
    "select pg_advisory_xact_lock_shared(hashtextextended('stock/' || merchant_id, 0)) "
    "from unnest(:merchant_ids) merchant_id"
).bindparams(bindparam("merchant_ids", type_=ARRAY(Text)))
_TRY_TO_HOLD = text("select pg_try_advisory_xact_lock(hashtextextended('stock/' || :merchant_id, 0))")
_HOLD = text("select pg_advisory_xact_lock(hashtextextended('stock/' || :merchant_id, 0))")
#: Seconds between tries. Whoever waits in the queue keeps all those out that want to share, so it is the last
#: resort.
_PAUSES_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32)

_LEARN = text(
    """
    insert into stock_level as old (merchant_id, sku, warehouse, lot, condition, version,
                                    available_to_promise)
    select * from unnest(:merchant_ids, :skus, :warehouses, :lots, :conditions, :versions, :units) as n (
        merchant_id, sku, warehouse, lot, condition, version, units)
    order by merchant_id, sku, warehouse, lot, condition
    on conflict (merchant_id, sku, warehouse, lot, condition) do update set
        version = excluded.version, available_to_promise = excluded.available_to_promise
    where old.version < excluded.version
    returning merchant_id, sku
    """
).bindparams(
    *(
        bindparam(name, type_=ARRAY(Text))
        for name in ("merchant_ids", "skus", "warehouses", "lots", "conditions")
    ),
    bindparam("versions", type_=ARRAY(BigInteger)),
    bindparam("units", type_=ARRAY(Integer)),
)

# Locked in one order for everybody. One that waits already is left alone: it is written once a round, however
# often its SKU changes. Its round is named all the same: whoever noted it first may not have asked for it.
_MARK = """
    with sold as ({sold}), clean as (
        select merchant_id, account, external_sku from stock_listing
        join sold using (merchant_id, account, external_sku) join stock_dial using (merchant_id, account)
        where enabled and ({which})
        order by merchant_id, account, external_sku for update of stock_listing
    ), marked as (
        update stock_listing l set dirty_since = crossdock_now() {more}
        from clean where l.merchant_id = clean.merchant_id and l.account = clean.account
                     and l.external_sku = clean.external_sku
    )
    select distinct merchant_id, account, platform, round
    from sold join stock_dial using (merchant_id, account) join account using (merchant_id, account)
    where enabled
    order by merchant_id, account
"""
_MARK_SKUS = text(
    _MARK.format(
        sold="""
        select m.merchant_id, m.account, m.external_sku
        from unnest(:merchant_ids, :skus) as c (merchant_id, sku) join sku_map m
            on m.merchant_id = c.merchant_id
           and m.components @> jsonb_build_array(jsonb_build_object('sku', c.sku))
        union
        select l.merchant_id, l.account, l.external_sku
        from unnest(:merchant_ids, :skus) as c (merchant_id, sku) join stock_listing l
            on l.merchant_id = c.merchant_id and l.external_sku = c.sku
        """,
        which="dirty_since is null",
        more="",
    )
).bindparams(*(bindparam(name, type_=ARRAY(Text)) for name in ("merchant_ids", "skus")))
_NAMED = """
    select merchant_id, account, external_sku from stock_listing
    where merchant_id = :merchant_id and account = :account
      and (cast(:skus as text[]) is null or external_sku = any(:skus))
"""
_MARK_LISTINGS = text(_MARK.format(sold=_NAMED, which="dirty_since is null", more="")).bindparams(
    bindparam("skus", type_=ARRAY(Text))
)
_FORGET_LISTINGS = text(
    _MARK.format(sold=_NAMED, which="true", more=", told = null, refused = null")
).bindparams(bindparam("skus", type_=ARRAY(Text)))

_DIALS = text(
    """
    select enabled, warehouses, percent, buffer, stop_at, most
    from stock_dial where merchant_id = :merchant_id and account = :account
    """
)
_SET_DIALS = text(
    """
    insert into stock_dial (merchant_id, account, enabled, warehouses, percent, buffer, stop_at, most)
    values (:merchant_id, :account, :enabled, :warehouses, :percent, :buffer, :stop_at, :most)
    on conflict (merchant_id, account) do update set
        enabled = excluded.enabled, warehouses = excluded.warehouses, percent = excluded.percent,
        buffer = excluded.buffer, stop_at = excluded.stop_at, most = excluded.most,
        updated_at = crossdock_now()
    """
).bindparams(bindparam("warehouses", type_=ARRAY(Text)))

_BACKLOG = text(
    """
    select count(*) filter (where waits) as waiting, min(dirty_since) as oldest,
           count(*) filter (where refused is not null) as refused
    from stock_listing where merchant_id = :merchant_id and account = :account
    """
)
_WAITING = text(
    """
    select external_sku, told from stock_listing
    where merchant_id = :merchant_id and account = :account and waits
    order by dirty_since nulls first, external_sku limit :limit
    """
)
_PARTS = text(
    """
    select asked.external_sku, m.external_sku is not null as mapped, part.sku, part.units, sku.active,
           (select jsonb_object_agg(warehouse, units)::text from (
               select warehouse, sum(available_to_promise) as units from stock_level l
               where l.merchant_id = :merchant_id and l.sku = part.sku and l.condition = 'sellable'
               group by warehouse) one) as levels
    from unnest(:skus) as asked (external_sku)
    left join sku_map m
        on m.merchant_id = :merchant_id and m.account = :account and m.external_sku = asked.external_sku
    cross join lateral jsonb_to_recordset(coalesce(
        m.components, jsonb_build_array(jsonb_build_object('sku', asked.external_sku, 'units', 1))
    )) as part (sku text, units integer)
    left join sku on sku.merchant_id = :merchant_id and sku.sku = part.sku
    """
).bindparams(bindparam("skus", type_=ARRAY(Text)))
# Where nothing is to be told, what was told before is what is wanted.
_TAKE = text(
    """
    update stock_listing l set wanted = coalesce(n.wanted, l.told), refused = null, dirty_since = null
    from unnest(:skus, :wanted) as n (external_sku, wanted)
    where l.merchant_id = :merchant_id and l.account = :account and l.external_sku = n.external_sku
    """
).bindparams(bindparam("skus", type_=ARRAY(Text)), bindparam("wanted", type_=ARRAY(Integer)))
_TOLD = text(
    """
    update stock_listing l set told = n.units, told_at = crossdock_now()
    from unnest(:skus, :units) as n (external_sku, units)
    where l.merchant_id = :merchant_id and l.account = :account and l.external_sku = n.external_sku
    """
).bindparams(bindparam("skus", type_=ARRAY(Text)), bindparam("units", type_=ARRAY(Integer)))
_REFUSED = text(
    """
    update stock_listing l set refused = n.code from unnest(:skus, :codes) as n (external_sku, code)
    where l.merchant_id = :merchant_id and l.account = :account and l.external_sku = n.external_sku
    """
).bindparams(bindparam("skus", type_=ARRAY(Text)), bindparam("codes", type_=ARRAY(Text)))
_NEXT_ROUND = text(
    """
    update stock_dial d set round = round + 1
    from account a
    where d.merchant_id = :merchant_id and d.account = :account
      and a.merchant_id = d.merchant_id and a.account = d.account
    returning d.merchant_id, d.account, platform, round
    """
)
_ROUNDS_DUE = text(
    """
    select merchant_id, account, platform, round
    from stock_dial join account using (merchant_id, account)
    where enabled and active and exists (
        select from stock_listing l
        where l.merchant_id = stock_dial.merchant_id and l.account = stock_dial.account and waits)
    order by merchant_id, account
    """
)


class StockTable:
    """`stock_level`, `stock_dial` and `stock_listing`, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def share(self, merchant_ids: Collection[str]) -> None:
        await self._connection.execute(_SHARE, {"merchant_ids": sorted(set(merchant_ids))})

    async def hold(self, merchant_id: str) -> None:
        for pause_s in _PAUSES_S:
            if (await self._connection.execute(_TRY_TO_HOLD, {"merchant_id": merchant_id})).scalar_one():
                return
            await asyncio.sleep(pause_s)
        await self._connection.execute(_HOLD, {"merchant_id": merchant_id})

    async def learn(self, levels: Collection[Level]) -> set[SkuRef]:
        if not levels:
            return set()
        merchant_ids, skus, warehouses, lots, conditions = map(
            list, zip(*(one.key for one in levels), strict=True)
        )
        values = {
            "merchant_ids": merchant_ids,
            "skus": skus,
            "warehouses": warehouses,
            "lots": lots,
            "conditions": conditions,
            "versions": [one.version for one in levels],
            "units": [one.available_to_promise for one in levels],
        }
        return {SkuRef(*row) for row in await self._connection.execute(_LEARN, values)}

    async def mark(self, skus: Collection[SkuRef]) -> list[Round]:
        if not skus:
            return []
        merchant_ids, names = map(list, zip(*skus, strict=True))
        values = {"merchant_ids": merchant_ids, "skus": names}
        return [_round(row) for row in (await self._connection.execute(_MARK_SKUS, values)).mappings()]

    async def mark_listings(
        self, shop: Shop, external_skus: Collection[str] | None, *, forget: bool = False
    ) -> list[Round]:
        values = {**_of(shop), "skus": None if external_skus is None else list(external_skus)}
        statement = _FORGET_LISTINGS if forget else _MARK_LISTINGS
        return [_round(row) for row in (await self._connection.execute(statement, values)).mappings()]

    async def dials(self, shop: Shop) -> DialsSet:
        row = (await self._connection.execute(_DIALS, _of(shop))).mappings().one_or_none()
        if row is None:
            return DialsSet()
        warehouses = None if row["warehouses"] is None else frozenset(row["warehouses"])
        dials = Dials(warehouses, row["stop_at"], row["buffer"], row["percent"], row["most"])
        return DialsSet(row["enabled"], dials)

    async def set_dials(self, shop: Shop, given: DialsSet) -> None:
        dials = given.dials
        values = {
            **_of(shop),
            "enabled": given.enabled,
            "warehouses": None if dials.warehouses is None else sorted(dials.warehouses),
            "percent": dials.percent,
            "buffer": dials.buffer,
            "stop_at": dials.stop_at,
            "most": dials.most,
        }
        await self._connection.execute(_SET_DIALS, values)

    async def backlog(self, shop: Shop) -> Backlog:
        row = (await self._connection.execute(_BACKLOG, _of(shop))).mappings().one()
        return Backlog(**row)

    async def waiting(self, shop: Shop, limit: int) -> list[Listing]:
        rows = (await self._connection.execute(_WAITING, {**_of(shop), "limit": limit})).mappings()
        return [Listing(**row) for row in rows]

    async def parts(self, shop: Shop, external_skus: Collection[str]) -> Mapping[str, Parts | None]:
        values = {**_of(shop), "skus": list(external_skus)}
        rows: dict[str, list[RowMapping]] = defaultdict(list)
        for row in (await self._connection.execute(_PARTS, values)).mappings():
            rows[row["external_sku"]].append(row)
        return {name: _parts(found) for name, found in rows.items()}

    async def take(self, shop: Shop, wanted: Mapping[str, int | None]) -> None:
        values = {**_of(shop), "skus": list(wanted), "wanted": list(wanted.values())}
        await self._connection.execute(_TAKE, values)

    async def told(self, shop: Shop, numbers: Mapping[str, int], refused: Mapping[str, str]) -> None:
        given = {**_of(shop), "skus": list(numbers), "units": list(numbers.values())}
        await self._connection.execute(_TOLD, given)
        if refused:
            codes = {**_of(shop), "skus": list(refused), "codes": list(refused.values())}
            await self._connection.execute(_REFUSED, codes)

    async def next_round(self, shop: Shop) -> Round:
        return _round((await self._connection.execute(_NEXT_ROUND, _of(shop))).mappings().one())

    async def rounds_due(self) -> Sequence[Round]:
        return [_round(row) for row in (await self._connection.execute(_ROUNDS_DUE)).mappings()]


def _of(shop: Shop) -> dict[str, str]:
    return {"merchant_id": shop.merchant_id, "account": shop.account}


def _round(row: RowMapping) -> Round:
    return Round(Shop(row["merchant_id"], row["account"]), row["platform"], row["round"])


def _parts(rows: Sequence[RowMapping]) -> Parts | None:
    if not rows[0]["mapped"] and rows[0]["active"] is None:
        return None
    return Parts(
        components=[Component(row["sku"], row["units"]) for row in rows],
        known=all(row["active"] for row in rows),
        levels={row["sku"]: json.loads(row["levels"]) for row in rows if row["levels"] is not None},
    )

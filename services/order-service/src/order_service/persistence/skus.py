"""The SKU map and what is known of our SKUs."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import ARRAY, RowMapping, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from order_service.domain.lines import Catalog, Component, Mapped, SkuFacts
from order_service.use_cases.ports import Shop

_CATALOG = text(
    """
    with wanted as (
        select merchant_id, account, name
        from unnest(:merchant_ids, :accounts, :names) as w (merchant_id, account, name)
    ), mapped as (
        select m.merchant_id, m.account, m.external_sku, m.components
        from sku_map m join wanted w
            on m.merchant_id = w.merchant_id and m.account = w.account and m.external_sku = w.name
    )
    select merchant_id, account, external_sku as name, components::text as components,
           null::boolean as active, null as hs_code, null as origin_country, null as customs_description
    from mapped
    union all
    select merchant_id, null, sku, null, active, hs_code, origin_country, customs_description
    from sku where (merchant_id, sku) in (
        select merchant_id, name from wanted
        union
        select merchant_id, part ->> 'sku' from mapped, jsonb_array_elements(components) part
    )
    """
).bindparams(*(bindparam(name, type_=ARRAY(Text)) for name in ("merchant_ids", "accounts", "names")))
_LEARN = text(
    """
    insert into sku as old (merchant_id, sku, version, active, hs_code, origin_country, customs_description)
    select :merchant_id, sku, version, active, hs_code, origin_country, customs_description
    from jsonb_to_recordset(cast(:rows as jsonb)) as n (
        sku text, version bigint, active boolean, hs_code text, origin_country text, customs_description text)
    order by sku
    on conflict (merchant_id, sku) do update set
        version = excluded.version, active = excluded.active, hs_code = excluded.hs_code,
        origin_country = excluded.origin_country, customs_description = excluded.customs_description
    where old.version < excluded.version
    returning sku
    """
)
_MAP = text(
    """
    insert into sku_map (merchant_id, account, external_sku, components)
    values (:merchant_id, :account, :external_sku, cast(:components as jsonb))
    on conflict (merchant_id, account, external_sku)
        do update set components = excluded.components, updated_at = crossdock_now()
    """
)
_SELLS = text(
    """
    insert into stock_listing (merchant_id, account, external_sku, dirty_since)
    select n.merchant_id, n.account, n.name, case when d.enabled then crossdock_now() end
    from unnest(:merchant_ids, :accounts, :names) as n (merchant_id, account, name)
    left join stock_dial d on d.merchant_id = n.merchant_id and d.account = n.account
    where not exists (select from stock_listing l where l.merchant_id = n.merchant_id
                      and l.account = n.account and l.external_sku = n.name)
    order by n.merchant_id, n.account, n.name
    on conflict do nothing
    """
).bindparams(*(bindparam(name, type_=ARRAY(Text)) for name in ("merchant_ids", "accounts", "names")))

# Whoever finds something missing is about to wait for news of it, and must not miss news being written
# right now: it looks again when all such news is committed, and later news waits for its commit.
_HOLD_STILL = text(
    "select pg_advisory_xact_lock_shared(hashtextextended('catalogue/' || merchant_id, 0)) "
    "from unnest(:merchant_ids) merchant_id"
).bindparams(bindparam("merchant_ids", type_=ARRAY(Text)))
_CHANGE = text("select pg_advisory_xact_lock(hashtextextended('catalogue/' || :merchant_id, 0))")


class SkuTables:
    """`sku`, `sku_map` and the names of `stock_listing`, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def catalog(self, merchant_id: str, account: str, external_skus: Collection[str]) -> Catalog:
        shop = Shop(merchant_id, account)
        return (await self.catalogs({shop: external_skus}))[shop]

    async def catalogs(self, external_skus: Mapping[Shop, Collection[str]]) -> dict[Shop, Catalog]:
        found = await self._read(external_skus)
        lacking = {
            shop.merchant_id
            for shop, names in external_skus.items()
            if any(_lacks(found[shop], name) for name in names)
        }
        if lacking:
            await self._connection.execute(_HOLD_STILL, {"merchant_ids": sorted(lacking)})
            found = await self._read(external_skus)
        return found

    async def _read(self, external_skus: Mapping[Shop, Collection[str]]) -> dict[Shop, Catalog]:
        mapped: dict[Shop, dict[str, Mapped]] = defaultdict(dict)
        known: dict[str, dict[str, SkuFacts]] = defaultdict(dict)
        values = _columns(external_skus)
        if values is not None:
            for row in (await self._connection.execute(_CATALOG, values)).mappings():
                if row["account"] is None:
                    known[row["merchant_id"]][row["name"]] = _facts(row)
                else:
                    parts = json.loads(row["components"])
                    entry = Mapped(tuple(Component(one["sku"], one["units"]) for one in parts))
                    mapped[Shop(row["merchant_id"], row["account"])][row["name"]] = entry
        return {shop: Catalog(mapped[shop], known[shop.merchant_id]) for shop in external_skus}

    async def learn(self, merchant_id: str, facts: Mapping[str, tuple[int, SkuFacts]]) -> set[str]:
        rows = [
            {
                "sku": sku,
                "version": version,
                "active": one.active,
                "hs_code": one.hs_code,
                "origin_country": one.origin_country,
                "customs_description": one.customs_description,
            }
            for sku, (version, one) in facts.items()
        ]
        await self._connection.execute(_CHANGE, {"merchant_id": merchant_id})
        values = {"merchant_id": merchant_id, "rows": json.dumps(rows)}
        return set((await self._connection.execute(_LEARN, values)).scalars())

    async def map(self, merchant_id: str, account: str, external_sku: str, mapped: Mapped) -> None:
        await self._connection.execute(_CHANGE, {"merchant_id": merchant_id})
        parts = [{"sku": one.sku, "units": one.units} for one in mapped.components]
        values = {"merchant_id": merchant_id, "account": account, "external_sku": external_sku}
        await self._connection.execute(_MAP, values | {"components": json.dumps(parts)})

    async def sells(self, external_skus: Mapping[Shop, Collection[str]]) -> None:
        values = _columns(external_skus)
        if values is not None:
            await self._connection.execute(_SELLS, values)


def _columns(external_skus: Mapping[Shop, Collection[str]]) -> dict[str, list[str]] | None:
    """None: there are no names."""
    wanted = [(*shop, name) for shop, names in external_skus.items() for name in names]
    if not wanted:
        return None
    merchant_ids, accounts, names = map(list, zip(*wanted, strict=True))
    return {"merchant_ids": merchant_ids, "accounts": accounts, "names": names}


def _facts(row: RowMapping) -> SkuFacts:
    return SkuFacts(
        sku=row["name"],
        active=row["active"],
        hs_code=row["hs_code"],
        origin_country=row["origin_country"],
        customs_description=row["customs_description"],
    )


def _lacks(found: Catalog, name: str) -> bool:
    """Whether an order of this SKU may have to wait for news of it."""
    mapped = found.resolve(name)
    return mapped is None or not all(found.known[part.sku].ready_for_customs for part in mapped.components)

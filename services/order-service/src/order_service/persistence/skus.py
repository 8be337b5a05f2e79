"""The SKU map and what is known of our SKUs."""

import json
from collections.abc import Collection, Mapping

from sqlalchemy import ARRAY, RowMapping, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from order_service.domain.lines import Catalog, Component, Mapped, SkuFacts

_NAMES = bindparam("names", type_=ARRAY(Text))

_CATALOG = text(
    """
    with mapped as (
        select external_sku, components from sku_map
        where merchant_id = :merchant_id and account = :account and external_sku = any(:names)
    )
    select 'map' as kind, external_sku as name, components::text as components, null::boolean as active,
           null as hs_code, null as origin_country, null as customs_description
    from mapped
    union all
    select 'sku', sku, null, active, hs_code, origin_country, customs_description
    from sku where merchant_id = :merchant_id and sku in (
        select unnest(:names)
        union all
        select part ->> 'sku' from mapped, jsonb_array_elements(components) part
    )
    """
).bindparams(_NAMES)
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


class SkuTables:
    """`sku` and `sku_map`, in one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def catalog(self, merchant_id: str, account: str, external_skus: Collection[str]) -> Catalog:
        values = {"merchant_id": merchant_id, "account": account, "names": sorted(external_skus)}
        mapped: dict[str, Mapped] = {}
        known: dict[str, SkuFacts] = {}
        for row in (await self._connection.execute(_CATALOG, values)).mappings():
            if row["kind"] == "map":
                parts = json.loads(row["components"])
                mapped[row["name"]] = Mapped(tuple(Component(one["sku"], one["units"]) for one in parts))
            else:
                known[row["name"]] = _facts(row)
        return Catalog(mapped, known)

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
        values = {"merchant_id": merchant_id, "rows": json.dumps(rows)}
        return set((await self._connection.execute(_LEARN, values)).scalars())

    async def map(self, merchant_id: str, account: str, external_sku: str, mapped: Mapped) -> None:
        parts = [{"sku": one.sku, "units": one.units} for one in mapped.components]
        values = {"merchant_id": merchant_id, "account": account, "external_sku": external_sku}
        await self._connection.execute(_MAP, values | {"components": json.dumps(parts)})


def _facts(row: RowMapping) -> SkuFacts:
    return SkuFacts(
        sku=row["name"],
        active=row["active"],
        hs_code=row["hs_code"],
        origin_country=row["origin_country"],
        customs_description=row["customs_description"],
    )

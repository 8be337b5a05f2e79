"""What a merchant sets up before the first order comes in. Everything here is safe to repeat."""

import asyncio

from crossdock_cli.api import Api
from crossdock_cli.connection import Connection
from crossdock_cli.demo.cases import SHOPIFY
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.scenario import Scenario
from crossdock_cli.demo.trade import Trade
from crossdock_cli.demo.world import GOODS, KITS, RULES, WAREHOUSES, components_of

API_VERSION = "2026-10"


async def set_up(run: Run, scenario: Scenario, api: Api, connection: Connection) -> None:
    """Warehouses, goods, rules, the shop and its account, the kits, and the first delivery of stock."""
    await asyncio.gather(
        *(
            api.send("PUT", "inventory", f"/v1/warehouses/{code}", dict(warehouse))
            for code, warehouse in WAREHOUSES.items()
        ),
        _rules(run, api),
    )
    others = (platform for platform in run.platforms if platform != SHOPIFY)
    await asyncio.gather(
        _goods(run, api),
        _shop(run, api, connection),
        _carrier(api, connection),
        *(_market(run, api, connection, platform) for platform in others),
    )
    by_warehouse: dict[str, dict[str, int]] = {}
    for sku, units in scenario.stock.items():
        by_warehouse.setdefault(GOODS[sku].warehouse, {})[sku] = units
    for warehouse, units_of in by_warehouse.items():
        await receive(run, api, warehouse, units_of, "opening")


async def receive(run: Run, api: Api, warehouse: str, units: dict[str, int], note: str) -> None:
    """Book goods by bare SKU. The same note twice is booked once."""
    body = {
        "warehouse": warehouse,
        "reference": f"demo-{run.name}-{note}",
        "lines": [{"sku": run.sku(sku), "units": count} for sku, count in units.items()],
        "reason": "demo",
    }
    await api.send("POST", "inventory", "/v1/receipts", body, key=run.key("receipt", warehouse, note))


async def map_sku(run: Run, api: Api, name: str, components: dict[str, int], platform: str = SHOPIFY) -> None:
    body = {"components": [{"sku": run.sku(sku), "units": units} for sku, units in components.items()]}
    path = f"/v1/accounts/{run.account_at(platform)}/sku-map/{run.sku(name)}"
    await api.send("PUT", "order", path, body, key=run.key("map", name, platform))


async def _goods(run: Run, api: Api) -> None:
    for one in GOODS.values():
        length, width, height = one.size_mm
        body = {
            "title": one.title,
            "weight_g": one.weight_g,
            "length_mm": length,
            "width_mm": width,
            "height_mm": height,
            "hs_code": one.hs_code,
            "origin_country": one.origin,
            "customs_description": one.customs,
        }
        await api.send("PUT", "inventory", f"/v1/skus/{run.sku(one.name)}", body)


async def _rules(run: Run, api: Api) -> None:
    there = {one["name"] for one in await api.get("shipping", "/v1/shipping-rules")}
    for rule in RULES:
        if rule["name"] not in there and rule["carrier"] in run.carriers:
            await api.send("POST", "shipping", "/v1/shipping-rules", rule, key=run.key(rule["name"]))


async def _carrier(api: Api, connection: Connection) -> None:
    """EasyPost tells shipping-service where parcels are; where nobody knows their secret, it is asked."""
    secret = connection.secrets.get("easypost_webhook_secret")
    if secret is None:
        return
    webhook = {"url": f"{connection.url('shipping')}/webhooks/carriers/easypost", "secret": secret}
    await api.send("PUT", "easypost", "/_sandbox/webhook", webhook)


async def _shop(run: Run, api: Api, connection: Connection) -> None:
    shop = {
        "shop": run.shop,
        "client_secret": connection.secrets["shopify_client_secret"],
        "access_token": connection.secrets["shopify_access_token"],
        "webhook_url": f"{connection.url('order')}/webhooks/shopify/{run.account}",
        "api_version": API_VERSION,
    }
    account = {
        "platform": "shopify",
        "shop_ref": f"{run.shop}.myshopify.com",
        "api_base_url": f"{connection.url('shopify')}/{run.shop}",
        "webhook_secrets": [connection.secrets["shopify_client_secret"]],
        "access_token": connection.secrets["shopify_access_token"],
        "policy": "backorder",
        "incoterm": "DAP",
    }
    await api.send("POST", "shopify", "/_sandbox/shops", shop)
    await api.send("PUT", "order", f"/v1/accounts/{run.account}", account)
    for name, components in KITS.items():
        await map_sku(run, api, name, dict(components))


async def _market(run: Run, api: Api, connection: Connection, platform: str) -> None:
    """A shop at another marketplace, which is told of all the stock there is."""
    account, trade = run.account_at(platform), Trade(run, api)
    keys = await trade.open_shop(platform, f"{connection.url('order')}/webhooks/{platform}/{account}")
    tokens = keys.pop("tokens")
    given = {name: value for name, value in keys.items() if value}
    body = {"platform": platform, **given, "policy": "backorder", "incoterm": "DAP"}
    await api.send("PUT", "order", f"/v1/accounts/{account}", body)
    if tokens:
        await api.send("PUT", "order", f"/v1/accounts/{account}/tokens", tokens)
    for name in (*GOODS, *KITS):
        await map_sku(run, api, name, dict(components_of(name)), platform)
    dials = f"/v1/accounts/{account}/stock/dials"
    await api.send("PUT", "order", dials, {"enabled": True}, key=run.key("dials", platform))
    await trade.confirm(platform)

"""The shops whose orders the proof places: accounts, goods, stock, and the sandbox that plays Shopify."""

import asyncio
import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from crossdock_cli.api import Api
from crossdock_cli.connection import Connection
from crossdock_cli.demo.cases import Case
from crossdock_cli.demo.merchant import API_VERSION, map_sku, receive, set_up
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.scenario import Scenario
from crossdock_cli.demo.shop_orders import changed, shop_order
from crossdock_cli.demo.world import GOODS

from .stories import SCARCE

PATIENCE_S = 60.0
#: What a shop does when there is not enough of something.
POLICIES = ("backorder", "split", "all_or_nothing")
OPENING_UNITS, OPENING_SCARCE_UNITS = 150, 12


@dataclass(slots=True)
class Secrets:
    """Of the app in a shop. The older one is taken, too, while a rotation is under way."""

    client_secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    access_token: str = field(default_factory=lambda: f"shpat_{secrets.token_hex(16)}", repr=False)


@dataclass(slots=True)
class Shop:
    """One account and its shop. `run` gives every name and number of it."""

    run: Run
    policy: str
    entrance: str
    marketplace: str
    secrets: Secrets = field(default_factory=Secrets)

    @property
    def name(self) -> str:
        return self.run.shop

    def connection(self, urls: Mapping[str, str], token: str) -> Connection:
        given = {
            "shopify_client_secret": self.secrets.client_secret,
            "shopify_access_token": self.secrets.access_token,
        }
        return Connection(urls, token, given)


class Marketplace:
    """The sandbox's control API: orders as the shops show them, and the webhooks they send."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def put(
        self, shop: Shop, case: Case, *, change: str | None = None, sku: str | None = None
    ) -> dict[str, Any]:
        """A new order, changed already when `change` says so. Returns the unchanged one."""
        order = shop_order(shop.run, case, placed_at=datetime.now(UTC))
        if sku is not None:
            order["line_items"][0]["sku"] = sku
        before = dict(order)
        if change is not None:
            order = changed(order, change)
        await self._api.send("PUT", "shopify", _path(shop, case), order)
        return before

    async def change(self, shop: Shop, case: Case, change: str) -> None:
        order = await self.order(shop, case)
        await self._api.send("PUT", "shopify", _path(shop, case), changed(order, change))

    async def order(self, shop: Shop, case: Case) -> dict[str, Any]:
        found: dict[str, Any] = await self._api.get("shopify", _path(shop, case))
        return found

    async def deliver(
        self,
        shop: Shop,
        order_id: int,
        topic: str,
        *,
        body: str | None = None,
        copies: int = 1,
        signature: str = "good",
        webhook_id: str | None = None,
    ) -> str:
        """Queue a webhook and return its id. Without a body it shows the order as it is now."""
        chosen = webhook_id or str(uuid.uuid4())
        given = {
            "topic": topic,
            "order_id": order_id,
            "copies": copies,
            "signature": signature,
            "body": body,
            "webhook_id": chosen,
        }
        await self._api.send("POST", "shopify", f"/_sandbox/shops/{shop.name}/deliveries", given)
        return chosen

    async def install(self, shop: Shop) -> None:
        """Tell the shop where it sends webhooks and with which secret it signs them. Safe to repeat."""
        given = {
            "shop": shop.name,
            "client_secret": shop.secrets.client_secret,
            "access_token": shop.secrets.access_token,
            "webhook_url": f"{shop.entrance}/webhooks/shopify/{shop.run.account}",
            "api_version": API_VERSION,
        }
        await self._api.send("POST", "shopify", "/_sandbox/shops", given)

    async def pending(self) -> int:
        """Webhooks that have not come to an end yet."""
        status = await self._api.get("shopify", "/_sandbox/deliveries")
        return int(status["pending"])


async def open_shops(
    urls: Mapping[str, str], token: str, *, names: Sequence[str], marketplace: str
) -> list[Shop]:
    """Warehouses, goods, rules, accounts and the first stock. `urls` by service and sandbox; `marketplace` is
    where order-service finds Shopify.
    """
    shops = []
    for name, policy in zip(names, POLICIES, strict=False):
        run = Run(name, 0, 0)
        shops.append(Shop(run, policy, urls["order"], marketplace))
    await _open(shops[0], urls, token)  # the first makes what all share
    await asyncio.gather(*(_open(shop, urls, token) for shop in shops[1:]))
    return shops


async def _open(shop: Shop, urls: Mapping[str, str], token: str) -> None:
    stock = {name: OPENING_SCARCE_UNITS if name == SCARCE else OPENING_UNITS for name in GOODS}
    connection = shop.connection(urls, token)
    async with Api(connection, patience_s=PATIENCE_S) as api:
        await set_up(shop.run, Scenario((), stock), api, connection)
        await api.send("PUT", "order", f"/v1/accounts/{shop.run.account}", account_given(shop))


def account_given(shop: Shop, *, older_secret: str | None = None) -> dict[str, Any]:
    """What `PUT /v1/accounts/{account}` is told of a shop."""
    newest = shop.secrets.client_secret
    return {
        "platform": "shopify",
        "shop_ref": f"{shop.name}.myshopify.com",
        "api_base_url": f"{shop.marketplace}/{shop.name}",
        "webhook_secrets": [newest] if older_secret is None else [newest, older_secret],
        "access_token": shop.secrets.access_token,
        "policy": shop.policy,
        "incoterm": "DAP",
    }


async def put_stock(shop: Shop, api: Api, sku: str, units: int, note: str) -> None:
    """Goods arrive, once per note."""
    await receive(shop.run, api, GOODS[sku].warehouse, {sku: units}, note)


async def make_known(shop: Shop, api: Api, name: str) -> None:
    """A person says that this SKU of the marketplace is a mug."""
    await map_sku(shop.run, api, name, {"MUG": 1})


def as_text(order: Mapping[str, Any]) -> str:
    return json.dumps(order, ensure_ascii=False)


def _path(shop: Shop, case: Case) -> str:
    return f"/_sandbox/shops/{shop.name}/orders/{shop.run.order_id(case)}"

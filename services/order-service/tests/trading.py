"""Buying at a marketplace by the trade's side of its sandbox, and what its order says."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from crossdock_chassis.ids import new_id
from order_service.domain.order import LabelSource, Order
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.ports import Account, OrderRef, Secrets, Tokens

from .samples import Inventory, Shipping, an_account
from .test_journeys import connect, say

SKUS = ("MUG", "TEE")
IN_BOSTON = {
    "first_name": "June",
    "last_name": "Sample",
    "street": "12 Elm Street",
    "street2": "Apt 3",
    "city": "Boston",
    "province": "MA",
    "postal_code": "02108",
    "country": "US",
    "phone": "+16175550142",
}
IN_TOKYO = {
    "first_name": "Hana",
    "last_name": "Mihon",
    "street": "Marunouchi 1-1",
    "city": "Tokyo",
    "postal_code": "100-0005",
    "country": "JP",
    "phone": "+81355550142",
}
CART = {
    "currency": "USD",
    "lines": [
        {"sku": "MUG", "title": "Mug", "units": 2, "price": 1450},
        {"sku": "TEE", "title": "T-shirt", "units": 1, "price": 2990},
    ],
    "shipping": 490,
    "address": IN_BOSTON,
    "email": "june@buyers.example",
    "locale": "en-US",
}
LINES = (("MUG", 2, 1450), ("TEE", 1, 2990))


class TradedShop:
    """A shop in a sandbox whose account is connected with the keys that it answers."""

    def __init__(self, platform: str, base_url: str, database: OrderDatabase) -> None:
        self._platform = platform
        self._at = f"{base_url}/_sandbox/trade/lumo"
        self._database = database

    async def open(self, service_url: str) -> None:
        notices_url = f"{service_url}/webhooks/{self._platform}/lumo"
        listings = [{"sku": one, "title": one} for one in SKUS]
        keys = await self._control("PUT", "", {"notices_url": notices_url, "listings": listings})
        self._account = account = _account_of(self._platform, keys)
        await connect(self._database, account, skus=SKUS)
        given = keys["tokens"]
        expires_at = datetime.fromisoformat(given["expires_at"])
        async with self._database.transaction() as tx:
            tokens = Tokens(given["access_token"], expires_at, given["refresh_token"])
            await tx.tokens.give(account, tokens)

    async def buy(self, number: str, **changes: Any) -> None:
        await self._control("PUT", f"/orders/{number}", {**CART, **changes})

    async def change(self, number: str, change: str) -> None:
        await self._control("POST", f"/orders/{number}/{change}")

    async def known(self) -> list[dict[str, Any]]:
        """What the platform knows of its orders, the first that was bought before the others."""
        return list((await self._control("GET", "/orders"))["rows"])

    async def imported(self) -> list[Order]:
        """The same orders as order-service has them."""
        refs = [
            OrderRef(self._platform, self._account.shop_ref, row["order_id"]) for row in await self.known()
        ]
        async with self._database.transaction() as tx:
            found = await tx.orders.lock_external(refs)
        return [found[one] for one in refs]

    async def ask_for_label(self, order: Order) -> None:
        """As shipping does, of all units in one parcel."""
        stock, parcel_id = Inventory(order).reserves(), new_id()
        label = Shipping(order).asks_for_label(stock.allocations, parcel_id=parcel_id)
        await say(self._database, stock, label)

    async def _control(self, method: str, path: str, body: Any = None) -> Any:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.request(method, self._at + path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


def bought(order: Order) -> tuple[object, ...]:
    """Currency, lines, total and the place that it goes to."""
    to = order.people.consignee
    assert to is not None
    lines = tuple((line.sku, line.quantity, line.unit_price) for line in order.content.sold)
    return order.content.currency, lines, order.content.totals.grand_total, to.name, to.city, to.country


def _account_of(platform: str, keys: Mapping[str, Any]) -> Account:
    secrets = Secrets(
        webhook=tuple(keys["webhook_secrets"]), access_token=keys["access_token"], named=keys["secrets"]
    )
    return an_account(
        platform=platform,
        shop_ref=keys["shop_ref"],
        api_base_url=keys["api_base_url"],
        secrets=secrets,
        options=keys["options"],
        label_source=LabelSource(keys["label_source"]),
    )

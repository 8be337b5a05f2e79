"""Buying at a marketplace by the trade's side of its sandbox, and what its order says."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from order_service.domain.order import LabelSource, Order
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.ports import Account, OrderRef, Secrets, Tokens

from .samples import an_account
from .test_journeys import connect

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
        self._account = _account_of(self._platform, keys)
        await connect(self._database, self._account, skus=SKUS)
        given = keys["tokens"]
        expires_at = datetime.fromisoformat(given["expires_at"])
        async with self._database.transaction() as tx:
            tokens = Tokens(given["access_token"], expires_at, given["refresh_token"])
            await tx.tokens.give(self._account, tokens)

    async def buy(self, number: str, **changes: Any) -> str:
        """The order's id there."""
        bought = await self._control("PUT", f"/orders/{number}", {**CART, **changes})
        return str(bought["order_id"])

    async def pay(self, number: str) -> None:
        await self._control("POST", f"/orders/{number}/paid")

    async def known(self, number: str) -> Mapping[str, Any]:
        rows = (await self._control("GET", "/orders"))["rows"]
        return {row["number"]: row for row in rows}[number]

    async def order(self, external_id: str) -> Order:
        ref = OrderRef(self._platform, self._account.shop_ref, external_id)
        async with self._database.transaction() as tx:
            (order,) = (await tx.orders.lock_external([ref])).values()
        return order

    async def _control(self, method: str, path: str, body: Any = None) -> Any:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.request(method, self._at + path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


def what_was_bought(order: Order) -> tuple[object, ...]:
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

"""The trade's side, the same at every marketplace: shops are opened, orders bought, changed and looked at."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.receiver import Receiver, receiving
from crossdock_sandbox.testing import running_generic, running_shopee, running_tiktok_shop

from .conftest import Eventually

SANDBOXES: dict[str, Callable[[Path], AbstractAsyncContextManager[Any]]] = {
    "generic": running_generic,
    "shopee": running_shopee,
    "tiktok_shop": running_tiktok_shop,
}
#: Those that tell of orders by themselves; of the others they are asked for.
TELLING = frozenset({"generic", "shopee", "tiktok_shop"})

ADDRESS = {
    "first_name": "Änne",
    "last_name": "Müller",
    "street": "Leopoldstraße 7",
    "street2": "3. Stock",
    "city": "München",
    "postal_code": "80802",
    "country": "DE",
    "phone": "+49 89 21800",
}
CART = {
    "currency": "EUR",
    "lines": [
        {"sku": "MUG", "title": "Mug", "units": 2, "price": 1450},
        {"sku": "TEE", "title": "T-shirt", "units": 1, "price": 2990},
    ],
    "shipping": 490,
    "address": ADDRESS,
    "email": "buyer@buyers.example",
    "locale": "de-DE",
}
LISTINGS = [{"sku": "MUG", "title": "Mug"}, {"sku": "TEE", "title": "T-shirt"}]


class Shop:
    """A shop at one of the sandboxes, by its trade's side."""

    def __init__(self, kind: str, http: httpx.AsyncClient, base_url: str, receiver: Receiver) -> None:
        self.kind = kind
        self._http = http
        self._at = f"{base_url}/_sandbox/trade/lumo"
        self.receiver = receiver

    async def open(self) -> dict[str, Any]:
        answer = await self._http.put(self._at, json={"notices_url": self.receiver.url, "listings": LISTINGS})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def buy(self, number: str, **changes: Any) -> httpx.Response:
        return await self._http.put(f"{self._at}/orders/{number}", json={**CART, **changes})

    async def change(self, number: str, change: str) -> int:
        return (await self._http.post(f"{self._at}/orders/{number}/{change}")).status_code

    async def orders(self) -> list[dict[str, Any]]:
        return list((await self._http.get(f"{self._at}/orders")).json()["rows"])

    async def stock(self) -> dict[str, Any]:
        return dict((await self._http.get(f"{self._at}/stock")).json()["stock"])


@pytest.fixture(params=SANDBOXES)
async def shop(
    request: pytest.FixtureRequest, tmp_path: Path, http: httpx.AsyncClient
) -> AsyncIterator[Shop]:
    receiver = Receiver()
    async with SANDBOXES[request.param](tmp_path) as sandbox, receiving(receiver):
        yield Shop(request.param, http, sandbox.base_url, receiver)


async def test_a_shop_that_is_opened_again_keeps_its_keys(shop: Shop) -> None:
    first = await shop.open()

    assert await shop.open() == first
    assert first["shop_ref"]
    assert first["webhook_secrets"] or first["secrets"]


async def test_what_is_bought_twice_under_a_number_is_one_order(shop: Shop) -> None:
    await shop.open()
    bought = [(await shop.buy("A-1")).json() for _ in range(2)]
    other = (await shop.buy("A-2", currency="JPY")).json()

    assert bought[0] == bought[1]
    assert [one["order_id"] for one in await shop.orders()] == [bought[0]["order_id"], other["order_id"]]
    assert not any(one["is_cancelled"] or one["parcels"] for one in await shop.orders())


async def test_a_cancelled_order_is_shown_as_one(shop: Shop) -> None:
    await shop.open()
    await shop.buy("A-1", paid=False)

    assert await shop.change("A-1", "paid") == 204
    assert [one["is_cancelled"] for one in await shop.orders()] == [False]
    assert [await shop.change("A-1", "cancelled") for _ in range(2)] == [204, 204]
    assert [one["is_cancelled"] for one in await shop.orders()] == [True]


async def test_a_platform_that_tells_of_orders_tells_of_each_change(
    shop: Shop, eventually: Eventually
) -> None:
    if shop.kind not in TELLING:
        pytest.skip("this platform is asked")
    await shop.open()
    await shop.buy("A-1", paid=False)
    await shop.change("A-1", "paid")

    async def told() -> bool:
        return len(shop.receiver.bodies) == 2

    await eventually(told)


async def test_what_the_shop_sells_has_no_stock_until_it_is_told(shop: Shop) -> None:
    await shop.open()

    assert await shop.stock() == {"MUG": None, "TEE": None}


async def test_a_cart_that_cannot_be_is_refused_with_its_fields(shop: Shop) -> None:
    await shop.open()
    answer = await shop.buy("A-1", lines=[], currency="euro")

    assert answer.status_code == 422
    assert {one["field"] for one in answer.json()["errors"]} == {"lines", "currency"}
    assert (await shop.change("A-1", "paid"), await shop.orders()) == (404, [])

"""The trade's side, the same at every marketplace: shops are opened, orders bought, changed and looked at."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import crossdock_sandbox
from crossdock_sandbox.process import by_default, kinds
from crossdock_sandbox.receiver import Receiver, receiving

from .conftest import Eventually

SOLD_AT = [kind for kind in kinds() if (Path(crossdock_sandbox.__file__).parent / kind / "trade.py").exists()]
#: In how many notices they tell of a change of an order of two lines: Amazon's wait in a queue.
NOTICES = {"amazon": 0, "ebay": 2}
#: Those that try an address out before they tell it anything, and what they say of one that answers wrongly.
TRYING = {"woocommerce": "response code: 500", "ebay": "answered HTTP 405"}

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
NOBODY = "http://127.0.0.1:9/"
LISTINGS = [{"sku": "MUG", "title": "Mug"}, {"sku": "TEE", "title": "T-shirt"}]


class Shop:
    """A shop at one of the sandboxes, by its trade's side."""

    def __init__(self, kind: str, http: httpx.AsyncClient, base_url: str) -> None:
        self.kind = kind
        self._http = http
        self._at = f"{base_url}/_sandbox/trade/lumo"

    async def open(self, notices_url: str = NOBODY) -> dict[str, Any]:
        answer = await self._http.put(self._at, json={"notices_url": notices_url, "listings": LISTINGS})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def buy(self, number: str, **changes: Any) -> httpx.Response:
        return await self._http.put(f"{self._at}/orders/{number}", json={**CART, **changes})

    async def change(self, number: str, change: str) -> int:
        return (await self._http.post(f"{self._at}/orders/{number}/{change}")).status_code

    async def orders(self) -> list[dict[str, Any]]:
        return list((await self._http.get(f"{self._at}/orders")).json()["rows"])

    async def confirm(self) -> httpx.Response:
        return await self._http.post(f"{self._at}/confirmation")

    async def stock(self) -> dict[str, Any]:
        return dict((await self._http.get(f"{self._at}/stock")).json()["stock"])


@pytest.fixture(params=SOLD_AT)
async def shop(
    request: pytest.FixtureRequest, tmp_path: Path, http: httpx.AsyncClient
) -> AsyncIterator[Shop]:
    async with by_default(request.param, tmp_path) as sandbox:
        yield Shop(request.param, http, sandbox.base_url)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving(Receiver()) as receiver:
        yield receiver


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
    shop: Shop, receiver: Receiver, eventually: Eventually
) -> None:
    await shop.open(receiver.url)
    await shop.buy("A-1", paid=False)
    await shop.change("A-1", "paid")

    async def told() -> bool:
        return len(receiver.bodies) == 2 * NOTICES.get(shop.kind, 1)

    await eventually(told)


@pytest.mark.parametrize("shop", TRYING, indirect=True)
async def test_an_address_that_does_not_answer_as_the_platform_wants_is_not_confirmed(
    shop: Shop, receiver: Receiver
) -> None:
    await shop.open(receiver.url)
    receiver.statuses = [500]
    answer = await shop.confirm()

    assert answer.status_code == 409
    assert TRYING[shop.kind] in answer.text


async def test_what_the_shop_sells_has_no_stock_until_it_is_told(shop: Shop) -> None:
    await shop.open()

    assert await shop.stock() == {"MUG": None, "TEE": None}


async def test_a_cart_that_cannot_be_is_refused_with_its_fields(shop: Shop) -> None:
    await shop.open()
    answer = await shop.buy("A-1", lines=[], currency="euro")

    assert answer.status_code == 422
    assert {one["field"] for one in answer.json()["errors"]} == {"lines", "currency"}
    assert (await shop.change("A-1", "paid"), await shop.orders()) == (404, [])

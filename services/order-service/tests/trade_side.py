"""A shop that is opened, connected, and bought in by nothing but the trade's side of its sandbox."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from crossdock_chassis.ids import new_id
from crossdock_contracts.shipping import ParcelLabelledV1, ParcelShippedV1
from order_service.domain.order import Order
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.ports import OrderRef

from .samples import Inventory, Shipping
from .test_jobs import eventually
from .test_journeys import a_sku, say

ACCOUNT = "traded"
LINES = [
    {"sku": "MUG", "title": "Mug", "units": 2, "price": 1450},
    {"sku": "TEE", "title": "T-shirt", "units": 1, "price": 2990},
]
IN_GERMANY = {
    "first_name": "Änne",
    "last_name": "Müller",
    "street": "Leopoldstraße 7",
    "street2": "3. Stock",
    "city": "München",
    "postal_code": "80802",
    "country": "DE",
    "phone": "+49 89 21800",
}
IN_JAPAN = {
    "first_name": "花子",
    "last_name": "山田",
    "street": "神南1-2-3",
    "city": "渋谷区",
    "province": "東京都",
    "postal_code": "150-0041",
    "country": "JP",
    "phone": "+81 3 5550 0142",
}
CARTS: Mapping[str, Mapping[str, Any]] = {
    "E-1": {"currency": "EUR", "address": IN_GERMANY},
    "J-1": {"currency": "JPY", "address": IN_JAPAN},
    "E-2": {"currency": "EUR", "address": IN_GERMANY, "paid": False},
}
EMAIL = "buyer@buyers.example"


class TradedShop:
    def __init__(
        self, platform: str, base_url: str, client: httpx.AsyncClient, database: OrderDatabase
    ) -> None:
        """`client`: of order-service's API."""
        self._platform = platform
        self._at = f"{base_url}/_sandbox/trade/lumo"
        self._client = client
        self._database = database
        self._shop_ref = ""
        self._ids: dict[str, str] = {}

    async def open(self, notices_url: str) -> None:
        """Connect it as a merchant does: with what the platform shows, and nothing else."""
        listings = [{"sku": one["sku"], "title": one["title"]} for one in LINES]
        keys = await self._ask("PUT", "", {"notices_url": notices_url, "listings": listings})
        given = {name: value for name, value in keys.items() if value}
        tokens, self._shop_ref = given.pop("tokens", None), given["shop_ref"]
        await self._put("", {"platform": self._platform, **given})
        if tokens:
            await self._put("/tokens", tokens)
        await say(self._database, *(a_sku(str(one["sku"])) for one in LINES))
        await self._ask("POST", "/confirmation")

    async def buy(self, number: str) -> None:
        cart = {"lines": LINES, "shipping": 490, "email": EMAIL, "locale": "de-DE", **CARTS[number]}
        bought = await self._ask("PUT", f"/orders/{number}", cart)
        self._ids[number] = bought["order_id"]

    async def change(self, number: str, change: str) -> None:
        await self._ask("POST", f"/orders/{number}/{change}")

    async def known(self) -> list[dict[str, Any]]:
        """As the platform knows its orders."""
        return list((await self._ask("GET", "/orders"))["rows"])

    async def send(self, number: str) -> str:
        """All of it leaves; the parcel's number."""
        order = await self._imported(number)
        reserved, shipping, parcel_id = Inventory(order).reserves(), Shipping(order), new_id()
        kinds = (ParcelLabelledV1, ParcelShippedV1)
        words = [shipping.parcel(kind, reserved.allocations, parcel_id=parcel_id) for kind in kinds]
        await say(self._database, reserved, *words)
        return str(words[0].tracking_number)

    async def ask_for_label(self, number: str) -> None:
        """Of the platform, for all of it in one parcel."""
        order = await self._imported(number)
        reserved = Inventory(order).reserves()
        asked = Shipping(order).asks_for_label(reserved.allocations, parcel_id=new_id())
        await say(self._database, reserved, asked)

    async def order(self, number: str) -> Order | None:
        """As we know it."""
        ref = OrderRef(self._platform, self._shop_ref, self._ids[number])
        async with self._database.transaction() as tx:
            return (await tx.orders.lock_external([ref])).get(ref)

    async def bought(self, number: str) -> tuple[object, ...]:
        """Currency, lines and total."""
        order = await self._imported(number)
        sold = tuple((line.sku, line.quantity, line.unit_price) for line in order.content.sold)
        return order.content.currency, sold, order.content.totals.grand_total

    async def consignee(self, number: str) -> tuple[object, ...]:
        order = await self._imported(number)
        to = order.people.consignee
        assert to is not None
        return to.name, to.lines, to.city, to.province, to.country

    async def statuses(self) -> list[str | None]:
        orders = [await self.order(number) for number in CARTS]
        return [None if one is None else one.status.value for one in orders]

    async def _imported(self, number: str) -> Order:
        order = await self.order(number)
        assert order is not None
        return order

    async def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.request(method, self._at + path, json=body)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}

    async def _put(self, path: str, body: Any) -> None:
        answer = await self._client.put(f"/v1/accounts/{ACCOUNT}{path}", json=body)
        assert answer.is_success, answer.text


async def assert_trade_goes_through(
    shop: TradedShop, *, unpaid: str | None, ask: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Orders come as they were bought, parcels are told, a cancel is heard of. Jobs have to be under way.

    `unpaid`: the status of an order that nobody has paid; None: it is none here. `ask`: has the platform
    asked for what it tells nobody of.
    """
    for number in CARTS:
        await shop.buy(number)

    async def are(*wanted: str | None) -> bool:
        return await shop.statuses() == list(wanted)

    await eventually(lambda: are("open", "open", unpaid))
    await shop.change("E-2", "paid")
    await shop.change("J-1", "cancelled")
    parcel = {"tracking_number": await shop.send("E-1"), "units": {"MUG": 2, "TEE": 1}}
    if ask is not None:
        await ask()

    async def told() -> bool:
        return [one["parcels"] for one in await shop.known()] == [[parcel], [], []]

    await eventually(lambda: are("closed", "cancelling", "open"))
    await eventually(told)
    await shop.change("E-1", "cancelled")
    assert [one["is_cancelled"] for one in await shop.known()] == [False, True, False]
    for number, cart in CARTS.items():
        order = await shop.order(number)
        assert order is not None
        _assert_is_bought(order, cart)


def _assert_is_bought(order: Order, cart: Mapping[str, Any]) -> None:
    content, at, address = order.content, order.people.consignee, cart["address"]
    sold = [(line.sku, line.title, line.quantity, line.unit_price) for line in content.sold]
    assert sold == [("MUG", "Mug", 2, 1450), ("TEE", "T-shirt", 1, 2990)]
    totals = content.totals
    assert (totals.shipping_total, totals.tax_total, totals.grand_total) == (490, 0, 6380)
    assert (content.currency, content.flags) == (cart["currency"], ())
    assert at is not None
    assert (at.name, at.city) == (f"{address['first_name']} {address['last_name']}", address["city"])
    assert at.lines == tuple(address[name] for name in ("street", "street2") if name in address)
    assert (at.province, at.postal_code) == (address.get("province"), address["postal_code"])
    assert (at.country, at.phone) == (address["country"], address["phone"])
    assert order.people.buyer.email == EMAIL

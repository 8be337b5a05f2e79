"""Selling at the marketplaces' sandboxes in the words that all of them share."""

from collections.abc import Sequence
from typing import Any

from crossdock_cli.api import Api, Refused
from crossdock_cli.demo.cases import Case
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.shop_orders import SHIPPING_CENTS, converted, price, title_of
from crossdock_cli.demo.world import GOODS, KITS, PLACES

NOT_FOUND = 404


async def find_members(run: Run, api: Api, sandboxes: Sequence[str]) -> None:
    """Who there is to buy at and to ship with is known by what the sandboxes answer."""
    for name in sandboxes:
        trade = await _answer(api, name, "/_sandbox/trade")
        if trade is not None:
            run.platforms.append(name)
            run.silent += [] if trade["tells_email"] else [name]
            run.issuing += [name] if trade["issues_labels"] else []
        elif name not in run.carriers and await _answer(api, name, "/_sandbox/labels") is not None:
            run.carriers.append(name)


async def _answer(api: Api, name: str, path: str) -> Any:
    try:
        return await api.get(name, path)
    except Refused as error:
        if error.status != NOT_FOUND:
            raise
        return None


class Trade:
    """A run's shops at all marketplaces but Shopify, whose webhooks the demo sends one by one."""

    def __init__(self, run: Run, api: Api) -> None:
        self._run = run
        self._api = api

    async def open_shop(self, platform: str, notices_url: str) -> dict[str, Any]:
        """What the account has to be told. Safe to repeat."""
        names = (*GOODS, *KITS)
        listings = [{"sku": self._run.sku(name), "title": title_of(name)} for name in names]
        body = {"notices_url": notices_url, "listings": listings}
        keys: dict[str, Any] = await self._api.send("PUT", platform, self._shop(platform), body)
        return keys

    async def confirm(self, platform: str) -> None:
        """The platform's handshake with whom it will tell of orders."""
        await self._api.send("POST", platform, f"{self._shop(platform)}/confirmation")

    async def buy(self, case: Case) -> None:
        """Safe to repeat: an order has its number."""
        await self._api.send("PUT", case.platform, self._order(case), cart(self._run, case))

    async def change(self, case: Case, change: str) -> None:
        """Safe to repeat."""
        await self._api.send("POST", case.platform, f"{self._order(case)}/{change}")

    async def orders(self, platform: str) -> list[dict[str, Any]]:
        """What the platform knows of them: cancels, parcels, labels of its own."""
        return await self._api.listed(platform, f"{self._shop(platform)}/orders")

    async def order_ids(self, platform: str) -> dict[str, str]:
        """Theirs, to the numbers that the run has given."""
        rows = await self._api.rows(platform, "bought", shop=self._run.account_at(platform))
        return {row["order_id"]: row["number"] for row in rows}

    async def order_id(self, case: Case) -> str | None:
        """Theirs; None: nobody has bought it yet."""
        shop, number = self._run.account_at(case.platform), self._run.trade_number(case)
        rows = await self._api.rows(case.platform, "bought", shop=shop, number=number)
        return str(rows[0]["order_id"]) if rows else None

    async def stock(self, platform: str) -> dict[str, int | None]:
        """What the shop shows, by SKU."""
        shown: dict[str, int | None] = (await self._api.get(platform, f"{self._shop(platform)}/stock"))[
            "stock"
        ]
        return shown

    def _shop(self, platform: str) -> str:
        return f"/_sandbox/trade/{self._run.account_at(platform)}"

    def _order(self, case: Case) -> str:
        return f"{self._shop(case.platform)}/orders/{self._run.trade_number(case)}"


def cart(run: Run, case: Case) -> dict[str, Any]:
    """What the case's buyer buys, as the sandboxes take it."""
    place = PLACES[case.place]
    lines = [
        {
            "sku": run.sku(sold.name),
            "title": title_of(sold.name),
            "units": sold.units,
            "price": price(sold, place.currency),
        }
        for sold in case.lines
    ]
    address = {
        "first_name": place.first_name,
        "last_name": place.last_name,
        "street": case.street or place.street,
        "street2": place.street2,
        "city": place.city,
        "province": place.province,
        "postal_code": place.zip,
        "country": place.country,
        "phone": place.phone,
    }
    return {
        "currency": place.currency,
        "lines": lines,
        "shipping": converted(SHIPPING_CENTS, place.currency),
        "address": address,
        "email": run.email(case),
        "locale": place.locale,
        "paid": case.paid,
    }

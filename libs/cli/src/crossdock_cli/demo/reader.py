"""Reads everybody's books of one run."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from crossdock_cli.api import Api
from crossdock_cli.demo.books import Books, Fulfilment, Level, LiveLabel, OrderSeen, Work, work_of
from crossdock_cli.demo.cases import SHOPIFY, Case
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.trade import Trade
from crossdock_cli.stack.services import SERVICES

AT_ONCE = 16


class Reader:
    """Reads the books of a run, again and again."""

    def __init__(self, api: Api, run: Run, cases: Sequence[Case]) -> None:
        self._api = api
        self._run = run
        self._trade = Trade(run, api)
        self._others = [platform for platform in run.platforms if platform != SHOPIFY]
        self._by_ref = {str(run.order_id(case)): case.number for case in cases if case.platform == SHOPIFY}
        self._by_line = {
            run.line_id(case, index): sold.name for case in cases for index, sold in enumerate(case.lines)
        }
        self._by_number = {run.trade_number(case): case.number for case in cases}
        self._by_email = {run.email(case): case.number for case in cases}

    async def statuses(self) -> dict[int, str]:
        """Only how far the orders are: one or two pages."""
        return {number: order["status"] for number, order in (await self._orders())[0].items()}

    async def order_ids(self) -> set[str]:
        """Ours, as order-service names them."""
        return {order["order_id"] for order in (await self._orders())[0].values()}

    async def read(self) -> Books:
        (orders, strange), known, mails, shown = await asyncio.gather(
            self._orders(), self._known(), self._mails(), self._shown()
        )
        levels, unreadable, work = await asyncio.gather(self._levels(), self._unreadable(), self._work())
        by_id = {order["order_id"]: number for number, order in orders.items()}
        details, exceptions, said, (labels, strange_labels) = await asyncio.gather(
            self._details(list(by_id)), self._exceptions(by_id), self._said(by_id), self._labels(by_id)
        )
        seen = {
            by_id[one["order_id"]]: OrderSeen(
                one["status"],
                tuple(sorted(parcel["tracking_number"] for parcel in one["parcels"] if _has_left(parcel))),
                frozenset(exceptions.get(by_id[one["order_id"]], ())),
            )
            for one in details
        }
        return Books(
            orders=seen,
            strange_orders=strange,
            live_labels=labels | {number: _own_labels(one) for number, one in known.items() if one["labels"]},
            strange_labels=strange_labels,
            fulfilments={
                **await self._fulfilments(),
                **{number: self._parcels(one) for number, one in known.items()},
            },
            mails=mails,
            said=said,
            levels=levels,
            shown=shown,
            unreadable=unreadable,
            work=work,
        )

    async def _orders(self) -> tuple[dict[int, Any], int]:
        found = await asyncio.gather(*(self._orders_at(platform) for platform in self._run.platforms))
        ours = {number: order for orders, _ in found for number, order in orders.items()}
        return ours, sum(strange for _, strange in found)

    async def _orders_at(self, platform: str) -> tuple[dict[int, Any], int]:
        account = self._run.account_at(platform)
        listed = await self._api.items("order", "/v1/orders", account=account)
        refs = self._by_ref if platform == SHOPIFY else await self._bought_at(platform)
        ours = {refs[one["external_id"]]: one for one in listed if one["external_id"] in refs}
        return ours, len(listed) - len(ours)

    async def _bought_at(self, platform: str) -> dict[str, int]:
        bought = await self._trade.order_ids(platform)
        return {ref: self._by_number[number] for ref, number in bought.items() if number in self._by_number}

    async def _details(self, order_ids: Sequence[str]) -> list[Any]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(order_id: str) -> Any:
            async with gate:
                return await self._api.get("order", f"/v1/orders/{order_id}")

        return await asyncio.gather(*map(one, order_ids))

    async def _exceptions(self, by_id: Mapping[str, int]) -> dict[int, set[str]]:
        found: dict[int, set[str]] = {}
        for one in await self._api.items("order", "/v1/exceptions"):
            if one["order_id"] in by_id:
                found.setdefault(by_id[one["order_id"]], set()).add(one["code"])
        return found

    async def _said(self, by_id: Mapping[str, int]) -> dict[int, Counter[str]]:
        found: dict[int, Counter[str]] = {}
        for one in await self._api.items("notify", "/v1/messages", state="sent"):
            if one["order_id"] in by_id:
                found.setdefault(by_id[one["order_id"]], Counter())[one["template"]] += 1
        return found

    async def _labels(self, by_id: Mapping[str, int]) -> tuple[dict[int, list[LiveLabel]], int]:
        """Those of carriers, and how many are of no shipment. A reference begins with the shipment's id, in
        the letters that a carrier takes.
        """
        orders = {
            UUID(one["shipment_id"]).hex: one["order_id"]
            for one in await self._api.items("shipping", "/v1/shipments", at_most=100_000)
        }
        found: dict[int, list[LiveLabel]] = {}
        strange = 0
        for carrier in self._run.carriers:
            for row in await self._api.listed(carrier, "/_sandbox/labels"):
                order_id = orders.get(_letters(row["reference"])[:32])
                if order_id is None:
                    strange += row["is_live"]
                elif row["is_live"] and order_id in by_id:
                    label = LiveLabel(row["tracking_number"], row["street"], carrier)
                    found.setdefault(by_id[order_id], []).append(label)
        return found, strange

    async def _known(self) -> dict[int, dict[str, Any]]:
        """What the marketplaces but Shopify know of each order."""
        lists = await asyncio.gather(*map(self._trade.orders, self._others))
        return {
            self._by_number[order["number"]]: {"platform": platform, **order}
            for platform, orders in zip(self._others, lists, strict=True)
            for order in orders
            if order["number"] in self._by_number
        }

    def _parcels(self, known: Mapping[str, Any]) -> list[Fulfilment]:
        return [
            Fulfilment(
                (one["tracking_number"],),
                {self._run.bare(sku): units for sku, units in one["units"].items()},
            )
            for one in known["parcels"]
        ]

    async def _fulfilments(self) -> dict[int, list[Fulfilment]]:
        found: dict[int, list[Fulfilment]] = {}
        for row in await self._api.rows("shopify", "fulfillments", shop=self._run.shop):
            number = self._by_ref.get(str(row["order_id"]))
            if number is not None:
                units: Counter[str] = Counter()
                for line in row["lines"]:
                    units[self._by_line[line["line_item_id"]]] += line["quantity"]
                found.setdefault(number, []).append(Fulfilment(tuple(row["numbers"]), units))
        return found

    async def _shown(self) -> dict[str, dict[str, int | None]]:
        stocks = await asyncio.gather(*map(self._trade.stock, self._others))
        return {
            platform: {self._run.bare(sku): units for sku, units in stock.items()}
            for platform, stock in zip(self._others, stocks, strict=True)
        }

    async def _mails(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for row in await self._api.rows("mailbox", "messages"):
            for recipient in row["recipients"]:
                number = self._by_email.get(recipient.lower())
                if number is not None:
                    found.setdefault(number, []).append(row["message_id"] or "")
        return found

    async def _levels(self) -> dict[str, Level]:
        found: dict[str, Level] = {}
        for one in await self._api.items("inventory", "/v1/levels"):
            bare = self._run.bare(one["sku"])
            if bare == one["sku"]:
                continue  # another run's
            before = found.get(bare, Level(0, 0, 0))
            found[bare] = Level(
                before.on_hand + one["on_hand"],
                before.reserved + one["reserved"],
                before.short + one["short"],
            )
        return found

    async def _unreadable(self) -> frozenset[str]:
        failed = await self._api.items("order", "/v1/messages", state="failed")
        return frozenset(one["dedupe_key"] for one in failed if one["account"] == self._run.account)

    async def _work(self) -> dict[str, Work]:
        answers = await asyncio.gather(
            *(self._api.get(service, "/v1/operations/status") for service in SERVICES)
        )
        return {service: work_of(status) for service, status in zip(SERVICES, answers, strict=True)}


def _has_left(parcel: Mapping[str, Any]) -> bool:
    return parcel["state"] not in ("labelled", "voided", "cancelled")


def _own_labels(known: Mapping[str, Any]) -> list[LiveLabel]:
    """Those that the marketplace has issued; what it has cancelled needs none."""
    numbers = () if known["is_cancelled"] else known["labels"]
    return [LiveLabel(number, None, known["platform"]) for number in numbers]


def _letters(reference: str) -> str:
    return "".join(one for one in reference if one.isalnum()).lower()

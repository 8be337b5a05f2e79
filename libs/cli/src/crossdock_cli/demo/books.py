"""What everybody's books say of one run: the services', the carrier's, the marketplace's, the mailbox's."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from crossdock_cli.api import Api
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.scenario import SHOPIFY, Case
from crossdock_cli.demo.trade import Trade
from crossdock_cli.stack.services import SERVICES

AT_ONCE = 16
#: Jobs that somebody still has to do something about. A refused one is an answer.
OPEN_JOBS = frozenset({"ready", "running", "needs_person"})
#: Always under way: it waits at a marketplace's queue for what comes.
STANDING_JOB = "marketplace.read_queue"
LAG_S = 5.0


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """order-service's word. `tracking`: the numbers of the parcels that have left."""

    status: str
    tracking: tuple[str, ...] = ()
    exceptions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LiveLabel:
    """A carrier's or marketplace's word: a label that is paid for and not given back.

    `street`: where it goes; None where the marketplace, which knows, does not say.
    """

    tracking: str
    street: str | None


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """The marketplace's word: one parcel of an order. `units` of what it sells, by bare names."""

    numbers: tuple[str, ...]
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Level:
    on_hand: int
    reserved: int
    short: int


@dataclass(frozen=True, slots=True)
class Work:
    """What still waits in a service; all zero when it is through."""

    outbox: int
    jobs: int
    parked: int
    lagging_topics: int


@dataclass(frozen=True, slots=True)
class Books:
    """By case number where it says so. `mails`: Message-IDs of each, in the order they came."""

    orders: Mapping[int, OrderSeen] = field(default_factory=dict)
    strange_orders: int = 0  # in the shop's account, and none of ours
    live_labels: Mapping[int, Sequence[LiveLabel]] = field(default_factory=dict)
    strange_labels: int = 0  # live ones at a carrier, and no shipment of anybody's
    fulfilments: Mapping[int, Sequence[Fulfilment]] = field(default_factory=dict)
    mails: Mapping[int, Sequence[str]] = field(default_factory=dict)
    said: Mapping[int, Mapping[str, int]] = field(default_factory=dict)  # notify's word: sent, by template
    levels: Mapping[str, Level] = field(default_factory=dict)  # by bare SKU
    shown: Mapping[str, Mapping[str, int | None]] = field(
        default_factory=dict
    )  # stock by platform, bare name
    unreadable: frozenset[str] = frozenset()  # webhook ids of deliveries that were kept as unreadable
    work: Mapping[str, Work] = field(default_factory=dict)


@dataclass(slots=True)
class _Labels:
    of: dict[int, list[LiveLabel]] = field(default_factory=dict)
    strange: int = 0


@dataclass(slots=True)
class _Sold:
    """What the marketplaces know: parcels, and the labels that they issued themselves."""

    fulfilments: dict[int, list[Fulfilment]]
    labels: list[tuple[int, LiveLabel]] = field(default_factory=list)


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
        (orders, strange), sold, mails, shown = await asyncio.gather(
            self._orders(), self._sold(), self._mails(), self._shown()
        )
        levels, unreadable, work = await asyncio.gather(self._levels(), self._unreadable(), self._work())
        by_id = {order["order_id"]: number for number, order in orders.items()}
        details, exceptions, said, labels = await asyncio.gather(
            self._details(list(by_id)), self._exceptions(by_id), self._said(by_id), self._labels(by_id)
        )
        for number, one in sold.labels:
            labels.of.setdefault(number, []).append(one)
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
            live_labels=labels.of,
            strange_labels=labels.strange,
            fulfilments=sold.fulfilments,
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

    async def _labels(self, by_id: Mapping[str, int]) -> _Labels:
        """Those of carriers. A reference begins with the shipment's id, in the letters a carrier takes."""
        orders = {
            UUID(one["shipment_id"]).hex: one["order_id"]
            for one in await self._api.items("shipping", "/v1/shipments", at_most=100_000)
        }
        found = _Labels()
        for carrier in self._run.carriers:
            for row in await self._api.listed(carrier, "/_sandbox/labels"):
                if not row["is_live"]:
                    continue
                order_id = orders.get(_letters(row["reference"])[:32])
                if order_id is None:
                    found.strange += 1
                elif order_id in by_id:
                    label = LiveLabel(row["tracking_number"], row["street"])
                    found.of.setdefault(by_id[order_id], []).append(label)
        return found

    async def _sold(self) -> _Sold:
        found = _Sold(await self._fulfilments())
        for platform in self._others:
            for order in await self._trade.orders(platform):
                number = self._by_number.get(order["number"])
                if number is None:
                    continue
                parcels = [
                    Fulfilment(
                        (one["tracking_number"],), {self._run.bare(sku): n for sku, n in one["units"].items()}
                    )
                    for one in order["parcels"]
                ]
                if not order["is_cancelled"]:
                    found.fulfilments[number] = parcels
                    found.labels += [(number, LiveLabel(one, None)) for one in order["labels"]]
        return found

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


def work_of(status: Mapping[str, Any]) -> Work:
    """The sums a person looks at first of a service's `/v1/operations/status`."""
    lagging = [
        one["topic"]
        for one in status["topics"]
        if one["partitions_never_caught_up"] or one["lag_s"] is None or one["lag_s"] > LAG_S
    ]
    return Work(
        outbox=status["outbox"]["rows"] + status["outbox"]["parked_rows"],
        jobs=sum(
            one["jobs"] for one in status["jobs"] if one["state"] in OPEN_JOBS and one["kind"] != STANDING_JOB
        ),
        parked=status["parked"]["keys"],
        lagging_topics=len(lagging),
    )


def _has_left(parcel: Mapping[str, Any]) -> bool:
    return parcel["state"] not in ("labelled", "voided", "cancelled")


def _letters(reference: str) -> str:
    return "".join(one for one in reference if one.isalnum()).lower()

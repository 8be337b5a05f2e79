"""What everybody's books say of one run: the services', the carrier's, the marketplace's, the mailbox's."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crossdock_cli.api import Api
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.scenario import Case
from crossdock_cli.stack.services import SERVICES

AT_ONCE = 16
#: A void that the carrier has taken in makes a label worthless, even while its money is under way.
VOIDED = frozenset({"submitted", "refunded"})
#: Jobs that somebody still has to do something about. A refused one is an answer.
OPEN_JOBS = frozenset({"ready", "running", "needs_person"})
LAG_S = 5.0


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """order-service's word. `tracking`: the numbers of the parcels that have left."""

    status: str
    tracking: tuple[str, ...] = ()
    exceptions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LiveLabel:
    """The carrier's word: a label that is paid for and not given back, and the street it goes to."""

    tracking: str
    street: str


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """The marketplace's word: one parcel of an order. `units` by line item id."""

    numbers: tuple[str, ...]
    units: Mapping[int, int]


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
    fulfilments: Mapping[int, Sequence[Fulfilment]] = field(default_factory=dict)
    mails: Mapping[int, Sequence[str]] = field(default_factory=dict)
    said: Mapping[int, Mapping[str, int]] = field(default_factory=dict)  # notify's word: sent, by template
    levels: Mapping[str, Level] = field(default_factory=dict)  # by bare SKU
    unreadable: frozenset[str] = frozenset()  # webhook ids of deliveries that were kept as unreadable
    work: Mapping[str, Work] = field(default_factory=dict)


class Reader:
    """Reads the books of a run, again and again."""

    def __init__(self, api: Api, run: Run, cases: Sequence[Case]) -> None:
        self._api = api
        self._run = run
        self._by_order = {str(run.order_id(case)): case.number for case in cases}
        self._by_email = {run.email(case): case.number for case in cases}

    async def statuses(self) -> dict[int, str]:
        """Only how far the orders are: one or two pages."""
        return {number: order["status"] for number, order in (await self._orders())[0].items()}

    async def order_ids(self) -> set[str]:
        """Ours, as order-service names them."""
        return {order["order_id"] for order in (await self._orders())[0].values()}

    async def read(self) -> Books:
        (orders, strange), labels, fulfilments, mails = await asyncio.gather(
            self._orders(), self._live_labels(), self._fulfilments(), self._mails()
        )
        levels, unreadable, work = await asyncio.gather(self._levels(), self._unreadable(), self._work())
        by_id = {order["order_id"]: number for number, order in orders.items()}
        details, exceptions, said = await asyncio.gather(
            self._details(list(by_id)), self._exceptions(by_id), self._said(by_id)
        )
        seen = {
            by_id[one["order_id"]]: OrderSeen(
                one["status"],
                tuple(sorted(parcel["tracking_number"] for parcel in one["parcels"] if _has_left(parcel))),
                frozenset(exceptions.get(by_id[one["order_id"]], ())),
            )
            for one in details
        }
        return Books(seen, strange, labels, fulfilments, mails, said, levels, unreadable, work)

    async def _orders(self) -> tuple[dict[int, Any], int]:
        listed = await self._api.items("order", "/v1/orders", account=self._run.account)
        ours = {
            self._by_order[one["external_id"]]: one for one in listed if one["external_id"] in self._by_order
        }
        return ours, len(listed) - len(ours)

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

    async def _live_labels(self) -> dict[int, list[LiveLabel]]:
        found: dict[int, list[LiveLabel]] = {}
        for row in await self._api.rows("easypost", "shipments"):
            if not row["bought_at"] or row["refund_status"] in VOIDED:
                continue
            to = _recipient(row["request"])
            number = self._by_email.get(str(to.get("email")).lower())
            if number is not None:
                label = LiveLabel(row["tracking_code"], str(to.get("street1")))
                found.setdefault(number, []).append(label)
        return found

    async def _fulfilments(self) -> dict[int, list[Fulfilment]]:
        found: dict[int, list[Fulfilment]] = {}
        for row in await self._api.rows("shopify", "fulfillments", shop=self._run.shop):
            number = self._by_order.get(str(row["order_id"]))
            if number is not None:
                units: Counter[int] = Counter()
                for line in row["lines"]:
                    units[line["line_item_id"]] += line["quantity"]
                found.setdefault(number, []).append(Fulfilment(tuple(row["numbers"]), units))
        return found

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
        jobs=sum(one["jobs"] for one in status["jobs"] if one["state"] in OPEN_JOBS),
        parked=status["parked"]["keys"],
        lagging_topics=len(lagging),
    )


def _has_left(parcel: Mapping[str, Any]) -> bool:
    return parcel["state"] not in ("labelled", "voided", "cancelled")


def _recipient(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The address of a shipment as it was asked for."""
    shipment: Mapping[str, Any] = request.get("shipment", request)
    return shipment.get("to_address") or {}

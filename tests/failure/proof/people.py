"""The people of shop and warehouse: they hand over, count, receive, and see to what waits for them."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from crossdock_cli.api import Api
from crossdock_cli.demo.doubts import settle_doubts
from crossdock_cli.demo.world import GOODS
from crossdock_cli.stack.services import SERVICES

from ..history import History
from .clients import Clients, Refused
from .shops import Shop, make_known, put_stock
from .stories import SCARCE
from .traffic import NEW_ADDRESS, NEW_STREET

HAND_OVER_EVERY_S, STOCK_EVERY_S, COUNT_EVERY_S, LOOK_EVERY_S = 4.0, 7.0, 11.0, 10.0
MOST_AT_ONCE = 100
MOST_TRIES = 3
#: Of goods that are not scarce this many units are kept.
ENOUGH_UNITS, DELIVERY_UNITS = 60, 150
NOT_THERE = frozenset({404, 409, 422})
#: What a record without a key, or with one that is no text, is parked under.
WITHOUT_KEY = ("no-key:", "sha256:")


class People:
    """`history` knows the keys of records that nobody can ever read; found parked, they are thrown away."""

    def __init__(
        self, shops: Sequence[Shop], *, seed: int, api: Api, clients: Clients, history: History
    ) -> None:
        self._shops = shops
        self._api = api
        self._clients = clients
        self._history = history
        self._chance = random.Random(f"people/{seed}")
        self._numbers = 0
        self._tries: Counter[str] = Counter()
        self._loops: list[asyncio.Task[None]] = []
        #: What was done, by what it was.
        self.done: Counter[str] = Counter()

    def start(self) -> None:
        """The daily work beside the traffic."""
        daily: tuple[tuple[float, Callable[[], Awaitable[None]]], ...] = (
            (HAND_OVER_EVERY_S, self._hand_over_some),
            (STOCK_EVERY_S, self._receive_some),
            (COUNT_EVERY_S, self._count),
            (LOOK_EVERY_S, self._doubts),
            (LOOK_EVERY_S, self._repairs),
            (LOOK_EVERY_S, self._parked),
            (LOOK_EVERY_S, self._outbox_parked),
        )
        self._loops = [asyncio.create_task(self._every(every_s, work)) for every_s, work in daily]

    async def stop(self) -> None:
        for task in self._loops:
            task.cancel()
        if self._loops:
            await asyncio.wait(self._loops)
        self._loops = []

    async def tidy(self) -> None:
        """One round at everybody's desk after the traffic has ended: whatever waits is decided."""
        for work in (
            self._parked,
            self._outbox_parked,
            self._jobs,
            self._messages,
            self._held,
            self._repairs,
            self._restock,
            self._unfilled,
            self._hand_over_all,
            self._obligations,
            self._doubts,
        ):
            await self._try(work)

    async def close_exceptions(self) -> None:
        """The last word on each surprise, once all else rests."""
        for service in ("order", "inventory", "shipping"):
            for one in await self._clients.items(service, "/v1/exceptions"):
                path = f"/v1/exceptions/{one['exception_id']}/resolution"
                key = self._key("exception", one["exception_id"])
                body = {"resolution": "seen at the end of the day"}
                await self._ask("exception closed", "POST", service, path, body, key=key)

    # -- pace

    async def _every(self, every_s: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self._try(work)

    async def _try(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:  # the edge: a person who is stopped goes on with the next thing
            self.done[f"not done: {type(error).__name__} in {work.__name__.strip('_')}"] += 1

    async def _ask(
        self, what: str, method: str, service: str, path: str, body: Any = None, *, key: str | None = None
    ) -> bool:
        """A command that may come too late. False when it did."""
        try:
            await self._clients.command(method, service, path, body, key=key)
        except Refused as error:
            if error.status not in NOT_THERE:
                raise
            return False
        self.done[what] += 1
        return True

    def _key(self, *parts: object) -> str:
        return self._shops[0].run.key("people", *parts)

    def _may_try(self, subject: str) -> bool:
        """People are patient, not endless."""
        self._tries[subject] += 1
        return self._tries[subject] <= MOST_TRIES

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    # -- the warehouse

    async def _hand_over_some(self) -> None:
        """In a warehouse without automatic hand-over somebody says what has left; not all at once."""
        labelled = await self._labelled()
        await self._hand_over([one for one in labelled if self._chance.random() < 0.5])

    async def _hand_over_all(self) -> None:
        await self._hand_over(await self._labelled())

    async def _labelled(self) -> list[str]:
        found = await self._clients.items("shipping", "/v1/shipments", state="labelled")
        return [one["shipment_id"] for one in found]

    async def _hand_over(self, shipment_ids: Sequence[str]) -> None:
        for start in range(0, len(shipment_ids), MOST_AT_ONCE):
            some = list(shipment_ids[start : start + MOST_AT_ONCE])
            body, key = {"shipment_ids": some}, self._key("hand-over", self._number())
            if await self._ask(
                "hand-overs said", "POST", "shipping", "/v1/shipments/hand-over", body, key=key
            ):
                self.done["shipments named in them"] += len(some)

    async def _receive_some(self) -> None:
        """Goods that run low come in; of the scarce ones a few, so that orders go on fighting for them."""
        shop = self._chance.choice(self._shops)
        await put_stock(shop, self._api, SCARCE, self._chance.randint(1, 3), f"scarce-{self._number()}")
        for level in await self._levels(shop):
            bare = shop.run.bare(level["sku"])
            if bare != SCARCE and level["available_to_promise"] < ENOUGH_UNITS:
                await put_stock(shop, self._api, bare, DELIVERY_UNITS, f"low-{self._number()}")
                self.done["receipts"] += 1

    async def _count(self) -> None:
        """Somebody counts a shelf and finds a unit more or less; a promise may have to be taken back."""
        shop = self._chance.choice(self._shops)
        levels = await self._levels(shop)
        if not levels:
            return
        scarce = [one for one in levels if shop.run.bare(one["sku"]) == SCARCE]
        level = self._chance.choice(scarce if scarce and self._chance.random() < 0.5 else levels)
        counted = max(0, level["on_hand"] + self._chance.choice((-2, -1, 1)))
        body = {
            "warehouse": level["warehouse"],
            "sku": level["sku"],
            "counted": counted,
            "reason": "counted the shelf",
        }
        key = self._key("count", self._number())
        await self._ask("shelves counted", "POST", "inventory", "/v1/adjustments", body, key=key)

    async def _restock(self) -> None:
        """At the end everything that is waited for comes in, and what lies short is made good."""
        wanted: Counter[str] = Counter()
        for one in await self._clients.items("inventory", "/v1/waiting-demand"):
            wanted[one["sku"]] += one["waiting"]
        for shop in self._shops:
            for level in await self._levels(shop):
                missing = wanted[level["sku"]] + level["short"] - max(0, level["available_to_promise"])
                if missing > 0:
                    bare = shop.run.bare(level["sku"])
                    await put_stock(shop, self._api, bare, missing, f"end-{self._number()}")
                    self.done["receipts"] += 1

    async def _levels(self, shop: Shop) -> list[Any]:
        found = await self._clients.items("inventory", "/v1/levels")
        return [one for one in found if shop.run.bare(one["sku"]) in GOODS]

    # -- the desk

    async def _held(self) -> None:
        """Whatever an order still waits for is given to it."""
        for order in await self._clients.items("order", "/v1/orders", status="held"):
            path = f"/v1/orders/{order['order_id']}"
            shown = await self._clients.get("order", path)
            for hold in shown["holds"]:
                await self._lift(hold["reason"], path, shown)

    async def _lift(self, reason: str, path: str, order: Mapping[str, Any]) -> None:
        why, number = {"reason": "decided at the end of the day"}, order["version"]
        key = self._key(reason, path, number)
        if reason == "out_of_stock":
            await self._restock_order(order)
            await self._ask("out of stock: asked again", "POST", "order", f"{path}/retry", why, key=key)
        elif reason == "unknown_sku":
            for shop in self._shops:
                if shop.run.account == order["account"]:
                    await self._name_skus(shop, order)
        else:
            body = {"hold": reason, **why}
            await self._ask(f"released: {reason}", "POST", "order", f"{path}/release", body, key=key)

    async def _unfilled(self) -> None:
        """What a split order did not get does not wait by itself: it is received and asked for again."""
        for one in await self._clients.items("order", "/v1/exceptions", code="unfilled"):
            path = f"/v1/orders/{one['order_id']}"
            order = await self._clients.get("order", path)
            if "unfilled" not in order["progress"] or "awaiting_stock" in order["progress"]:
                continue  # it was asked for again, and the answer is on its way
            await self._restock_order(order)
            body, key = {"reason": "it has come in"}, self._key("unfilled", path, order["version"])
            await self._ask("unfilled: asked again", "POST", "order", f"{path}/retry", body, key=key)

    async def _restock_order(self, order: Mapping[str, Any]) -> None:
        """What was refused to an order is no waiting demand: it is received for it."""
        shop = next(one for one in self._shops if one.run.account == order["account"])
        atp = {one["sku"]: one["available_to_promise"] for one in await self._levels(shop)}
        wanted: Counter[str] = Counter()
        for line in order["lines"]:
            if line["sku"] is not None:
                wanted[line["sku"]] += line["units"]
        for sku, units in wanted.items():
            if units > atp.get(sku, 0):
                await put_stock(shop, self._api, shop.run.bare(sku), units, f"held-{self._number()}")
                self.done["receipts"] += 1

    async def _name_skus(self, shop: Shop, order: Mapping[str, Any]) -> None:
        for line in order["lines"]:
            bare = shop.run.bare(line["external_sku"] or "")
            if bare.startswith("NEW"):
                await make_known(shop, self._api, bare)
                self.done["SKUs made known"] += 1

    async def _repairs(self) -> None:
        """A leg that needs repair: the order gets an address the carrier takes, or is tried once more."""
        for one in await self._clients.items("shipping", "/v1/shipments", state="needs_repair"):
            order_path = f"/v1/orders/{one['order_id']}"
            shown = await self._clients.get("order", order_path)
            consignee = shown["consignee"] or {}
            if consignee.get("lines", [None])[0] != NEW_STREET:
                body: dict[str, Any] = {"consignee": NEW_ADDRESS, "reason": "the buyer told us by phone"}
                path, key = f"{order_path}/consignee", self._key("address", order_path)
                await self._ask("addresses repaired", "PATCH", "order", path, body, key=key)
            else:
                path, body = f"/v1/shipments/{one['shipment_id']}/repair", {"reason": "once more"}
                key = self._key("repair", path, self._number())
                await self._ask("legs tried again", "POST", "shipping", path, body, key=key)

    async def _parked(self) -> None:
        """Replay what rests; throw away what nobody can ever read."""
        poison = {one.key for one in self._history.injected if one.poison}
        for service in SERVICES:
            for one in await self._clients.items(service, "/v1/operations/parked"):
                path = f"/v1/operations/parked/{one['key']}"
                if one["key"] in poison or one["key"].startswith(WITHOUT_KEY):
                    reason = "?reason=nobody+can+read+it"
                    await self._ask("poison thrown away", "DELETE", service, path + reason)
                else:
                    await self._ask("parked keys replayed", "POST", service, f"{path}/replay")

    async def _outbox_parked(self) -> None:
        for service in SERVICES:
            for one in await self._clients.items(service, "/v1/operations/outbox/parked"):
                path = f"/v1/operations/outbox/parked/{one['key']}/release"
                body = {"reason": "the topic takes larger records again"}
                await self._ask("outbox rows released", "POST", service, path, body)

    async def _jobs(self) -> None:
        for service in SERVICES:
            for one in await self._clients.items(service, "/v1/operations/jobs", state="needs_person"):
                if not self._may_try(one["job_id"]):
                    continue
                path = f"/v1/operations/jobs/{one['job_id']}/retry"
                body = {"certainly_not_done": False, "reason": "their outage is over"}
                await self._ask("jobs tried again", "POST", service, path, body)

    async def _messages(self) -> None:
        """Webhooks that were kept and not imported: read again; what is not JSON stays so."""
        for one in await self._clients.items("order", "/v1/messages", state="failed"):
            path = f"/v1/messages/{one['message_id']}/reimport"
            key = self._key("reimport", one["message_id"])
            await self._ask("messages read again", "POST", "order", path, {"reason": "once more"}, key=key)

    async def _obligations(self) -> None:
        for state in ("refused", "needs_person"):
            for one in await self._clients.items("order", "/v1/obligations", state=state):
                if not self._may_try(one["obligation_id"]):
                    continue  # what the marketplace refuses again stays refused
                path = f"/v1/obligations/{one['obligation_id']}/retry"
                key = self._key("obligation", one["obligation_id"], self._number())
                await self._ask(
                    "write-backs tried again", "POST", "order", path, {"reason": "again"}, key=key
                )

    async def _doubts(self) -> None:
        """Mails that may or may not have arrived are looked up in the mailbox; labels at the carrier."""
        await self._outcomes()
        found = await self._clients.items("notify", "/v1/messages", state="outcome_unknown")
        if found:
            await settle_doubts(self._shops[0].run, self._api, {one["order_id"] for one in found})
            self.done["mails looked up"] += len(found)

    async def _outcomes(self) -> None:
        """A label nobody can say anything about: the carrier's own books decide."""
        waiting = await self._clients.items(
            "shipping", "/v1/operations/jobs", state="needs_person", kind="buy_label"
        )
        for job in waiting:
            shipment_id = job["reference"].partition("/")[0]
            rows = await self._api.rows("easypost", "shipments", reference=job["reference"])
            bought = [row for row in rows if row["bought_at"]]
            body = {"outcome": "not_bought", "reason": "not in the carrier's books"}
            if bought:
                body = {
                    "outcome": "bought",
                    "carrier_ref": bought[0]["id"],
                    "reason": "in the carrier's books",
                }
            path, key = f"/v1/shipments/{shipment_id}/outcome", self._key("outcome", job["job_id"])
            await self._ask("labels looked up", "POST", "shipping", path, body, key=key)

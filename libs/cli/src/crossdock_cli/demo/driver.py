"""Does what the scenario says: as the marketplace, as the carrier's bad day, and as the people of the shop.

Every step may be done twice: webhooks keep their ids, commands their idempotency keys, and a step counts as
done only after it was. So the driver may be killed and resumed, and so may everything it talks to.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from crossdock_cli.api import Api, Refused
from crossdock_cli.demo.cases import CANCELLED, CLOSED, SHOPIFY, Case
from crossdock_cli.demo.merchant import map_sku, receive
from crossdock_cli.demo.run import Run
from crossdock_cli.demo.shop_orders import changed, is_changed, shop_order
from crossdock_cli.demo.steps import (
    Buy,
    CarrierSlow,
    Change,
    Deliver,
    HandOver,
    MapSku,
    Person,
    Receive,
    Step,
    Until,
)
from crossdock_cli.demo.trade import Trade
from crossdock_cli.demo.world import GOODS

CHUNK = 25  # ordinary orders that are placed together
AT_ONCE = 16
LOOK_EVERY_S = 0.5
NOT_FOUND, CONFLICT = 404, 409
ENDED = frozenset({CLOSED, CANCELLED})
GONE = frozenset({"handed_over", "delivered", "returned", "lost"})


class WaitedInVain(Exception):
    """What was to come did not come in time. The text says what and for which order."""


class Driver:
    """One run. `save` is called after every step. A wait is in vain when nothing has moved for `patience_s`,
    with this order or any other: a slow machine is no finding.
    """

    def __init__(
        self,
        run: Run,
        api: Api,
        *,
        save: Callable[[], None],
        patience_s: float,
    ) -> None:
        self._run = run
        self._api = api
        self._trade = Trade(run, api)
        self._save = save
        self._patience_s = patience_s
        self._order_ids: dict[int, str] = {}
        self._moved_at = time.monotonic()
        self.placed = 0
        self.troubles: list[str] = []

    def moved(self) -> None:
        """Something came further somewhere."""
        self._moved_at = time.monotonic()

    async def play(self, cases: Sequence[Case]) -> None:
        """All steps of all cases; special cases side by side, ordinary ones in chunks."""
        special = [case for case in cases if not case.is_ordinary]
        ordinary = [case for case in cases if case.is_ordinary]
        await asyncio.gather(self._place(ordinary), *(self._case(case) for case in special))

    async def _case(self, case: Case) -> None:
        for index, step in enumerate(case.steps):
            if index < self._run.done.get(str(case.number), 0):
                continue
            try:
                await self._step(case, index, step)
            except (WaitedInVain, Refused) as error:
                self.troubles.append(f"{case.title}: {error}")
                return
            self._done(case, index + 1)
        self.placed += 1

    def _done(self, case: Case, steps: int) -> None:
        self._run.done[str(case.number)] = steps
        self.moved()
        self._save()

    # -- the marketplace

    async def _place(self, cases: Sequence[Case]) -> None:
        """Ordinary orders have one step: they are placed, and the shop tells of them."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def put(case: Case) -> None:
            async with gate:
                if case.platform == SHOPIFY:
                    await self._put_order(case)
                else:
                    await self._trade.buy(case)

        for start in range(0, len(cases), CHUNK):
            chunk = cases[start : start + CHUNK]
            new = [case for case in chunk if str(case.number) not in self._run.done]
            if new:
                await asyncio.gather(*map(put, new))
                wanted = [
                    self._delivery(case, 0, step)
                    for case in new
                    for step in case.steps
                    if isinstance(step, Deliver)
                ]
                if wanted:
                    await self._send_webhooks(wanted)
                self._run.done.update({str(case.number): 1 for case in new})
                self.moved()
                self._save()
            self.placed += len(chunk)

    async def _deliver(self, case: Case, index: int, step: Deliver) -> None:
        if step.signature != "good":
            # Somebody else makes it up: the shop, which is asked for its orders too, has none like it.
            order = shop_order(self._run, case, placed_at=datetime.now(UTC))
            await self._send_webhooks([self._delivery(case, index, step, _written(order))])
            return
        order = await self._put_order(case)
        if step.change is not None and not is_changed(order, step.change):
            await self._api.send("PUT", "shopify", self._order_path(case), changed(order, step.change))
        body = step.raw
        if step.as_before:
            placed_at = datetime.fromisoformat(order["created_at"])
            body = _written(shop_order(self._run, case, placed_at=placed_at))
        await self._send_webhooks([self._delivery(case, index, step, body)])

    async def _put_order(self, case: Case) -> dict[str, Any]:
        """The shop's order as it is; placed now if it is not there yet."""
        try:
            found: dict[str, Any] = await self._api.get("shopify", self._order_path(case))
        except Refused as error:
            if error.status != NOT_FOUND:
                raise
            found = shop_order(self._run, case, placed_at=datetime.now(UTC))
            await self._api.send("PUT", "shopify", self._order_path(case), found)
        return found

    def _order_path(self, case: Case) -> str:
        return f"/_sandbox/shops/{self._run.shop}/orders/{self._run.order_id(case)}"

    def _delivery(self, case: Case, index: int, step: Deliver, body: str | None = None) -> dict[str, Any]:
        return {
            "topic": step.topic,
            "order_id": self._run.order_id(case),
            "copies": step.copies,
            "signature": step.signature,
            "body": body,
            "webhook_id": webhook_id(self._run, case, index),
        }

    async def _send_webhooks(self, wanted: Sequence[dict[str, Any]]) -> None:
        await self._api.send("POST", "shopify", f"/_sandbox/shops/{self._run.shop}/deliveries", list(wanted))

    # -- the people and the carrier

    async def _step(self, case: Case, index: int, step: Step) -> None:
        match step:
            case Deliver():
                await self._deliver(case, index, step)
            case Buy():
                await self._trade.buy(case)
            case Change():
                await self._trade.change(case, step.change)
            case Until():
                await self._until(str(step), lambda: self._shows(case, step))
            case Receive():
                for sku, units in step.units.items():
                    await receive(self._run, self._api, GOODS[sku].warehouse, {sku: units}, step.note)
            case MapSku():
                await map_sku(self._run, self._api, step.name, step.components)
            case Person():
                await self._command(case, index, step)
            case HandOver():
                await self._until("everything handed over", lambda: self._hand_over(case))
            case CarrierSlow():
                await self._slow_down(case, step.delay_s)

    async def _command(self, case: Case, index: int, step: Person) -> None:
        order_id = await self._order_id(case)
        method = "PATCH" if step.command == "consignee" else "POST"
        path = f"/v1/orders/{order_id}/{step.command}"
        await self._api.send(method, "order", path, step.body, key=self._run.key(case.number, index))

    async def _hand_over(self, case: Case) -> bool:
        """Hand over what has a label; true when the order has nothing left to hand over."""
        order_id = await self._order_id(case)
        for one in await self._api.items("shipping", "/v1/shipments", order_id=order_id, state="labelled"):
            path = f"/v1/shipments/{one['shipment_id']}/hand-over"
            try:
                await self._api.send("POST", "shipping", path, key=self._run.key("hand-over", path))
            except Refused as error:
                if error.status != CONFLICT:  # else shipping has not heard yet that it may leave
                    raise
        order = await self._order(case)
        return order is not None and order["status"] in ENDED

    async def _slow_down(self, case: Case, delay_s: float) -> None:
        faults = await self._api.get("easypost", "/_sandbox/faults")
        rules = [
            {name: one[name] for name in ("operation", "mode", "times", "delay_s", "match")}
            for one in faults["faults"]
            if one["match"] != self._run.email(case)
        ]
        rules.append(
            {
                "operation": "shipment.create",
                "mode": "answer_late",
                "times": 1,
                "delay_s": delay_s,
                "match": self._run.email(case),
            }
        )
        await self._api.send("PUT", "easypost", "/_sandbox/faults", rules)

    # -- waiting

    async def _until(self, what: str, holds: Callable[[], Awaitable[bool]]) -> None:
        while not await holds():
            if time.monotonic() - self._moved_at > self._patience_s:
                raise WaitedInVain(f"waited for {what}, and nothing moved for {self._patience_s:.0f} s")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _shows(self, case: Case, wanted: Until) -> bool:
        order = await self._order(case)
        if order is None:
            return False
        shown = {
            "status": wanted.status in (None, order["status"]),
            "hold": wanted.hold is None or wanted.hold in {one["reason"] for one in order["holds"]},
            "labelled": len(order["parcels"]) >= (wanted.labelled or 0),
            "relabelled": not wanted.relabelled or _has_new_labels(order, case.last_street),
            "shipped_units": _shipped_units(order) >= (wanted.shipped_units or 0),
            "repair": not wanted.repair or "needs_repair" in order["progress"],
        }
        if not all(shown.values()):
            return False
        if wanted.confirmed is not None:  # only asked at Shopify
            rows = await self._api.rows(
                "shopify", "fulfillments", shop=self._run.shop, order_id=self._run.order_id(case)
            )
            if len(rows) < wanted.confirmed:
                return False
        if wanted.mailed is not None:
            mails = await self._api.get("mailbox", "/_sandbox/messages", to=self._run.email(case))
            if len(mails["messages"]) < wanted.mailed:
                return False
        return not wanted.asked_carrier or await self._carrier_was_asked(case)

    async def _carrier_was_asked(self, case: Case) -> bool:
        faults = await self._api.get("easypost", "/_sandbox/faults")
        return any(one["match"] == self._run.email(case) and one["fired"] for one in faults["faults"])

    async def _order(self, case: Case) -> dict[str, Any] | None:
        try:
            order_id = await self._order_id(case)
        except WaitedInVain:
            return None
        found: dict[str, Any] = await self._api.get("order", f"/v1/orders/{order_id}")
        return found

    async def _order_id(self, case: Case) -> str:
        """Ours for the marketplace's. Raises WaitedInVain while it has not come in."""
        if case.number not in self._order_ids:
            ref, account = await self._ref(case), self._run.account_at(case.platform)
            found = await self._api.items("order", "/v1/orders", account=account, ref=ref) if ref else []
            if not found:
                raise WaitedInVain(f"order {self._run.order_number(case)} has not come in")
            self._order_ids[case.number] = found[0]["order_id"]
        return self._order_ids[case.number]

    async def _ref(self, case: Case) -> str | None:
        """The marketplace's id; None while the order is not placed."""
        if case.platform == SHOPIFY:
            return str(self._run.order_id(case))
        return await self._trade.order_id(case)


def webhook_id(run: Run, case: Case, index: int) -> str:
    """Of the webhook that a step sends."""
    return run.key("webhook", case.number, index)


def unreadable_webhooks(run: Run, cases: Sequence[Case]) -> list[str]:
    """The webhooks that cannot be read, and have to be kept for a person to see."""
    return [
        webhook_id(run, case, index)
        for case in cases
        for index, step in enumerate(case.steps)
        if isinstance(step, Deliver) and step.raw is not None
    ]


def _written(order: dict[str, Any]) -> str:
    return json.dumps(order, ensure_ascii=False)


def _has_new_labels(order: dict[str, Any], street: str) -> bool:
    """Whether the corrected address has come in and every label is of the order as it is with it."""
    parcels = order["parcels"]
    arrived = (order["consignee"] or {}).get("lines", [None])[:1] == [street]
    return (
        arrived and bool(parcels) and all(one["label_revision"] == order["label_revision"] for one in parcels)
    )


def _shipped_units(order: dict[str, Any]) -> int:
    return sum(leg["units"] for leg in order["legs"] if leg["state"] in GONE)

"""Plays the stories at a steady pace, whatever breaks: as the shops, their buyers and people at a desk."""

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from crossdock_cli.api import Api, Refused
from crossdock_cli.errors import CommandFailed

from .clients import Clients, NoAnswer
from .clients import Refused as CommandRefused
from .shops import Marketplace, Shop, as_text, make_known
from .stories import Kind, Story, make_story

#: Orders that have not come to an end, and webhooks under way. Above it nothing new is placed.
MOST_OPEN = 150
LOOK_EVERY_S = 1.0
#: Old webhooks come again, and readers look at orders, this often.
AGAIN_EVERY_S, READ_EVERY_S = 3.0, 0.4
READERS = 2
REMEMBERED = 400
COMES_IN_S = 90.0
CONFLICT = 409
NEW_STREET = "SQN 212 Bloco A"
NEW_ADDRESS = {
    "name": "Inês Araújo",
    "lines": [NEW_STREET, "Apto 101"],
    "city": "Brasília",
    "province": "DF",
    "postal_code": "70864-010",
    "country": "BR",
    "phone": "+55 61 3307 1000",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A webhook that may come again, with the body it had."""

    shop: Shop
    order_id: int
    topic: str
    webhook_id: str
    body: str


class Traffic:
    """`count_open` tells how many orders have not ended; it may fail while the database is away."""

    def __init__(
        self,
        shops: Sequence[Shop],
        *,
        seed: int,
        per_s: float,
        api: Api,
        clients: Clients,
        count_open: Callable[[], Awaitable[int | None]],
    ) -> None:
        self._shops = shops
        self._seed = seed
        self._per_s = per_s
        self._api = api
        self._marketplace = Marketplace(api)
        self._clients = clients
        self._count_open = count_open
        self._chance = random.Random(f"traffic/{seed}")
        self._sent: deque[Sent] = deque(maxlen=REMEMBERED)
        self._order_ids: deque[str] = deque(maxlen=REMEMBERED)
        self._stories: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self.placed = 0
        self.open: int | None = 0
        self.held_back_s = 0.0
        self.kinds: Counter[str] = Counter()
        #: Steps that were refused or that nobody answered: for the report, not a judgement.
        self.troubles: Counter[str] = Counter()

    def start(self) -> None:
        readers = [self._read(f"reader-{n}") for n in range(READERS)]
        self._loops = [
            asyncio.create_task(one) for one in (self._place(), self._watch(), self._again(), *readers)
        ]

    async def stop(self, *, patience_s: float) -> None:
        """Place nothing more and let what has begun come to its end. Safe to repeat."""
        for task in self._loops:
            task.cancel()
        if self._loops:
            await asyncio.wait(self._loops)
        self._loops = []
        if self._stories:
            _, late = await asyncio.wait(self._stories, timeout=patience_s)
            for task in late:
                self.troubles["a story did not come to its end"] += 1
                task.cancel()
            if late:
                await asyncio.wait(late)

    # -- the pace

    async def _place(self) -> None:
        due = time.monotonic()
        while True:
            due += 1 / self._per_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            while self.open is None or self.open + len(self._stories) > MOST_OPEN:
                held_at = time.monotonic()
                await asyncio.sleep(LOOK_EVERY_S)
                self.held_back_s += time.monotonic() - held_at
                due = time.monotonic()
            self.placed += 1
            story = make_story(self._seed, self.placed, shops=len(self._shops))
            self.kinds[story.kind] += 1
            task = asyncio.create_task(self._tell(story))
            self._stories.add(task)
            task.add_done_callback(self._stories.discard)

    async def _watch(self) -> None:
        while True:
            try:
                pending, still_open = await self._marketplace.pending(), await self._count_open()
            except CommandFailed:
                pending, still_open = 0, None
            self.open = None if still_open is None else still_open + pending
            await asyncio.sleep(LOOK_EVERY_S)

    async def _again(self) -> None:
        """Old webhooks come again, minutes later: with their id, or as if they were new."""
        while True:
            await asyncio.sleep(AGAIN_EVERY_S)
            if not self._sent:
                continue
            old = self._chance.choice(tuple(self._sent))
            same_id = old.webhook_id if self._chance.random() < 0.5 else None
            try:
                await self._marketplace.deliver(
                    old.shop, old.order_id, old.topic, body=old.body, webhook_id=same_id
                )
            except CommandFailed as error:
                self._trouble(error)

    async def _read(self, client: str) -> None:
        """A client looks at the latest orders again and again, each time at another replica."""
        while True:
            await asyncio.sleep(READ_EVERY_S)
            if self._order_ids:
                await self._clients.look(client, self._chance.choice(tuple(self._order_ids)))

    # -- one order

    async def _tell(self, story: Story) -> None:
        try:
            await self._play(story, self._shops[story.shop])
        except Exception as error:  # the edge: what becomes of one order must not end the others
            self._trouble(error)

    async def _play(self, story: Story, shop: Shop) -> None:
        order_id, wait_s = shop.run.order_id(story.case), story.wait_s
        match story.kind:
            case Kind.ORDINARY | Kind.LAST_UNITS | Kind.REFUSED_STREET:
                await self._create(story, shop)
            case Kind.PAID_LATER:
                await self._create(story, shop)
                await self._change(story, shop, "paid", "orders/paid")
            case Kind.CANCELLED_BY_SHOP:
                await self._create(story, shop)
                await self._change(story, shop, "cancelled", "orders/cancelled")
            case Kind.CANCELLED_FIRST:
                before = await self._marketplace.put(shop, story.case, change="cancelled")
                await self._deliver(shop, order_id, "orders/cancelled")
                await asyncio.sleep(wait_s[0])
                await self._deliver(shop, order_id, "orders/create", body=as_text(before))
            case Kind.CANCELLED_BY_PERSON:
                await self._create(story, shop)
                await self._person(
                    story, shop, "POST", "cancellation", {"reason": "the buyer asked by phone"}
                )
            case Kind.MOVED:
                await self._create(story, shop)
                await self._change(story, shop, "address", "orders/updated")
            case Kind.MOVED_BY_PERSON:
                await self._create(story, shop)
                body = {"consignee": NEW_ADDRESS, "reason": "the buyer told us by phone"}
                await self._person(story, shop, "PATCH", "consignee", body)
            case Kind.UPDATED_FIRST:
                before = await self._marketplace.put(shop, story.case, change="address")
                await self._deliver(shop, order_id, "orders/updated")
                await asyncio.sleep(wait_s[0])
                await self._deliver(shop, order_id, "orders/create", body=as_text(before))
            case Kind.OLDER_AFTER_NEWER:
                before = await self._create(story, shop)
                await self._change(story, shop, "address", "orders/updated")
                await asyncio.sleep(wait_s[1])
                await self._deliver(shop, order_id, "orders/updated", body=as_text(before))
            case Kind.UNKNOWN_SKU:
                await self._unknown(story, shop)
            case Kind.HELD:
                await self._create(story, shop)
                await self._person(story, shop, "POST", "hold", {"reason": "the buyer asked us to wait"})
                release = {"hold": "manual", "reason": "the buyer is back"}
                await self._person(story, shop, "POST", "release", release)
            case Kind.FORGED:
                await self._marketplace.put(shop, story.case)
                signature = "bad" if story.repeats == 1 else "missing"
                await self._marketplace.deliver(shop, order_id, "orders/create", signature=signature)
            case Kind.BROKEN:
                await self._marketplace.deliver(
                    shop, order_id, "orders/create", body="<order>not JSON</order>"
                )
                await self._create(story, shop)

    async def _create(self, story: Story, shop: Shop, *, sku: str | None = None) -> dict[str, Any]:
        before = await self._marketplace.put(shop, story.case, sku=sku)
        order_id = shop.run.order_id(story.case)
        if story.kind is Kind.ORDINARY and story.copies > 1:
            body = as_text(await self._marketplace.order(shop, story.case))
            webhook_id = await self._marketplace.deliver(
                shop, order_id, "orders/create", body=body, copies=story.copies
            )
            self._sent.append(Sent(shop, order_id, "orders/create", webhook_id, body))
        else:
            await self._deliver(shop, order_id, "orders/create", copies=story.copies)
        return before

    async def _deliver(
        self, shop: Shop, order_id: int, topic: str, *, body: str | None = None, copies: int = 1
    ) -> None:
        await self._marketplace.deliver(shop, order_id, topic, body=body, copies=copies)

    async def _change(self, story: Story, shop: Shop, change: str, topic: str) -> None:
        """The buyer does something after a while, and the shop says so."""
        await asyncio.sleep(story.wait_s[0])
        await self._marketplace.change(shop, story.case, change)
        await self._deliver(shop, shop.run.order_id(story.case), topic, copies=story.repeats)

    async def _person(
        self, story: Story, shop: Shop, method: str, command: str, body: dict[str, Any]
    ) -> None:
        """A command of a person, sent twice with one key, as a nervous finger does."""
        await asyncio.sleep(story.wait_s[0] if command != "release" else story.wait_s[1])
        order_id = await self._ours(story, shop)
        key = shop.run.key(story.number, command)
        path = f"/v1/orders/{order_id}/{command}"
        for _ in range(2):
            try:
                await self._clients.command(method, "order", path, body, key=key)
            except CommandRefused as error:
                if error.status != CONFLICT:  # it has been shipped, or cancelled, or is not held (any more)
                    raise

    async def _unknown(self, story: Story, shop: Shop) -> None:
        name = f"NEW{story.number}"
        await self._create(story, shop, sku=shop.run.sku(name))
        await asyncio.sleep(story.wait_s[1])
        await make_known(shop, self._api, name)

    async def _ours(self, story: Story, shop: Shop) -> str:
        """Our id for the marketplace's. Raises NoAnswer when the order does not come in."""
        ref = str(shop.run.order_id(story.case))
        deadline = time.monotonic() + COMES_IN_S
        while time.monotonic() < deadline:
            found = await self._clients.items("order", "/v1/orders", account=shop.run.account, ref=ref)
            if found:
                order_id: str = found[0]["order_id"]
                self._order_ids.append(order_id)
                return order_id
            await asyncio.sleep(LOOK_EVERY_S)
        raise NoAnswer("an order did not come in")

    def _trouble(self, error: Exception) -> None:
        status = f" {error.status}" if isinstance(error, CommandRefused | Refused) else ""
        self.troubles[f"{type(error).__name__}{status}"] += 1
